/* SPDX-License-Identifier: MIT */
/*
 * What a process uses: read from /proc (proc(5)), as far as any process may see it of another, and as the process itself told
 * ringcastd. Any thread.
 */
#ifndef EXPORTER_USAGE_H
#define EXPORTER_USAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
    double cpu_seconds;      /* user and system */
    uint64_t resident_bytes; /* shared pages counted whole */
    uint64_t share_bytes;    /* proportional set size: shared pages divided by their users */
    bool has_share;          /* false: it is not known */
    unsigned descriptors;    /* open ones */
    bool has_descriptors;    /* false: the number is not known */
};

/* What /proc shows. False: there is no such process. */
bool usage_read(pid_t pid, struct usage *usage);

/* Adds what the process told: `usage` of the status, which may be null or missing. */
void usage_take(struct usage *usage, const json_t *told);

#endif
