/* SPDX-License-Identifier: MIT */
#include "fanout/send_memory.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/pace.h"
#include "fanout/loop/connections.h"

/* Between two looks while viewers are behind, and between two questions to the kernel. */
#define INTERVAL_MS 100
#define ASK_INTERVAL_MS 50

/* So many that fell behind since the last look are looked at without waiting for the timer. */
#define FELL_BEHIND_MAX 32u

/* When TCP holds much but the viewers of this process do not, no look for that reason for this long. */
#define PAUSE_MS 1000

/* Of the kernel's threshold for memory pressure, the share of one fan-out … */
#define PRESSURE_SHARE 8

/* … and the least, for machines that tell nothing, in bytes. */
#define MIN_BYTES (32u << 20)

/* Disconnecting goes on until this much is left, so that it is not due again at the next look. */
#define LEFT(max) ((max) / 8 * 7)

/* Of the bound, the share above which the viewers of one client are the first to go. */
#define CLIENT_SHARE(max) ((max) / 4)

struct holder {
    struct viewer *viewer; /* NULL: disconnected */
    struct client *client;
    int64_t stuck_since_ns; /* INT64_MAX: it takes what it is given */
    size_t bytes;
};

/* Viewers, and what the kernel holds for all of them. */
struct holders {
    struct holder *list;
    size_t count, room, bytes;
};

static size_t part_of_tcp_mem(void)
{
    unsigned long pressure = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_mem", "re");

    if (file) {
        if (fscanf(file, "%*u %lu %*u", &pressure) != 1) {
            pressure = 0;
        }
        fclose(file);
    }
    size_t bytes = (size_t)pressure * (size_t)sysconf(_SC_PAGESIZE) / PRESSURE_SHARE;
    return bytes > MIN_BYTES ? bytes : MIN_BYTES;
}

/* Bytes that the kernel holds for VIEWER's socket, its own bookkeeping included. */
static size_t held_for(const struct viewer *viewer)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof(memory);
    int result = getsockopt(lws_get_socket_fd(viewer->wsi), SOL_SOCKET, SO_MEMINFO, memory, &length);

    return result == 0 ? memory[SK_MEMINFO_WMEM_QUEUED] : 0;
}

/* Since when the viewer of SOCKET takes nothing. One of which nothing good is known yet may take nothing from now on. */
static int64_t since_when(const struct viewer *socket, int64_t now_ns)
{
    if (socket->stuck_since_ns != 0) {
        return socket->stuck_since_ns;
    }
    return socket->pace && !pace_is_in_time(socket->pace) ? now_ns : INT64_MAX;
}

/* ALL: also viewers that have room for more. */
static void add_holders(struct holders *holders, const struct viewer_array *viewers, bool all, int64_t now_ns)
{
    for (unsigned i = 0; i < viewers->count; i++) {
        struct viewer *viewer = viewers->list[i].viewer;
        struct viewer *socket = viewer_socket(viewer);
        bool counted = viewer->bundle && viewer != &TAILQ_FIRST(&viewer->bundle->members)->viewer;
        if (counted || (!all && !viewer_is_full(socket))) {
            continue;
        }
        if (holders->count == holders->room) {
            size_t room = holders->room ? 2 * holders->room : 256;
            struct holder *list = reallocarray(holders->list, room, sizeof(*list));
            if (!list) {
                return; /* those that are in it already will do */
            }
            holders->list = list;
            holders->room = room;
        }
        viewer_note_progress(socket, now_ns);
        size_t bytes = held_for(viewer);
        holders->bytes += bytes;
        int64_t since_ns = since_when(socket, now_ns);
        const struct connection *connection = lws_get_opaque_user_data(viewer->wsi);
        holders->list[holders->count++] = (struct holder){viewer, connection->client, since_ns, bytes};
    }
}

/* Those that have taken nothing for longest come first; of these, those for which most is held. */
static int worst_first(const void *a, const void *b)
{
    const struct holder *one = a, *other = b;

    if (one->stuck_since_ns != other->stuck_since_ns) {
        return one->stuck_since_ns < other->stuck_since_ns ? -1 : 1;
    }
    return one->bytes > other->bytes ? -1 : one->bytes < other->bytes;
}

