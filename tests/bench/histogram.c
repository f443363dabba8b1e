/* SPDX-License-Identifier: MIT */
#include "tests/bench/histogram.h"

#include <math.h>

#define SUB_COUNT (1 << HISTOGRAM_SUB_BITS)
#define NS_PER_MS 1e6

static size_t bucket_of(uint64_t value)
{
    if (value < SUB_COUNT) {
        return (size_t)value;
    }
    int shift = 63 - __builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return ((size_t)(shift + 1) << HISTOGRAM_SUB_BITS) + (size_t)((value >> shift) & (SUB_COUNT - 1));
}

static int64_t middle_of(size_t bucket)
{
    if (bucket < SUB_COUNT) {
        return (int64_t)bucket;
    }
    int shift = (int)(bucket >> HISTOGRAM_SUB_BITS) - 1;
    uint64_t low = (uint64_t)(SUB_COUNT + (bucket & (SUB_COUNT - 1))) << shift;
    return (int64_t)(low + ((uint64_t)1 << shift) / 2);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    if (ns < 0) {
        ns = 0;
    }
    histogram->count++;
    histogram->sum += (double)ns;
    histogram->buckets[bucket_of((uint64_t)ns)]++;
    if (ns > histogram->max) {
        histogram->max = ns;
    }
}

int64_t histogram_percentile(const struct histogram *histogram, double fraction)
{
    uint64_t rank = (uint64_t)ceil(fraction * (double)histogram->count);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && seen >= rank) {
            int64_t middle = middle_of(i);
            return middle < histogram->max ? middle : histogram->max;
        }
    }
    return 0;
}

json_t *histogram_json(const struct histogram *histogram)
{
    double mean = histogram->count > 0 ? histogram->sum / (double)histogram->count : 0.0;
    return json_pack("{s:I,s:f,s:f,s:f,s:f,s:f}", "count", (json_int_t)histogram->count, "mean",
                     mean / NS_PER_MS, "p50", (double)histogram_percentile(histogram, 0.50) / NS_PER_MS,
                     "p95", (double)histogram_percentile(histogram, 0.95) / NS_PER_MS, "p99",
                     (double)histogram_percentile(histogram, 0.99) / NS_PER_MS, "max",
                     (double)histogram->max / NS_PER_MS);
}
