/* SPDX-License-Identifier: MIT */
/*
 * The receiving half of a WebSocket client (RFC 6455 section 5) as a stream parser: it is fed whatever recv
 * returned and gives back pieces of messages that point into it; it keeps the frame header only. Server
 * frames are unmasked. The benchmark's own, so that a load generator of thousands of viewers costs little and
 * shares no code with the server it measures. A ws_stream belongs to one thread.
 */
#ifndef TESTS_BENCH_WS_STREAM_H
#define TESTS_BENCH_WS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frame opcodes (section 5.2). */
enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Longest header of an unmasked frame and longest payload of a control frame (sections 5.2 and 5.5). */
#define WS_HEADER_MAX 10
#define WS_CONTROL_MAX 125

enum ws_result {
    WS_MORE,  /* all input used: feed more */
    WS_CHUNK, /* *chunk is filled */
    WS_BROKEN /* the server breaks the protocol: give the connection up */
};

struct ws_stream {
    uint8_t header[WS_HEADER_MAX];
    uint8_t header_length; /* bytes of the header collected so far */
    bool in_payload;
    bool in_message; /* a data message has begun and not ended */
    uint8_t opcode;  /* of the present frame */
    bool fin;
    uint8_t message_opcode;  /* of the present data message */
    uint64_t left;           /* payload bytes of the present frame to come */
    uint64_t message_offset; /* bytes of the present data message delivered */
    uint64_t control_offset; /* bytes of the present control frame delivered */
};

/*
 * A piece of a message. Control frames come between the pieces of a data message, each with its own offset.
 */
struct ws_chunk {
    enum ws_opcode opcode; /* never WS_CONTINUATION */
    uint64_t offset;       /* of the piece in its message */
    const uint8_t *data;   /* points into the input */
    size_t length;         /* may be 0 at the end of a message */
    bool end;              /* the message ends with this piece */
};

/* A stream right after the opening handshake. */
void ws_stream_init(struct ws_stream *stream);

/* Takes the next piece from *data, which has *length bytes, and moves both past what was used. */
enum ws_result ws_stream_next(struct ws_stream *stream, const uint8_t **data, size_t *length,
                              struct ws_chunk *chunk);

/* Writes a masked client frame of up to WS_CONTROL_MAX bytes to OUT (WS_CONTROL_MAX + 6). Its length. */
size_t ws_client_frame(uint8_t *out, enum ws_opcode opcode, const uint8_t *payload, size_t length);

#endif