static void add_up_clients(struct holders *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        holders->list[i].client->held = 0;
    }
    for (size_t i = 0; i < holders->count; i++) {
        holders->list[i].client->held += holders->list[i].bytes;
    }
}

/* In order, down to LEFT bytes, those whose client holds more than SHARE. Returns how many. */
static unsigned disconnect(struct holders *holders, size_t left, size_t share)
{
    unsigned count = 0;

    for (size_t i = 0; i < holders->count && holders->bytes > left; i++) {
        struct holder *holder = &holders->list[i];
        if (holder->viewer && holder->client->held > share) {
            holders->bytes -= holder->bytes;
            holder->client->held -= holder->bytes;
            feed_abort(holder->viewer);
            holder->viewer = NULL;
            count++;
        }
    }
    return count;
}

static void disconnect_worst(struct send_memory *memory, struct holders *holders)
{
    size_t before = holders->bytes;

    qsort(holders->list, holders->count, sizeof(holders->list[0]), worst_first);
    add_up_clients(holders);
    unsigned count = disconnect(holders, LEFT(memory->max), CLIENT_SHARE(memory->max));
    count += disconnect(holders, LEFT(memory->max), 0);
    log_warning(
        "%u viewers that read too slowly are disconnected: %zu MiB of unsent data waited for viewers, "
        "and %zu MiB may (send_memory)",
        count, before >> 20, memory->max >> 20);
}

static void look(struct send_memory *memory, bool all, int64_t now_ns)
{
    struct feed_set *set = memory->streams->set;
    struct holders holders = {0};

    set->fell_behind = 0;
    for (struct stream *stream = memory->streams->first; stream; stream = stream->next) {
        add_holders(&holders, &stream->feed.viewers, all, now_ns);
        add_holders(&holders, &stream->feed.paused, all, now_ns);
    }
    if (holders.bytes > memory->max) {
        disconnect_worst(memory, &holders);
    } else if (all) {
        memory->asked_ns = now_ns + PAUSE_MS * NS_PER_MS;
    }
    if (set->behind > 0 || (holders.count > 0 && !all)) {
        watch_timer_arm(&set->memory_timer, INTERVAL_MS);
    } else if (set->behind == 0) {
        fragment_cache_clear(&set->cache);
        malloc_trim(0);
    }
    free(holders.list);
}

/* Bytes that the kernel holds for all TCP connections of the machine; 0: it does not tell. */
static size_t held_by_tcp(const struct send_memory *memory)
{
    char text[1024];
    unsigned long pages = 0;
    ssize_t length = memory->sockstat < 0 ? -1 : pread(memory->sockstat, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    const char *line = strstr(text, "TCP: ");
    const char *member = line ? strstr(line, " mem ") : NULL;
    if (member) {
        pages = strtoul(member + strlen(" mem "), NULL, 10);
    }
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

void send_memory_check(struct send_memory *memory, int64_t now_ns)
{
    if (memory->streams->set->fell_behind >= FELL_BEHIND_MAX) {
        look(memory, false, now_ns);
    }
    if (now_ns - memory->asked_ns >= ASK_INTERVAL_MS * NS_PER_MS) {
        memory->asked_ns = now_ns;
        if (held_by_tcp(memory) > memory->max) {
            look(memory, true, now_ns);
        }
    }
}

static void timer_expired(void *context)
{
    look(context, false, clock_now_ns());
}

int send_memory_begin(struct send_memory *memory, struct loop *loop, struct streams *streams)
{
    *memory = (struct send_memory){
        .streams = streams,
        .max = part_of_tcp_mem(),
        .sockstat = open("/proc/net/sockstat", O_RDONLY | O_CLOEXEC),
    };
    return watch_timer_begin(&streams->set->memory_timer, loop, timer_expired, memory);
}

void send_memory_end(struct send_memory *memory)
{
    if (memory->streams) {
        watch_end(&memory->streams->set->memory_timer.watch);
        if (memory->sockstat >= 0) {
            close(memory->sockstat);
        }
    }
}
