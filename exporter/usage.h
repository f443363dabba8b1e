/* SPDX-License-Identifier: MIT */
/* What a process uses, read from /proc (proc(5)). Any thread. */
#ifndef EXPORTER_USAGE_H
#define EXPORTER_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
    double cpu_seconds;      /* user and system */
    uint64_t resident_bytes; /* shared pages counted whole */
    uint64_t share_bytes;    /* proportional set size: shared pages divided by their users */
    bool has_share;          /* false: the kernel does not show the proportional set size */
    unsigned descriptors;    /* open ones */
    bool has_descriptors;    /* false: the kernel does not show them */
};

/* False: there is no such process. */
bool usage_read(pid_t pid, struct usage *usage);

#endif
