/* SPDX-License-Identifier: MIT */
/*
 * The channel between ringcastd and each of its child processes: control messages (message.h) over an
 * inherited SOCK_SEQPACKET socket pair, with descriptors attached where a message needs them. A packet is one
 * message. Non-blocking on both sides; end-of-file means that the other process is gone.
 */
#ifndef COMMON_IPC_CHANNEL_H
#define COMMON_IPC_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* Most descriptors that one message carries. */
#define CHANNEL_FDS_MAX 4

/* A child finds its end of the channel at this descriptor. */
#define CHANNEL_CHILD_FD 3

struct channel_message {
    json_t *body; /* owned: channel_message_clear frees it */
    int fds[CHANNEL_FDS_MAX];
    int fd_count;  /* of fds, where -1 was taken out; channel_message_clear closes the others */
    bool fds_lost; /* with -EBADMSG: it came with more descriptors than this process can have open */
};

/* A connected pair, close-on-exec and non-blocking. 0 or negative errno. */
int channel_pair(int ends[2]);

/*
 * Sends BODY (not consumed) with FD_COUNT descriptors (they stay the caller's).
 * 0; -EAGAIN: the other side does not read; -EPIPE: it is gone; -EMSGSIZE: over MESSAGE_CHANNEL_MAX.
 */
int channel_send(int channel, const json_t *body, const int *fds, int fd_count);

/*
 * Receives one message. 1: *message is filled; 0: end-of-file; -EAGAIN: there is none; -EBADMSG: a malformed
 * message was discarded with its descriptors; the caller may go on or give the peer up.
 */
int channel_receive(int channel, struct channel_message *message);

/* After -EBADMSG, for the log: what was dropped and why; if it was for want of descriptors, what to do. */
const char *channel_drop_reason(const struct channel_message *message);

/* Takes descriptor INDEX out of the message: the caller then owns it. -1: there is no such descriptor. */
int channel_message_take_fd(struct channel_message *message, int index);

void channel_message_clear(struct channel_message *message);

#endif
