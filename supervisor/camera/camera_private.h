/*
 * The inside of a camera, for camera.c and the files that are parts of it: camera_report.c (what the worker
 * says) and camera_keep.c (what a next ringcastd must know). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CAMERA_CAMERA_PRIVATE_H
#define SUPERVISOR_CAMERA_CAMERA_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/ipc/channel.h"
#include "supervisor/camera/camera.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/camera/worker.h"
#include "supervisor/process/backoff.h"

/* Longest error text that is kept; what a worker says more is cut. */
#define ERROR_SIZE 256

/* Longest codecs parameter, as in the ring. */
#define CODECS_SIZE 128

/* Largest picture that is believed: twice 16K. */
#define DIMENSION_MAX 32768

struct camera {
    struct config_camera settings;      /* its own copy */
    const struct config_camera *config; /* the same */
    struct children *children;
    struct camera_host host;
    enum log_level log_level;
    struct camera_ring *ring;
    int wake;
    struct worker *worker;
    enum camera_state state;
    uint64_t since_ms;
    uint64_t worker_ms; /* when the last worker began */
    struct backoff backoff;
    sd_event_source *retry_timer;
    sd_event_source *silence_timer; /* armed while a worker must say something */
    char error[ERROR_SIZE];         /* "" : none */
    char codecs[CODECS_SIZE];       /* "": not known */
    int64_t width, height;
    int64_t fragments;
    double fps, bitrate;
    unsigned starts;
    bool handed_over;
    bool restarting;          /* the worker is being ended for a restart */
    bool ending;              /* no worker any more */
    bool ended;               /* and there is none */
    int64_t viewers;          /* over all fan-outs */
    uint64_t wanted_until_ms; /* by readers that say so (`want`) */
    bool sleepy;              /* on demand, and nobody has wanted it for the idle time */
    sd_event_source *idle_timer;
    json_t *sandbox;   /* what the worker said of it; NULL: nothing yet */
    json_t *last_exit; /* NULL: no worker has ended */
    json_t *counts;    /* the present worker's last `stats`; NULL: none yet */
};

/* camera.c: the only place where a state begins. WHY may be NULL. */
void camera_enter_state(struct camera *camera, enum camera_state state, const char *why);

/* camera.c: what a process says of itself is kept without credentials, whatever it forgot. */
void camera_set_error(struct camera *camera, const char *text);

/* camera.c: a worker must say something after its start, and while it streams. */
void camera_watch_silence(struct camera *camera, bool watch);

/* Copies TEXT (valid UTF-8), cut to SIZE - 1 bytes between characters. */
void camera_copy_text(char *out, size_t size, const char *text);

/* camera_report.c: obeys a message of the worker's. */
void camera_report(struct camera *camera, const struct channel_message *message);

/* camera.c: fan-outs go on in the ring that is the camera's now; the old one ends behind them. */
void camera_move_readers(struct camera *camera);

/* camera_keep.c: keeps the camera; and, after a change, its state. */
void camera_keep(const struct camera *camera);
void camera_keep_state(const struct camera *camera);

/* camera_keep.c: takes ring and state of a ringcastd that was killed, if there are any and they fit. */
bool camera_recall(struct camera *camera);

#endif
