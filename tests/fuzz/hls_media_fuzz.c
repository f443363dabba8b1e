/* SPDX-License-Identifier: MIT */
/*
 * What a hostile worker can put into its ring: an init segment and fragments, each with two bytes of length before it. The init segment is
 * read, the fragments are made parts and segments of, and playlists of these. The first byte of a fragment's length says whether it
 * is a keyframe, and by how much the time goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "hls/stream/playlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chunk chunk;

/* In memory of just its length, so that a sanitizer sees a byte too many. */
static uint8_t *take(const uint8_t **data, size_t *size, size_t *length, unsigned *marks)
{
    if (*size < 2) {
        return NULL;
    }
    *marks = (*data)[0];
    *length = ((size_t)((*data)[0] & 0x0F) << 8) + (*data)[1];
    *data += 2;
    *size -= 2;
    *length = *length < *size ? *length : *size;
    uint8_t *copy = malloc(*length + 1);
    if (copy) {
        memcpy(copy, *data, *length);
    }
    *data += *length;
    *size -= *length;
    return copy;
}

static void add(struct segmenter *segmenter, const uint8_t *bytes, size_t length, bool keyframe,
                int64_t time_ns)
{
    const struct init_facts *facts = &segmenter->init->facts;

    if (chunk_parse(bytes, length, facts->video, facts->audio, &chunk) < 0) {
        return;
    }
    const struct picture picture = {.chunk = &chunk,
                                    .start_ns = time_ns,
                                    .duration_ns = 40000000,
                                    .wall_ns = chunk_wall_ns(&chunk, 0),
                                    .keyframe = keyframe};
    (void)segmenter_add(segmenter, &picture);
}

static void render(const struct segmenter *segmenter)
{
    const struct segmenter *const streams[REQUEST_STREAMS] = {segmenter, NULL};
    struct playlist_text made;

    if (!segmenter_first_listed(segmenter)) {
        return;
    }
    if (playlist_media(segmenter, segmenter, REQUEST_MAIN, 1, true, &made) == 0) {
        free(made.text);
    }
    if (playlist_index(streams, &made) == 0) {
        free(made.text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct survey survey = {.gop_ns = 400000000, .steps_ns = 40000000, .steps = 1};
    const struct survey *surveys[] = {&survey};
    struct presentation_timing timing = {.targets = targets_choose(surveys, 1)};
    struct segmenter segmenter;
    int64_t time_ns = 1000000000;
    size_t length;
    unsigned marks;
    uint8_t *bytes;

    segmenter_begin(&segmenter, &timing, &survey, 1, 0);
    for (bool first = true; (bytes = take(&data, &size, &length, &marks)); first = false) {
        if (first || (marks & 0x80)) {
            (void)segmenter_set_init(&segmenter, bytes, length, "avc1.64001F,mp4a.40.2", 640, 360);
        } else if (segmenter.init) {
            time_ns += (int64_t)(marks >> 5 & 3) * 500000000 + 40000000;
            add(&segmenter, bytes, length, (marks & 0x10) != 0, time_ns);
        }
        free(bytes);
    }
    render(&segmenter);
    segmenter_end(&segmenter);
    return 0;
}
