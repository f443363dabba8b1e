/* SPDX-License-Identifier: MIT */
#include "hls/feed.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/log/log.h"

/* How long one stream is read before others have their turn: at the beginning there is all the past of its ring. */
#define TURN_NS (5 * NS_PER_MS)

/* Times that lead out of this are damage: a hundred years. */
#define TIME_MAX_S (INT64_C(100) * 366 * 86400)

void feed_begin(struct feed *feed, struct program_camera *camera, struct feed_memory *memory)
{
    *feed = (struct feed){.state = FEED_SURVEYING,
                          .camera = camera,
                          .memory = memory,
                          .next_segment = feed->next_segment,
                          .next_break = feed->next_break};
    program_watch(camera, true);
}

void feed_end(struct feed *feed)
{
    if (feed->state == FEED_LIVE) {
        feed->next_segment = feed->segmenter.next_segment;
        feed->next_break = feed->segmenter.breaks + 1;
        segmenter_end(&feed->segmenter);
    }
    if (feed->state != FEED_OFF) {
        program_watch(feed->camera, false);
        program_camera_unmap(feed->camera);
    }
    feed->state = FEED_OFF;
    feed->camera = NULL;
}

void feed_change_ring(struct feed *feed)
{
    feed->in_last = feed->place == FEED_READING && program_camera_last_reader(feed->camera) != NULL;
    if (!feed->in_last) {
        feed->place = FEED_SEEKING;
    }
    feed->generation = 0; /* the numbers of the new ring go on, but its slots are its own */
}

/* --- Times ---------------------------------------------------------------------------------------------- */

/* TICKS of a timescale in nanoseconds; false: no time that a camera can have. */
static bool to_ns(uint64_t ticks, uint32_t timescale, int64_t *ns)
{
    uint64_t whole = ticks / timescale, rest = ticks % timescale;

    *ns = (int64_t)(whole * (uint64_t)NS_PER_SECOND + rest * (uint64_t)NS_PER_SECOND / timescale);
    return whole < (uint64_t)TIME_MAX_S;
}

/* NS ≥ 0 in ticks of a timescale. */
static int64_t to_ticks(int64_t ns, uint32_t timescale)
{
    return ns / NS_PER_SECOND * timescale + ns % NS_PER_SECOND * timescale / NS_PER_SECOND;
}

/* --- Fragments ------------------------------------------------------------------------------------------ */

static void survey_entry(struct feed *feed, const ringcast_entry *entry)
{
    int64_t time_ns;

    if (entry->decode_time < 0 || entry->timescale == 0 ||
        !to_ns((uint64_t)entry->decode_time, entry->timescale, &time_ns)) {
        return;
    }
    survey_add(&feed->survey, time_ns, (entry->flags & RINGCAST_KEYFRAME) != 0, feed->broken);
    feed->broken = false;
    if (feed->first_ms == 0) {
        feed->first_ms = clock_now_ms();
    }
}

/*
 * Players that follow no change of the init segment, as FFmpeg, are spared one that was before they came: as when a camera's sound is found
 * with its second keyframe.
 */
static void forget_other_inits(struct feed *feed, uint64_t before)
{
    if (feed->segmenter.init->number != before) {
        segmenter_forget_past(&feed->segmenter);
    }
}

/* False: the fragment cannot be used, because its init segment is gone, or is none. */
static bool learn_generation(struct feed *feed, const ringcast_reader *reader, uint32_t number)
{
    ringcast_generation generation;

    if (number == feed->generation) {
        return true;
    }
    uint64_t before = feed->segmenter.init ? feed->segmenter.init->number : 0;
    int result =
        ringcast_init_segment(reader, number, feed->memory->init, sizeof(feed->memory->init), &generation);
    if (result == 0) {
        result = segmenter_set_init(&feed->segmenter, feed->memory->init, generation.init_length,
                                    generation.codecs, generation.width, generation.height);
    }
    if (result < 0) {
        return false;
    }
    if (feed->past && feed->generation != 0) {
        forget_other_inits(feed, before);
    }
    feed->generation = number;
    return true;
}

/* The picture in the fragment at hand. False: it is damaged. */
static bool describe(struct feed *feed, const ringcast_entry *entry, struct picture *picture)
{
    const struct init_facts *facts = &feed->segmenter.init->facts;
    struct chunk *chunk = &feed->memory->chunk;
    int64_t time_ns;

    if (chunk_parse(feed->memory->data, entry->length, facts->video, facts->audio, chunk) < 0 ||
        !to_ns(chunk->video.decode_time, facts->video_timescale, &time_ns)) {
        return false;
    }
    int64_t duration_ns = 0;
    for (size_t i = 0; i < chunk->video.count; i++) {
        int64_t sample_ns;
        to_ns(chunk->video.samples[i].duration, facts->video_timescale, &sample_ns);
        duration_ns += sample_ns;
    }
    *picture = (struct picture){
        .chunk = chunk,
        .start_ns = feed->epoch_ns + time_ns,
        .duration_ns = duration_ns,
        .shown_ns = feed->epoch_ns + time_ns +
                    (int64_t)chunk->video.samples[0].offset * NS_PER_SECOND / (int64_t)facts->video_timescale,
        .wall_ns = chunk_wall_ns(chunk, entry->wall_ns),
        .video_shift = to_ticks(feed->epoch_ns, facts->video_timescale),
        .audio_shift = facts->audio != 0 ? to_ticks(feed->epoch_ns, facts->audio_timescale) : 0,
        .keyframe = (entry->flags & RINGCAST_KEYFRAME) != 0,
        .broken = feed->broken,
    };
    return true;
}

