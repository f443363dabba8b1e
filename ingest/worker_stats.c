/* SPDX-License-Identifier: MIT */
#include "ingest/worker_stats.h"

#include <math.h>

#include "common/base/clock.h"

static struct source_statistics total(const struct worker_stats *stats)
{
    const struct source_statistics *past = &stats->past;
    struct source_statistics sum = {0};

    if (stats->source) {
        source_statistics(stats->source, &sum);
    }
    sum.lost += past->lost;
    sum.reordered += past->reordered;
    sum.duplicates += past->duplicates;
    sum.malformed += past->malformed;
    sum.marker_errors += past->marker_errors;
    sum.discontinuities += past->discontinuities;
    sum.dropped += past->dropped;
    if (stats->remote) {
        sum.lost += stats->remote->missed;
        sum.duplicates += stats->remote->doubles;
        sum.malformed += stats->remote->damaged;
    }
    return sum;
}

void worker_stats_connected(struct worker_stats *stats, const struct source *source)
{
    stats->source = source;
    stats->announced_fps = source_describe(source)->video.frame_rate;
    stats->connected_ns = clock_now_ns();
    stats->keyframe_ns = 0;
}

void worker_stats_streaming(struct worker_stats *stats)
{
    stats->keyframe_ns = clock_now_ns() - stats->connected_ns;
}

void worker_stats_disconnected(struct worker_stats *stats)
{
    stats->past = total(stats);
    stats->source = NULL;
}

static void set(json_t *message, const char *name, uint64_t value)
{
    json_object_set_new(message, name, json_integer((json_int_t)value));
}

void worker_stats_write_ring(const struct ring_writer *ring, json_t *message)
{
    struct ring_writer_positions positions = ring_writer_positions(ring);

    set(message, "ring_head", positions.head);
    set(message, "ring_keyframe", positions.keyframe);
    set(message, "ring_sequence", positions.sequence);
    set(message, "ring_generation", positions.generation);
}

void worker_stats_write(const struct worker_stats *stats, const struct publisher_status *status,
                        json_t *message)
{
    struct source_statistics sum = total(stats);

    set(message, "lost", sum.lost);
    set(message, "reordered", sum.reordered);
    set(message, "duplicates", sum.duplicates);
    set(message, "malformed", sum.malformed);
    set(message, "marker_errors", sum.marker_errors);
    set(message, "discontinuities", sum.discontinuities + status->repairs + status->joints);
    set(message, "withheld", sum.dropped + status->withheld);
    json_object_set_new(message, "jitter_ms",
                        json_real(round((double)sum.jitter_ns / (double)NS_PER_MS * 100) / 100));
    if (stats->announced_fps > 0) {
        json_object_set_new(message, "announced_fps", json_real(stats->announced_fps));
    }
    if (stats->remote) {
        set(message, "fenced", stats->remote->fenced);
        set(message, "jumps", stats->remote->jumps);
    }
    if (stats->keyframe_ns > 0) {
        set(message, "keyframe_ms", (uint64_t)(stats->keyframe_ns / NS_PER_MS));
    }
}
