#include "keeper/orphans.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/ipc/runtime_dir.h"
#include "common/log/log.h"
#include "common/ring/ring_create.h"

/* A process that has seen the end of its channel and is still there after this time is killed. */
#define END_MS 2500

/* How long a killed process may take to be gone: what it does in the kernel must end first. */
#define KILL_MS 2000

/* Places in an entry's descriptors: supervisor/process/child.c and supervisor/camera/camera_ring.c. */
enum { PROCESS_CHANNEL = 0, PROCESS_PIDFD = 2, RING_WRITER = 0 };

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_kind(const struct store_entry *entry, const char *kind)
{
    return strcmp(entry->kind, kind) == 0;
}

/* Everybody with a channel sees its end, also where we do not know the process. */
static void end_channels(struct store *store)
{
    const struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        if (is_kind(entry, "process") && entry->fd_count > PROCESS_CHANNEL) {
            shutdown(entry->fds[PROCESS_CHANNEL], SHUT_RDWR);
        }
    }
}

static void wait_for_end(const struct store *store, long long until)
{
    const struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        if (!is_kind(entry, "process") || entry->fd_count <= PROCESS_PIDFD) {
            continue;
        }
        struct pollfd end = {.fd = entry->fds[PROCESS_PIDFD], .events = POLLIN};
        long long left = until - now_ms();
        poll(&end, 1, left > 0 ? (int)left : 0);
    }
}

static void kill_processes(const struct store *store)
{
    const struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        if (is_kind(entry, "process") && entry->fd_count > PROCESS_PIDFD) {
            pidfd_send_signal(entry->fds[PROCESS_PIDFD], SIGKILL, NULL, 0);
        }
    }
}

static void remove_rings(const struct store *store)
{
    const struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        const char *ring = message_string(entry->body, "ring", NULL);
        if (!is_kind(entry, "ring") || ring == NULL) {
            continue;
        }
        if (entry->fd_count > RING_WRITER) {
            ring_retire(entry->fds[RING_WRITER]);
        }
        ring_unlink_next(ring);
        ring_unlink(ring);
    }
}

int estate_clear(struct store *store, const char *directory)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};
    struct runtime_dir *dir;
    int error = runtime_dir_open(directory, &dir);

    if (error < 0) {
        return error;
    }
    end_channels(store);
    wait_for_end(store, now_ms() + END_MS);
    kill_processes(store);
    wait_for_end(store, now_ms() + KILL_MS);
    remove_rings(store);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        runtime_dir_remove(dir, names[i]);
    }
    runtime_dir_close(dir);
    return 0;
}
