/* SPDX-License-Identifier: MIT */
/*
 * The stamp in every frame of the benchmark's camera: an H.264 SEI NAL unit, user_data_unregistered (ITU-T
 * H.264 D.1.7), with the capture time and the frame's number. bench_camera writes it, bench_viewers reads it
 * back from what arrives. Both numbers are hexadecimal digits, so that no emulation prevention byte is ever
 * needed. Pure functions: any thread.
 */
#ifndef TESTS_BENCH_STAMP_H
#define TESTS_BENCH_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NAL header, payload type and size, UUID, two numbers of 16 digits, trailing bits. */
#define STAMP_NAL_SIZE (1 + 2 + 16 + 16 + 16 + 1)

struct stamp {
    int64_t capture_ns; /* CLOCK_MONOTONIC, just before the frame's packets were sent */
    uint64_t frame;     /* 0, 1, 2 … of this camera */
};

/* Writes the NAL unit (without start code or length). */
void stamp_write(uint8_t nal[STAMP_NAL_SIZE], const struct stamp *stamp);

/* True and *stamp if the NAL unit is a stamp. */
bool stamp_read(const uint8_t *nal, size_t length, struct stamp *stamp);

#endif
