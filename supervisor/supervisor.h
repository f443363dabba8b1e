/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: everything that ringcastd owns, from start to stop. This header is for the top floor of
 * supervisor/ alone, whose files share the one struct: start.c opens, runs and closes it, supervisor.c reacts
 * to its processes, cameras.c to its cameras, reload.c changes it, commands.c and status.c answer for it. One
 * thread; NNG's threads run none of its code.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/config/config.h"
#include "common/config/config_source.h"
#include "common/ipc/attention_list.h"
#include "common/ipc/latency.h"
#include "common/ipc/runtime_dir.h"
#include "supervisor/camera/camera.h"
#include "supervisor/camera/logins.h"
#include "supervisor/central.h"
#include "supervisor/cluster.h"
#include "supervisor/control/control.h"
#include "supervisor/control/events.h"
#include "supervisor/control/query.h"
#include "supervisor/helpers/access.h"
#include "supervisor/helpers/exporter.h"
#include "supervisor/helpers/fanout.h"
#include "supervisor/helpers/keeper.h"
#include "supervisor/helpers/on_demand.h"
#include "supervisor/helpers/password.h"
#include "supervisor/helpers/sync_point.h"
#include "supervisor/overrides.h"
#include "supervisor/places.h"
#include "supervisor/process/children.h"
#include "supervisor/process/fork_server.h"
#include "supervisor/process/listen.h"
#include "supervisor/process/orphan.h"
#include "supervisor/programs.h"
#include "supervisor/rtsp_door.h"

struct supervisor_options {
    const char *program_dir;                        /* the directory of the other programs */
    int child_log;                                  /* standard error of the children; -1: ringcastd's own */
    void (*ready)(void *data, const char *address); /* called once; may be NULL */
    void *data;
};

struct supervisor {
    struct config *config; /* the configuration in force: the file, the cluster's cameras and the overrides */
    struct config_source *source; /* the file's text */
    struct overrides *overrides;
    struct central *central; /* the cameras of the whole cluster */
    struct logins *logins;
    char *config_path; /* absolute */
    const struct supervisor_options *options;
    sd_event *event;
    sd_event_source *sigterm, *sigint, *sighup;
    sd_event_source *share_timer; /* armed while fan-outs have yet to learn of each other's viewers */
    sd_event_source *bury_timer;  /* armed while cameras that have ended have yet to be destroyed */
    struct runtime_dir *runtime_dir;
    struct children *children;
    struct keeper *keeper;
    struct orphan_list *orphans;
    int listener;
    int load_board; /* of the fan-outs; -1: there is only one */
    char address[LISTEN_URL_SIZE];
    struct rtsp_door rtsp;
    struct places places;           /* of shared cameras */
    json_t *cluster;                /* what ringcast-relay is told (cluster.h); NULL: there is no cluster */
    struct certificate certificate; /* for viewers' TLS */
    int http_policy;                /* the rules for HTTP, http_policy.h */
    struct access *access;          /* who may watch */
    struct password *password;
    struct on_demand *programs[PROGRAM_KINDS];
    struct control *control;
    struct query_set *queries;
    struct events *events;
    struct attention_list attention; /* events of cameras in force */
    struct attention_budget attention_budget;
    struct fanout **fanouts;
    size_t fanout_count;
    struct fork_server *fork_server;
    struct sync_points *sync_points;
    struct exporter *exporter; /* NULL: no admin address is configured */
    struct camera **cameras;
    size_t camera_count;
    uint64_t started_ms;
    uint64_t takeover_until_ms; /* until then the children of a killed ringcastd may be in the way */
    int exit_code;
    bool took_over; /* the keeper of a killed ringcastd was found */
    bool owner;     /* what that ringcastd left is ours, so that it must not be left for another start */
    bool ready;
    bool stopping;
};

/* NULL: there is no camera NAME. */
struct camera *supervisor_find_camera(const struct supervisor *supervisor, const char *name);

/* Viewers of CAMERA, over all fan-outs. */
int64_t supervisor_viewers(const struct supervisor *supervisor, const char *camera);

/* How often viewers of CAMERA missed something, over the fan-outs that run now. */
int64_t supervisor_drops(const struct supervisor *supervisor, const char *camera);

/*
 * The latencies of CAMERA, from publication until a fragment was sent to the viewers that keep up, of all
 * fan-outs.
 */
struct latency supervisor_latency(const struct supervisor *supervisor, const char *camera);

/* Sets the level of ringcastd's log and of every other process. */
void supervisor_set_log_level(struct supervisor *supervisor, enum log_level level);

/* The event `process-state`: PROCESS, the one of this INDEX, is in another state. */
void supervisor_publish_process(struct supervisor *supervisor, const char *process, size_t index,
                                struct service *service, const char *reason);

/* Begins to stop, as on SIGTERM. */
void supervisor_stop(struct supervisor *supervisor);

/* Reports that ringcastd is ready, once every process runs and every camera has its worker or needs none. */
void supervisor_check_ready(struct supervisor *supervisor);

/* Ends the event loop once the supervisor is stopping and the last process has ended. */
void supervisor_check_finished(struct supervisor *supervisor);

/*
 * True, after a short pause, while the children of a killed ringcastd may still hold what could not be
 * opened: then it is worth another attempt.
 */
bool supervisor_takeover_pause(const struct supervisor *supervisor);

#endif
