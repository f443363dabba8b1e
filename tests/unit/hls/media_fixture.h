/* SPDX-License-Identifier: MIT */
/* What a worker puts into a ring, made by the worker's own writers: init segments, and fragments with one picture and sound. */
#ifndef TESTS_UNIT_HLS_MEDIA_FIXTURE_H
#define TESTS_UNIT_HLS_MEDIA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hls/media/chunk.h"
#include "hls/stream/segmenter.h"

#define FIXTURE_AUDIO_RATE 44100

enum fixture_sound { FIXTURE_SILENT, FIXTURE_AAC, FIXTURE_OPUS, FIXTURE_FLAC };

/* Bytes that stay the caller's to free. */
struct bytes {
    uint8_t *data;
    size_t length;
};

/* HEVC makes another init segment of the same kind: as when a camera changes its size. */
struct bytes fixture_init(bool hevc, enum fixture_sound sound);

struct fixture_picture {
    int64_t time; /* 90 kHz */
    uint32_t duration;
    bool keyframe;
    int32_t offset;
    unsigned units; /* of sound, 1024 samples each; 0: none */
    int64_t sound_time;
    uint8_t seed; /* of the bytes */
};

struct bytes fixture_fragment(const struct fixture_picture *picture);

/* The bytes of a picture's one slice behind its length and header, and of a unit of sound. */
#define FIXTURE_SLICE_LENGTH 100
#define FIXTURE_UNIT_LENGTH 20

/* A camera that plays into a segmenter. Times are of its own clock, which begins at 1000 s. */
struct fixture_camera {
    struct segmenter segmenter;
    struct presentation_timing timing;
    double now; /* seconds */
    double fps, gop;
    double jitter; /* part of a step by which it varies */
    double next_key;
    bool hevc;
    enum fixture_sound sound;
    unsigned random;
};

/* Surveys 30 s of such a camera, chooses the targets, and begins. */
void fixture_begin(struct fixture_camera *camera);
void fixture_play(struct fixture_camera *camera, double seconds);
/* The next picture only. */
void fixture_step(struct fixture_camera *camera);
/* Makes the camera's parameters other ones, from the next picture on, which is a keyframe. */
void fixture_change(struct fixture_camera *camera, bool hevc, enum fixture_sound sound);
void fixture_end(struct fixture_camera *camera);

#endif
