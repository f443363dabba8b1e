/* SPDX-License-Identifier: MIT */
#include "supervisor/descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/log/log.h"

/*
 * Descriptors that ringcastd itself has: per camera two of the ring, eventfd, black box, channel and pidfd;
 * and as many again for rings that change their size and for messages that wait.
 */
#define FDS_PER_CAMERA 6
#define FDS_PER_CAMERA_BUSY 12
#define FDS_OTHER 128

void descriptors_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int descriptors_check(const struct config *config, char *why, size_t size)
{
    unsigned long long needed = FDS_OTHER + FDS_PER_CAMERA * (unsigned long long)config->camera_count;
    unsigned long long busy = FDS_OTHER + FDS_PER_CAMERA_BUSY * (unsigned long long)config->camera_count;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) {
        return 0;
    }
    unsigned long long allowed = limit.rlim_cur;
    if (allowed < needed) {
        snprintf(
            why, size,
            "%zu cameras need %llu descriptors, and %llu are allowed: raise the limit (LimitNOFILE in the "
            "service's unit, or ulimit -n)",
            config->camera_count, needed, allowed);
        return -EMFILE;
    }
    if (allowed < busy) {
        log_warning("%llu descriptors are allowed, and %zu cameras may need %llu when they are busy", allowed,
                    config->camera_count, busy);
    }
    return 0;
}
