/* SPDX-License-Identifier: MIT */
#include "hls/stream/playlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"

/* Media names that a playlist's links have in common. */
struct names {
    const char *stream;
    uint32_t hold;
};

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SECOND;
}

static int finish(FILE *out, struct playlist_text *made)
{
    if (fclose(out) != 0) {
        free(made->text);
        *made = (struct playlist_text){0};
        return -ENOMEM;
    }
    return 0;
}

/* --- Segments ------------------------------------------------------------------------------------------- */

/* ISO 8601 in UTC with milliseconds. */
static void put_date(FILE *out, int64_t wall_ns)
{
    time_t second = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm parts;
    char text[32];

    if (wall_ns > 0 && gmtime_r(&second, &parts) &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) > 0) {
        fprintf(out, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n", text, (int)(wall_ns % NS_PER_SECOND / NS_PER_MS));
    }
}

/* What comes before the parts. LAST: the init segment that counts until here; NULL: none. */
static void put_head(FILE *out, const struct segment *segment, const struct init *last,
                     const struct names *names)
{
    for (unsigned i = 0; i < segment->breaks; i++) {
        fputs("#EXT-X-DISCONTINUITY\n", out);
    }
    if (segment->init != last || segment->breaks > 0) {
        fprintf(out, "#EXT-X-MAP:URI=\"%s-%08" PRIx32 "-i%" PRIu64 ".mp4\"\n", names->stream, names->hold,
                segment->init->number);
    }
    put_date(out, segment->wall_ns);
}

static void put_parts(FILE *out, const struct segment *segment, const struct names *names)
{
    const struct part *part;

    STAILQ_FOREACH(part, &segment->parts, link) {
        fprintf(out, "#EXT-X-PART:DURATION=%.5f,URI=\"%s-%08" PRIx32 "-p%" PRIu64 ".m4s\"%s\n",
                seconds(part->duration_ns), names->stream, names->hold, part->number,
                part->independent ? ",INDEPENDENT=YES" : "");
    }
}

/* FROM_END: what is listed behind it. Parts are listed for three target durations (6.2.2). */
static void put_segment(FILE *out, const struct segment *segment, int64_t from_end_ns,
                        const struct targets *targets, const struct names *names)
{
    if (from_end_ns < 3 * targets->segment_ns) {
        put_parts(out, segment, names);
    }
    fprintf(out, "#EXTINF:%.5f,\n%s-%08" PRIx32 "-s%" PRIu64 ".m4s\n", seconds(segment->duration_ns),
            names->stream, names->hold, segment->number);
}

static int64_t listed_from(const struct segmenter *segmenter, const struct segment *first)
{
    int64_t total_ns = segmenter->open ? segmenter->open->duration_ns : 0;

    for (; first; first = TAILQ_NEXT(first, link)) {
        total_ns += first->duration_ns;
    }
    return total_ns;
}

/*
 * How many segments from FIRST on, of all that take LISTED_NS, are further from the end of the last segment than the Skip Boundary (6.2.5.1).
 */
static unsigned count_skipped(const struct segment *first, int64_t listed_ns, const struct targets *targets)
{
    unsigned count = 0;

    while (first && listed_ns - first->duration_ns > targets_skip_until_ns(targets)) {
        listed_ns -= first->duration_ns;
        count++;
        first = TAILQ_NEXT(first, link);
    }
    return count;
}

/* --- Media playlists ------------------------------------------------------------------------------------ */

static void put_media_head(FILE *out, const struct segmenter *segmenter, const struct segment *first)
{
    const struct targets *targets = &segmenter->timing->targets;

    /* Section 8: EXT-X-SKIP needs version 9, EXT-X-MAP version 6. */
    fprintf(out, "#EXTM3U\n#EXT-X-VERSION:%d\n", targets_can_skip(targets) ? 9 : 6);
    if (targets->keyframes && segmenter->all_independent) {
        fputs("#EXT-X-INDEPENDENT-SEGMENTS\n", out);
    }
    fprintf(out, "#EXT-X-TARGETDURATION:%" PRId64 "\n", targets->segment_ns / NS_PER_SECOND);
    fputs("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,", out);
    if (targets_can_skip(targets)) {
        fprintf(out, "CAN-SKIP-UNTIL=%.1f,", seconds(targets_skip_until_ns(targets)));
    }
    fprintf(out, "HOLD-BACK=%.1f,PART-HOLD-BACK=%.2f\n", seconds(targets_hold_back_ns(targets)),
            seconds(targets_part_hold_back_ns(targets)));
    fprintf(out, "#EXT-X-PART-INF:PART-TARGET=%.2f\n", seconds(targets->part_ns));
    fprintf(out, "#EXT-X-MEDIA-SEQUENCE:%" PRIu64 "\n#EXT-X-DISCONTINUITY-SEQUENCE:%" PRIu64 "\n",
            first->number, first->breaks_before);
}

