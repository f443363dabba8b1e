/* SPDX-License-Identifier: MIT */
#include "ingest/publish/stream_limit.h"

#include "common/base/clock.h"

/* Takes a token from a bucket of BURST tokens, each of which takes COST_NS to come back. */
static bool take(struct stream_bucket *bucket, int64_t cost_ns, int64_t burst, int64_t now_ns)
{
    int64_t passed_ns = now_ns - bucket->filled_ns;

    if (passed_ns > 0) { /* a clock that goes back fills nothing */
        bucket->used_ns = passed_ns < bucket->used_ns ? bucket->used_ns - passed_ns : 0;
        bucket->filled_ns = now_ns;
    }
    if (bucket->used_ns + cost_ns > burst * cost_ns) {
        return false;
    }
    bucket->used_ns += cost_ns;
    return true;
}

bool stream_limit_take_picture(struct stream_limit *limit, int64_t now_ns)
{
    return take(&limit->pictures, NS_PER_SECOND / STREAM_LIMIT_PICTURES, STREAM_LIMIT_PICTURES_BURST, now_ns);
}

bool stream_limit_take_generation(struct stream_limit *limit, int64_t now_ns)
{
    return take(&limit->generations, NS_PER_SECOND / STREAM_LIMIT_GENERATIONS, STREAM_LIMIT_GENERATIONS_BURST,
                now_ns);
}
