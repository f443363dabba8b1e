/* SPDX-License-Identifier: MIT */
#include "fanout/media_routes.h"

#include <string.h>

#include "common/base/clock.h"
#include "fanout/feed/viewer.h"
#include "fanout/http/http_response.h"
#include "fanout/http/media_query.h"
#include "fanout/http/upgrade.h"
#include "fanout/router.h"

/* A camera that sends nothing now may do so in some seconds. */
#define RETRY_AWAY "Retry-After: 5\r\n"
#define RETRY_SOON "Retry-After: 1\r\n"

/* What is wrong with a `start`, for people. */
#define START_WRONG "start: 0, or nothing"

static const char type[] = "video/mp4";

static enum guest_kind file_kind(struct lws *wsi)
{
    return http_request_is_1_1(wsi) ? GUEST_CHUNKED : GUEST_FILE;
}

/* Without a body, and without waiting for the camera: whether it has something to send is not known before. */
static int answer_head(const struct visit *visit)
{
    const struct http_response response = {.status = 200, .type = type, .open = true, .close = true};

    return http_response_send(visit->wsi, visit->request, visit->permit, &response);
}

/* Makes CONNECTION that of a guest; its permit was used. */
static int admit(const struct visit *visit, struct connection *connection, struct stream *stream,
                 struct guest *guest, struct permit *permit)
{
    const struct http_response response = {.status = 200, .type = type, .open = true, .close = true};

    guest->head = http_response_head(visit->request, permit, &response);
    if (!guest->head) {
        guest_free(guest);
        return http_response_refuse(visit->wsi, visit->request, 503, RETRY_SOON);
    }
    guest->not_before_ns = stream_is_streaming(stream) ? 0 : clock_now_ns();
    connection->guest = guest;
    connection->stream = stream;
    connection->permit = permit_ref(permit);
    connection->address = visit->request->client.address;
    return 0;
}

/* False: the query's `start` is wrong. */
static bool read_start(struct lws *wsi, bool *from_zero)
{
    char start[4];

    if (!media_query_has(wsi, "start")) {
        return true;
    }
    *from_zero = true;
    return media_query_value(wsi, "start", start, sizeof(start)) && strcmp(start, "0") == 0;
}

int media_routes_begin(const struct visit *visit, struct stream *stream, enum guest_kind kind,
                       struct permit *permit, bool from_zero)
{
    struct router *router = visit->router;
    struct connection *connection = lws_get_opaque_user_data(visit->wsi);
    int64_t duration_ns = kind == GUEST_PICTURE ? 0 : media_query_duration_ns(visit->wsi);

    if (!read_start(visit->wsi, &from_zero)) {
        return http_response_explain(visit->wsi, visit->request, 400, START_WRONG "\n");
    }
    if (duration_ns < 0) {
        return http_response_explain(visit->wsi, visit->request, 400, MEDIA_QUERY_DURATION_WRONG "\n");
    }
    if (visit->request->method == HTTP_METHOD_HEAD) {
        return answer_head(visit);
    }
    if (lws_hdr_total_length(visit->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 || !connection) {
        return http_response_refuse(visit->wsi, visit->request, 400, NULL); /* a body would follow */
    }
    if (limits_view(router->limits, router->connections, connection, &visit->request->client.address) !=
        LIMITS) {
        return http_response_refuse(visit->wsi, visit->request, limits_status(LIMIT_CONNECTIONS_PER_ADDRESS),
                                    RETRY_SOON);
    }
    struct guest *guest = router->has_room(router->context) ? guest_new(kind) : NULL;
    if (!guest) {
        return http_response_refuse(visit->wsi, visit->request, 503, RETRY_AWAY);
    }
    guest->duration_ns = duration_ns;
    guest->from_zero = from_zero;
    if (!gate_begin_stream(&router->gate, permit)) {
        guest_free(guest);
        return router_refuse(router, visit->wsi, visit->request, GATE_LOG_IN);
    }
    return admit(visit, connection, stream, guest, permit);
}

int media_routes_stream(const struct visit *visit)
{
    struct stream *stream = router_find_stream(visit->router, visit->camera, upgrade_read_stream(visit->wsi));

    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    return media_routes_begin(visit, stream, file_kind(visit->wsi), visit->permit, false);
}

int media_routes_refuse(struct router *router, struct lws *wsi, uint16_t code, const char *reason)
{
    struct http_request request;

    http_request_read(wsi, router->policy, &request);
    switch (code) {
    case GATE_CLOSE_LOG_IN:
        return router_refuse(router, wsi, &request, GATE_LOG_IN);
    case GATE_CLOSE_HIDDEN:
        return router_refuse(router, wsi, &request, GATE_HIDDEN);
    default:
        break;
    }
    bool many = reason && strcmp(reason, VIEWER_TOO_MANY_OF_USER) == 0;
    return http_response_refuse(wsi, &request, many ? 429 : 503, many ? RETRY_SOON : RETRY_AWAY);
}
