/* SPDX-License-Identifier: MIT */
/*
 * A camera's clock of any kind: eight bytes for each picture, flags, the step of the clock and that of the arrival. Decode
 * times go forward, and nothing overflows.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "ingest/publish/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEM_SIZE = 8 };

enum {
    FLAG_KEYFRAME = 1,
    FLAG_UNKNOWN = 2,
    FLAG_DECODE = 4,
    FLAG_FORGET = 8,
    FLAG_HUGE = 16,
    FLAG_AUDIO = 32
};

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* An hour, cut into 65536 parts. */
#define HOUR_PART_NS 54931641

/* A step of the source's clock: in microseconds, or in parts of an hour. */
static int64_t read_step(const uint8_t *item)
{
    int64_t step = (int64_t)(int32_t)bytes_get_be32(item + 2);

    return step * ((item[0] & FLAG_HUGE) != 0 ? HOUR_PART_NS : 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t epoch_ns = INT64_C(1000000000000);
    struct timeline timeline;
    struct timeline_place place;
    int64_t presentation_ns = 0, arrival_ns = epoch_ns, last = INT64_MIN, decode_ns;
    bool exact;

    timeline_init(&timeline, epoch_ns, 0);
    for (; size >= ITEM_SIZE; data += ITEM_SIZE, size -= ITEM_SIZE) {
        arrival_ns += bytes_get_be16(data + 6) * NS_PER_MS;
        if (__builtin_add_overflow(presentation_ns, read_step(data), &presentation_ns)) {
            presentation_ns = 0;
        }
        if ((data[0] & FLAG_FORGET) != 0) {
            timeline_forget_source(&timeline);
        }
        struct timeline_frame frame = {
            .presentation_ns = (data[0] & FLAG_UNKNOWN) != 0 ? TIMELINE_UNKNOWN : presentation_ns,
            .decode_ns = (data[0] & FLAG_DECODE) != 0 ? presentation_ns : TIMELINE_UNKNOWN,
            .arrival_ns = arrival_ns,
            .reorder = (int8_t)data[1],
            .keyframe = (data[0] & FLAG_KEYFRAME) != 0,
        };
        timeline_place(&timeline, &frame, &place);
        require(last == INT64_MIN || place.decode_time > last);
        last = place.decode_time;
        if ((data[0] & FLAG_AUDIO) != 0) {
            (void)timeline_map_audio(&timeline, presentation_ns, arrival_ns, &decode_ns, &exact);
        }
    }
    return 0;
}
