/* SPDX-License-Identifier: MIT */
/*
 * The test camera's picture: a background in the camera's colour with its name, drawn once, and on it in
 * every frame the time of day, the frame's number and a bar that moves, so that two frames are never equal.
 * A picture belongs to one camera; picture_draw is called from that camera's streaming thread.
 */
#ifndef TESTS_CAMERA_PICTURE_H
#define TESTS_CAMERA_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct picture;

/* Where an I420 frame lies in memory: three planes and their bytes per line. */
struct picture_planes {
    uint8_t *data[3];
    int stride[3];
};

/* WIDTH and HEIGHT are even. INDEX chooses the colour. NULL: out of memory. */
struct picture *picture_create(int width, int height, const char *name, unsigned int index);

/* PERCENT of the lines, the lowest ones, are noise from now on. */
void picture_set_noise(struct picture *picture, int percent);

/* NULL is allowed. */
void picture_destroy(struct picture *picture);

/* Draws frame number FRAME, FPS of them a second, as of WALL_NS (CLOCK_REALTIME). */
void picture_draw(const struct picture *picture, const struct picture_planes *planes, uint64_t frame, int fps,
                  int64_t wall_ns);

#endif
