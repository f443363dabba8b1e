/* SPDX-License-Identifier: MIT */
#include "ctl/measure.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/ring/ringcast.h"
#include "ctl/follow.h"
#include "ctl/interrupt.h"

/* Shorter than this, jitter of arrival hides what a clock does. */
#define CLOCK_SECONDS 20

/* Milliseconds between two looks at rings that are followed together: a ring holds seconds. */
#define READ_MS 50

struct measurement {
    double seconds;
    int64_t first_ns, last_ns; /* when pictures came; 0: none yet */
    int64_t pause_ns;
    int64_t ends_ns;
    uint64_t pictures, keyframes, groups, bytes, missing, breaks, changes;
    uint64_t sequence;
    bool grouped;               /* since the last keyframe the stream's time has not broken */
    double keyframe_s, group_s; /* in the camera's time */
    double media_s;             /* decode time of the last picture, from that of the first on */
    double base_s; /* decode time of the first picture of this generation, less what came before */
    uint32_t generation;
    /* Sums for the line through media time over time of arrival. */
    double n, x, y, xx, xy;
};

static bool take_init(void *context, const uint8_t *data, size_t size)
{
    struct measurement *measurement = context;

    (void)data;
    (void)size;
    measurement->changes += measurement->pictures > 0 ? 1 : 0;
    return true;
}

static void take_time(struct measurement *measurement, const ringcast_entry *entry)
{
    double at = entry->timescale > 0 ? (double)entry->decode_time / entry->timescale : 0;

    if (measurement->pictures == 0 || entry->generation != measurement->generation) {
        measurement->base_s = at - measurement->media_s;
        measurement->generation = entry->generation;
    }
    measurement->media_s = at - measurement->base_s;
    double x = (double)(entry->published_ns - measurement->first_ns) / (double)NS_PER_SECOND;
    measurement->n += 1;
    measurement->x += x;
    measurement->y += measurement->media_s;
    measurement->xx += x * x;
    measurement->xy += x * measurement->media_s;
}

static void take_keyframe(struct measurement *measurement)
{
    if (measurement->grouped) {
        measurement->group_s = fmax(measurement->group_s, measurement->media_s - measurement->keyframe_s);
    }
    measurement->groups += measurement->grouped ? 1 : 0;
    measurement->grouped = true;
    measurement->keyframes++;
    measurement->keyframe_s = measurement->media_s;
}

static void take(struct measurement *measurement, const ringcast_entry *entry)
{
    int64_t now = entry->published_ns;

    if (measurement->pictures == 0) {
        measurement->first_ns = now;
        measurement->ends_ns = now + (int64_t)(measurement->seconds * (double)NS_PER_SECOND);
    } else {
        int64_t pause = now - measurement->last_ns;
        measurement->pause_ns = pause > measurement->pause_ns ? pause : measurement->pause_ns;
        measurement->missing += entry->sequence - measurement->sequence - 1;
    }
    take_time(measurement, entry);
    if (entry->flags & RINGCAST_DISCONTINUITY) {
        measurement->breaks++;
        measurement->grouped = false; /* how long the stream was away is not how long its group is */
    }
    if (entry->flags & RINGCAST_KEYFRAME) {
        take_keyframe(measurement);
    }
    measurement->sequence = entry->sequence;
    measurement->last_ns = now;
    measurement->pictures++;
    measurement->bytes += entry->length;
}

/* The ring may hold pictures of before: they are not part of the time that is measured. */
static bool is_old(const struct measurement *measurement, const ringcast_entry *entry)
{
    return measurement->pictures == 0 && clock_now_ns() - entry->published_ns > NS_PER_SECOND / 2;
}

static bool take_fragment(void *context, uint8_t *data, size_t size, const ringcast_entry *entry,
                          const ringcast_generation *generation)
{
    struct measurement *measurement = context;

    (void)data;
    (void)size;
    (void)generation;
    if (is_old(measurement, entry)) {
        return true;
    }
    take(measurement, entry);
    return entry->published_ns < measurement->ends_ns;
}

/* How much faster than 1 the camera's time goes, in millionths. */
static json_t *clock_ppm(const struct measurement *m)
{
    double spread = m->n * m->xx - m->x * m->x;
    double seconds = (double)(m->last_ns - m->first_ns) / (double)NS_PER_SECOND;

    if (seconds < CLOCK_SECONDS || m->breaks > 0 || spread <= 0) {
        return json_null();
    }
    return json_real(round(((m->n * m->xy - m->x * m->y) / spread - 1) * 1e6));
}

