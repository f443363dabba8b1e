/* SPDX-License-Identifier: MIT */
/*
 * Between ringcast-relay and the worker of a remote camera, on this machine: a stream socket with frames in both directions, each a length
 * (4 bytes, big-endian, of type and content), a type (1 byte) and a content. The relay takes what comes from NATS to the worker and looks at none of
 * it; the worker reads it, and says what it needs. The socket's end is the end of both: the worker asks ringcastd for another one.
 */
#ifndef COMMON_CLUSTER_ATTACHMENT_H
#define COMMON_CLUSTER_ATTACHMENT_H

#include <stddef.h>
#include <stdint.h>

#define ATTACHMENT_HEADER 5

/* Longest content: NATS allows its servers no longer messages (64 MiB) and advises against more than 8. */
#define ATTACHMENT_MAX (64u << 20)

enum attachment_type {
    /* From the relay. */
    ATTACHMENT_PIECE =
        'P', /* a message: a piece (piece.h), from the live subject or from the answer to a join */
    ATTACHMENT_UP = 'U',     /* NATS can be reached: said at once, and when it can be again; no content */
    ATTACHMENT_DOWN = 'D',   /* it cannot: the content is why, UTF-8 */
    ATTACHMENT_ABSENT = 'A', /* nobody hears what was asked: the camera's node is not there; no content */
    /* From the worker; no content. */
    ATTACHMENT_JOIN = 'J', /* subscribe, and ask for the group of pictures so far */
    ATTACHMENT_JUMP =
        'K', /* what comes is old: unsubscribe, wait until what is on its way has drained, then as JOIN */
};

/* Writes the header of a frame with SIZE bytes of content. */
void attachment_write(uint8_t header[ATTACHMENT_HEADER], enum attachment_type type, size_t size);

/*
 * Reads a header. The length of the content in bytes, ≤ ATTACHMENT_MAX, and *TYPE as it was written, which may be unknown; -EBADMSG.
 */
long attachment_read(const uint8_t header[ATTACHMENT_HEADER], uint8_t *type);

#endif
