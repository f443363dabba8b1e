/* SPDX-License-Identifier: MIT */
#include "hls/stream/segmenter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

/* A segment's duration is rounded to whole seconds before it is compared with the target duration (RFC 8216bis, 4.4.3.1). */
#define ROUNDED_NS (45 * NS_PER_SECOND / 100)

/* A step of at least this much is a break, however slow the camera is expected to be; and how much slower it may become. */
#define JUMP_MIN_NS NS_PER_SECOND
#define JUMP_STEPS 4

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void segmenter_begin(struct segmenter *segmenter, struct presentation_timing *timing,
                     const struct survey *survey, uint64_t first_segment, uint64_t first_breaks)
{
    const int64_t longest_ns = timing->targets.segment_ns * 9 / 10;

    *segmenter = (struct segmenter){
        .timing = timing,
        .jump_ns = smaller(longest_ns, larger(JUMP_MIN_NS, JUMP_STEPS * survey_step_ns(survey))),
        .next_segment = first_segment,
        .next_part = 1,
        .next_init = 1,
        .gop_ns = survey->gop_ns,
        .breaks = first_breaks,
        .all_independent = true,
    };
    TAILQ_INIT(&segmenter->segments);
    timing->breaks = timing->breaks > first_breaks ? timing->breaks : first_breaks;
    segmenter->breaks = timing->breaks;
}

/* --- Letting go ----------------------------------------------------------------------------------------- */

static void release_init(struct init *init)
{
    if (init && --init->references == 0) {
        free(init->blob);
        free(init);
    }
}

static void free_segment(struct segmenter *segmenter, struct segment *segment)
{
    struct part *part;

    while ((part = STAILQ_FIRST(&segment->parts))) {
        STAILQ_REMOVE_HEAD(&segment->parts, link);
        free(part->blob);
        free(part);
    }
    segmenter->bytes -= segment->bytes;
    segmenter->held_ns -= segment->duration_ns;
    release_init(segment->init);
    free(segment);
}

static void drop_oldest(struct segmenter *segmenter)
{
    struct segment *oldest = TAILQ_FIRST(&segmenter->segments);

    TAILQ_REMOVE(&segmenter->segments, oldest, link);
    free_segment(segmenter, oldest);
}

/*
 * What cannot be asked for any more, and what is too much. The newest complete segment stays. Durations count here, not times: where
 * the camera was away nothing is listed.
 */
static void trim(struct segmenter *segmenter)
{
    const int64_t keep_ns = targets_keep_ns(&segmenter->timing->targets);
    const struct segment *oldest;

    while ((oldest = TAILQ_FIRST(&segmenter->segments)) && TAILQ_NEXT(oldest, link) &&
           (segmenter->held_ns - oldest->duration_ns > keep_ns || segmenter->bytes > SEGMENTER_BYTES_MAX)) {
        drop_oldest(segmenter);
    }
}

void segmenter_forget_past(struct segmenter *segmenter)
{
    const struct segment *first =
        TAILQ_EMPTY(&segmenter->segments) ? segmenter->open : TAILQ_FIRST(&segmenter->segments);

    if (first) {
        segmenter->next_segment = first->number;
        segmenter->breaks = first->breaks_before;
    }
    while (!TAILQ_EMPTY(&segmenter->segments)) {
        drop_oldest(segmenter);
    }
    if (segmenter->open) {
        free_segment(segmenter, segmenter->open);
        segmenter->open = NULL;
    }
    segmenter->all_independent = true;
    part_builder_clear(&segmenter->builder);
}

void segmenter_end(struct segmenter *segmenter)
{
    segmenter_forget_past(segmenter);
    release_init(segmenter->init);
    *segmenter = (struct segmenter){0};
    TAILQ_INIT(&segmenter->segments);
}

/* --- Parts and segments --------------------------------------------------------------------------------- */

