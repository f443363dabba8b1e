/* SPDX-License-Identifier: MIT */
#include "fanout/event_requests.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "fanout/http/http_response.h"
#include "fanout/router.h"

static int send_error(const struct visit *visit, int status, const char *headers, const char *error)
{
    json_t *object = json_pack("{s:s}", "error", error);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text) {
        return http_response_refuse(visit->wsi, visit->request, 503, NULL);
    }
    const struct http_response response = {
        .status = status,
        .type = "application/json",
        .headers = headers,
        .body = text,
        .length = strlen(text),
    };
    int result = http_response_send(visit->wsi, visit->request, visit->permit, &response);
    free(text);
    return result;
}

/* What may not be watched is refused as what is not there. */
static int raise_event(const struct visit *visit, json_t *event)
{
    struct router *router = visit->router;
    const char *camera = message_string(event, "camera", "");
    const struct stream *stream = router_find_stream(router, camera, UPGRADE_STREAM_MAIN);

    if (!visitor_may_watch(permit_visitor(visit->permit), camera) || !stream) {
        return send_error(visit, 404, NULL, "no such camera");
    }
    if (!attention_spend(&router->events, clock_now_ns())) {
        return send_error(visit, 429, "Retry-After: 1\r\n", "too many events");
    }
    if (!router->raise_event(router->context, event)) {
        return send_error(visit, 503, "Retry-After: 1\r\n", "events cannot be told at the moment");
    }
    const struct http_response response = {.status = 204};
    return http_response_send(visit->wsi, visit->request, visit->permit, &response);
}

int event_requests_raise(const struct visit *visit)
{
    char why[ATTENTION_WHY_SIZE];

    if (!visitor_is_operator(permit_visitor(visit->permit))) {
        return send_error(visit, 403, NULL,
                          gate_is_on(&visit->router->gate)
                              ? "an operator is needed"
                              : "an operator is needed, and nobody can log in here: see `auth`, or use "
                                "`ringcastctl event`");
    }
    json_t *given = visit->body ? post_body_json(visit->body) : NULL;
    json_t *event = given ? attention_read(given, why) : NULL;
    int result = event ? raise_event(visit, event)
                       : send_error(visit, 400, NULL, given ? why : "an event is needed, as JSON");
    json_decref(given);
    json_decref(event);
    return result;
}
