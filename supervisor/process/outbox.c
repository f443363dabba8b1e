#include "supervisor/process/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "supervisor/process/limit.h"
#include "supervisor/process/timer.h"

struct outbox_entry {
    STAILQ_ENTRY(outbox_entry) next;
    json_t *body;
    int fds[CHANNEL_FDS_MAX];
    int fd_count;
};

static void entry_destroy(struct outbox_entry *entry)
{
    for (int i = 0; i < entry->fd_count; i++) {
        close(entry->fds[i]);
    }
    json_decref(entry->body);
    free(entry);
}

static struct outbox_entry *entry_create(const json_t *body, const int *fds, int fd_count)
{
    struct outbox_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    entry->body = json_deep_copy(body);
    if (entry->body == NULL) {
        goto fail;
    }
    for (int i = 0; i < fd_count; i++) {
        entry->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (entry->fds[i] < 0) {
            goto fail;
        }
        entry->fd_count++;
    }
    return entry;
fail:;
    int saved = errno;
    entry_destroy(entry);
    errno = saved;
    return NULL;
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
    timer_arm(outbox->event, &outbox->stuck_timer, LIMIT_STUCK_MS, on_stuck, outbox);
}

int outbox_flush(struct outbox *outbox)
{
    bool progress = false;
    int given_up = 0;

    for (struct outbox_entry *entry; (entry = STAILQ_FIRST(&outbox->entries)) != NULL; progress = true) {
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

static int enqueue(struct outbox *outbox, const json_t *body, const int *fds, int fd_count)
{
    if (outbox->length >= LIMIT_QUEUE) {
        return -ENOBUFS;
    }
    struct outbox_entry *entry = entry_create(body, fds, fd_count);
    if (entry == NULL) {
        return errno == EMFILE ? -EMFILE : -ENOMEM;
    }
    if (STAILQ_EMPTY(&outbox->entries)) {
        arm_stuck_timer(outbox);
        sd_event_source_set_io_events(outbox->source, EPOLLIN | EPOLLOUT);
    }
    STAILQ_INSERT_TAIL(&outbox->entries, entry, next);
    outbox->length++;
    return 0;
}

int outbox_send(struct outbox *outbox, const json_t *body, const int *fds, int fd_count)
{
    if (!STAILQ_EMPTY(&outbox->entries)) {
        return enqueue(outbox, body, fds, fd_count);
    }
    int result = channel_send(outbox->channel, body, fds, fd_count);
    if (result == -EAGAIN) {
        return enqueue(outbox, body, fds, fd_count);
    }
    return result == -EPIPE ? 0 : result;
}
