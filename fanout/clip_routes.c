/* SPDX-License-Identifier: MIT */
#include "fanout/clip_routes.h"

#include <string.h>

#include "common/base/clock.h"
#include "fanout/feed/past.h"
#include "fanout/http/clip_query.h"
#include "fanout/http/http_response.h"
#include "fanout/http/media_query.h"
#include "fanout/http/upgrade.h"
#include "fanout/media_routes.h"
#include "fanout/router.h"

/* For people whose request was understood. */
static const char nothing_left[] = "no pictures are kept of that time (look_back)\n";

struct span {
    int64_t from_ns, until_ns; /* CLOCK_MONOTONIC */
};

/* The query's member NAME, in nanoseconds since 1970; NOW_NS if it is not there. False: it is wrong. */
static bool read_time(struct lws *wsi, const char *name, int64_t now_ns, int64_t *time_ns)
{
    char text[CLIP_QUERY_TIME_SIZE];

    *time_ns = now_ns;
    return !media_query_has(wsi, name) ||
           (media_query_value(wsi, name, text, sizeof(text)) && clip_query_parse_time(text, now_ns, time_ns));
}

/* False: the query is wrong. Moments are found by how long ago they are, so a clock that was set since then moves them. */
static bool read_span(struct lws *wsi, struct span *span)
{
    const int64_t wall_ns = clock_wall_ns(), shift_ns = clock_now_ns() - wall_ns;
    int64_t from_ns, until_ns;

    if (!media_query_has(wsi, "from") || !read_time(wsi, "from", wall_ns, &from_ns) ||
        !read_time(wsi, "to", wall_ns, &until_ns) || from_ns >= until_ns || from_ns > wall_ns) {
        return false;
    }
    *span = (struct span){.from_ns = from_ns + shift_ns, .until_ns = until_ns + shift_ns};
    return true;
}

int clip_routes_answer(const struct visit *visit)
{
    struct stream *stream = router_find_stream(visit->router, visit->camera, upgrade_read_stream(visit->wsi));
    char disposition[CLIP_QUERY_DISPOSITION_SIZE];
    struct past_found found;
    struct span span;

    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    if (!read_span(visit->wsi, &span)) {
        return http_response_explain(visit->wsi, visit->request, 400, CLIP_QUERY_WRONG "\n");
    }
    if (!past_find(&stream->feed, span.from_ns, &found) || found.first.published_ns > span.until_ns) {
        return http_response_explain(visit->wsi, visit->request, 404, nothing_left);
    }
    clip_query_disposition(disposition, visit->camera, found.first.wall_ns);
    if (visit->request->method == HTTP_METHOD_HEAD) {
        return media_routes_answer_head(visit, disposition);
    }
    struct guest *guest = guest_new(media_routes_file_kind(visit->wsi));
    if (guest) {
        guest->from_ns = span.from_ns;
        guest->until_ns = span.until_ns;
        guest->from_zero = true;
    }
    return media_routes_admit(visit, stream, guest, visit->permit, disposition);
}
