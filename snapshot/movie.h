/* SPDX-License-Identifier: MIT */
/*
 * Finds in a camera's init segment and fragments (docs/reference/ring.md) what a decoder needs. The bytes come from the camera's worker,
 * which a hostile camera may have taken over: nothing is believed. Pure functions on the caller's memory; any process, any thread.
 */
#ifndef SNAPSHOT_MOVIE_H
#define SNAPSHOT_MOVIE_H

#include <stddef.h>
#include <stdint.h>

enum movie_codec { MOVIE_H264, MOVIE_H265 };

struct movie {
    enum movie_codec codec;
    const uint8_t *config; /* avcC or hvcC, in the caller's memory */
    size_t config_length;
    uint32_t shape_width, shape_height; /* of a pixel, from `pasp`; 1:1 if there is none */
    unsigned rotation; /* 0, 90, 180 or 270 degrees clockwise, by which the picture is to be turned */
};

/* Reads an init segment. 0; -ENOTSUP: its video is of another codec; -EBADMSG. */
int movie_read(const uint8_t *data, size_t size, struct movie *movie);

/* The video sample of a fragment, in DATA. 0; -EBADMSG. */
int movie_find_sample(const uint8_t *data, size_t size, const uint8_t **sample, size_t *length);

#endif