static void close_segment(struct segmenter *segmenter)
{
    struct segment *segment = segmenter->open;

    segmenter->open = NULL;
    if (!segment) {
        return;
    }
    if (segment->part_count == 0) { /* nothing of it is known to anybody: its number is used again */
        segmenter->next_segment = segment->number;
        segmenter->breaks = segment->breaks_before;
        free_segment(segmenter, segment);
        return;
    }
    TAILQ_INSERT_TAIL(&segmenter->segments, segment, link);
    segmenter->version++;
    trim(segmenter);
}

/* What was in progress is lost: without memory. */
static int give_up(struct segmenter *segmenter)
{
    segmenter->builder.video.count = segmenter->builder.audio.count = 0;
    segmenter->builder.video.length = segmenter->builder.audio.length = 0;
    close_segment(segmenter);
    return -ENOMEM;
}

static int close_part(struct segmenter *segmenter)
{
    struct segment *segment = segmenter->open;

    if (!segment || segmenter->builder.video.count == 0) {
        return 0;
    }
    size_t pictures = segmenter->builder.video.count;
    struct part *part = calloc(1, sizeof(*part));
    struct blob *blob =
        part ? part_builder_finish(&segmenter->builder, (uint32_t)segmenter->next_part) : NULL;
    if (!blob) {
        free(part);
        return give_up(segmenter);
    }
    *part = (struct part){.number = segmenter->next_part++,
                          .duration_ns = segmenter->part_end_ns - segmenter->part_start_ns,
                          .independent = segmenter->part_keyframe,
                          .blob = blob};
    STAILQ_INSERT_TAIL(&segment->parts, part, link);
    segment->part_count++;
    segment->duration_ns += part->duration_ns;
    segment->bytes += blob->length;
    segment->pictures += pictures;
    segmenter->bytes += blob->length;
    segmenter->held_ns += part->duration_ns;
    segmenter->part_start_ns = segmenter->part_end_ns;
    segmenter->part_keyframe = false;
    segmenter->version++;
    trim(segmenter);
    return 0;
}

/* OWN: it does not continue what was before. The other stream of the camera may have had breaks that this one has not. */
static int open_segment(struct segmenter *segmenter, const struct picture *picture, bool own)
{
    struct presentation_timing *timing = segmenter->timing;
    struct segment *segment = calloc(1, sizeof(*segment));

    if (!segment) {
        return -ENOMEM;
    }
    uint64_t before = segmenter->breaks;
    segmenter->breaks += own ? 1 : 0;
    segmenter->breaks = segmenter->breaks > timing->breaks ? segmenter->breaks : timing->breaks;
    timing->breaks = segmenter->breaks;
    *segment = (struct segment){.number = segmenter->next_segment++,
                                .init = segmenter->init,
                                .start_ns = own ? picture->start_ns : segmenter->part_end_ns,
                                .wall_ns = picture->shown_ns + segmenter->date_ns,
                                .breaks = (unsigned)(segmenter->breaks - before),
                                .breaks_before = before,
                                .independent = picture->keyframe};
    STAILQ_INIT(&segment->parts);
    segmenter->init->references++;
    segmenter->builder.video.id = segmenter->init->facts.video;
    segmenter->builder.audio.id = segmenter->init->facts.audio;
    segmenter->part_start_ns = segmenter->part_end_ns = segment->start_ns;
    segmenter->part_keyframe = false;
    segmenter->all_independent = segmenter->all_independent && segment->independent;
    segmenter->open = segment;
    return 0;
}

/* --- Where to cut --------------------------------------------------------------------------------------- */

enum cut {
    CUT_NOT,
    CUT_PART,    /* the picture begins a part */
    CUT_SEGMENT, /* and a segment */
    CUT_BREAK,   /* which does not continue the last one */
    CUT_WAIT,    /* the picture cannot be used: a keyframe must come */
};

