/* SPDX-License-Identifier: MIT */
#include "tests/bench/rtp_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RTP_HEADER 12
#define RTP_VERSION 0x80
#define RTP_MARKER 0x80
#define FU_A 28
#define FU_START 0x80
#define FU_END 0x40
#define NRI_MASK 0x60
#define RTCP_SENDER_REPORT 200
#define RTCP_SDES 202
#define NTP_UNIX_OFFSET UINT64_C(2208988800)
#define NS_PER_S INT64_C(1000000000)

int rtp_frame_init(struct rtp_frame *frame, size_t size)
{
    size_t packets = size / RTP_PAYLOAD_MAX + 8;
    memset(frame, 0, sizeof *frame);
    frame->room = size + packets * (RTP_INTERLEAVED_HEADER + RTP_HEADER + 4) + 4096;
    frame->data = malloc(frame->room);
    return frame->data ? 0 : -ENOMEM;
}

void rtp_frame_finish(struct rtp_frame *frame)
{
    free(frame->data);
}

void rtp_frame_clear(struct rtp_frame *frame)
{
    frame->length = 0;
    frame->packet_count = 0;
}

static uint8_t *put_u16(uint8_t *out, uint32_t value)
{
    *out++ = (uint8_t)(value >> 8);
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_u32(uint8_t *out, uint32_t value)
{
    return put_u16(put_u16(out, value >> 16), value);
}

/* Room for a packet of LENGTH bytes, its interleaved header written. NULL: the frame is full. */
static uint8_t *begin_packet(struct rtp_frame *frame, size_t length)
{
    if (frame->packet_count == RTP_PACKETS_MAX ||
        frame->room - frame->length < RTP_INTERLEAVED_HEADER + length) {
        return NULL;
    }
    uint8_t *out = frame->data + frame->length;
    frame->packets[frame->packet_count++] = (struct bench_packet){frame->length, length};
    frame->length += RTP_INTERLEAVED_HEADER + length;
    *out++ = '$';
    *out++ = 0;
    return put_u16(out, (uint32_t)length);
}

static uint8_t *begin_rtp(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp, bool marker,
                          size_t payload)
{
    uint8_t *out = begin_packet(frame, RTP_HEADER + payload);
    if (!out) {
        return NULL;
    }
    *out++ = RTP_VERSION;
    *out++ = (uint8_t)(stream->payload_type | (marker ? RTP_MARKER : 0));
    out = put_u16(out, stream->sequence++);
    out = put_u32(out, timestamp);
    stream->packets++;
    stream->octets += (uint32_t)payload;
    return put_u32(out, stream->ssrc);
}

void rtp_frame_add_nal(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp,
                       const uint8_t *nal, size_t length, bool last)
{
    if (length <= RTP_PAYLOAD_MAX) {
        uint8_t *out = begin_rtp(frame, stream, timestamp, last, length);
        if (out) {
            memcpy(out, nal, length);
        }
        return;
    }
    for (size_t at = 1; at < length;) {
        size_t piece = length - at < RTP_PAYLOAD_MAX - 2 ? length - at : RTP_PAYLOAD_MAX - 2;
        bool end = at + piece == length;
        uint8_t *out = begin_rtp(frame, stream, timestamp, last && end, piece + 2);
        if (!out) {
            return;
        }
        *out++ = (uint8_t)((nal[0] & NRI_MASK) | FU_A);
        *out++ = (uint8_t)((nal[0] & 0x1f) | (at == 1 ? FU_START : 0) | (end ? FU_END : 0));
        memcpy(out, nal + at, piece);
        at += piece;
    }
}

void rtp_frame_add_aac(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp,
                       const uint8_t *data, size_t length)
{
    uint8_t *out = begin_rtp(frame, stream, timestamp, true, 4 + length);
    if (!out) {
        return;
    }
    out = put_u16(out, 16); /* bits of AU headers */
    out = put_u16(out, (uint32_t)length << 3);
    memcpy(out, data, length);
}

void rtp_frame_add_report(struct rtp_frame *frame, const struct rtp_stream *stream, uint32_t timestamp,
                          int64_t wall_ns)
{
    static const uint8_t cname[8] = {1, 5, 'b', 'e', 'n', 'c', 'h', 0};
    uint64_t fraction = ((uint64_t)(wall_ns % NS_PER_S) << 32) / (uint64_t)NS_PER_S;
    uint8_t *out = begin_packet(frame, 28 + 8 + sizeof cname + 4);
    if (!out) {
        return;
    }
    *out++ = RTP_VERSION;
    *out++ = RTCP_SENDER_REPORT;
    out = put_u16(out, 6);
    out = put_u32(out, stream->ssrc);
    out = put_u32(out, (uint32_t)((uint64_t)(wall_ns / NS_PER_S) + NTP_UNIX_OFFSET));
    out = put_u32(out, (uint32_t)fraction);
    out = put_u32(out, timestamp);
    out = put_u32(out, stream->packets);
    out = put_u32(out, stream->octets);
    *out++ = RTP_VERSION | 1;
    *out++ = RTCP_SDES;
    out = put_u16(out, 4);
    out = put_u32(out, stream->ssrc);
    memcpy(out, cname, sizeof cname);
    memset(out + sizeof cname, 0, 4);
}

void rtp_frame_set_channel(struct rtp_frame *frame, uint8_t channel)
{
    for (size_t i = 0; i < frame->packet_count; i++) {
        frame->data[frame->packets[i].offset + 1] = channel;
    }
}
