/* SPDX-License-Identifier: MIT */
/*
 * When a request for a media playlist or for media is answered, and how (RFC 8216bis, 6.2.5.2 and 6.2.6). A waiting request is
 * judged again with every change of the stream, until it is answered or has waited too long. Pure functions.
 *
 *               ┌─────────── a part, a segment or the stream comes ──────────┐
 *   asked ──▶ waiting ──▶ ready        (200)                                 │
 *               │  ├─────▶ gone         (404)  what is asked for will not come ◀┘
 *               │  ├─────▶ too far      (400)  beyond what may be waited for
 *               │  └─────▶ late         (503)  it has not come in three target durations
 *               └ judged by rules_judge; `late` by the time that the request has waited
 */
#ifndef HLS_STREAM_RULES_H
#define HLS_STREAM_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "hls/stream/request.h"
#include "hls/stream/segmenter.h"

enum rules_verdict { RULES_READY, RULES_WAIT, RULES_TOO_FAR, RULES_GONE, RULES_LATE };

/* Milliseconds that a request waits for a stream to begin, and for a hinted part or a playlist at most. */
#define RULES_BEGIN_MS 15000
#define RULES_WAIT_MAX_MS 36000

/*
 * SEGMENTER: of the stream that REQUEST names; NULL: it is not held yet, and has begun to be. HOLD: the number of this time that it is held.
 * WAITED_MS: how long the request has waited.
 */
enum rules_verdict rules_judge(const struct request *request, const struct segmenter *segmenter,
                               uint32_t hold, uint64_t waited_ms);

/* How long the request may wait in all: three target durations once the stream is held. */
uint64_t rules_patience_ms(const struct segmenter *segmenter);

/* The number of the last complete segment, and of parts in the one that follows: what a rendition report says (4.4.5.4). */
struct rules_position {
    uint64_t segment; /* that the last part belongs to */
    unsigned part;    /* its index there */
};

/* False: nothing is listed yet. */
bool rules_position(const struct segmenter *segmenter, struct rules_position *position);

#endif
