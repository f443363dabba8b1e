/* SPDX-License-Identifier: MIT */
#include "keeper/orphans.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/ipc/runtime_dir.h"
#include "common/log/log.h"
#include "common/ring/ring_create.h"

/* A process that has seen the end of its channel and is still there after this time is killed. */
#define END_MS 2500

/* A killed process may take this long to be gone, because what it does in the kernel must end first. */
#define KILL_MS 2000

static bool is_kind(const struct kept_entry *entry, const char *kind)
{
    return strcmp(entry->kind, kind) == 0;
}

/* A process that holds the other end of a channel sees its end, even if there is no pidfd of that process. */
static void end_channels(struct kept_entries *entries)
{
    const struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (is_kind(entry, KEEPER_KIND_PROCESS) && entry->fd_count > KEEPER_PROCESS_CHANNEL) {
            shutdown(entry->fds[KEEPER_PROCESS_CHANNEL], SHUT_RDWR);
        }
    }
}

static void wait_for_end(const struct kept_entries *entries, uint64_t until_ms)
{
    const struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (!is_kind(entry, KEEPER_KIND_PROCESS) || entry->fd_count <= KEEPER_PROCESS_PIDFD) {
            continue;
        }
        struct pollfd end = {.fd = entry->fds[KEEPER_PROCESS_PIDFD], .events = POLLIN};
        uint64_t now_ms = clock_now_ms();
        poll(&end, 1, until_ms > now_ms ? (int)(until_ms - now_ms) : 0);
    }
}

static void kill_processes(const struct kept_entries *entries)
{
    const struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (is_kind(entry, KEEPER_KIND_PROCESS) && entry->fd_count > KEEPER_PROCESS_PIDFD) {
            pidfd_send_signal(entry->fds[KEEPER_PROCESS_PIDFD], SIGKILL, NULL, 0);
        }
    }
}

static void remove_rings(const struct kept_entries *entries)
{
    const struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        const char *ring = message_string(entry->body, KEEPER_RING_NAME, NULL);
        if (!is_kind(entry, KEEPER_KIND_RING) || !ring) {
            continue;
        }
        if (entry->fd_count > KEEPER_RING_WRITER) {
            ring_retire(entry->fds[KEEPER_RING_WRITER]);
        }
        ring_unlink(ring);
    }
}

int orphans_end(struct kept_entries *entries, const char *directory)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};
    struct runtime_dir *dir = NULL;
    int result = runtime_dir_open(directory, &dir);

    if (result == -EBUSY) {
        return result;
    }
    /* Processes and rings are known by what is held, so they end also if the directory is gone. */
    end_channels(entries);
    wait_for_end(entries, clock_now_ms() + END_MS);
    kill_processes(entries);
    wait_for_end(entries, clock_now_ms() + KILL_MS);
    remove_rings(entries);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && dir; i++) {
        runtime_dir_remove(dir, names[i]);
    }
    runtime_dir_close(dir);
    return result;
}
