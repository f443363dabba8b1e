/* SPDX-License-Identifier: MIT */
/*
 * One camera: its ring, its state and its worker.
 *
 *              restart, end of backoff
 *        ┌───────────────────────────────┐
 *        ▼                               │
 *     starting ──▶ streaming ◀──▶ stalled      as the worker reports
 *        │             │             │
 *        └─────────────┴─────────────┴──▶ backoff ──▶ failed     the worker died (again and again)
 *
 *     disabled, idle: no worker is wanted; from any state, and to starting when one is
 *     failed: also from any state without a worker, while the ring cannot be made; and from any state with a
 *             worker, and back to starting, while the camera refuses the log-in and the worker waits (logins.h)
 *
 * The ring (camera_ring.h) and its wake eventfd outlive every worker, so readers keep their mappings and
 * decode times go on. There is never more than one worker: the next one is requested when the last one is
 * reaped. Owned by the supervisor; its main thread only.
 */
#ifndef SUPERVISOR_CAMERA_CAMERA_H
#define SUPERVISOR_CAMERA_CAMERA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/config/camera_remote.h"
#include "common/config/config.h"
#include "supervisor/camera/logins.h"
#include "supervisor/process/children.h"
#include "supervisor/process/fork_server.h"

enum camera_state {
    CAMERA_STARTING,  /* a worker is requested, or connects */
    CAMERA_STREAMING, /* fragments arrive */
    CAMERA_STALLED,   /* connected, but no fragments arrive */
    CAMERA_BACKOFF,   /* the worker died; the next one starts after a delay */
    CAMERA_DISABLED,  /* no worker by configuration */
    CAMERA_FAILED,    /* BACKOFF_FAILED_AFTER deaths in a row, no ring, or the camera refuses the log-in */
    CAMERA_IDLE       /* on demand, and not wanted now: no worker until it is */
};

struct camera;

/* What the owner of a camera learns. */
struct camera_callbacks {
    void *data;
    /* State, error or stream parameters have changed. */
    void (*changed)(void *data, struct camera *camera);
    /* Its view has another ring, to which fan-outs must move. The old ring ends after this call. */
    void (*ring_changed)(void *data, struct camera *camera);
    /* Its worker, process PID, ended; REASON says how. */
    void (*exited)(void *data, struct camera *camera, pid_t pid, const char *reason);
    /* Its worker waits for a keyframe, and the camera is to be asked for one by ONVIF. A worker may say so as often as it likes. */
    void (*keyframe_wanted)(void *data, struct camera *camera);
    /* Its worker, of a camera of another node, asks for a connection with ringcast-relay: camera_give_relay. As often as it likes. */
    void (*relay_wanted)(void *data, struct camera *camera);
    /* It is held (camera_hold), and nothing of it is published any more. May be told more than once. */
    void (*rested)(void *data, struct camera *camera);
    /* After camera_end: the camera no longer has a worker. */
    void (*ended)(void *data, struct camera *camera);
};

