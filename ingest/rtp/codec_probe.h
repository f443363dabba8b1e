/* SPDX-License-Identifier: MIT */
/*
 * Tells H.264 from H.265 by the headers of their RTP payloads (RFC 6184, 5.2; RFC 7798, 4.4), for cameras that announce one
 * and send the other, and for those that announce neither. The headers differ enough: almost every payload is possible
 * in only one of the two. Owned by a track; one thread.
 */
#ifndef INGEST_RTP_CODEC_PROBE_H
#define INGEST_RTP_CODEC_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/media.h"

/* The other codec is believed after so many payloads that only it can have, and none that only the announced one can. */
#define CODEC_PROBE_PROOF 3

struct codec_probe {
    enum media_codec expected; /* H.264 or H.265 */
    bool announced;            /* by the camera; else `expected` is a guess */
    unsigned others;           /* payloads that only the other codec can have */
    bool settled;
};

/*
 * Looks at one more payload. MEDIA_CODEC_H264 or MEDIA_CODEC_H265: the camera sends this, which does not change any more;
 * MEDIA_CODEC_NONE: not clear yet.
 */
enum media_codec codec_probe_look(struct codec_probe *probe, const uint8_t *payload, size_t size);

#endif
