/*
 * The inside of the supervisor, for supervisor.c and the files that are parts of it: start.c
 * (opening everything), supervisor_hosts.c (what the parts report) and reload.c (another configuration).
 * Supervisor's main thread only.
 */
#ifndef SUPERVISOR_SUPERVISOR_PRIVATE_H
#define SUPERVISOR_SUPERVISOR_PRIVATE_H

#include <systemd/sd-event.h>

#include "common/ipc/runtime_dir.h"
#include "supervisor/control/control.h"
#include "supervisor/control/events.h"
#include "supervisor/control/query.h"
#include "supervisor/helpers/keeper.h"
#include "supervisor/listen.h"
#include "supervisor/overrides.h"
#include "supervisor/process/children.h"
#include "supervisor/process/orphan.h"
#include "supervisor/supervisor.h"

struct supervisor {
    struct config *config;        /* the file with the changes, as it is in force */
    struct config_source *source; /* the file's text */
    struct changes *changes;
    char *config_path; /* absolute */
    const struct supervisor_options *options;
    sd_event *event;
    sd_event_source *sigterm, *sigint, *sighup;
    sd_event_source *share_timer; /* armed while fan-outs do not know of each other's viewers */
    sd_event_source *bury_timer;  /* cameras that have ended are destroyed from the loop */
    struct runtime_dir *runtime_dir;
    struct children *children;
    struct keeper *keeper;
    struct leftovers *leftovers;
    int listener;
    int load_board; /* of the fan-outs; -1: there is one only */
    char address[LISTEN_URL_SIZE];
    struct control *control;
    struct inquiries *inquiries;
    struct events *events;
    struct fanout **fanouts;
    size_t fanout_count;
    struct template *template;
    struct exporter *exporter; /* NULL: there is no admin address */
    struct camera **cameras;
    size_t camera_count;
    uint64_t started_ms;
    uint64_t takeover_until_ms; /* until then what a killed supervisor left may still be in use */
    int exit_code;
    bool took_over; /* the keeper of a killed ringcastd was found */
    bool ready;
    bool stopping;
};

/* supervisor_hosts.c: what everything reports to. */
struct camera_host supervisor_camera_host(struct supervisor *supervisor);
struct fanout_host supervisor_fanout_host(struct supervisor *supervisor);
struct template_host supervisor_template_host(struct supervisor *supervisor);
struct keeper_host supervisor_keeper_host(struct supervisor *supervisor);
struct exporter_host supervisor_exporter_host(struct supervisor *supervisor);

/* supervisor.c: something has become ready, or has ended; perhaps it was the last. */
void supervisor_check_ready(struct supervisor *supervisor);
void supervisor_check_finished(struct supervisor *supervisor);

/* supervisor.c: NULL: there is no camera NAME. */
struct camera *supervisor_find_camera(const struct supervisor *supervisor, const char *name);

/* start.c: everything but the processes, in a fixed order. 0 or negative errno, logged. */
int supervisor_open(struct supervisor *supervisor);

/* start.c: the viewers' socket for HOST and PORT; errors are logged. 0 or negative errno. */
int supervisor_open_listener(struct supervisor *supervisor, const char *host, int port);

/* start.c: another camera at the end of the list; not started. 0 or negative errno, logged. */
int supervisor_make_camera(struct supervisor *supervisor, const struct config_camera *config);

/* reload.c: makes the cameras what the configuration says; to be called again when one that must end has. */
void reload_reconcile(struct supervisor *supervisor);

#endif
