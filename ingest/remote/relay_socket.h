/* SPDX-License-Identifier: MIT */
/*
 * The worker's end of the socket to the relay (common/cluster/attachment.h): frames, read in large pieces and handed out where they lie. Owned by the
 * worker; one thread.
 */
#ifndef INGEST_REMOTE_RELAY_SOCKET_H
#define INGEST_REMOTE_RELAY_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "common/cluster/attachment.h"
#include "common/cluster/piece.h"

struct relay_socket {
    int fd; /* non-blocking; -1: there is none */
    uint8_t *buffer;
    size_t capacity;
    size_t begin, end; /* of what was read and not handed out */
    size_t skip;       /* bytes that are still to come of a frame that is too long */
};

/* What is handed out of a frame that is too long: enough to see what it is. */
#define RELAY_HEAD (PIECE_HEADER + 1)

/* What came. `data` is the socket's, until the next relay_socket_read(). */
struct relay_frame {
    uint8_t type;
    const uint8_t *data;
    size_t size;
    size_t
        there; /* bytes at `data`: SIZE, or RELAY_HEAD of a frame that is longer than what is wanted, whose rest is passed over */
};

void relay_socket_init(struct relay_socket *socket);

/* FD becomes the socket's, which lets go of the one that it has. */
void relay_socket_open(struct relay_socket *socket, int fd);

/* Closes it; the memory stays for the next. Nothing happens if there is none. */
void relay_socket_close(struct relay_socket *socket);
void relay_socket_finish(struct relay_socket *socket);

/* Reads what is there, as far as there is room. 1: something; 0: nothing now; -EPIPE: the relay is gone; -ENOMEM. */
int relay_socket_read(struct relay_socket *socket);

/* Takes a frame off what was read. MAX, at least RELAY_HEAD: bytes of the longest that is wanted. 1; 0: it is not there yet; -EBADMSG: these are no frames; -ENOMEM. */
int relay_socket_next(struct relay_socket *socket, size_t max, struct relay_frame *frame);

/* Says TYPE to the relay. 0; -EPIPE: the relay is gone, or takes nothing. */
int relay_socket_say(struct relay_socket *socket, enum attachment_type type);

#endif
