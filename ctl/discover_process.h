/* SPDX-License-Identifier: MIT */
/*
 * A ringcast-discover beside this program, for one task (docs/design/discovery.md): what devices say is read there and not here. It ends
 * with this program. One thread.
 */
#ifndef CTL_DISCOVER_PROCESS_H
#define CTL_DISCOVER_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct discover_process {
    pid_t pid;   /* 0: none */
    int channel; /* -1: none */
};

/* Starts one and gives it TASK. 0 or negative errno; then there is nothing to end. */
int discover_process_start(struct discover_process *process, const json_t *task);

/*
 * The next message of it, without waiting: 1: *message is the caller's; 0: it has ended; -EAGAIN: there is none yet.
 */
int discover_process_read(struct discover_process *process, json_t **message);

/* Ends it, if it runs. */
void discover_process_end(struct discover_process *process);

#endif
