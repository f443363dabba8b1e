/* SPDX-License-Identifier: MIT */
#include "common/sandbox/sandbox_parts.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MIB (1024ull * 1024)

/*
 * Private writable memory: rings are shared and do not count. A worker needs some MiB and a few frames; a
 * fan-out 32 kB a viewer and what waits for slow ones. Both are far below; a runaway ends before the machine
 * does.
 */
#define INGEST_MEMORY (256 * MIB)
#define FANOUT_MEMORY (4096 * MIB)
#define EXPORTER_MEMORY (256 * MIB)

/* One password at a time: 16 MiB with what ringcastctl writes, and room for methods that take more. */
#define PASSWORD_MEMORY (512 * MIB)

/* A picture of 8192 × 4320 in 10 bits takes 100 MiB, and its decoder holds several. What takes more is not decoded. */
#define SNAPSHOT_MEMORY (1024 * MIB)

/* The newest seconds of the cameras that are asked for. */
#define HLS_MEMORY (2048 * MIB)

/* A group of pictures of each stream that is played, what waits for slow clients, and a stack for each client. */
#define RTSP_MEMORY (4096 * MIB)

/* What NATS has not taken yet and what waits for workers, a group of pictures of each stream at the most, and the stacks of a few threads. */
#define RELAY_MEMORY (4096 * MIB)

/* A camera takes a dozen sockets; the name service and certificates take some more for a moment. */
#define INGEST_DESCRIPTORS 128
#define FORK_SERVER_DESCRIPTORS 256

/* One device: its answers have half a megabyte, and a tree of them some more. */
#define DISCOVER_MEMORY (128 * MIB)
#define DISCOVER_DESCRIPTORS 64

/* Connections are limited to 16. */
#define EXPORTER_DESCRIPTORS 64

/* A socket to each fan-out, twice while they get new ones. */
#define PASSWORD_DESCRIPTORS 192

/* Two for each stream of a thousand cameras, and a socket to each fan-out. */
#define PROGRAM_DESCRIPTORS 8192

static int lower(int resource, rlim_t value)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0) {
        return -errno;
    }
    if (limit.rlim_max > value) {
        limit.rlim_max = value;
    }
    if (limit.rlim_cur > limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
    }
    return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static rlim_t memory_of(enum sandbox_role role)
{
    switch (role) {
    case SANDBOX_FORK_SERVER:
        /* Workers are forked from it, and a limit does not go up again. */
        return RLIM_INFINITY;
    case SANDBOX_INGEST:
        return INGEST_MEMORY;
    case SANDBOX_FANOUT:
        return FANOUT_MEMORY;
    case SANDBOX_EXPORTER:
        return EXPORTER_MEMORY;
    case SANDBOX_PASSWORD:
        return PASSWORD_MEMORY;
    case SANDBOX_SNAPSHOT:
        return SNAPSHOT_MEMORY;
    case SANDBOX_HLS:
        return HLS_MEMORY;
    case SANDBOX_RTSP:
        return RTSP_MEMORY;
    case SANDBOX_RELAY:
        return RELAY_MEMORY;
    case SANDBOX_DISCOVER:
        return DISCOVER_MEMORY;
    default:
        return RLIM_INFINITY;
    }
}

int sandbox_limit(enum sandbox_role role, const struct sandbox_needs *needs)
{
    rlim_t memory = memory_of(role);
    int error = lower(RLIMIT_CORE, 0);

    if (error == 0 && role == SANDBOX_INGEST) {
        error = lower(RLIMIT_NOFILE, INGEST_DESCRIPTORS);
    }
    if (error == 0 && role == SANDBOX_FORK_SERVER) {
        error = lower(RLIMIT_NOFILE, FORK_SERVER_DESCRIPTORS);
    }
    if (error == 0 && role == SANDBOX_EXPORTER) {
        error = lower(RLIMIT_NOFILE, EXPORTER_DESCRIPTORS);
    }
    if (error == 0 && role == SANDBOX_DISCOVER) {
        error = lower(RLIMIT_NOFILE, DISCOVER_DESCRIPTORS);
    }
    if (error == 0 && role == SANDBOX_PASSWORD) {
        error = lower(RLIMIT_NOFILE, PASSWORD_DESCRIPTORS);
    }
    if (error == 0 &&
        (role == SANDBOX_SNAPSHOT || role == SANDBOX_HLS || role == SANDBOX_RTSP || role == SANDBOX_RELAY)) {
        error = lower(RLIMIT_NOFILE, PROGRAM_DESCRIPTORS);
    }
    /* A sanitizer's shadow is private memory of terabytes. */
    if (error == 0 && memory != RLIM_INFINITY && !SANDBOX_SANITIZER) {
        error = lower(RLIMIT_DATA, memory + (needs ? needs->memory : 0));
    }
    return error;
}

int sandbox_hide_memory(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}
