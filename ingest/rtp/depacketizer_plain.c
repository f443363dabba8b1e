/* SPDX-License-Identifier: MIT */
/*
 * Audio whose packets are whole frames as they are: Opus (RFC 7587), G.711, G.722, G.726 and L16 (RFC 3551).
 */
#include "ingest/rtp/depacketizer.h"

#include <stdlib.h>

struct plain {
    struct depacketizer base;
    struct depacketizer_payload payload;
    bool ready;
    bool lost;
};

static enum depacketizer_result put(struct depacketizer *base, const struct depacketizer_payload *payload)
{
    struct plain *plain = (struct plain *)base;

    if (plain->ready) {
        return DEPACKETIZER_FULL;
    }
    plain->lost = plain->lost || payload->gap;
    plain->payload = *payload;
    plain->ready = payload->size > 0;
    return DEPACKETIZER_TAKEN;
}

static int next(struct depacketizer *base, struct depacketizer_unit *unit)
{
    struct plain *plain = (struct plain *)base;

    if (!plain->ready) {
        return 0;
    }
    *unit = (struct depacketizer_unit){
        .data = plain->payload.data,
        .size = plain->payload.size,
        .time = plain->payload.time,
        .arrival_ns = plain->payload.arrival_ns,
        .lost = plain->lost,
    };
    plain->ready = plain->lost = false;
    return 1;
}

static void reset(struct depacketizer *base)
{
    ((struct plain *)base)->ready = false;
}

static void destroy(struct depacketizer *base)
{
    free(base);
}

static const struct depacketizer_operations operations = {
    .put = put, .next = next, .reset = reset, .destroy = destroy};

struct depacketizer *depacketizer_plain_create(void)
{
    struct plain *plain = calloc(1, sizeof(*plain));

    if (!plain) {
        return NULL;
    }
    plain->base.operations = &operations;
    return &plain->base;
}
