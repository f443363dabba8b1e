/* SPDX-License-Identifier: MIT */
/*
 * An RTSP server whose pictures are as they should be and whose sound is not, in a child process on a loopback port.
 */
#ifndef TESTS_PROCESS_INGEST_SOUND_CAMERA_H
#define TESTS_PROCESS_INGEST_SOUND_CAMERA_H

#include <sys/types.h>

/* All announce AAC-LC of 48 kHz, mono (RFC 3640), and send 25 pictures a second. */
enum sound_kind {
    SOUND_CAMERA_NEVER, /* not one packet of sound */
    SOUND_CAMERA_LATE, /* sound from the second second on; one keyframe at first, then as often as it is asked (PLI) */
    SOUND_CAMERA_ENDS,    /* two seconds of sound; a keyframe each second */
    SOUND_CAMERA_DAMAGED, /* random bytes for units; a keyframe each second */
    SOUND_CAMERA_ADTS,    /* each unit begins with an ADTS header; a keyframe each second */
};

struct sound_camera {
    pid_t pid;
    int port;
};

void sound_camera_start(struct sound_camera *camera, enum sound_kind kind);
void sound_camera_stop(struct sound_camera *camera);

#endif
