/* SPDX-License-Identifier: MIT */
/*
 * The newest packets of a payloader, from the newest keyframe on, so that a client that joins begins there and not in the
 * middle of a group of pictures. The packets are those that all clients get: the same numbers, the same memory. Any thread.
 */
#ifndef RTSP_MEDIA_JOINT_H
#define RTSP_MEDIA_JOINT_H

#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes that are kept at most; a longer group of pictures cannot be joined, and a client waits for the next one. */
#define JOINT_BYTES_MAX (16u << 20)

struct joint;

/* The last packet that passed. */
struct joint_mark {
    uint32_t rtp_time;
    uint32_t source;          /* SSRC */
    uint32_t packets, octets; /* of all that have passed; octets of payload */
    uint16_t number;
    int64_t pts_ns;    /* in the pipeline's time */
    int64_t passed_ns; /* CLOCK_MONOTONIC */
};

/* CLOCK_RATE: of the RTP times. */
struct joint *joint_create(uint32_t clock_rate);
/* NULL is allowed. */
void joint_destroy(struct joint *joint);

uint32_t joint_clock_rate(const struct joint *joint);

/* Notes all packets that pass PAD. */
void joint_watch(struct joint *joint, GstPad *pad);

/* A keyframe whose packets have PTS_NS comes: with its first packet, what is older is let go. */
void joint_expect_keyframe(struct joint *joint, int64_t pts_ns);

/* Lets go what is older than PTS_NS: for sound, whose packets have no keyframes. */
void joint_trim(struct joint *joint, int64_t pts_ns);

/* False: no packet has passed. */
bool joint_last(struct joint *joint, struct joint_mark *mark);

/* The first packet that is kept. False: none is, or the newest keyframe is not whole. */
bool joint_first(struct joint *joint, uint16_t *number, uint32_t *rtp_time);

/*
 * Appends references to all packets from the first one up to the one before number BEFORE to PACKETS; with ALL, to the last
 * one. True: they join on BEFORE, perhaps because there is none between. False, and none is appended: BEFORE is older than the first one, or
 * the keyframe is not whole.
 */
bool joint_collect(struct joint *joint, uint16_t before, bool all, GPtrArray *packets);

/* True if packet NUMBER is the first one of the newest keyframe. */
bool joint_begins(struct joint *joint, uint16_t number);

/* Bytes of the packets that are kept. */
size_t joint_bytes(struct joint *joint);

/* The number and time in an RTP packet. False: it is too short for one. */
bool joint_read_header(GstBuffer *packet, uint16_t *number, uint32_t *rtp_time);

#endif
