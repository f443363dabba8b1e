/* SPDX-License-Identifier: MIT */
/*
 * From the payloads of one track, in order, to access units: what all payload formats have in common. A damaged access unit
 * is dropped, or handed out if the caller wants that; the next one is marked as `lost`: units before it are missing. Owned by a track; one thread.
 *
 *     while (depacketizer_put(d, &payload) == DEPACKETIZER_FULL)   // the payload is not taken yet
 *         depacketizer_next(d, &unit);
 */
#ifndef INGEST_RTP_DEPACKETIZER_H
#define INGEST_RTP_DEPACKETIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "ingest/rtp/media_format.h"

/* A packet's payload. */
struct depacketizer_payload {
    const uint8_t *data;
    size_t size;
    int64_t time; /* RTP timestamp, unwrapped */
    int64_t arrival_ns;
    bool marker;
    bool gap; /* packets before it are missing */
};

struct depacketizer_unit {
    const uint8_t *data; /* the depacketizer's or the payload's; valid until the next call */
    size_t size;
    int64_t time; /* RTP timestamp, unwrapped */
    int64_t arrival_ns;
    bool keyframe; /* video: decoding may begin here */
    bool
        recovery; /* with `keyframe`: not because of a NAL unit that is a keyframe, but because of a recovery point */
    bool lost; /* units before it are missing */
};

struct depacketizer_counters {
    uint64_t malformed;     /* payloads */
    uint64_t marker_errors; /* units */
    uint64_t dropped;       /* units: incomplete or too long */
};

enum depacketizer_result {
    DEPACKETIZER_TAKEN,
    DEPACKETIZER_FULL, /* not taken: fetch the complete unit first, then put the payload again */
};

struct depacketizer;

/* One payload format. Its implementation embeds struct depacketizer as its first member. */
struct depacketizer_operations {
    enum depacketizer_result (*put)(struct depacketizer *depacketizer,
                                    const struct depacketizer_payload *payload);
    int (*next)(struct depacketizer *depacketizer, struct depacketizer_unit *unit);
    void (*flush)(struct depacketizer *depacketizer); /* NULL: units never wait */
    void (*reset)(struct depacketizer *depacketizer);
    void (*destroy)(struct depacketizer *depacketizer);
};

/* How long a picture waits for slices after its marker: cameras that mark every slice send the slices together. */
#define DEPACKETIZER_WAIT_NS (30 * NS_PER_MS)

/* Bytes of an AudioSpecificConfig that a stream brings along. */
#define DEPACKETIZER_CONFIG_MAX 16

struct depacketizer {
    const struct depacketizer_operations *operations;
    struct depacketizer_counters counters;
    bool show_damaged;
    bool
        doubts_markers; /* video: the first picture waits DEPACKETIZER_WAIT_NS for slices behind its marker */
    int64_t
        wait_until_ns; /* depacketizer_flush is due at this time, if nothing comes before; INT64_MAX: it is not */
    /* AAC: the configuration in the stream itself, which overrides the description's from the next unit on. */
    uint8_t config[DEPACKETIZER_CONFIG_MAX];
    size_t config_size; /* 0: none */
};

/* NULL: out of memory, or a FORMAT without a depacketizer. FORMAT must outlive it. */
struct depacketizer *depacketizer_create(const struct media_format *format, bool show_damaged);
void depacketizer_destroy(struct depacketizer *depacketizer);

/* A malformed payload is counted, and is a loss to its unit. */
enum depacketizer_result depacketizer_put(struct depacketizer *depacketizer,
                                          const struct depacketizer_payload *payload);

/* 1: *unit is complete; 0: none is. */
int depacketizer_next(struct depacketizer *depacketizer, struct depacketizer_unit *unit);

/* Nothing has come until wait_until_ns: the unit that waits is complete. */
void depacketizer_flush(struct depacketizer *depacketizer);

/* The sender starts again: drops an incomplete unit. */
void depacketizer_reset(struct depacketizer *depacketizer);

const struct depacketizer_counters *depacketizer_counters(const struct depacketizer *depacketizer);

/* The implementations. */
struct depacketizer *depacketizer_h264_create(void);
void depacketizer_h264_take_sets(struct depacketizer *depacketizer, const struct media_format *format);
struct depacketizer *depacketizer_h265_create(bool donl);
struct depacketizer *depacketizer_aac_create(const struct media_format *format);
struct depacketizer *depacketizer_latm_create(const struct media_format *format);
struct depacketizer *depacketizer_plain_create(void);

#endif