static bool is_broken(const struct segmenter *segmenter, const struct picture *picture)
{
    int64_t step_ns = picture->start_ns - segmenter->last_ns;

    return picture->broken || segmenter->open->init != segmenter->init || step_ns <= 0 ||
           step_ns > segmenter->jump_ns;
}

/* At a keyframe: whether another group of pictures would be too much for the segment. */
static bool is_full(const struct segmenter *segmenter, const struct picture *picture)
{
    int64_t length_ns = picture->start_ns - segmenter->open->start_ns;

    return segmenter->gop_ns == 0 ||
           length_ns + segmenter->gop_ns > segmenter->timing->targets.segment_ns + ROUNDED_NS / 2;
}

static enum cut decide(const struct segmenter *segmenter, const struct picture *picture)
{
    const struct targets *targets = &segmenter->timing->targets;
    int64_t end_ns = picture->start_ns + picture->duration_ns;

    if (!segmenter->open || is_broken(segmenter, picture)) {
        return picture->keyframe ? CUT_BREAK : CUT_WAIT;
    }
    if (picture->keyframe && is_full(segmenter, picture)) {
        return CUT_SEGMENT;
    }
    if (end_ns - segmenter->open->start_ns > targets->segment_ns + ROUNDED_NS) {
        return CUT_SEGMENT;
    }
    if (end_ns - segmenter->part_start_ns > targets->part_ns && segmenter->builder.video.count > 0) {
        return CUT_PART;
    }
    return CUT_NOT;
}

/* Groups get longer at once, and shorter slowly: a camera that varies them keeps its segments whole. */
static void note_keyframe(struct segmenter *segmenter, const struct picture *picture, bool broken)
{
    int64_t gop_ns = picture->start_ns - segmenter->keyframe_ns;

    if (segmenter->keyframe_ns != 0 && !broken) {
        segmenter->gop_ns =
            gop_ns > segmenter->gop_ns ? gop_ns : segmenter->gop_ns - (segmenter->gop_ns - gop_ns) / 8;
    }
    segmenter->keyframe_ns = picture->start_ns;
}

static int cut(struct segmenter *segmenter, const struct picture *picture, enum cut kind)
{
    int result = 0;

    if (kind != CUT_NOT) {
        result = close_part(segmenter);
    }
    if (kind == CUT_SEGMENT || kind == CUT_BREAK || kind == CUT_WAIT) {
        close_segment(segmenter);
    }
    if (result == 0 && (kind == CUT_SEGMENT || kind == CUT_BREAK)) {
        /* The first segment of all has nothing before it that it could continue. */
        bool first = TAILQ_EMPTY(&segmenter->segments);
        segmenter->part_end_ns = kind == CUT_BREAK ? picture->start_ns : segmenter->part_end_ns;
        result = open_segment(segmenter, picture, kind == CUT_BREAK && !first);
    }
    return result;
}

static int add_to_part(struct segmenter *segmenter, const struct picture *picture)
{
    struct targets *targets = &segmenter->timing->targets;
    int64_t end_ns = picture->start_ns + picture->duration_ns;

    int result =
        part_builder_add(&segmenter->builder, picture->chunk, picture->video_shift, picture->audio_shift);
    if (result == -EAGAIN && segmenter->builder.video.count > 0) {
        result = close_part(segmenter);
        if (result == 0) {
            result = part_builder_add(&segmenter->builder, picture->chunk, picture->video_shift,
                                      picture->audio_shift);
        }
    }
    if (result < 0) {
        return give_up(segmenter);
    }
    segmenter->part_end_ns = larger(segmenter->part_end_ns, end_ns);
    segmenter->part_keyframe = segmenter->part_keyframe || picture->keyframe;
    int64_t length_ns = segmenter->part_end_ns - segmenter->part_start_ns;
    if (length_ns > targets->part_ns) { /* one picture alone: the camera is slower than it was */
        targets->part_ns = smaller(targets_raise_part(targets->part_ns, length_ns), targets->segment_ns);
    }
    /* The next picture would be too much: no client has to wait for it. */
    return length_ns + picture->duration_ns > targets->part_ns ? close_part(segmenter) : 0;
}

