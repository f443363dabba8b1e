/* SPDX-License-Identifier: MIT */
/*
 * Decodes a camera's pictures with libavcodec, and makes JPEG of them. What is decoded comes from outside, and may kill the process or
 * keep it busy: the caller says so before (program_begin_work). Memory is bounded by the process's limit; without it these functions
 * fail. One thread.
 */
#ifndef SNAPSHOT_PICTURE_H
#define SNAPSHOT_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/movie.h"

struct decoder;
struct picture;

/* Libraries' own lines are about what a camera sent: they go to the log at level debug. Once, at the start. */
void picture_begin(void);

/* A decoder for MOVIE, of which nothing is needed any more then. 0; -ENOTSUP: there is none for the codec; -EBADMSG; -ENOMEM. */
int decoder_open(const struct movie *movie, struct decoder **made);
void decoder_close(struct decoder *decoder);

/* The next access unit, a keyframe first. 0; -EBADMSG: it cannot be decoded; -ENOMEM. */
int decoder_add(struct decoder *decoder, const uint8_t *sample, size_t length);

/* The last picture of what was added; no more can be added then. 0, and the picture is the caller's; -EBADMSG: there is none; -ENOMEM. */
int decoder_finish(struct decoder *decoder, struct picture **picture);

void picture_free(struct picture *picture);

/* Bytes that it takes. */
size_t picture_bytes(const struct picture *picture);

/*
 * A JPEG, turned and with square pixels, WIDTH pixels wide, but not wider than the picture (0: as wide as that). 0, and *DATA is malloc'ed;
 * -ENOMEM; -EBADMSG: it is of a kind that cannot be converted.
 */
int picture_encode(const struct picture *picture, unsigned width, uint8_t **data, size_t *length);

#endif
