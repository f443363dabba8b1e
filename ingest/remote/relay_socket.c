/* SPDX-License-Identifier: MIT */
#include "ingest/remote/relay_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Most pictures fit, and several small ones come with one call. */
#define ROOM_FIRST (256u << 10)

void relay_socket_init(struct relay_socket *socket)
{
    *socket = (struct relay_socket){.fd = -1};
}

void relay_socket_open(struct relay_socket *socket, int fd)
{
    relay_socket_close(socket);
    socket->fd = fd;
}

void relay_socket_close(struct relay_socket *socket)
{
    if (socket->fd >= 0) {
        close(socket->fd);
    }
    socket->fd = -1;
    socket->begin = socket->end = socket->skip = 0;
}

void relay_socket_finish(struct relay_socket *socket)
{
    relay_socket_close(socket);
    free(socket->buffer);
    relay_socket_init(socket);
}

static int make_room(struct relay_socket *socket, size_t capacity)
{
    if (socket->begin > 0) {
        memmove(socket->buffer, socket->buffer + socket->begin, socket->end - socket->begin);
        socket->end -= socket->begin;
        socket->begin = 0;
    }
    if (capacity <= socket->capacity) {
        return 0;
    }
    uint8_t *buffer = realloc(socket->buffer, capacity);
    if (!buffer) {
        return -ENOMEM;
    }
    socket->buffer = buffer;
    socket->capacity = capacity;
    return 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int relay_socket_read(struct relay_socket *socket)
{
    if (socket->fd < 0) {
        return -EPIPE;
    }
    int result = make_room(socket, ROOM_FIRST);
    if (result < 0) {
        return result;
    }
    ssize_t got =
        recv(socket->fd, socket->buffer + socket->end, socket->capacity - socket->end, MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
    }
    if (got == 0) {
        return -EPIPE;
    }
    socket->end += (size_t)got;
    return 1;
}

/* Passes over what has come of a frame that is not wanted. */
static void skip(struct relay_socket *socket)
{
    size_t gone = smaller(socket->skip, socket->end - socket->begin);

    socket->begin += gone;
    socket->skip -= gone;
}

int relay_socket_next(struct relay_socket *socket, size_t max, struct relay_frame *frame)
{
    skip(socket);
    size_t there = socket->end - socket->begin;
    if (there < ATTACHMENT_HEADER) {
        return 0;
    }
    const uint8_t *header = socket->buffer + socket->begin;
    long size = attachment_read(header, &frame->type);
    if (size < 0) {
        return -EBADMSG;
    }
    frame->size = (size_t)size;
    frame->there = frame->size > max ? RELAY_HEAD : frame->size;
    if (there < ATTACHMENT_HEADER + frame->there) {
        return make_room(socket, ATTACHMENT_HEADER + frame->there);
    }
    frame->data = header + ATTACHMENT_HEADER;
    socket->begin += ATTACHMENT_HEADER + frame->there;
    socket->skip = frame->size - frame->there;
    return 1;
}

int relay_socket_say(struct relay_socket *socket, enum attachment_type type)
{
    uint8_t header[ATTACHMENT_HEADER];

    if (socket->fd < 0) {
        return -EPIPE;
    }
    attachment_write(header, type, 0);
    /* A relay that has not read hundreds of these is stuck: another socket is worth more than waiting. */
    return send(socket->fd, header, sizeof(header), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(header) ? 0
                                                                                                   : -EPIPE;
}
