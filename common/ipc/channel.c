/* SPDX-License-Identifier: MIT */
#include "common/ipc/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/ipc/message.h"

union control {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int channel_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ? -errno : 0;
}

static void attach_fds(struct msghdr *header, union control *control, const int *fds, int fd_count)
{
    if (fd_count == 0) {
        return;
    }
    memset(control, 0, sizeof(*control));
    header->msg_control = control->bytes;
    header->msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, (size_t)fd_count * sizeof(int));
}

static int send_packet(int channel, const struct msghdr *header)
{
    ssize_t sent;

    do {
        sent = sendmsg(channel, header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return 0;
    }
    return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

int channel_send(int channel, const json_t *body, const int *fds, int fd_count)
{
    size_t length = 0;
    union control control;
    struct msghdr header = {0};

    if (fd_count < 0 || fd_count > CHANNEL_FDS_MAX) {
        return -EINVAL;
    }
    char *text = message_encode(body, &length);
    if (!text) {
        return -EMSGSIZE;
    }
    struct iovec payload = {.iov_base = text, .iov_len = length};
    header.msg_iov = &payload;
    header.msg_iovlen = 1;
    attach_fds(&header, &control, fds, fd_count);
    int result = length > MESSAGE_CHANNEL_MAX ? -EMSGSIZE : send_packet(channel, &header);
    explicit_bzero(text, length); /* a camera's password may be in it */
    free(text);
    return result;
}

static void clear_fds(struct channel_message *message)
{
    for (int i = 0; i < message->fd_count; i++) {
        if (message->fds[i] >= 0) {
            close(message->fds[i]);
        }
    }
    message->fd_count = 0;
}

/* Takes over every descriptor that came along, whatever else is wrong with the packet. */
static void collect_fds(struct msghdr *header, struct channel_message *message)
{
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(fd));
            if (message->fd_count < CHANNEL_FDS_MAX) {
                message->fds[message->fd_count++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

/*
 * ECONNRESET comes once if the peer closed with something unread. What the peer had sent before is still there, so
 * reading goes on.
 */
static ssize_t receive_packet(int channel, struct msghdr *header, size_t control_size)
{
    ssize_t received;

    do {
        header->msg_controllen = control_size;
        received = recvmsg(channel, header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (received < 0 && (errno == EINTR || errno == ECONNRESET));
    return received < 0 ? -errno : received;
}

int channel_receive(int channel, struct channel_message *message)
{
    char data[MESSAGE_CHANNEL_MAX];
    union control control;
    struct iovec payload = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1, .msg_control = control.bytes};

    *message = (struct channel_message){.fds = {-1, -1, -1, -1}};
    ssize_t received = receive_packet(channel, &header, sizeof(control.bytes));
    if (received < 0) {
        return (int)received;
    }
    collect_fds(&header, message);
    if (received == 0 && message->fd_count == 0) {
        return 0;
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
        message->body = message_decode(data, (size_t)received, NULL);
    }
    message->fds_lost = (header.msg_flags & MSG_CTRUNC) && message->fd_count < CHANNEL_FDS_MAX;
    explicit_bzero(data, (size_t)received); /* a camera's password may be in it */
    if (!message->body) {
        clear_fds(message);
        return -EBADMSG;
    }
    return 1;
}

const char *channel_drop_reason(const struct channel_message *message)
{
    return message->fds_lost
               ? "a message was dropped, because this process has as many descriptors open as it "
                 "may and there was no room for those that came with it: raise the limit "
                 "(LimitNOFILE in the service's unit, or ulimit -n)"
               : "a malformed message was dropped";
}

int channel_message_take_fd(struct channel_message *message, int index)
{
    if (index < 0 || index >= message->fd_count) {
        return -1;
    }
    int fd = message->fds[index];
    message->fds[index] = -1;
    return fd;
}

void channel_message_clear(struct channel_message *message)
{
    clear_fds(message);
    json_decref(message->body);
    message->body = NULL;
}