/* A clock that drifts against the media is followed within some hundred pictures. */
#define DATE_FOLLOWS 512

/*
 * Pictures arrive late, and never early: the most punctual one shows which date a presentation time has. So dates go on evenly while pictures
 * do not, and one date has one place (RFC 8216bis, 6.2.1).
 */
static void note_date(struct segmenter *segmenter, const struct picture *picture, bool anew)
{
    int64_t date_ns = picture->wall_ns - picture->shown_ns, late_ns = date_ns - segmenter->date_ns;

    segmenter->date_ns = anew || late_ns < 0 ? date_ns : segmenter->date_ns + late_ns / DATE_FOLLOWS;
}

/* What the camera had sent of sound before it went away comes with the first picture after that. Nothing is before a break to be continued. */
#define OLD_SOUND_NS (NS_PER_SECOND / 2)

static void leave_out_old_sound(const struct segmenter *segmenter, const struct picture *picture)
{
    const uint32_t timescale = segmenter->init->facts.audio_timescale;
    struct chunk_track *audio = &picture->chunk->audio;
    uint64_t end = audio->decode_time + (uint64_t)picture->audio_shift;

    for (size_t i = 0; i < audio->count; i++) {
        end += audio->samples[i].duration;
    }
    if (audio->count > 0 &&
        (double)end / timescale < (double)(picture->start_ns - OLD_SOUND_NS) / (double)NS_PER_SECOND) {
        audio->count = 0;
    }
}

int segmenter_add(struct segmenter *segmenter, const struct picture *picture)
{
    if (!segmenter->init) {
        return 0;
    }
    enum cut kind = decide(segmenter, picture);
    if (picture->keyframe) {
        note_keyframe(segmenter, picture, kind == CUT_BREAK);
    }
    if (kind == CUT_BREAK) {
        leave_out_old_sound(segmenter, picture);
    }
    note_date(segmenter, picture, kind == CUT_BREAK);
    segmenter->last_ns = picture->start_ns;
    int result = cut(segmenter, picture, kind);
    if (result < 0 || kind == CUT_WAIT) {
        return result;
    }
    return add_to_part(segmenter, picture);
}

/* --- Init segments -------------------------------------------------------------------------------------- */

/* A codecs parameter without the sound: that of video comes first. HLS has "fLaC" (Apple's authoring specification, 2.x). */
static void copy_codecs(struct init *init, const char *codecs)
{
    const char *comma = strchr(codecs, ',');

    if (!comma) {
        snprintf(init->codecs, sizeof(init->codecs), "%s", codecs);
    } else if (init->facts.audio == 0) {
        snprintf(init->codecs, sizeof(init->codecs), "%.*s", (int)(comma - codecs), codecs);
    } else {
        bool flac = strcmp(comma + 1, "flac") == 0;
        snprintf(init->codecs, sizeof(init->codecs), "%.*s,%s", (int)(comma - codecs), codecs,
                 flac ? "fLaC" : comma + 1);
    }
}

