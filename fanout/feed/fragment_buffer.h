/* SPDX-License-Identifier: MIT */
/*
 * Fragments on their way from a ring to viewers: copied once into one buffer of the process and checked once,
 * whatever the number of viewers. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_FRAGMENT_H
#define FANOUT_FEED_FRAGMENT_H

#include <stdbool.h>

#include "common/ring/ringcast.h"
#include "fanout/feed/packet.h"

/*
 * A fragment in its buffer, which grows to the largest fragment so far and never past a ring's capacity.
 */
struct fragment_buffer {
    struct packet packet;
    ringcast_entry entry;
};

/*
 * True if the LENGTH bytes of DATA are exactly one `moof` and one `mdat` box (ISO/IEC 14496-12, 4.2), with at
 * most one `prft` box before them.
 */
bool fragment_buffer_is_whole(const uint8_t *data, size_t length);

/*
 * Copies the fragment at CURSOR and moves the cursor past it. The results are those of ringcast_read except
 * -ENOSPC, and -EILSEQ: the ring has no whole fragment there, and the cursor has moved past it; -ENOMEM.
 */
int fragment_buffer_read(struct fragment_buffer *fragment, const ringcast_reader *reader,
                         ringcast_cursor *cursor);

#endif
