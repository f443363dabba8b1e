/* SPDX-License-Identifier: MIT */
#include "fanout/feed/keyframes.h"

#include "common/base/clock.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/tracks.h"
#include "fanout/feed/viewer.h"

/* While nothing is known: longer than most cameras' distance. */
#define STEP_UNKNOWN_NS (4 * NS_PER_SECOND)

/* No camera's keyframes are further apart, but its times may jump. */
#define STEP_MAX_NS (60 * NS_PER_SECOND)

static void add_step(struct keyframes *keyframes, int64_t ticks, uint32_t timescale)
{
    int64_t most = STEP_MAX_NS / NS_PER_SECOND * timescale;

    if (ticks > 0 && ticks <= most) {
        keyframes->steps[keyframes->next] = ticks * NS_PER_SECOND / timescale;
        keyframes->next = (keyframes->next + 1) % KEYFRAMES_STEPS;
    }
}

void keyframes_note(struct keyframes *keyframes, const ringcast_entry *entry)
{
    bool broken = entry->sequence != keyframes->sequence + 1 || (entry->flags & RINGCAST_DISCONTINUITY) != 0;

    keyframes->sequence = entry->sequence;
    if (broken || entry->timescale != keyframes->timescale) {
        keyframes->timescale = 0;
    }
    if (!(entry->flags & RINGCAST_KEYFRAME)) {
        return;
    }
    if (keyframes->timescale != 0) {
        add_step(keyframes, entry->decode_time - keyframes->decode_time, keyframes->timescale);
    }
    keyframes->decode_time = entry->decode_time;
    keyframes->timescale = entry->timescale;
}

int64_t keyframes_step_ns(const struct keyframes *keyframes)
{
    int64_t longest = 0;

    for (unsigned i = 0; i < KEYFRAMES_STEPS; i++) {
        longest = keyframes->steps[i] > longest ? keyframes->steps[i] : longest;
    }
    return longest > 0 ? longest : STEP_UNKNOWN_NS;
}

/* In units of TIMESCALE a second; rounded up, so that no gap comes from it. */
static uint32_t in_ticks(int64_t step_ns, uint32_t timescale)
{
    int64_t whole = step_ns / NS_PER_SECOND * timescale;
    int64_t rest = (step_ns % NS_PER_SECOND * timescale + NS_PER_SECOND - 1) / NS_PER_SECOND;

    return whole + rest < UINT32_MAX ? (uint32_t)(whole + rest) : UINT32_MAX;
}

static bool send_init(struct viewer *viewer, struct init_cache *init)
{
    if (viewer->init_id == init->id) {
        return true;
    }
    viewer->init_id = init->id;
    return init_cache_make_picture(init) == 0 && viewer_send_packet(viewer, &init->picture_text, true) &&
           viewer_send_packet(viewer, &init->picture_segment, false);
}

bool keyframes_send(const struct keyframes *keyframes, struct viewer *viewer, struct init_cache *init,
                    struct fragment_buffer *fragment)
{
    const struct packet *packet = &fragment->packet;
    uint32_t duration = in_ticks(keyframes_step_ns(keyframes), init->tracks.video_timescale);
    struct tracks_edits edits = {0};

    if (!viewer_send_gap(viewer, fragment->entry.sequence) || !send_init(viewer, init)) {
        return false;
    }
    tracks_stretch(packet_payload(packet), packet->length, &init->tracks, duration, &edits);
    tracks_hide(packet_payload(packet), packet->length, &init->tracks, &edits);
    bool sent = viewer_send_packet(viewer, &fragment->packet, false);
    tracks_restore(&edits);
    viewer->last_sequence = fragment->entry.sequence;
    return sent;
}
