/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/numbering.h"

/* What raises the doubt, and from where on the numbers are not believed. A packet in its place lowers it by one, so a third of all
 * packets may be lost, and numbers may begin anew every few pictures. */
enum { DOUBT_GAP = 3, DOUBT_BACK = 16, DOUBT_MAX = 64 };

/* So many gaps in a row that are filled by packets of other medias are no coincidence. */
#define SHARED_PROOF 4

void numbering_elsewhere(struct numbering *numbering)
{
    numbering->elsewhere++;
}

static void look_elsewhere(struct numbering *numbering, uint16_t step)
{
    if (numbering->elsewhere == 0) {
        return;
    }
    numbering->shared = step == (uint16_t)(numbering->elsewhere + 1) ? numbering->shared + 1 : 0;
    numbering->elsewhere = 0;
}

uint16_t numbering_take(struct numbering *numbering, const struct rtp_packet *packet)
{
    if (numbering->meaningless) {
        return numbering->own++;
    }
    if (numbering->started) {
        look_elsewhere(numbering, (uint16_t)(packet->sequence - numbering->last));
    }
    numbering->newer = numbering->started && (int32_t)(packet->timestamp - numbering->timestamp) > 0;
    numbering->started = true;
    numbering->last = packet->sequence;
    numbering->timestamp = packet->timestamp;
    return packet->sequence;
}

void numbering_fits(struct numbering *numbering, bool gap)
{
    if (gap) {
        numbering->doubt += DOUBT_GAP;
    } else {
        numbering->doubt -= numbering->doubt > 0 ? 1 : 0;
    }
}

void numbering_does_not_fit(struct numbering *numbering)
{
    /* A packet that comes again, or too late, is not of a later time. */
    numbering->doubt += numbering->newer ? DOUBT_BACK : 0;
}

bool numbering_gives_up(struct numbering *numbering)
{
    if (numbering->meaningless || (numbering->doubt < DOUBT_MAX && numbering->shared < SHARED_PROOF)) {
        return false;
    }
    numbering->meaningless = true;
    return true;
}
