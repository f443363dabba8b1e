/* SPDX-License-Identifier: MIT */
#include "ingest/publish/gop_meter.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void gop_meter_add(struct gop_meter *meter, size_t length, size_t span, bool keyframe)
{
    if (keyframe && meter->present.bytes > 0) {
        meter->last = meter->present;
        meter->present = (struct gop_extent){0};
    }
    meter->present.bytes += span;
    gop_meter_refused(meter, length);
}

void gop_meter_refused(struct gop_meter *meter, size_t length)
{
    meter->present.longest = larger(meter->present.longest, length);
}

uint64_t gop_meter_bytes(const struct gop_meter *meter)
{
    return larger(meter->last.bytes, meter->present.bytes);
}

uint64_t gop_meter_longest(const struct gop_meter *meter)
{
    return larger(meter->last.longest, meter->present.longest);
}
