/* SPDX-License-Identifier: MIT */
/*
 * The header of an RTP packet (RFC 3550, 5.1) and where its payload lies. Points into the packet. Pure
 * functions: any process, any thread.
 */
#ifndef INGEST_RTP_RTP_PACKET_H
#define INGEST_RTP_RTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtp_packet {
    uint8_t payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    const uint8_t *payload; /* without CSRCs, header extension and padding */
    size_t size;            /* may be 0 */
};

/* 0; -EBADMSG: not of version 2, or a length in it reaches past the end. */
int rtp_packet_parse(const uint8_t *data, size_t size, struct rtp_packet *packet);

#endif
