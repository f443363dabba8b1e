/* SPDX-License-Identifier: MIT */
#include "fanout/http/session_requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/access/access_value.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "fanout/http/http_response.h"

/* Longest line of headers: a cookie with its path. */
#define HEADERS_SIZE (SESSION_COOKIE_SIZE + HTTP_REQUEST_PATH_SIZE + 256)

/* OBJECT is consumed; NULL: there was no memory. HEADERS: further lines, or NULL. */
static int send_json(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                     int status, const char *headers, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text) {
        return http_response_refuse(wsi, request, 503, NULL);
    }
    const struct http_response response = {
        .status = status,
        .type = "application/json",
        .headers = headers,
        .body = text,
        .length = strlen(text),
    };
    int result = http_response_send(wsi, request, permit, &response);
    free(text);
    return result;
}

static int send_error(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                      int status, const char *headers, const char *error)
{
    return send_json(wsi, request, permit, status, headers, json_pack("{s:s}", "error", error));
}

/* Nothing is there for those who need not log in. */
static int answer_absent(struct lws *wsi, const struct http_request *request)
{
    return http_response_refuse(wsi, request, 404, NULL);
}

static json_t *describe(const struct visitor *visitor)
{
    return json_pack("{s:b, s:o, s:s, s:s, s:o}", "auth", true, "user",
                     visitor->name[0] != '\0' ? json_string(visitor->name) : json_null(), "role",
                     access_role_name(visitor_is_operator(visitor) ? ACCESS_OPERATOR : ACCESS_VIEWER), "via",
                     visitor_via_name(visitor->via), "expires",
                     visitor->expires != 0 ? json_integer(visitor->expires) : json_null());
}

/* Set-Cookie (RFC 6265, section 4.1) for VALUE during AGE_S seconds. */
static void format_cookie(char headers[HEADERS_SIZE], const struct http_request *request, const char *value,
                          int64_t age_s)
{
    snprintf(headers, HEADERS_SIZE,
             "Set-Cookie: " SESSION_COOKIE_NAME "=%s; Path=%s/; Max-Age=%" PRId64
             "; HttpOnly; SameSite=Strict%s\r\n",
             value, request->prefix, age_s, request->client.secure ? "; Secure" : "");
}

static int answer_verdict(struct gate *gate, struct lws *wsi, const struct http_request *request,
                          const struct permit *permit, enum gate_verdict verdict)
{
    char retry[64];

    snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", gate->retry_s);
    switch (verdict) {
    case GATE_WAIT:
        return 0;
    case GATE_SLOW:
        return send_error(wsi, request, permit, 429, retry, "too many attempts");
    case GATE_OPEN:
    case GATE_HIDDEN:
    case GATE_LOG_IN:
        return send_error(wsi, request, permit, 401, "WWW-Authenticate: Session\r\n",
                          "wrong user or password");
    case GATE_BUSY:
        break;
    }
    return send_error(wsi, request, permit, 503, retry, "passwords cannot be checked at the moment");
}

/* The log-in that this request began has an answer. */
static int finish_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                         const struct permit *permit)
{
    char cookie[SESSION_COOKIE_SIZE], headers[HEADERS_SIZE];
    struct permit *own;
    enum gate_verdict verdict = gate_logged_in(gate, wsi, cookie, &own);

    if (verdict != GATE_OPEN) {
        return answer_verdict(gate, wsi, request, permit, verdict);
    }
    const struct visitor *visitor = permit_visitor(own);
    int64_t now_s = clock_wall_ns() / NS_PER_SECOND;
    format_cookie(headers, request, cookie, visitor->expires > now_s ? visitor->expires - now_s : 0);
    int result = send_json(wsi, request, own, 200, headers, describe(visitor));
    permit_unref(own);
    secret_wipe(cookie, sizeof(cookie));
    secret_wipe(headers, sizeof(headers));
    return result;
}

int session_requests_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                            const struct permit *permit, const struct post_body *body)
{
    if (gate_has_answer(lws_get_opaque_user_data(wsi))) {
        return finish_log_in(gate, wsi, request, permit);
    }
    if (!gate_is_on(gate)) {
        return answer_absent(wsi, request);
    }
    json_t *object = body ? post_body_json(body) : NULL;
    json_t *user = json_object_get(object, "user"), *password = json_object_get(object, "password");
    if (!json_is_string(user) || !json_is_string(password)) {
        json_decref(object);
        return send_error(wsi, request, permit, 400, NULL, "user and password are needed, as JSON");
    }
    enum gate_verdict verdict =
        gate_log_in(gate, wsi, request, json_string_value(user), json_string_value(password));
    secret_wipe((char *)json_string_value(password), json_string_length(password));
    json_decref(object);
    return answer_verdict(gate, wsi, request, permit, verdict);
}

int session_requests_log_out(struct gate *gate, struct lws *wsi, const struct http_request *request,
                             const struct permit *permit)
{
    char headers[HEADERS_SIZE];

    if (!gate_is_on(gate)) {
        return answer_absent(wsi, request);
    }
    if (!gate_log_out(gate, wsi)) {
        return send_error(wsi, request, permit, 503, "Retry-After: 1\r\n",
                          "the session cannot be ended at the moment");
    }
    format_cookie(headers, request, "", 0);
    const struct http_response response = {.status = 204, .headers = headers};
    return http_response_send(wsi, request, permit, &response);
}

int session_requests_describe(const struct gate *gate, struct lws *wsi, const struct http_request *request,
                              const struct permit *permit)
{
    return send_json(wsi, request, permit, 200, NULL,
                     gate_is_on(gate) ? describe(permit_visitor(permit)) : json_pack("{s:b}", "auth", false));
}
