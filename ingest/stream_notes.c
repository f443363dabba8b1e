/* SPDX-License-Identifier: MIT */
#include "ingest/stream_notes.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "ingest/publish/stream_limit.h"

/* A camera that has not exceeded a limit for this long keeps it again. */
#define EXCESS_OVER_NS (5 * NS_PER_SECOND)

#define LOG_INTERVAL_NS (60 * NS_PER_SECOND)

/* The largest ring that can be configured (docs/reference/configuration.md). */
#define RING_MAX ((size_t)1 << 30)

static bool exceeds(struct stream_notes *notes, enum stream_note note, uint64_t excess, int64_t now_ns)
{
    if (excess != notes->excess[note]) {
        notes->excess[note] = excess;
        notes->seen_ns[note] = now_ns;
    }
    return notes->seen_ns[note] != 0 && now_ns - notes->seen_ns[note] < EXCESS_OVER_NS;
}

/* True if the last group of pictures, or the present one, is larger than the ring can be. */
static bool is_group_too_large(const struct publisher_status *status, const struct stream_notes_ring *ring)
{
    return status->gop_bytes > ring->capacity && ring->capacity >= ring->max;
}

/* A size that holds a group half as large again, as ringcastd would choose it. */
static size_t ring_for(uint64_t gop_bytes)
{
    size_t size = 65536;

    while (size < RING_MAX && size < gop_bytes + gop_bytes / 2) {
        size *= 2;
    }
    return size;
}

static void describe_group(struct stream_notes *notes, const struct publisher_status *status,
                           const struct stream_notes_ring *ring)
{
    notes->wanted = ring_for(status->gop_bytes);
    char setting[64] = "";

    if (notes->wanted > status->gop_bytes) {
        snprintf(setting, sizeof(setting), "%s = %zu, or ", ring->max > 0 ? "ring_size_max" : "ring_size",
                 notes->wanted);
    }
    snprintf(
        notes->text, sizeof(notes->text),
        "a group of pictures is larger than the ring of %zu KiB: a viewer that joins late in one waits for "
        "the next keyframe; set %smore keyframes in the camera",
        ring->capacity >> 10, setting);
}

static void describe(struct stream_notes *notes, const struct publisher_status *status,
                     const struct stream_notes_ring *ring)
{
    switch (notes->note) {
    case STREAM_NOTE_PICTURES:
        snprintf(notes->text, sizeof(notes->text),
                 "the camera sends more than %d pictures a second: what is beyond is left out",
                 STREAM_LIMIT_PICTURES);
        return;
    case STREAM_NOTE_GENERATIONS:
        snprintf(notes->text, sizeof(notes->text),
                 "the camera changes its parameter sets all the time: %d change a second is shown, and the "
                 "pictures between are left out",
                 STREAM_LIMIT_GENERATIONS);
        return;
    case STREAM_NOTE_GROUP:
        describe_group(notes, status, ring);
        return;
    case STREAM_NOTE_NONE:
    case STREAM_NOTE_COUNT:
        notes->text[0] = '\0';
    }
}

static void write_log(struct stream_notes *notes, int64_t now_ns)
{
    int64_t *logged_ns = &notes->logged_ns[notes->note];

    if (notes->note != STREAM_NOTE_NONE && (*logged_ns == 0 || now_ns - *logged_ns >= LOG_INTERVAL_NS)) {
        *logged_ns = now_ns;
        log_warning("%s", notes->text);
    }
}

bool stream_notes_update(struct stream_notes *notes, const struct publisher_status *status,
                         const struct stream_notes_ring *ring, int64_t now_ns)
{
    bool generations = exceeds(notes, STREAM_NOTE_GENERATIONS, status->generations_refused, now_ns);
    bool pictures = exceeds(notes, STREAM_NOTE_PICTURES, status->pictures_refused, now_ns);
    enum stream_note note = generations                        ? STREAM_NOTE_GENERATIONS
                            : pictures                         ? STREAM_NOTE_PICTURES
                            : is_group_too_large(status, ring) ? STREAM_NOTE_GROUP
                                                               : STREAM_NOTE_NONE;
    bool same =
        note == notes->note && (note != STREAM_NOTE_GROUP || ring_for(status->gop_bytes) <= notes->wanted);

    if (same) {
        return false;
    }
    notes->note = note;
    describe(notes, status, ring);
    write_log(notes, now_ns);
    return true;
}

const char *stream_notes_text(const struct stream_notes *notes)
{
    return notes->text;
}

void stream_notes_begin(struct stream_notes *notes, const struct publisher_status *status)
{
    notes->note = STREAM_NOTE_NONE;
    notes->text[0] = '\0';
    notes->wanted = 0;
    notes->excess[STREAM_NOTE_GENERATIONS] = status->generations_refused;
    notes->excess[STREAM_NOTE_PICTURES] = status->pictures_refused;
    notes->seen_ns[STREAM_NOTE_GENERATIONS] = notes->seen_ns[STREAM_NOTE_PICTURES] = 0;
}