static json_t *result_of(const struct measurement *m)
{
    double seconds = (double)(m->last_ns - m->first_ns) / (double)NS_PER_SECOND;
    double whole = seconds > 0 ? seconds : 1;

    return json_pack(
        "{s:f, s:I, s:f, s:f, s:I, s:I, s:I, s:f, s:I, s:o, s:o}", "seconds", seconds, "pictures",
        (json_int_t)m->pictures, "fps", (double)(m->pictures > 0 ? m->pictures - 1 : 0) / whole, "bitrate",
        8.0 * (double)m->bytes / whole, "missing", (json_int_t)m->missing, "breaks", (json_int_t)m->breaks,
        "changes", (json_int_t)m->changes, "pause_ms", (double)m->pause_ns / (double)NS_PER_MS, "keyframes",
        (json_int_t)m->keyframes, "group_s", m->groups > 0 ? json_real(m->group_s) : json_null(), "clock_ppm",
        clock_ppm(m));
}

enum exit_code measure_stream(const char *url, const struct options *options, const char *camera,
                              double seconds, double timeout, json_t **measured)
{
    struct measurement measurement = {.seconds = seconds};
    struct follow_handlers handlers = {.init = take_init, .fragment = take_fragment, .context = &measurement};
    enum exit_code code = follow_camera(url, options, camera, timeout, &handlers);
    bool some = code == EXIT_CODE_TIMEOUT && measurement.pictures > 1;
    if (some) {
        measurement.pause_ns = clock_now_ns() - measurement.last_ns;
    }
    *measured = code == EXIT_CODE_OK || some ? result_of(&measurement) : NULL;
    return code;
}

/* One of several rings that are followed at once. */
struct followed {
    struct measurement measurement;
    ringcast_reader *reader; /* NULL: it cannot be read (any more) */
    ringcast_cursor cursor;
};

static void read_all(struct followed *followed, void *buffer, size_t size)
{
    ringcast_entry entry;
    int result = 0;

    while (followed->reader &&
           (result = ringcast_read(followed->reader, &followed->cursor, buffer, size, &entry)) == 1) {
        if (!is_old(&followed->measurement, &entry)) {
            take(&followed->measurement, &entry);
        }
    }
    if (result == -ESTALE || result == -EBADMSG) {
        ringcast_seek_keyframe(followed->reader, &followed->cursor);
    } else if (result < 0) {
        ringcast_close(followed->reader); /* it was replaced; what was measured counts */
        followed->reader = NULL;
    }
}

void measure_rings(const char *const *names, size_t count, double seconds, json_t **measured)
{
    struct followed *all = calloc(count > 0 ? count : 1, sizeof(*all));
    size_t size = 0;

    for (size_t i = 0; all && i < count; i++) {
        if (ringcast_open(names[i], &all[i].reader) < 0) {
            all[i].reader = NULL;
            continue;
        }
        ringcast_seek_keyframe(all[i].reader, &all[i].cursor);
        size_t longest = ringcast_capacity(all[i].reader) / 4;
        size = longest > size ? longest : size;
    }
    void *buffer = all ? malloc(size > 0 ? size : 1) : NULL;
    int64_t ends_ns = clock_now_ns() + (int64_t)(seconds * (double)NS_PER_SECOND);
    while (buffer && clock_now_ns() < ends_ns && !interrupt_came()) {
        for (size_t i = 0; i < count; i++) {
            read_all(&all[i], buffer, size);
        }
        nanosleep(&(struct timespec){.tv_nsec = READ_MS * NS_PER_MS}, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        measured[i] = all && all[i].measurement.pictures > 1 ? result_of(&all[i].measurement) : NULL;
        if (all) {
            ringcast_close(all[i].reader);
        }
    }
    free(buffer);
    free(all);
}

json_t *measure_ring(const char *name)
{
    struct measurement measurement = {.seconds = 0};
    ringcast_reader *reader = NULL;
    ringcast_cursor cursor = {.position = 0};
    ringcast_entry entry;

    if (ringcast_open(name, &reader) < 0) {
        return NULL;
    }
    size_t size = ringcast_capacity(reader) / 4;
    void *buffer = malloc(size);
    if (buffer && ringcast_seek_oldest(reader, &cursor) == 0) {
        /* Bounded: a writer that is faster than this reader would lead it on for ever. */
        int64_t ends_ns = clock_now_ns() + NS_PER_SECOND / 2;
        while (clock_now_ns() < ends_ns && ringcast_read(reader, &cursor, buffer, size, &entry) == 1) {
            take(&measurement, &entry);
        }
    }
    free(buffer);
    ringcast_close(reader);
    return measurement.pictures > 1 ? result_of(&measurement) : NULL;
}
