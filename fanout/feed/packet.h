/* SPDX-License-Identifier: MIT */
/*
 * Memory for one outgoing WebSocket message: a payload with room before it for the frame header, which
 * libwebsockets writes in place. One packet therefore serves any number of viewers, one after the other.
 * Embedded in its owner; ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_PACKET_H
#define FANOUT_FEED_PACKET_H

#include <jansson.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes before and behind a payload that whoever sends it may use; the frame header has its own before them. */
#define PACKET_HEAD 16u
#define PACKET_TAIL 2u

/* All that is before a payload. */
#define PACKET_BEFORE (LWS_PRE + PACKET_HEAD)

struct packet {
    uint8_t *memory; /* header room, then payload and tail; NULL before the first packet_reserve */
    size_t room;     /* bytes of payload that fit */
    size_t length;   /* bytes of payload */
};

/*
 * Makes room for at least ROOM bytes of payload. The old payload is lost if the packet grows. 0 or -ENOMEM.
 */
int packet_reserve(struct packet *packet, size_t room);

/* Start of the payload. Valid until the next packet_reserve. */
uint8_t *packet_payload(const struct packet *packet);

/* Makes OBJECT (consumed, may be NULL) the payload, as compact JSON. 0; -ENOMEM: the packet is empty. */
int packet_set_json(struct packet *packet, json_t *object);

/*
 * Sends the payload as one message, in order; libwebsockets keeps what the socket does not take at once.
 * False: the connection is broken.
 */
bool packet_send(const struct packet *packet, struct lws *wsi, enum lws_write_protocol kind);

/* Frees the memory; the packet is empty then and may be used again. */
void packet_finish(struct packet *packet);

#endif