/* The segment in progress has parts only. One without a part is not shown, because tags that stand at the end could not be taken back. */
static void put_open(FILE *out, const struct segmenter *segmenter, const struct init *last,
                     const struct names *names)
{
    if (segmenter->open && segmenter->open->part_count > 0) {
        put_head(out, segmenter->open, last, names);
        put_parts(out, segmenter->open, names);
    }
    fprintf(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%s-%08" PRIx32 "-p%" PRIu64 ".m4s\"\n", names->stream,
            names->hold, segmenter->next_part);
}

static void put_report(FILE *out, const struct segmenter *sibling, enum request_stream stream)
{
    enum request_stream other = stream == REQUEST_MAIN ? REQUEST_SUB : REQUEST_MAIN;
    struct rules_position position;

    if (sibling && rules_position(sibling, &position)) {
        fprintf(out, "#EXT-X-RENDITION-REPORT:URI=\"%s.m3u8\",LAST-MSN=%" PRIu64 ",LAST-PART=%u\n",
                request_stream_name(other), position.segment, position.part);
    }
}

int playlist_media(const struct segmenter *segmenter, const struct segmenter *sibling,
                   enum request_stream stream, uint32_t hold, bool skips, struct playlist_text *made)
{
    const struct names names = {request_stream_name(stream), hold};
    const struct targets *targets = &segmenter->timing->targets;
    const struct segment *segment = segmenter_first_listed(segmenter);
    int64_t left_ns = listed_from(segmenter, segment);
    const struct init *last = NULL;

    *made = (struct playlist_text){0};
    FILE *out = open_memstream(&made->text, &made->length);
    if (!out) {
        return -ENOMEM;
    }
    put_media_head(out, segmenter, segment);
    unsigned skipped = skips && targets_can_skip(targets) ? count_skipped(segment, left_ns, targets) : 0;
    if (skipped > 0) {
        fprintf(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%u\n", skipped);
    }
    for (; segment; segment = TAILQ_NEXT(segment, link)) {
        left_ns -= segment->duration_ns;
        if (skipped > 0) {
            skipped--;
        } else {
            put_head(out, segment, last, &names);
            put_segment(out, segment, left_ns, targets, &names);
        }
        last = segment->init;
    }
    put_open(out, segmenter, last, &names);
    put_report(out, sibling, stream);
    return finish(out, made);
}

/* --- Multivariant playlists ----------------------------------------------------------------------------- */

static void put_variant(FILE *out, const struct segmenter *segmenter, enum request_stream stream)
{
    const struct segmenter_rates rates = segmenter_rates(segmenter);
    const struct init *init = TAILQ_LAST(&segmenter->segments, segments)->init;

    fprintf(out, "#EXT-X-STREAM-INF:BANDWIDTH=%lu,AVERAGE-BANDWIDTH=%lu,CODECS=\"%s\"", rates.peak,
            rates.average, init->codecs);
    if (init->width > 0 && init->height > 0) {
        fprintf(out, ",RESOLUTION=%" PRIu32 "x%" PRIu32, init->width, init->height);
    }
    if (rates.pictures > 0) {
        fprintf(out, ",FRAME-RATE=%.3f", rates.pictures);
    }
    fprintf(out, ",CLOSED-CAPTIONS=NONE\n%s.m3u8\n", request_stream_name(stream));
}

int playlist_index(const struct segmenter *const streams[REQUEST_STREAMS], struct playlist_text *made)
{
    bool independent = true;

    *made = (struct playlist_text){0};
    FILE *out = open_memstream(&made->text, &made->length);
    if (!out) {
        return -ENOMEM;
    }
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        independent = independent &&
                      (!streams[i] || (streams[i]->timing->targets.keyframes && streams[i]->all_independent));
    }
    fprintf(out, "#EXTM3U\n#EXT-X-VERSION:6\n%s", independent ? "#EXT-X-INDEPENDENT-SEGMENTS\n" : "");
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        if (streams[i]) {
            put_variant(out, streams[i], (enum request_stream)i);
        }
    }
    return finish(out, made);
}
