/* SPDX-License-Identifier: MIT */
#include "tests/bench/ws_stream.h"

#include <string.h>

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define MASKED 0x80
#define LENGTH_16 126
#define LENGTH_64 127

void ws_stream_init(struct ws_stream *stream)
{
    memset(stream, 0, sizeof *stream);
}

static size_t header_size(uint8_t second)
{
    uint8_t length = second & (uint8_t)~MASKED;
    if (length == LENGTH_64) {
        return 10;
    }
    return length == LENGTH_16 ? 4 : 2;
}

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

/* Section 5.4: a continuation continues something, and nothing else begins inside of a message. */
static bool opcode_fits(const struct ws_stream *stream, uint8_t opcode)
{
    switch (opcode) {
    case WS_CONTINUATION:
        return stream->in_message;
    case WS_TEXT:
    case WS_BINARY:
        return !stream->in_message;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return stream->fin && stream->left <= WS_CONTROL_MAX;
    default:
        return false;
    }
}

static bool begin_frame(struct ws_stream *stream)
{
    const uint8_t *header = stream->header;
    uint8_t opcode = header[0] & OPCODE;
    stream->fin = header[0] & FIN;
    if (stream->header_length == 2) {
        stream->left = header[1];
    } else {
        stream->left = big_endian(header + 2, stream->header_length - 2u);
    }
    if (!opcode_fits(stream, opcode) || stream->left > INT64_MAX) {
        return false;
    }
    stream->opcode = opcode;
    stream->control_offset = 0;
    if (opcode == WS_TEXT || opcode == WS_BINARY) {
        stream->message_opcode = opcode;
        stream->message_offset = 0;
        stream->in_message = true;
    }
    stream->in_payload = true;
    return true;
}

static enum ws_result take_header(struct ws_stream *stream, const uint8_t **data, size_t *length)
{
    while (*length > 0) {
        stream->header[stream->header_length++] = *(*data)++;
        (*length)--;
        if (stream->header_length < 2) {
            continue;
        }
        if ((stream->header[0] & RESERVED) || (stream->header[1] & MASKED)) {
            return WS_BROKEN;
        }
        if (stream->header_length == header_size(stream->header[1])) {
            return begin_frame(stream) ? WS_CHUNK : WS_BROKEN;
        }
    }
    return WS_MORE;
}

static void take_payload(struct ws_stream *stream, const uint8_t **data, size_t *length,
                         struct ws_chunk *chunk)
{
    size_t take = *length < stream->left ? *length : (size_t)stream->left;
    bool control = is_control(stream->opcode);
    uint64_t *offset = control ? &stream->control_offset : &stream->message_offset;
    *chunk = (struct ws_chunk){.opcode = control ? stream->opcode : stream->message_opcode,
                               .offset = *offset,
                               .data = *data,
                               .length = take};
    *offset += take;
    *data += take;
    *length -= take;
    stream->left -= take;
    if (stream->left > 0) {
        return;
    }
    chunk->end = stream->fin;
    if (!control) {
        stream->in_message = !stream->fin;
    }
    stream->in_payload = false;
    stream->header_length = 0;
}

enum ws_result ws_stream_next(struct ws_stream *stream, const uint8_t **data, size_t *length,
                              struct ws_chunk *chunk)
{
    if (!stream->in_payload) {
        enum ws_result result = take_header(stream, data, length);
        if (result != WS_CHUNK) {
            return result;
        }
    } else if (*length == 0) {
        return WS_MORE;
    }
    if (*length == 0 && stream->left > 0) {
        return WS_MORE;
    }
    take_payload(stream, data, length, chunk);
    return WS_CHUNK;
}

size_t ws_client_frame(uint8_t *out, enum ws_opcode opcode, const uint8_t *payload, size_t length)
{
    /* A constant mask is allowed here: section 5.3 wants it unpredictable because of scripts in browsers. */
    static const uint8_t mask[4] = {0x5a, 0x21, 0xc3, 0x7e};
    if (length > WS_CONTROL_MAX) {
        length = WS_CONTROL_MAX;
    }
    out[0] = (uint8_t)(FIN | opcode);
    out[1] = (uint8_t)(MASKED | length);
    memcpy(out + 2, mask, sizeof mask);
    for (size_t i = 0; i < length; i++) {
        out[6 + i] = payload[i] ^ mask[i % sizeof mask];
    }
    return 6 + length;
}
