/* SPDX-License-Identifier: MIT */
/*
 * How a worker learns that it must end. SIGTERM sets a flag that the worker looks at. Where it cannot look,
 * because a name server does not answer, it ends all the same one second later. One worker per process.
 */
#ifndef INGEST_WORKER_SIGNALS_H
#define INGEST_WORKER_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Handles SIGTERM from now on. */
void worker_signals_install(void);

/* True once SIGTERM has come. */
bool worker_signals_ending(void);

/* The worker ends for another reason: the second begins now. */
void worker_signals_begin_end(void);

/* Waits until FD is readable, SIGTERM comes or TIMEOUT_MS have passed; -1: no limit. */
void worker_signals_wait(int fd, int64_t timeout_ms);

/* The same for COUNT descriptors, as poll(2) takes them: what has happened to them is in POLLED; nothing, if a signal came. */
void worker_signals_poll(struct pollfd *polled, nfds_t count, int64_t timeout_ms);

#endif
