/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/reorder.h"

#include <stdlib.h>
#include <string.h>

/* Steps of sequence numbers up to these are a loss or a late packet; a larger one means that the sender has started again
 * (RFC 3550, A.1: MAX_DROPOUT and MAX_MISORDER). */
#define STEP_FORWARD_MAX 3000
#define STEP_BACK_MAX (REORDER_PACKETS - 1)

/* In `seen`. */
static size_t place(int64_t sequence)
{
    return (size_t)((uint64_t)sequence % REORDER_PACKETS);
}

/* Packets that wait are less than a window apart, so each has a slot of its own. NULL: there are no slots. */
static struct reorder_slot *slot_of(const struct reorder *reorder, int64_t sequence)
{
    return reorder->slots ? &reorder->slots[(uint64_t)sequence % (uint64_t)reorder->window] : NULL;
}

static bool waits(const struct reorder *reorder, int64_t sequence)
{
    const struct reorder_slot *slot = slot_of(reorder, sequence);

    return slot && slot->waits;
}

void reorder_init(struct reorder *reorder, int64_t window)
{
    memset(reorder, 0, sizeof(*reorder));
    reorder->window = window;
}

void reorder_finish(struct reorder *reorder)
{
    for (int64_t i = 0; reorder->slots && i < reorder->window; i++) {
        free(reorder->slots[i].data);
    }
    free(reorder->slots);
    reorder_init(reorder, reorder->window);
}

void reorder_restart(struct reorder *reorder)
{
    for (int64_t i = 0; reorder->slots && i < reorder->window; i++) {
        reorder->slots[i].waits = false;
    }
    memset(reorder->seen, 0, sizeof(reorder->seen));
    reorder->lost += reorder->waiting;
    reorder->waiting = reorder->waiting_bytes = 0;
    reorder->has_direct = false;
    reorder->started = false;
}

static void begin(struct reorder *reorder, uint16_t sequence)
{
    /* One cycle up, so that nothing goes below zero. */
    reorder->next = 0x10000 + (int64_t)sequence;
    reorder->highest = reorder->next - 1;
    reorder->release = reorder->next;
    reorder->started = true;
}

static void note_received(struct reorder *reorder, int64_t sequence)
{
    if (sequence < reorder->highest) {
        reorder->reordered++;
    }
    for (int64_t i = reorder->highest + 1; i < sequence; i++) {
        reorder->seen[place(i)] = false;
    }
    if (sequence > reorder->highest) {
        reorder->highest = sequence;
    }
    reorder->seen[place(sequence)] = true;
}

static bool store(struct reorder *reorder, int64_t sequence, const struct rtp_packet *packet,
                  int64_t arrival_ns)
{
    if (!reorder->slots) {
        reorder->slots = calloc((size_t)reorder->window, sizeof(*reorder->slots));
    }
    struct reorder_slot *slot = slot_of(reorder, sequence);
    if (!slot || packet->size > REORDER_BYTES_MAX - reorder->waiting_bytes) {
        return false;
    }
    if (packet->size > slot->room) {
        uint8_t *room = realloc(slot->data, packet->size);
        if (!room) {
            return false;
        }
        slot->data = room;
        slot->room = packet->size;
    }
    if (packet->size > 0) {
        memcpy(slot->data, packet->payload, packet->size);
    }
    slot->packet = *packet;
    slot->packet.payload = slot->data;
    slot->arrival_ns = arrival_ns;
    slot->waits = true;
    reorder->waiting++;
    reorder->waiting_bytes += packet->size;
    return true;
}

static void pass_directly(struct reorder *reorder, int64_t sequence, const struct rtp_packet *packet,
                          int64_t arrival_ns)
{
    reorder->has_direct = true;
    reorder->direct = *packet;
    reorder->direct_sequence = sequence;
    reorder->direct_arrival_ns = arrival_ns;
}

static void accept(struct reorder *reorder, int64_t sequence, const struct rtp_packet *packet,
                   int64_t arrival_ns)
{
    bool due = sequence == reorder->next;
    bool far = sequence - reorder->next >= reorder->window;

    note_received(reorder, sequence);
    if (!due && !far && store(reorder, sequence, packet, arrival_ns)) {
        return;
    }
    if (!due) {
        reorder->release = sequence;
    }
    pass_directly(reorder, sequence, packet, arrival_ns);
}

enum reorder_result reorder_put(struct reorder *reorder, const struct rtp_packet *packet, int64_t arrival_ns)
{
    const uint16_t sequence = packet->sequence;
    if (!reorder->started) {
        begin(reorder, sequence);
    }
    int64_t step = (int16_t)(uint16_t)(sequence - (uint16_t)reorder->next);
    if (step < 0 && step >= -STEP_BACK_MAX) {
        bool again = reorder->seen[place(reorder->next + step)];
        if (again) {
            reorder->duplicates++;
        } else {
            note_received(reorder, reorder->next + step);
        }
        return REORDER_OLD;
    }
    if (step < 0 || step > STEP_FORWARD_MAX) {
        return REORDER_JUMP;
    }
    if (step > 0 && step < reorder->window && waits(reorder, reorder->next + step)) {
        reorder->duplicates++;
        return REORDER_OLD;
    }
    accept(reorder, reorder->next + step, packet, arrival_ns);
    return REORDER_TAKEN;
}

static bool take(struct reorder *reorder, struct reorder_packet *packet)
{
    struct reorder_slot *slot = slot_of(reorder, reorder->next);

    if (reorder->has_direct && reorder->direct_sequence == reorder->next) {
        packet->packet = reorder->direct;
        packet->arrival_ns = reorder->direct_arrival_ns;
        reorder->has_direct = false;
        return true;
    }
    if (!slot || !slot->waits) {
        return false;
    }
    packet->packet = slot->packet;
    packet->arrival_ns = slot->arrival_ns;
    slot->waits = false;
    reorder->waiting--;
    reorder->waiting_bytes -= slot->packet.size;
    return true;
}

int reorder_next(struct reorder *reorder, struct reorder_packet *packet)
{
    packet->gap = false;
    if (!reorder->started) {
        return 0;
    }
    while (!take(reorder, packet)) {
        if (reorder->next >= reorder->release) {
            return 0;
        }
        reorder->next++;
        reorder->lost++;
        packet->gap = true;
    }
    reorder->next++;
    return 1;
}

int64_t reorder_deadline(const struct reorder *reorder)
{
    int64_t oldest = INT64_MAX;

    if (reorder->waiting == 0) {
        return INT64_MAX;
    }
    for (int64_t i = 0; i < reorder->window; i++) {
        if (reorder->slots[i].waits && reorder->slots[i].arrival_ns < oldest) {
            oldest = reorder->slots[i].arrival_ns;
        }
    }
    return oldest + REORDER_WAIT_NS;
}

void reorder_expire(struct reorder *reorder, int64_t now_ns)
{
    int64_t last = reorder->next + reorder->window;

    if (reorder->waiting == 0) {
        return;
    }
    for (int64_t i = reorder->next; i < last; i++) {
        const struct reorder_slot *slot = slot_of(reorder, i);
        if (slot->waits && now_ns - slot->arrival_ns >= REORDER_WAIT_NS) {
            reorder->release = i;
        }
    }
}
