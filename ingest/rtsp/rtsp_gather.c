/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_gather.h"

/* Pictures of a period. The smallest of the last two, so of 32 to 64, is what the next one is measured by. */
#define PERIOD 32

/* How many go by before the next attempt after one that failed: ten seconds. */
#define PAUSE 250

/* Fewer bytes are not worth a system call; more, and the socket's buffer might not hold them. */
#define WORTH 3000
#define MOST 32768

void rtsp_gather_packet(struct rtsp_gather *gather, size_t size, bool last)
{
    gather->picture += size;
    if (!last) {
        return;
    }
    gather->pause -= gather->pause > 0;
    if (gather->smallest == 0 || gather->picture < gather->smallest) {
        gather->smallest = gather->picture;
    }
    gather->picture = 0;
    if (++gather->pictures == PERIOD) {
        gather->earlier = gather->smallest;
        gather->smallest = 0;
        gather->pictures = 0;
    }
}

size_t rtsp_gather_bytes(const struct rtsp_gather *gather, size_t held)
{
    size_t smallest = gather->earlier;
    size_t here = gather->picture + held;

    if (gather->smallest > 0 && gather->smallest < smallest) {
        smallest = gather->smallest;
    }
    size_t expected = smallest - smallest / 4;
    if (gather->pause > 0 || gather->picture == 0 || here + WORTH > expected) {
        return 1;
    }
    size_t missing = expected - here;
    return missing < MOST ? missing : MOST;
}

void rtsp_gather_failed(struct rtsp_gather *gather)
{
    gather->pause = PAUSE;
}
