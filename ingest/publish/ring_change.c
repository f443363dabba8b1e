#include "ingest/publish/ring_change.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"

void ring_change_init(struct ring_change *change, struct publisher *publisher, struct ring_writer *ring)
{
    *change = (struct ring_change){.publisher = publisher, .ring = ring};
}

void ring_change_finish(struct ring_change *change)
{
    ring_writer_detach(change->next);
    ring_writer_detach(change->ring);
    *change = (struct ring_change){0};
}

void ring_change_follow(struct ring_change *change)
{
    if (change->next == NULL || publisher_ring(change->publisher) != change->next) {
        return;
    }
    ring_writer_detach(change->ring);
    change->ring = change->next;
    change->next = NULL;
    change->reached = change->id;
    log_debug("the ring has %zu KiB now", ring_writer_capacity(change->ring) / 1024);
}

int ring_change_take(struct ring_change *change, struct channel_message *message, int wake)
{
    json_int_t id = message_integer(message->body, "id", 0);
    int fd = channel_message_take_fd(message, 0);
    struct ring_writer *next = NULL;

    if (fd < 0) {
        return -EBADMSG;
    }
    if (id <= 0) {
        close(fd);
        return -EBADMSG;
    }
    if (id == change->id) {
        /* Of a ringcastd that took over and does not know whether its predecessor said so. */
        ring_change_follow(change);
        change->reached = change->next == NULL ? id : 0;
        close(fd);
        return 0;
    }
    int result = ring_writer_attach(fd, wake, &next);
    if (result < 0) {
        return result;
    }
    ring_change_drop(change);
    change->next = next;
    change->id = id;
    publisher_offer_ring(change->publisher, next);
    return 0;
}

void ring_change_drop(struct ring_change *change)
{
    ring_change_follow(change); /* one that is in use stays */
    publisher_offer_ring(change->publisher, NULL);
    ring_writer_detach(change->next);
    change->next = NULL;
}

int ring_change_report(struct ring_change *change, int channel)
{
    if (change->reached == 0) {
        return 0;
    }
    json_t *message = message_new("ring-changed");
    if (message == NULL) {
        return -ENOMEM;
    }
    json_object_set_new(message, "id", json_integer(change->reached));
    int result = channel_send(channel, message, NULL, 0);
    json_decref(message);
    if (result == 0) {
        change->reached = 0;
    }
    return result;
}

bool ring_change_fits(const struct ring_change *change, size_t length)
{
    const struct ring_writer *ring = change->next != NULL ? change->next : change->ring;

    return length <= ring_writer_fragment_max(ring);
}
