/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/packet_run.h"

#include <stdlib.h>
#include <string.h>

void packet_run_init(struct packet_run *run)
{
    *run = (struct packet_run){0};
}

void packet_run_finish(struct packet_run *run)
{
    for (size_t i = 0; i < PACKET_RUN_MAX; i++) {
        free(run->items[i].data);
    }
    packet_run_init(run);
}

bool packet_run_follows(const struct packet_run *run, const struct rtp_packet *packet, bool any_ssrc)
{
    if (run->count == 0) {
        return true;
    }
    const struct rtp_packet *last = &run->items[run->count - 1].packet;
    return (any_ssrc || packet->ssrc == last->ssrc) && packet->payload_type == last->payload_type &&
           packet->sequence == (uint16_t)(last->sequence + 1);
}

void packet_run_add(struct packet_run *run, const struct rtp_packet *packet, int64_t arrival_ns)
{
    if (run->count == PACKET_RUN_MAX) {
        return;
    }
    size_t index = run->count;
    if (packet->size > run->items[index].room) {
        uint8_t *room = realloc(run->items[index].data, packet->size);
        if (!room) {
            return;
        }
        run->items[index].data = room;
        run->items[index].room = packet->size;
    }
    if (packet->size > 0) {
        memcpy(run->items[index].data, packet->payload, packet->size);
    }
    run->items[index].packet = *packet;
    run->items[index].packet.payload = run->items[index].data;
    run->items[index].arrival_ns = arrival_ns;
    run->count++;
}

void packet_run_clear(struct packet_run *run)
{
    run->count = 0;
}
