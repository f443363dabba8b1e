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

enum guest_kind media_routes_file_kind(struct lws *wsi)
{
    return http_request_is_1_1(wsi) ? GUEST_CHUNKED : GUEST_FILE;
}

int media_routes_answer_head(const struct visit *visit, const char *headers)
{
    const struct http_response response = {
        .status = 200, .type = type, .headers = headers, .open = true, .close = true};

    return http_response_send(visit->wsi, visit->request, visit->permit, &response);
}

/* Makes CONNECTION that of a guest; its permit was used. */
static int begin_guest(const struct visit *visit, struct connection *connection, struct stream *stream,
                       struct guest *guest, struct permit *permit, const char *headers)
{
    const struct http_response response = {
        .status = 200, .type = type, .headers = headers, .open = true, .close = true};

    guest->head = http_response_head(visit->request, permit, &response);
    if (!guest->head) {
        guest_free(guest);
        return http_response_refuse(visit->wsi, visit->request, 503, RETRY_SOON);
    }
    connection->guest = guest;
    connection->stream = stream;
    connection->permit = permit_ref(permit);
    connection->address = visit->request->client.address;
    return 0;
}

/* The status that keeps a request from being answered with a stream; 0: none does. */
static int judge(const struct visit *visit, const struct connection *connection, const struct guest *guest)
{
    struct router *router = visit->router;

    if (lws_hdr_total_length(visit->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 || !connection) {
        return 400; /* a body would follow */
    }
    if (limits_view(router->limits, router->connections, connection, &visit->request->client.address) !=
        LIMITS) {
        return limits_status(LIMIT_CONNECTIONS_PER_ADDRESS);
    }
    return guest && router->has_room(router->context) ? 0 : 503;
}

int media_routes_admit(const struct visit *visit, struct stream *stream, struct guest *guest,
                       struct permit *permit, const char *headers)
{
    struct connection *connection = lws_get_opaque_user_data(visit->wsi);
    int status = judge(visit, connection, guest);

    if (status != 0) {
        guest_free(guest);
        return http_response_refuse(visit->wsi, visit->request, status,
                                    status == 503   ? RETRY_AWAY
                                    : status == 400 ? NULL
                                                    : RETRY_SOON);
    }
    if (!gate_begin_stream(&visit->router->gate, permit)) {
        guest_free(guest);
        return router_refuse(visit->router, visit->wsi, visit->request, GATE_LOG_IN);
    }
    return begin_guest(visit, connection, stream, guest, permit, headers);
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
    int64_t duration_ns = kind == GUEST_PICTURE ? 0 : media_query_duration_ns(visit->wsi);

    if (!read_start(visit->wsi, &from_zero)) {
        return http_response_explain(visit->wsi, visit->request, 400, START_WRONG "\n");
    }
    if (duration_ns < 0) {
        return http_response_explain(visit->wsi, visit->request, 400, MEDIA_QUERY_DURATION_WRONG "\n");
    }
    if (visit->request->method == HTTP_METHOD_HEAD) {
        return media_routes_answer_head(visit, NULL);
    }
    struct guest *guest = guest_new(kind);
    if (guest) {
        guest->duration_ns = duration_ns;
        guest->from_zero = from_zero;
        guest->not_before_ns = stream_is_streaming(stream) ? 0 : clock_now_ns();
    }
    return media_routes_admit(visit, stream, guest, permit, NULL);
}

int media_routes_stream(const struct visit *visit)
{
    struct stream *stream = router_find_stream(visit->router, visit->camera, upgrade_read_stream(visit->wsi));

    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    return media_routes_begin(visit, stream, media_routes_file_kind(visit->wsi), visit->permit, false);
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
