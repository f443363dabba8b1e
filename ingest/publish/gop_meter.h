/* SPDX-License-Identifier: MIT */
/*
 * How much of the ring a group of pictures takes, from keyframe to keyframe: ringcastd sizes the ring by it. In memory of
 * the caller; a zeroed struct has seen nothing. Pure functions.
 */
#ifndef INGEST_PUBLISH_GOP_METER_H
#define INGEST_PUBLISH_GOP_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gop_meter {
    struct gop_extent {
        uint64_t bytes;   /* all of its fragments, as they lie in the ring */
        uint64_t longest; /* longest fragment in it */
    } last, present;
};

/* A fragment of LENGTH bytes was published and takes SPAN bytes in the ring. */
void gop_meter_add(struct gop_meter *meter, size_t length, size_t span, bool keyframe);

/* A fragment of LENGTH bytes did not fit the ring. */
void gop_meter_refused(struct gop_meter *meter, size_t length);

/* The extent of the last whole GOP, or of the one in progress if that is already larger. */
uint64_t gop_meter_bytes(const struct gop_meter *meter);
uint64_t gop_meter_longest(const struct gop_meter *meter);

#endif
