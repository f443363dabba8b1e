/* SPDX-License-Identifier: MIT */
/*
 * Cuts what arrives on an RTSP connection into messages and interleaved packets (RFC 2326, section 10.12). Finds its way
 * again after garbage, and bounds everything. Owned by one session; one thread. Nothing here
 * reads a socket.
 */
#ifndef INGEST_RTSP_RTSP_INPUT_H
#define INGEST_RTSP_RTSP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/rtsp_message.h"

/* Bytes: room for the longest interleaved packet (65539), and for a large keyframe in one read. For a message that does not
 * fit it grows until that is read. */
#define RTSP_INPUT_SIZE 262144

/* Channels of interleaved packets: one byte. */
#define RTSP_INPUT_CHANNELS 256

/* After so many bytes of garbage in a row the peer does not speak RTSP, or is beyond help. */
#define RTSP_INPUT_GARBAGE_MAX 262144

enum rtsp_event {
    RTSP_EVENT_NONE,    /* more bytes are needed */
    RTSP_EVENT_MESSAGE, /* input->message */
    RTSP_EVENT_PACKET,  /* input->channel, packet, packet_size */
};

struct rtsp_input {
    uint8_t *data; /* owned */
    size_t capacity;
    size_t begin, end;
    size_t event_size;                           /* bytes of the present event; the next call drops them */
    uint64_t channels[RTSP_INPUT_CHANNELS / 64]; /* bit n % 64 of word n / 64: channel n is expected */
    size_t garbage_run;                          /* bytes skipped since anything was understood */
    bool lost;                                   /* looking for the next thing that makes sense */
    uint64_t garbage;                            /* bytes skipped altogether */
    uint64_t packets;                            /* understood so far */
    bool
        body_open; /* a message lacks the end of its body, as far as its headers say; see rtsp_input_end_body */
    bool body_ends;   /* no more of it comes */
    bool speaks_rtsp; /* something was understood */
    int64_t doubt_ns; /* since when a packet waits for what follows it; 0: none does */
    bool impatient;   /* it has waited long enough */
    uint64_t junk_seen,
        rest_seen;  /* the value of `packets` when what is behind one was last found to be that; 0: never */
    unsigned junks; /* how often it was taken for junk without a proof */
    size_t
        full_size; /* of the packets that are as large as this camera's ever are, with their head; 0: not known */
    size_t larger_size;      /* of one that is larger than these, */
    unsigned larger_packets; /* how many of that size have come, */
    uint64_t larger;         /* and the value of `packets` then */

    struct rtsp_message message;
    uint8_t channel;
    const uint8_t *packet;
    size_t packet_size;
};

/* 0; -ENOMEM. */
int rtsp_input_init(struct rtsp_input *input);
void rtsp_input_finish(struct rtsp_input *input);

/* A new connection: forgets all of the last one. */
void rtsp_input_reset(struct rtsp_input *input);

/* Packets of this channel are expected; others are skipped. */
void rtsp_input_expect(struct rtsp_input *input, uint8_t channel);

/* Where to put bytes that arrive, and how many fit: at least one after RTSP_EVENT_NONE. Invalidates the last event. */
uint8_t *rtsp_input_room(struct rtsp_input *input, size_t *size);

/* SIZE bytes were put there. */
void rtsp_input_added(struct rtsp_input *input, size_t size);

/*
 * The next event, which is valid until the next call of this or of rtsp_input_room. 0; -EMSGSIZE: a message
 * is larger than a camera's can be (*what: "headers" or "body"; if "body", *bytes is what it announces);
 * -EBADMSG: too much garbage; -EPROTONOSUPPORT: the peer speaks HTTP; -ENOMEM. After an error the connection cannot be used.
 */
int rtsp_input_next(struct rtsp_input *input, enum rtsp_event *event, const char **what, int64_t *bytes);

/*
 * Some cameras send a description without Content-Length, or with a wrong one: then only a pause shows where it ends. After
 * RTSP_EVENT_NONE: true if a pause would. The next call after rtsp_input_end_body takes what is there.
 */
bool rtsp_input_waits_for_body(const struct rtsp_input *input);
void rtsp_input_end_body(struct rtsp_input *input);

/* For packets only: the event is not consumed, and the next call of rtsp_input_next finds it again. */
void rtsp_input_push_back(struct rtsp_input *input);

#endif
