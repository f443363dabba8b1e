/* SPDX-License-Identifier: MIT */
/* A stream's pictures, measured in its ring over some time: rates, groups, pauses, the camera's clock. One thread. */
#ifndef CTL_MEASURE_H
#define CTL_MEASURE_H

#include <jansson.h>

#include "ctl/options.h"

/*
 * Follows CAMERA of the ringcastd at URL for SECONDS from its first picture on. On EXIT_CODE_OK *measured is an object, which the
 * caller frees: `seconds`, `pictures`, `fps`, `bitrate` (bits a second), `missing` (pictures that this reader has not got),
 * `breaks` (of the camera's timeline), `changes` (of codec or size), `pause_ms` (the longest without a picture), `keyframes`, `group_s`
 * (the longest distance of two keyframes that follow each other; null: there were none), `clock_ppm` (how much faster the camera's clock runs than this
 * machine's, in millionths; null: too short to tell). EXIT_CODE_TIMEOUT: no picture for TIMEOUT seconds; *measured is
 * what came before, or NULL.
 */
enum exit_code measure_stream(const char *url, const struct options *options, const char *camera,
                              double seconds, double timeout, json_t **measured);

/*
 * The same of what the ring called NAME holds already, without waiting: some seconds. Times between pictures and clocks are not told by
 * it. NULL: there is no such ring, or nothing to measure in it.
 */
json_t *measure_ring(const char *name);

/*
 * Follows the COUNT rings called NAMES, all at once, for SECONDS or until Ctrl-C: measured[i] is as of measure_stream, or NULL if there is no such ring,
 * or too little came. What was in a ring before does not count.
 */
void measure_rings(const char *const *names, size_t count, double seconds, json_t **measured);

#endif
