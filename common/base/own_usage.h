/* SPDX-License-Identifier: MIT */
/*
 * What this process uses, as it sees it of itself: other processes may not look, since a process in a sandbox is not dumpable
 * (docs/design/security.md). One for each process; one thread.
 */
#ifndef COMMON_BASE_OWN_USAGE_H
#define COMMON_BASE_OWN_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct own_usage {
    uint64_t
        share_bytes; /* proportional set size: shared pages divided by their users; 0: the kernel does not tell */
    unsigned descriptors; /* open ones */
};

/*
 * Opens what is read later, when no file can be opened any more. A worker calls it again: what the fork server opened tells of the
 * fork server. Where it fails, the share stays unknown.
 */
void own_usage_open(void);

/* Takes some hundred microseconds, for it looks at each page of the process. */
struct own_usage own_usage_read(void);

#endif
