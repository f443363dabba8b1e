/* SPDX-License-Identifier: MIT */
/*
 * RTP packets of one coded frame (RFC 3550; H.264: RFC 6184, AAC: RFC 3640), built one after the other in one
 * buffer, each behind the 4-byte header of RTSP's interleaved mode (RFC 2326 section 10.12): over TCP the
 * buffer is sent as it is, over UDP packet by packet without those headers. One thread.
 */
#ifndef TESTS_BENCH_RTP_FRAME_H
#define TESTS_BENCH_RTP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_INTERLEAVED_HEADER 4
/* Fits an Ethernet frame with every header. */
#define RTP_PAYLOAD_MAX 1400
#define RTP_PACKETS_MAX 2048

struct bench_packet {
    size_t offset; /* of the interleaved header */
    size_t length; /* of the packet, without it */
};

struct rtp_frame {
    uint8_t *data;
    size_t length, room;
    struct bench_packet packets[RTP_PACKETS_MAX];
    size_t packet_count;
};

/* One RTP stream; all sessions of a camera get the same packets. */
struct rtp_stream {
    uint8_t payload_type;
    uint16_t sequence; /* of the next packet */
    uint32_t ssrc;
    uint32_t packets, octets; /* sent, for sender reports */
};

/* Room for frames of up to SIZE coded bytes. 0 or -ENOMEM. */
int rtp_frame_init(struct rtp_frame *frame, size_t size);
void rtp_frame_finish(struct rtp_frame *frame);

/* Empties it for the next frame. */
void rtp_frame_clear(struct rtp_frame *frame);

/* Adds a NAL unit, in fragmentation units where it is long. LAST: it ends the access unit (marker bit). */
void rtp_frame_add_nal(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp,
                       const uint8_t *nal, size_t length, bool last);

/* Adds one AAC frame, which fits in a packet. */
void rtp_frame_add_aac(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp,
                       const uint8_t *data, size_t length);

/* Adds a sender report (RFC 3550 section 6.4.1) with its SDES; WALL_NS is CLOCK_REALTIME at TIMESTAMP. */
void rtp_frame_add_report(struct rtp_frame *frame, const struct rtp_stream *stream, uint32_t timestamp,
                          int64_t wall_ns);

/* Sets the channel number of every packet for interleaved sending. */
void rtp_frame_set_channel(struct rtp_frame *frame, uint8_t channel);

#endif
