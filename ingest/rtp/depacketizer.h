/*
 * From the payloads of one track, in order, to access units: what every payload format has in common. One
 * that is damaged is dropped, or handed out if the caller wants that; the next one says that something before
 * it is missing. Owned by a track; one thread.
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
    bool recovery; /* and though it does, no NAL unit is a keyframe: it has a recovery point */
    bool lost;     /* units before it are missing */
};

struct depacketizer_counters {
    uint64_t malformed;     /* payloads */
    uint64_t marker_errors; /* units */
    uint64_t dropped;       /* units: incomplete or too long */
};

enum depacketizer_result {
    DEPACKETIZER_TAKEN,
    DEPACKETIZER_FULL, /* take the unit that is complete, then put the payload again */
};

struct depacketizer;

/* Of one payload format. The implementation embeds struct depacketizer as its first member. */
struct depacketizer_operations {
    enum depacketizer_result (*put)(struct depacketizer *depacketizer,
                                    const struct depacketizer_payload *payload);
    int (*next)(struct depacketizer *depacketizer, struct depacketizer_unit *unit);
    void (*flush)(struct depacketizer *depacketizer); /* or NULL: nothing ever waits */
    void (*reset)(struct depacketizer *depacketizer);
    void (*destroy)(struct depacketizer *depacketizer);
};

/* Cameras that mark every slice of a picture send its slices together. */
#define DEPACKETIZER_WAIT_NS (30 * NS_PER_MS)

/* Bytes of an AudioSpecificConfig that a stream brings along. */
#define DEPACKETIZER_CONFIG_MAX 16

struct depacketizer {
    const struct depacketizer_operations *operations;
    struct depacketizer_counters counters;
    bool show_damaged;
    bool
        doubts_markers; /* video: the first picture waits DEPACKETIZER_WAIT_NS for slices behind its marker */
    int64_t wait_until_ns; /* a unit is complete then if nothing more comes (depacketizer_flush); INT64_MAX */
    uint8_t config[DEPACKETIZER_CONFIG_MAX]; /* AAC: what the stream itself says; it counts from the next */
    size_t config_size;                      /* unit on, and more than the description; 0: nothing */
};

/* NULL: out of memory, or a FORMAT that no depacketizer is for. FORMAT must outlive it. */
struct depacketizer *depacketizer_create(const struct media_format *format, bool show_damaged);
void depacketizer_destroy(struct depacketizer *depacketizer);

/* What is malformed is counted, and a loss to its unit. */
enum depacketizer_result depacketizer_put(struct depacketizer *depacketizer,
                                          const struct depacketizer_payload *payload);

/* 1: *unit is complete; 0: none is. */
int depacketizer_next(struct depacketizer *depacketizer, struct depacketizer_unit *unit);

/* Nothing has come until wait_until_ns: what waits for more is complete. */
void depacketizer_flush(struct depacketizer *depacketizer);

/* The sender begins anew: drops what is incomplete. */
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
