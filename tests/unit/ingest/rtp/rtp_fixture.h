/* SPDX-License-Identifier: MIT */
/*
 * A sender for the tests of RTP: makes packets, and puts payloads into a depacketizer or packets into a track
 * from memory of exactly their size, so that a sanitizer sees any byte read beyond it.
 */
#ifndef TESTS_UNIT_INGEST_RTP_RTP_FIXTURE_H
#define TESTS_UNIT_INGEST_RTP_RTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtp/depacketizer.h"
#include "ingest/rtp/track.h"

#define FIXTURE_UNITS_MAX 64

/* What came out, copied. */
struct fixture_unit {
    uint8_t *data;
    size_t size;
    int64_t time; /* RTP (depacketizer) or presentation in ns (track) */
    bool keyframe;
    bool lost;
    struct media_unit source; /* of a track; its data is gone */
};

struct fixture_units {
    struct fixture_unit items[FIXTURE_UNITS_MAX];
    size_t count;
};

void units_free(struct fixture_units *units);

/* Fails unless unit INDEX is these bytes. */
void units_check(const struct fixture_units *units, size_t index, const void *data, size_t size);

/* Fails unless unit INDEX holds the NAL units of the byte stream (Annex B) EXPECTED, each after its length. */
void units_check_nals(const struct fixture_units *units, size_t index, const void *expected, size_t size);

/* Puts one payload and takes every unit that is complete then. */
struct fixture_payload {
    const void *data;
    size_t size;
    int64_t time;
    bool marker;
    bool gap;
};

void put_payload(struct depacketizer *depacketizer, const struct fixture_payload *payload,
                 struct fixture_units *units);

/* The fields of an RTP packet. */
struct fixture_packet {
    uint8_t payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    const void *payload;
    size_t size;
};

#define FIXTURE_PACKET_MAX 2048

size_t write_packet(const struct fixture_packet *packet, uint8_t out[FIXTURE_PACKET_MAX]);

/* Puts one packet and takes every unit that is complete then. Returns what track_put_rtp did. */
int put_packet(struct track *track, const struct fixture_packet *packet, int64_t arrival_ns,
               struct fixture_units *units);

void take_units(struct track *track, struct fixture_units *units);

/* A sender report of SSRC that says: TIMESTAMP is NTP. */
int put_sender_report(struct track *track, uint32_t ssrc, uint64_t ntp, uint32_t timestamp,
                      int64_t arrival_ns);

/* The media of an rtpmap and fmtp. */
struct sdp_media make_media(enum sdp_kind kind, const char *encoding, uint32_t clock_rate, uint32_t channels,
                            const char *fmtp);

#endif
