/* SPDX-License-Identifier: MIT */
/*
 * What a worker has to do: those settings of its camera that concern it, and what ringcastd adds to them. The settings
 * are described once, in config_settings.c, and the members of the `camera` message (docs/reference/control.md) are
 * written and read by that table. A new setting for the worker is a line in the table and a member here. Holds secrets.
 * In ringcastd it is part of struct config_camera; a worker has one of its own and hands it down by const pointer. Any
 * process, any thread.
 */
#ifndef COMMON_CONFIG_CAMERA_TASK_H
#define COMMON_CONFIG_CAMERA_TASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/log/log.h"

/* How the camera's packets come. */
enum camera_transport {
    CAMERA_TRANSPORT_AUTO_TCP, /* TCP; UDP if the camera does not offer TCP */
    CAMERA_TRANSPORT_TCP,
    CAMERA_TRANSPORT_UDP,
    CAMERA_TRANSPORT_AUTO, /* UDP; TCP if that is refused or nothing arrives */
};

/* The codec into which audio is encoded if browsers cannot play it as it comes. */
enum audio_codec { AUDIO_CODEC_AAC, AUDIO_CODEC_OPUS, AUDIO_CODEC_FLAC };

/* Every string is malloc'ed. */
struct camera_task {
    char *url;      /* "rtsp://…"; may hold credentials: a secret */
    char *username; /* plain, any characters; NULL: that of the URL, if any */
    char *password; /* plain, any characters; NULL: that of the URL, if any; a secret */
    bool allow_basic;
    enum camera_transport transport;
    bool audio; /* false: the camera's sound is not asked for */
    enum audio_codec audio_codec;
    bool show_damaged;        /* frames with missing parts are shown, as well */
    size_t keyframe_deadline; /* seconds to wait for a keyframe; 0: as the camera's groups need */
    size_t video_deadline;    /* seconds without video that a camera may take; 0: as its pace needs */
    char *aspect;             /* "W:H", the shape of the picture as displayed; NULL: as the camera says */
    size_t rotate;            /* degrees clockwise: 0, 90, 180 or 270 */
    bool tls_verify;          /* false: any certificate is accepted */
    char *tls_fingerprint; /* SHA-256 of the only certificate that is accepted, hexadecimal; NULL: not set */
    bool allow_redirect;   /* to other hosts, which get no credentials */
    char *
        onvif; /* its ONVIF device service, "http://192.168.1.20/onvif/device_service#PROFILE"; NULL: it is not asked for keyframes that way */

    /* Not settings of the camera: ringcastd fills them in for each worker. */
    char *name; /* of the stream: "front" or "front/sub" */
    enum log_level log_level;
    size_t
        ring_size_max; /* bytes of the largest ring that the worker may ask for; 0: the ring keeps its size */
};

/* The message that gives TASK to a worker; the caller adds the descriptors. Holds secrets. NULL: out of memory. */
json_t *camera_task_to_json(const struct camera_task *task);

/*
 * Fills TASK from MESSAGE. Settings that are missing get their defaults, and unknown members are ignored, so
 * that the sender may be of another version. 0; -EBADMSG: not a `camera` message, or a member
 * without a default is missing, or a member has a wrong type or value; -ENOMEM. On error there is nothing to finish.
 */
int camera_task_from_json(struct camera_task *task, const json_t *message);

/* Overwrites and frees what TASK points to. */
void camera_task_finish(struct camera_task *task);

/* Makes every credential of TASK, or of the URL TEXT, known to the log, which from then on never shows it. */
void camera_task_hide_secrets(const struct camera_task *task);
void camera_task_hide_url(const char *text);

/* Width and height of an aspect ratio "W:H", each 1 to 65535. False: TEXT is not one. */
bool camera_task_aspect(const char *text, unsigned *width, unsigned *height);

#endif
