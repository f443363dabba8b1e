/* SPDX-License-Identifier: MIT */
#include "ingest/publish/ring_output.h"

#include <errno.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"

void ring_output_init(struct ring_output *output, struct ring_writer *ring)
{
    *output = (struct ring_output){.ring = ring};
}

void ring_output_finish(struct ring_output *output)
{
    ring_writer_detach(output->next);
    ring_writer_detach(output->ring);
    *output = (struct ring_output){0};
}

int ring_output_receive(struct ring_output *output, struct channel_message *message, int wake)
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
    if (id == output->id) {
        /* From a ringcastd that took over and does not know whether its predecessor has learnt of the change. */
        output->reached = !output->next ? id : 0;
        close(fd);
        return 0;
    }
    int result = ring_writer_attach(fd, wake, &next);
    if (result < 0) {
        return result;
    }
    ring_output_offer(output, next);
    output->id = id;
    return 0;
}

int ring_output_report(struct ring_output *output, int channel)
{
    if (output->reached == 0) {
        return 0;
    }
    json_t *message = message_new("ring-changed");
    if (!message) {
        return -ENOMEM;
    }
    json_object_set_new(message, "id", json_integer(output->reached));
    int result = channel_send(channel, message, NULL, 0);
    json_decref(message);
    if (result == 0) {
        output->reached = 0;
    }
    return result;
}

void ring_output_offer(struct ring_output *output, struct ring_writer *next)
{
    ring_writer_detach(output->next);
    output->next = next;
}

bool ring_output_advance(struct ring_output *output, const struct ring_stream *stream)
{
    struct ring_writer *next = output->next;

    if (!next) {
        return false;
    }
    output->next = NULL;
    if (ring_writer_succeed(next, output->ring) < 0 || ring_writer_begin_generation(next, stream) < 0) {
        log_warning("the next ring cannot be used: the present one stays");
        ring_writer_detach(next);
        output->id = 0; /* if ringcastd sends it again, it is taken again */
        return false;
    }
    ring_writer_detach(output->ring);
    output->ring = next;
    output->reached = output->id;
    log_debug("the ring has %zu KiB now", ring_writer_capacity(next) / 1024);
    return true;
}

bool ring_output_fits(const struct ring_output *output, size_t length)
{
    const struct ring_writer *ring = output->next ? output->next : output->ring;

    return length <= ring_writer_fragment_max(ring);
}
