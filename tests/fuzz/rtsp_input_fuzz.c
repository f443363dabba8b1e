/* SPDX-License-Identifier: MIT */
/*
 * What a camera's connection brings, in pieces of changing size: every event must lie within what arrived,
 * and what is in order must give the same packets however it is cut.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtsp/rtsp_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
    uint64_t packets, messages, bytes, garbage;
    uint64_t sum; /* of the events, in order */
    int result;
    bool doubted; /* a packet waits for those behind it */
};

static void add(struct digest *digest, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        digest->sum = (digest->sum ^ bytes[i]) * 0x100000001b3u;
    }
}

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void take_packet(const struct rtsp_input *input, struct digest *digest)
{
    require(input->packet >= input->data && input->packet + input->packet_size <= input->data + input->end);
    require(input->channel < 4);
    digest->packets++;
    digest->bytes += input->packet_size;
    add(digest, input->packet, input->packet_size);
}

static void take_message(const struct rtsp_input *input, struct digest *digest)
{
    const struct rtsp_message *message = &input->message;
    const char *begin = (const char *)input->data, *end = begin + input->end;

    require(message->body >= begin && message->body + message->body_size <= end);
    require(message->body_size <= RTSP_BODY_SIZE_MAX && message->header_count <= RTSP_HEADERS_MAX);
    require(!message->response || (message->status >= 100 && message->status <= 999));
    for (size_t i = 0; i < message->header_count; i++) {
        add(digest, message->headers[i].name, strlen(message->headers[i].name));
        add(digest, message->headers[i].value, strlen(message->headers[i].value));
    }
    (void)rtsp_message_number(message, "CSeq");
    (void)rtsp_message_lists(message, "Public", "GET_PARAMETER");
    digest->messages++;
    add(digest, message->body, message->body_size);
}

/* All events that are there. */
static void drain(struct rtsp_input *input, struct digest *digest)
{
    enum rtsp_event event = RTSP_EVENT_MESSAGE;
    const char *what = NULL;
    int64_t bytes = 0;

    while (digest->result == 0 && event != RTSP_EVENT_NONE) {
        digest->result = rtsp_input_next(input, &event, &what, &bytes);
        if (digest->result != 0) {
            return;
        }
        if (event == RTSP_EVENT_PACKET) {
            take_packet(input, digest);
        } else if (event == RTSP_EVENT_MESSAGE) {
            take_message(input, digest);
        }
    }
}

static void feed(const uint8_t *data, size_t size, size_t piece, struct digest *digest)
{
    struct rtsp_input input;

    if (rtsp_input_init(&input) < 0) {
        abort();
    }
    for (uint8_t channel = 0; channel < 4; channel++) {
        rtsp_input_expect(&input, channel);
    }
    while (size > 0 && digest->result == 0) {
        size_t room;
        uint8_t *at = rtsp_input_room(&input, &room);
        size_t part = piece < size ? piece : size;
        require(room >= part);
        memcpy(at, data, part);
        rtsp_input_added(&input, part);
        data += part;
        size -= part;
        drain(&input, digest);
    }
    digest->garbage = input.garbage;
    digest->doubted = input.doubt_ns > 0;
    rtsp_input_finish(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest whole = {0}, pieces = {0};

    if (size < 1 || size > 100000) {
        return 0;
    }
    feed(data + 1, size - 1, size, &whole);
    feed(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
    /* What is known of a packet with a wrong length, or of a description without its length, depends on what is here already,
     * and on what follows. */
    if (whole.result == 0 && pieces.result == 0 && whole.garbage == 0 && !whole.doubted && !pieces.doubted &&
        !memmem(data, size, "v=0", 3)) {
        require(whole.packets == pieces.packets && whole.messages == pieces.messages &&
                whole.sum == pieces.sum);
    }
    return 0;
}
