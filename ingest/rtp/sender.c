/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/sender.h"

void sender_init(struct sender *sender, uint32_t name)
{
    *sender = (struct sender){.named = name != 0, .name = name};
}

static bool is_stranger(const struct sender *sender, uint32_t ssrc)
{
    for (size_t i = 0; i < sender->stranger_count; i++) {
        if (sender->strangers[i] == ssrc) {
            return true;
        }
    }
    return false;
}

/* The oldest one is forgotten if there are too many. */
static void add_stranger(struct sender *sender, uint32_t ssrc)
{
    if (sender->stranger_count == SENDER_STRANGERS) {
        for (size_t i = 1; i < SENDER_STRANGERS; i++) {
            sender->strangers[i - 1] = sender->strangers[i];
        }
        sender->stranger_count--;
    }
    sender->strangers[sender->stranger_count++] = ssrc;
}

static enum sender_verdict change(struct sender *sender, uint32_t ssrc, uint16_t next, int64_t arrival_ns)
{
    sender->replaced = sender->known;
    sender->previous = sender->ssrc;
    sender->previous_next = next;
    sender->known = true;
    sender->ssrc = ssrc;
    sender->arrival_ns = arrival_ns;
    return SENDER_CHANGED;
}

bool sender_is_restless(const struct sender *sender)
{
    return sender->restlessness >= SENDER_RESTLESS;
}

static void note_ssrc(struct sender *sender, const struct rtp_packet *packet)
{
    bool same = packet->ssrc == sender->last_ssrc;

    if (sender->has_last && same) {
        sender->restlessness -= sender->restlessness > 0 ? 1 : 0;
    } else if (sender->has_last && packet->sequence == (uint16_t)(sender->last_sequence + 1)) {
        sender->restlessness += sender->restlessness < SENDER_RESTLESS_MAX ? 1 : 0;
    }
    sender->has_last = true;
    sender->last_ssrc = packet->ssrc;
    sender->last_sequence = packet->sequence;
}

enum sender_verdict sender_judge(struct sender *sender, const struct rtp_packet *packet, uint16_t next,
                                 size_t run, int64_t arrival_ns)
{
    uint32_t ssrc = packet->ssrc;

    note_ssrc(sender, packet);
    if (sender->known && (ssrc == sender->ssrc || sender_is_restless(sender))) {
        sender->ssrc = ssrc;
        sender->arrival_ns = arrival_ns;
        return SENDER_SAME;
    }
    if (sender->named ? ssrc == sender->name : !sender->known) {
        return change(sender, ssrc, next, arrival_ns);
    }
    if (sender->known && arrival_ns - sender->arrival_ns > SENDER_SILENCE_NS) {
        sender->stranger_count = 0;
    }
    if (is_stranger(sender, ssrc)) {
        return SENDER_STRANGER;
    }
    if (sender->known && packet->sequence == next) {
        sender->ssrc = ssrc;
        sender->arrival_ns = arrival_ns;
        return SENDER_CONTINUES;
    }
    if (sender->replaced && ssrc == sender->previous && packet->sequence == sender->previous_next) {
        add_stranger(sender, sender->ssrc);
        change(sender, ssrc, next, arrival_ns);
        sender->replaced = false;
        return SENDER_CHANGED;
    }
    bool against_named = sender->known && sender->named && sender->ssrc == sender->name;
    if (run < (against_named ? SENDER_PROOF_AGAINST_NAMED : SENDER_PROOF)) {
        return SENDER_UNPROVEN;
    }
    return change(sender, ssrc, next, arrival_ns);
}