static void play_entry(struct feed *feed, const ringcast_reader *reader, const ringcast_entry *entry)
{
    struct picture picture;

    if (!learn_generation(feed, reader, entry->generation) || !describe(feed, entry, &picture)) {
        feed->broken = true;
        return;
    }
    feed->broken = segmenter_add(&feed->segmenter, &picture) < 0;
}

/* --- The ring ------------------------------------------------------------------------------------------- */

static void note_epoch(struct feed *feed, const ringcast_reader *reader)
{
    int64_t epoch_ns = ringcast_epoch_ns(reader);

    feed->epoch_ns = epoch_ns > 0 && epoch_ns < TIME_MAX_S * NS_PER_SECOND ? epoch_ns : 0;
}

static ringcast_reader *reader_of(struct feed *feed)
{
    ringcast_reader *last = feed->in_last ? program_camera_last_reader(feed->camera) : NULL;

    feed->in_last = last != NULL;
    return last ? last : program_camera_reader(feed->camera);
}

/* A ring with `look_back` holds far more than a player of HLS is shown. */
#define PAST_NS (30 * NS_PER_SECOND)

static int seek_past(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    return ringcast_seek_time(reader, cursor, clock_now_ns() - PAST_NS);
}

/* True: the cursor stands on a fragment. The beginning of all is the oldest keyframe of the last seconds; after a loss it is the newest. */
static bool find_place(struct feed *feed, const ringcast_reader *reader)
{
    int result = -ESTALE;

    if (feed->place == FEED_CONTINUING) {
        result = ringcast_continue(reader, &feed->cursor);
        if (result == -EAGAIN) {
            return false;
        }
    }
    if (result < 0) {
        bool is_first = feed->state == FEED_LIVE ? feed->segmenter.init == NULL : feed->survey.pictures == 0;
        result = is_first ? seek_past(reader, &feed->cursor) : ringcast_seek_keyframe(reader, &feed->cursor);
        feed->broken = feed->broken || !is_first;
    }
    if (result < 0) {
        feed->place = FEED_SEEKING;
        return false;
    }
    note_epoch(feed, reader);
    feed->place = FEED_READING;
    return true;
}

/* Room for the fragment that ENTRY describes. */
static bool make_room(struct feed_memory *memory, size_t length)
{
    uint8_t *grown = realloc(memory->data, length);

    if (!grown) {
        return false;
    }
    memory->data = grown;
    memory->size = length;
    return true;
}

/* The end of a ring: the next one is begun where this one ended, if it is there. */
static bool leave_ring(struct feed *feed)
{
    if (!feed->in_last) {
        return false; /* the camera was removed, or its next ring is on its way */
    }
    program_camera_leave_last(feed->camera);
    feed->in_last = false;
    feed->place = FEED_CONTINUING;
    return true;
}

/* One fragment. False: there is nothing more at present. */
static bool read_one(struct feed *feed, const ringcast_reader *reader)
{
    struct feed_memory *memory = feed->memory;
    ringcast_entry entry;

    if (feed->place != FEED_READING && !find_place(feed, reader)) {
        return false;
    }
    int result = ringcast_read(reader, &feed->cursor, memory->data, memory->size, &entry);
    if (result == -ENOSPC) {
        return make_room(memory, entry.length);
    }
    if (result == -EPIPE) {
        return leave_ring(feed);
    }
    if (result <
        0) { /* overtaken, or damage; a ring that is damaged again and again is left alone until its next publish */
        bool again = feed->broken;
        feed->place = FEED_SEEKING;
        feed->broken = true;
        return !again;
    }
    if (result == 1 && feed->state == FEED_SURVEYING) {
        survey_entry(feed, &entry);
    } else if (result == 1) {
        play_entry(feed, reader, &entry);
    }
    return result == 1;
}

bool feed_read(struct feed *feed)
{
    const int64_t until_ns = clock_now_ns() + TURN_NS;
    const ringcast_reader *reader;

    while (feed->state != FEED_OFF && (reader = reader_of(feed)) && read_one(feed, reader)) {
        if (clock_now_ns() >= until_ns) {
            return true;
        }
    }
    feed->past = false;
    return false;
}

void feed_go_live(struct feed *feed, struct presentation_timing *timing)
{
    program_camera_leave_last(feed->camera); /* the past is that of the present ring */
    const ringcast_reader *reader = reader_of(feed);
    uint64_t first = feed->next_segment;
    ringcast_cursor oldest;
    ringcast_entry entry;
    int64_t time_ns;

    /* Numbers go on by the clock at least: one a second is more than there are segments, so they do not go back when this process is new. */
    if (reader && seek_past(reader, &oldest) == 0 && ringcast_peek(reader, &oldest, &entry) == 1 &&
        entry.decode_time >= 0 && entry.timescale > 0 &&
        to_ns((uint64_t)entry.decode_time, entry.timescale, &time_ns)) {
        note_epoch(feed, reader);
        uint64_t second = (uint64_t)((feed->epoch_ns + time_ns) / NS_PER_SECOND);
        first = first > second ? first : second;
    }
    feed->state = FEED_LIVE;
    feed->past = true;
    feed->place = FEED_SEEKING;
    feed->broken = false;
    feed->generation = 0;
    segmenter_begin(&feed->segmenter, timing, &feed->survey, first, feed->next_break);
}
