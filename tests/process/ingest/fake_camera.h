/* SPDX-License-Identifier: MIT */
/*
 * An RTSP server that misbehaves in one way, in a child process on a loopback port.
 */
#ifndef TESTS_PROCESS_INGEST_FAKE_CAMERA_H
#define TESTS_PROCESS_INGEST_FAKE_CAMERA_H

#include <sys/types.h>

enum fake_kind {
    FAKE_SILENT,   /* accepts the connection and never answers */
    FAKE_REFUSES,  /* 401 to everything */
    FAKE_MJPEG,    /* a description with motion JPEG only */
    FAKE_AV1,      /* a description with AV1 only */
    FAKE_NO_MEDIA, /* H.264 without parameter sets in its description, and never a frame; TEARDOWN is noted */
    FAKE_FLOOD,    /* 2000 keyframes a second, with other parameter sets each time */
    FAKE_REDIRECT, /* asks for Basic authentication, then redirects to another port */
};

struct fake_camera {
    pid_t pid;
    int port;
    int seen; /* read end: every request as it came */
};

/* OTHER_PORT: for FAKE_REDIRECT. */
void fake_camera_start(struct fake_camera *camera, enum fake_kind kind, int other_port);

/* Waits until a request holds TEXT. */
void fake_camera_wait(struct fake_camera *camera, const char *text);

void fake_camera_stop(struct fake_camera *camera);

/* A listening socket on a free loopback port from which no connection is accepted. */
int fake_listener(int *port);

#endif
