/* SPDX-License-Identifier: MIT */
#include "tests/support/ring_follower.h"

#include <errno.h>

void follower_init(struct ring_follower *follower, const ringcast_reader *reader)
{
    *follower = (struct ring_follower){0};
    ringcast_seek_keyframe(reader, &follower->cursor);
}

static bool acceptable(const struct ring_follower *follower, const ringcast_entry *entry,
                       const uint8_t *bytes)
{
    if (!fragment_intact(bytes, entry->length, entry->sequence)) {
        return false;
    }
    if (entry->decode_time != fixture_decode_time(entry->sequence)) {
        return false;
    }
    if (entry->position <= follower->last_position || entry->sequence <= follower->last_sequence) {
        return false;
    }
    return follower->jumped || follower->last_sequence == 0 || entry->sequence == follower->last_sequence + 1;
}

/* After a jump the newest keyframe may be one that was read before: goes on behind the newest entry that was read. */
static void jump(struct ring_follower *follower, const ringcast_reader *reader, uint8_t *buffer, size_t size)
{
    ringcast_entry entry;

    follower->jumps++;
    follower->jumped = true;
    ringcast_seek_keyframe(reader, &follower->cursor);
    while (ringcast_peek(reader, &follower->cursor, &entry) == 1 &&
           entry.sequence <= follower->last_sequence) {
        if (ringcast_read(reader, &follower->cursor, buffer, size, &entry) != 1) {
            break;
        }
    }
}

int follower_drain(struct ring_follower *follower, const ringcast_reader *reader)
{
    static uint8_t buffer[FIXTURE_CAPACITY];
    ringcast_entry entry;

    for (;;) {
        int result = ringcast_read(reader, &follower->cursor, buffer, sizeof(buffer), &entry);
        switch (result) {
        case 1:
            if (!acceptable(follower, &entry, buffer)) {
                return -EILSEQ;
            }
            follower->gaps += entry.sequence - follower->last_sequence - 1;
            follower->last_sequence = entry.sequence;
            follower->last_position = entry.position;
            follower->fragments++;
            follower->jumped = false;
            break;
        case -ESTALE:
            jump(follower, reader, buffer, sizeof(buffer));
            break;
        case 0:
        case -EPIPE:
            return result;
        default:
            return -EILSEQ;
        }
    }
}
