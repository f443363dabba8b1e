/* SPDX-License-Identifier: MIT */
#include "common/ipc/latency.h"

#include "common/base/clock.h"

/* No fragment in a ring is older: a longer time is damage. */
#define LONGEST_NS (3600 * NS_PER_SECOND)

/* No honest count or sum comes near these: more is refused, so that sums over processes do not overflow. */
#define COUNT_MAX INT64_C(1000000000000000)
#define SUM_MAX_S 1e8

static const int64_t bounds_ns[LATENCY_BOUNDS] = {100000,    250000,    500000,    1000000,  2500000,
                                                  5000000,   10000000,  25000000,  50000000, 100000000,
                                                  250000000, 500000000, 1000000000};

void latency_add(struct latency *latency, int64_t from_ns, int64_t to_ns)
{
    if (from_ns <= 0 || from_ns > to_ns || to_ns - from_ns > LONGEST_NS) {
        return;
    }
    int64_t took_ns = to_ns - from_ns;
    unsigned bucket = 0;
    while (bucket < LATENCY_BOUNDS && took_ns > bounds_ns[bucket]) {
        bucket++;
    }
    latency->counts[bucket]++;
    latency->sum_ns += (uint64_t)took_ns;
}

uint64_t latency_count(const struct latency *latency)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        count += latency->counts[i];
    }
    return count;
}

void latency_merge(struct latency *latency, const struct latency *other)
{
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        latency->counts[i] += other->counts[i];
    }
    latency->sum_ns += other->sum_ns;
}

static double bound_s(unsigned bound)
{
    return (double)bounds_ns[bound] / (double)NS_PER_SECOND;
}

json_t *latency_to_json(const struct latency *latency)
{
    json_t *bounds = json_array(), *counts = json_array();
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        if (i < LATENCY_BOUNDS) {
            json_array_append_new(bounds, json_real(bound_s(i)));
        }
        json_array_append_new(counts, json_integer((json_int_t)latency->counts[i]));
    }
    return json_pack("{s:o, s:o, s:f}", "le_s", bounds, "counts", counts, "sum_s",
                     (double)latency->sum_ns / (double)NS_PER_SECOND);
}

static bool same_bounds(const json_t *bounds)
{
    bool same = json_array_size(bounds) == LATENCY_BOUNDS;
    for (unsigned i = 0; same && i < LATENCY_BOUNDS; i++) {
        same = json_number_value(json_array_get(bounds, i)) == bound_s(i);
    }
    return same;
}

bool latency_from_json(struct latency *latency, const json_t *object)
{
    const json_t *counts = json_object_get(object, "counts");
    double sum_s = json_number_value(json_object_get(object, "sum_s"));
    bool good = same_bounds(json_object_get(object, "le_s")) && json_array_size(counts) == LATENCY_BUCKETS &&
                sum_s >= 0 && sum_s <= SUM_MAX_S;
    *latency = (struct latency){0};
    for (unsigned i = 0; good && i < LATENCY_BUCKETS; i++) {
        json_int_t count = json_integer_value(json_array_get(counts, i));
        good = json_is_integer(json_array_get(counts, i)) && count >= 0 && count <= COUNT_MAX;
        latency->counts[i] = good ? (uint64_t)count : 0;
    }
    if (!good) {
        *latency = (struct latency){0};
        return false;
    }
    latency->sum_ns = (uint64_t)(sum_s * (double)NS_PER_SECOND + 0.5);
    return true;
}
