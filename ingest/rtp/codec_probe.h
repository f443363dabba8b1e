/*
 * Tells H.264 and H.265 apart by the headers of their RTP payloads (RFC 6184, 5.2; RFC 7798, 4.4), for
 * cameras that announce one and send the other, and for those that announce neither. The two headers differ
 * enough: almost every payload is possible in one of them only. Owned by a track; one thread.
 */
#ifndef INGEST_RTP_CODEC_PROBE_H
#define INGEST_RTP_CODEC_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/media.h"

/* Payloads that must speak for the other codec, and none for the announced one, before it is believed. */
#define CODEC_PROBE_PROOF 3

struct codec_probe {
    enum media_codec expected; /* H.264 or H.265 */
    bool announced;            /* the camera says so; else EXPECTED is a guess */
    unsigned others;           /* payloads that speak for the other one */
    bool settled;
};

/*
 * Looks at one payload more. MEDIA_CODEC_H264 or MEDIA_CODEC_H265: what the camera sends, for good;
 * MEDIA_CODEC_NONE: that is not clear yet.
 */
enum media_codec codec_probe_look(struct codec_probe *probe, const uint8_t *payload, size_t size);

#endif
