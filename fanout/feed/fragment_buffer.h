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
 * The process's buffer and what is in it. Grows to the largest fragment seen, never past a ring's capacity.
 */
struct fragment_buffer {
    struct packet packet;
    ringcast_entry entry;
};

/* True if the LENGTH bytes are exactly one `moof` and one `mdat` box (ISO/IEC 14496-12, 4.2), which one
 * `prft` may precede. */
bool fragment_buffer_is_whole(const uint8_t *data, size_t length);

/*
 * Copies the fragment at CURSOR and moves the cursor past it. Results as ringcast_read, without -ENOSPC, and
 * -EILSEQ: what was there is not a whole fragment; the cursor has moved past it. -ENOMEM.
 */
int fragment_buffer_read(struct fragment_buffer *fragment, const ringcast_reader *reader,
                         ringcast_cursor *cursor);

#endif
