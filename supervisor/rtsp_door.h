/* SPDX-License-Identifier: MIT */
/*
 * The door for RTSP: ringcastd listens, and ringcast-rtsp is started by the first connection (programs.h) and ended when nobody is
 * left. The socket is kept for a next ringcastd. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_RTSP_DOOR_H
#define SUPERVISOR_RTSP_DOOR_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/config/config.h"
#include "supervisor/process/listen.h"

/* Descriptors that come with a message's settings. */
#define RTSP_DOOR_FDS 1

struct supervisor;

struct rtsp_door {
    int listener; /* -1: closed */
    sd_event_source *watch;
    char address[LISTEN_URL_SIZE]; /* "rtsp://127.0.0.1:8554/"; "": closed */
};

/* At the start: opens the door that the configuration asks for, or takes over that of a ringcastd that was killed. 0 or negative errno, logged. */
int rtsp_door_open(struct supervisor *supervisor);

/*
 * A reload: opens the door of NEXT if it is another one. 0, and *OPENED is to be given to rtsp_door_use or closed; -1: it is none. Negative errno:
 * nothing has changed, logged.
 */
int rtsp_door_prepare(struct supervisor *supervisor, const struct config *next, struct rtsp_door *opened);

/* From now on the present configuration counts, for which OPENED was prepared. */
void rtsp_door_use(struct supervisor *supervisor, struct rtsp_door *opened);

/* Waits for a connection, unless the program is there to take it. */
void rtsp_door_watch(struct supervisor *supervisor);

/* The settings of the program in MESSAGE, and the socket. Returns how many descriptors. */
int rtsp_door_describe(const struct supervisor *supervisor, json_t *message, int fds[RTSP_DOOR_FDS]);

void rtsp_door_close(struct rtsp_door *door);

#endif
