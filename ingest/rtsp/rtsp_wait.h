/* SPDX-License-Identifier: MIT */
/*
 * Waiting for descriptors with a deadline and an owner that may want to stop: the only place in a session that blocks. One
 * thread.
 */
#ifndef INGEST_RTSP_RTSP_WAIT_H
#define INGEST_RTSP_RTSP_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The owner is asked at least this often whether to stop. A signal or `attention` ends a wait at once, so this bounds
 * only how late a signal is noticed that comes between the question and the wait.
 */
#define RTSP_WAIT_ASK_MS 250

/* Descriptors of one wait. */
#define RTSP_WAIT_FDS_MAX 8

/* Bytes of an error text with its NUL. */
#define RTSP_ERROR_SIZE 256

struct rtsp_wait {
    bool (*interrupted)(void *context); /* true: give up at once */
    void *context;
    int attention; /* a descriptor of the owner's: when it is readable, the owner is asked at once; -1: none */
    int64_t asked_ns; /* when the owner was asked last; 0: not yet */
};

/* Asks the owner, if that is due. 0; -ECANCELED: the owner wants to stop. */
int rtsp_wait_ask(struct rtsp_wait *wait, int64_t now_ns);

/*
 * Waits until one of COUNT descriptors is ready (COUNT may be 0). 0: revents are set; -ETIMEDOUT;
 * -ECANCELED; other negative errno. Descriptors that are ready are found even when the deadline has passed.
 */
int rtsp_wait_poll(struct rtsp_wait *wait, struct pollfd *fds, size_t count, int64_t deadline_ns);

#endif
