/* SPDX-License-Identifier: MIT */
/* Times in the query of a request for a clip, and the clip's name. Pure. */
#ifndef FANOUT_HTTP_CLIP_QUERY_H
#define FANOUT_HTTP_CLIP_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds before or after now that a time may be: beyond what any ring keeps, and enough for a clip that goes on for a while. */
#define CLIP_QUERY_SECONDS_MAX 86400

/* What is wrong with a time, for people. */
#define CLIP_QUERY_WRONG                                                                                     \
    "from and to: seconds ago as \"-30\", or a time as \"2026-11-29T22:15:00Z\" or in seconds since 1970, "  \
    "no more than a day from now; from before now and before to"

/* Longest time that is read, with its NUL. */
#define CLIP_QUERY_TIME_SIZE 40

/*
 * Reads TEXT: seconds ago as "-30" or "-2.5"; a moment as "2026-11-29T22:15:00Z", also with a fraction; or seconds since 1970. In nanoseconds
 * since 1970, for someone who reads NOW_NS on the clock. False: it is none of these, or too far from now.
 */
bool clip_query_parse_time(const char *text, int64_t now_ns, int64_t *time_ns);

/* Longest header line of clip_query_disposition, with its NUL. */
#define CLIP_QUERY_DISPOSITION_SIZE 512

/*
 * Writes the header line by which a clip of CAMERA that begins at WALL_NS (since 1970) is saved under that name and time
 * (RFC 6266), with CR LF. Times are UTC.
 */
void clip_query_disposition(char line[CLIP_QUERY_DISPOSITION_SIZE], const char *camera, int64_t wall_ns);

#endif