/* What others see of a camera. Pointers are valid until the next event. */
struct camera_view {
    const char *name;
    const char *ring;   /* name of the shared-memory object */
    size_t ring_size;   /* bytes of its data */
    unsigned look_back; /* seconds of the past that it keeps; 0: none beyond what live viewers need */
    bool mirror;        /* how the picture is shown */
    const char *crop;   /* "left,top,right,bottom", per cent; NULL: all of it is shown */
    const struct config_list *nodes; /* that share it; empty: it is this node's alone */
    const char *site;                /* whose nodes go before the others; NULL: none do */
    bool one_session;                /* so the next node cannot get ready while this one fetches it */
    const char *node;                /* of the cluster, from which it comes; NULL: it is this node's own */
    int ring_reader;                 /* descriptor, read-only; -1: there is no ring now */
    int wake;           /* eventfd that the worker writes at each publish; -1: there is no ring now */
    const char *codecs; /* RFC 6381; NULL until known */
    int64_t width, height;
    const char *audio; /* the codec of the sound that plays, or a word for why none does; NULL until known */
    const char *audio_error; /* why sound that is announced does not play; NULL: it does, or is awaited */
    const char *error;       /* why it is not streaming; NULL while it is */
    enum camera_state state;
    uint64_t since_ms;  /* CLOCK_MONOTONIC: when it entered its state */
    pid_t pid;          /* of the worker; 0: none */
    uint64_t worker_ms; /* CLOCK_MONOTONIC: when the last worker began */
    unsigned restarts;
    double fps, bitrate; /* last second */
    int64_t fragments;   /* of the present worker */
    bool handed_over;    /* a worker has the configuration or could not be made, or none is wanted */
    bool enabled, on_demand;
    bool ending, ended; /* camera_end was called; and its worker is gone */
    enum config_origin origin;
    const json_t *sandbox;   /* layers of the last worker that said; NULL: none did */
    const json_t *last_exit; /* child_last_exit; NULL: no worker has ended */
    const json_t *counts;    /* `stats` of the present worker; NULL: none yet */
};

const char *camera_strstate(enum camera_state state);

/*
 * Creates the camera, or takes ring, state and worker over from a ringcastd that was killed. A ring that cannot
 * be made is not an error here: the camera has failed then, and tries again once it is started. CONFIG and
 * CALLBACKS are copied; FORK_SERVER and LOGINS must outlive the camera. 0 or -ENOMEM.
 */
int camera_create(struct children *children, struct fork_server *fork_server, struct logins *logins,
                  const char *instance, const struct config_camera *config, enum log_level log_level,
                  const struct camera_callbacks *callbacks, struct camera **camera);

/* Removes the ring. A worker that still runs is killed. NULL is allowed. */
void camera_destroy(struct camera *camera);

/* Requests a worker if the settings ask for one. A worker that was taken over goes on. */
void camera_start(struct camera *camera);

/*
 * Applies other settings with the same name and ring size. If they concern the worker, it is started again.
 */
void camera_set(struct camera *camera, const struct config_camera *config);

/*
 * Sets how many viewers watch the camera (true: the number has changed), or that a reader of its ring will
 * for the next DURATION_MS. Both wake an idle camera.
 */
bool camera_set_viewers(struct camera *camera, int64_t viewers);
void camera_want(struct camera *camera, uint64_t duration_ms);

/*
 * Holds the camera: its worker is ended, none is begun, and WHY is shown, as a camera that is `stalled`. NULL: not any more. Settings that a worker
 * must not begin with are set before the hold ends.
 */
void camera_hold(struct camera *camera, const char *why);

/* Sets the level of the present worker's log and of those that follow. */
void camera_set_log_level(struct camera *camera, enum log_level level);

/* The last COUNT log lines of the present worker; a new array, or NULL if there is none. */
json_t *camera_lines(const struct camera *camera, size_t count);

const struct config_camera *camera_config(const struct camera *camera);

/* Where it comes from; NULL: it is this node's own. Valid until camera_set. */
const struct camera_remote *camera_remote(const struct camera *camera);

/* Gives the worker END (which stays the caller's) of a socket pair whose other end ringcast-relay gets (common/cluster/attachment.h). */
void camera_give_relay(struct camera *camera, int end);

/* Ends the worker and starts another at once; the history of deaths is forgotten, and a log-in is not held. */
void camera_restart(struct camera *camera);

/* Ends the worker for good; `ended` follows, at once if there is none. */
void camera_end(struct camera *camera);

struct camera_view camera_view(const struct camera *camera);

/* As worker_usage. */
json_t *camera_usage(const struct camera *camera);

/* The message `camera-state` (docs/reference/control.md) with what is in VIEW. A new reference; NULL: out of memory. */
json_t *camera_state_message(const struct camera_view *view);

#endif
