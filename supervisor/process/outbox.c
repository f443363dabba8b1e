/* SPDX-License-Identifier: MIT */
#include "supervisor/process/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "supervisor/process/timer.h"

struct outbox_entry {
    STAILQ_ENTRY(outbox_entry) next;
    json_t *body;
    char *key;                /* NULL: it is sent whatever follows */
    int fds[CHANNEL_FDS_MAX]; /* with a key they are the sender's, else copies */
    int fd_count;
};

static void entry_destroy(struct outbox_entry *entry)
{
    for (int i = 0; i < entry->fd_count && !entry->key; i++) {
        close(entry->fds[i]);
    }
    json_decref(entry->body);
    free(entry->key);
    free(entry);
}

/* 0 or negative errno. */
static int take_descriptors(struct outbox_entry *entry, const int *fds, int fd_count)
{
    for (int i = 0; i < fd_count; i++) {
        entry->fds[i] = entry->key ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (entry->fds[i] < 0) {
            return -errno;
        }
        entry->fd_count++;
    }
    return 0;
}

static int entry_create(const char *key, const json_t *body, const int *fds, int fd_count,
                        struct outbox_entry **made)
{
    struct outbox_entry *entry = calloc(1, sizeof(*entry));

    if (!entry) {
        return -ENOMEM;
    }
    entry->body = json_deep_copy(body);
    entry->key = key ? strdup(key) : NULL;
    int result = !entry->body || (key && !entry->key) ? -ENOMEM : take_descriptors(entry, fds, fd_count);
    if (result < 0) {
        entry_destroy(entry);
        return result;
    }
    *made = entry;
    return 0;
}

static void remove_first(struct outbox *outbox)
{
    struct outbox_entry *entry = STAILQ_FIRST(&outbox->entries);

    STAILQ_REMOVE_HEAD(&outbox->entries, next);
    outbox->length--;
    entry_destroy(entry);
}

void outbox_init(struct outbox *outbox, sd_event *event, void (*stuck)(void *data), void *data)
{
    *outbox = (struct outbox){.event = event, .channel = -1, .stuck = stuck, .data = data};
    STAILQ_INIT(&outbox->entries);
}

void outbox_open(struct outbox *outbox, int channel, sd_event_source *source)
{
    outbox->channel = channel;
    outbox->source = source;
}

void outbox_clear(struct outbox *outbox)
{
    while (!STAILQ_EMPTY(&outbox->entries)) {
        remove_first(outbox);
    }
    timer_disarm(&outbox->stuck_timer);
}

static int on_stuck(sd_event_source *source, uint64_t usec, void *data)
{
    struct outbox *outbox = data;

    (void)source, (void)usec;
    outbox->stuck(outbox->data);
    return 0;
}

static void arm_stuck_timer(struct outbox *outbox)
{
    timer_arm(outbox->event, &outbox->stuck_timer, OUTBOX_STUCK_MS, on_stuck, outbox);
}

int outbox_flush(struct outbox *outbox)
{
    bool progress = false;
    int given_up = 0;

    for (struct outbox_entry *entry; (entry = STAILQ_FIRST(&outbox->entries)); progress = true) {
        int result = channel_send(outbox->channel, entry->body, entry->fds, entry->fd_count);
        if (result == -EAGAIN) {
            break;
        }
        if (result < 0 && result != -EPIPE) {
            given_up = result;
        }
        remove_first(outbox);
    }
    if (STAILQ_EMPTY(&outbox->entries)) {
        timer_disarm(&outbox->stuck_timer);
        sd_event_source_set_io_events(outbox->source, EPOLLIN);
    } else if (progress) {
        arm_stuck_timer(outbox);
    }
    return given_up;
}

static void remove_key(struct outbox *outbox, const char *key)
{
    struct outbox_entry *entry;

    STAILQ_FOREACH(entry, &outbox->entries, next) {
        if (entry->key && strcmp(entry->key, key) == 0) {
            STAILQ_REMOVE(&outbox->entries, entry, outbox_entry, next);
            entry_destroy(entry);
            outbox->length--;
            return;
        }
    }
}

/* KEY may be NULL. */
static int enqueue(struct outbox *outbox, const char *key, const json_t *body, const int *fds, int fd_count)
{
    struct outbox_entry *entry;
    bool waited = outbox_waits(outbox);

    if (key) {
        remove_key(outbox, key);
    }
    if (outbox->length >= OUTBOX_MAX) {
        return -ENOBUFS;
    }
    int result = entry_create(key, body, fds, fd_count, &entry);
    if (result < 0) {
        return result;
    }
    STAILQ_INSERT_TAIL(&outbox->entries, entry, next);
    outbox->length++;
    if (!waited) {
        arm_stuck_timer(outbox);
        sd_event_source_set_io_events(outbox->source, EPOLLIN | EPOLLOUT);
    }
    return 0;
}

bool outbox_waits(const struct outbox *outbox)
{
    return !STAILQ_EMPTY(&outbox->entries);
}

static int send_or_enqueue(struct outbox *outbox, const char *key, const json_t *body, const int *fds,
                           int fd_count)
{
    int result = outbox_waits(outbox) ? -EAGAIN : channel_send(outbox->channel, body, fds, fd_count);

    if (result == -EAGAIN) {
        return enqueue(outbox, key, body, fds, fd_count);
    }
    return result == -EPIPE ? 0 : result;
}

int outbox_send(struct outbox *outbox, const json_t *body, const int *fds, int fd_count)
{
    return send_or_enqueue(outbox, NULL, body, fds, fd_count);
}

int outbox_send_newest(struct outbox *outbox, const char *key, const json_t *body, const int *fds,
                       int fd_count)
{
    return send_or_enqueue(outbox, key, body, fds, fd_count);
}