int segmenter_set_init(struct segmenter *segmenter, const uint8_t *data, size_t length, const char *codecs,
                       uint32_t width, uint32_t height)
{
    struct init_facts facts;
    int result = init_segment_read(data, length, &facts);

    if (result < 0) {
        return result;
    }
    struct blob *blob = malloc(sizeof(*blob) + length);
    struct init *init = calloc(1, sizeof(*init));
    if (!blob || !init) {
        free(blob);
        free(init);
        return -ENOMEM;
    }
    blob->length = length;
    if (facts.audio != 0 && !init_segment_sound_fits(&facts)) {
        long without = init_segment_without_sound(data, length, &facts, blob->data);
        blob->length = without > 0 ? (size_t)without : 0;
        facts.audio = facts.audio_timescale = facts.audio_format = 0;
    } else {
        memcpy(blob->data, data, length);
    }
    const struct init *last = segmenter->init;
    if (blob->length == 0 || (last && last->blob->length == blob->length &&
                              memcmp(last->blob->data, blob->data, blob->length) == 0)) {
        result = blob->length == 0 ? -EBADMSG : 0;
        free(blob);
        free(init);
        return result;
    }
    *init = (struct init){.number = segmenter->next_init++,
                          .references = 1,
                          .facts = facts,
                          .width = width,
                          .height = height,
                          .blob = blob};
    copy_codecs(init, codecs);
    release_init(segmenter->init);
    segmenter->init = init;
    return 0;
}

/* --- Looking -------------------------------------------------------------------------------------------- */

const struct segment *segmenter_first_listed(const struct segmenter *segmenter)
{
    const int64_t window_ns = targets_window_ns(&segmenter->timing->targets);
    const struct segment *segment = TAILQ_LAST(&segmenter->segments, segments);
    int64_t listed_ns = segment ? segment->duration_ns : 0;

    while (segment && listed_ns < window_ns && TAILQ_PREV(segment, segments, link)) {
        segment = TAILQ_PREV(segment, segments, link);
        listed_ns += segment->duration_ns;
    }
    return segment;
}

const struct segment *segmenter_find_segment(const struct segmenter *segmenter, uint64_t number)
{
    const struct segment *segment;

    TAILQ_FOREACH(segment, &segmenter->segments, link) {
        if (segment->number == number) {
            return segment;
        }
    }
    return NULL;
}

static const struct part *find_in(const struct segment *segment, uint64_t number)
{
    const struct part *part;

    STAILQ_FOREACH(part, &segment->parts, link) {
        if (part->number == number) {
            return part;
        }
    }
    return NULL;
}

const struct part *segmenter_find_part(const struct segmenter *segmenter, uint64_t number)
{
    const struct part *part = segmenter->open ? find_in(segmenter->open, number) : NULL;
    const struct segment *segment;

    TAILQ_FOREACH_REVERSE(segment, &segmenter->segments, segments, link) {
        if (part) {
            break;
        }
        part = find_in(segment, number);
    }
    return part;
}

const struct init *segmenter_find_init(const struct segmenter *segmenter, uint64_t number)
{
    const struct segment *segment;

    if (segmenter->open && segmenter->open->init->number == number) {
        return segmenter->open->init;
    }
    TAILQ_FOREACH_REVERSE(segment, &segmenter->segments, segments, link) {
        if (segment->init->number == number) {
            return segment->init;
        }
    }
    return segmenter->init && segmenter->init->number == number ? segmenter->init : NULL;
}

/* A segment that is much shorter than a second, as one before a break, says little about the peak. */
#define RATE_MIN_NS (NS_PER_SECOND / 2)

struct segmenter_rates segmenter_rates(const struct segmenter *segmenter)
{
    struct segmenter_rates rates = {0};
    double seconds = 0, bits = 0, pictures = 0;
    const struct segment *segment;

    TAILQ_FOREACH(segment, &segmenter->segments, link) {
        double own = (double)segment->duration_ns / (double)NS_PER_SECOND;
        seconds += own;
        bits += 8.0 * (double)segment->bytes;
        pictures += (double)segment->pictures;
        unsigned long rate = own > 0 ? (unsigned long)(8.0 * (double)segment->bytes / own) : 0;
        if (segment->duration_ns >= RATE_MIN_NS && rate > rates.peak) {
            rates.peak = rate;
        }
    }
    if (seconds > 0) {
        rates.average = (unsigned long)(bits / seconds);
        rates.pictures = pictures / seconds;
    }
    rates.peak = rates.peak > rates.average ? rates.peak : rates.average;
    return rates;
}
