/* SPDX-License-Identifier: MIT */
/*
 * The test camera's command line: how many cameras, and what each one sends. Used by main.c at start only.
 */
#ifndef TESTS_CAMERA_OPTIONS_H
#define TESTS_CAMERA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum camera_codec { CAMERA_CODEC_H264, CAMERA_CODEC_H265 };

enum camera_audio {
    CAMERA_AUDIO_NONE,
    CAMERA_AUDIO_AAC,
    CAMERA_AUDIO_OPUS,
    CAMERA_AUDIO_PCMA,
    CAMERA_AUDIO_PCMU,
    CAMERA_AUDIO_L16,
    CAMERA_AUDIO_G722,
    CAMERA_AUDIO_G726,
    CAMERA_AUDIO_LATM
};

enum camera_protocol { CAMERA_TCP = 1, CAMERA_UDP = 2 };

enum camera_auth { CAMERA_AUTH_BASIC = 1, CAMERA_AUTH_DIGEST = 2, CAMERA_AUTH_BOTH = 3 };

struct camera_options {
    char *name; /* shown in the picture; any UTF-8 */
    enum camera_codec codec;
    enum camera_audio audio;
    int width, height; /* pixels, even */
    int fps;           /* frames a second */
    int gop;           /* frames from one keyframe to the next */
    int bitrate;       /* kbit/s */
    int noise;         /* percent of the picture's lines that are noise, so that the bitrate is reached */
    int b_frames;      /* B-frames between two reference frames; 0: lowest latency */
};

struct options {
    int port;       /* 0: any free one */
    char *user;     /* NULL: no authentication */
    char *password; /* NULL as long as user is */
    enum camera_auth auth;
    char *tls;     /* file with certificate and key (PEM); NULL: no TLS */
    char *address; /* to listen at */
    int protocols; /* CAMERA_TCP and CAMERA_UDP: how packets may go */
    struct camera_options *cameras;
    size_t camera_count;
};

/* 0; 1: help was asked for and written; -EINVAL: a message is on standard error; -ENOMEM. Then nothing is
 * owned. */
int options_parse(struct options *options, int argc, char **argv);

/* "WIDTHxHEIGHT" of a picture. 0; -EINVAL: none that a camera can have. */
int options_parse_size(const char *text, int *width, int *height);

/* Whether not everybody is let in: then cameras need a role. */
bool options_have_doors(const struct options *options);

void options_free(struct options *options);

#endif
