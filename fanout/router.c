/* SPDX-License-Identifier: MIT */
#include "fanout/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "fanout/clip_routes.h"
#include "fanout/event_requests.h"
#include "fanout/followers.h"
#include "fanout/go2rtc.h"
#include "fanout/http/bundle_command.h"
#include "fanout/http/cors.h"
#include "fanout/http/foreign_page.h"
#include "fanout/http/http_response.h"
#include "fanout/http/media_query.h"
#include "fanout/http/post_body.h"
#include "fanout/http/redirect.h"
#include "fanout/http/request_framing.h"
#include "fanout/http/session_requests.h"
#include "fanout/http/subprotocol.h"
#include "fanout/http/unread_request.h"
#include "fanout/http/upgrade.h"
#include "fanout/loop/connections.h"
#include "fanout/media_routes.h"

#define LIVE_PREFIX "/live/"
#define BUNDLE_PATH "/live"
#define SNAPSHOT_PREFIX "/snapshot/"
#define SNAPSHOT_SUFFIX ".jpg"
#define HLS_PREFIX "/hls/"

/* The log-in page: at its own path, and in place of a page that only those who have logged in may see. */
#define LOG_IN_PAGE "/login.html"

/* Longest path with its query: RFC 9110, 4.1, recommends 8000 at least. */
#define TARGET_MAX 8192u

/* Bytes of the longest list of entity tags that is read, and of what is looked at of Accept and User-Agent. */
#define IF_NONE_MATCH_SIZE 512
#define ACCEPT_SIZE 512
#define AGENT_SIZE 512

/* Sends WHOLE, whose entity tag is ETAG, or 304 to a client that has it already. */
static int answer_tagged(const struct visit *visit, const struct http_response *whole, const char *etag)
{
    char known[IF_NONE_MATCH_SIZE], headers[64];
    bool fresh = http_request_header(visit->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known), NULL) &&
                 (strstr(known, etag) || strcmp(known, "*") == 0);
    struct http_response response = *whole;

    snprintf(headers, sizeof(headers), "ETag: %s\r\n", etag);
    response.status = fresh ? 304 : 200;
    response.type = fresh ? NULL : whole->type;
    response.cache_control = "no-cache";
    response.headers = headers;
    return http_response_send(visit->wsi, visit->request, visit->permit, &response);
}

/* ---- Answers, each to a request that the gate has let in with the route's right ---- */

static int answer_cameras(const struct visit *visit)
{
    const struct camera_list_body *list =
        camera_list_get(&visit->router->camera_list, visit->router->streams, permit_visitor(visit->permit),
                        visit->request->prefix);

    if (!list) {
        return http_response_refuse(visit->wsi, visit->request, 503, NULL);
    }
    const struct http_response response = {
        .type = "application/json",
        .body = list->text,
        .length = list->length,
    };
    return answer_tagged(visit, &response, list->etag);
}

static int answer_brand(const struct visit *visit, const struct brand_part *part, const char *type)
{
    if (!part->text) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    const struct http_response response = {.type = type, .body = part->text, .length = part->length};
    return answer_tagged(visit, &response, part->etag);
}

static int answer_wall(const struct visit *visit)
{
    return answer_brand(visit, &visit->router->brand.about, "application/json");
}

static int answer_style(const struct visit *visit)
{
    return answer_brand(visit, &visit->router->brand.style, "text/css; charset=utf-8");
}

static int answer_file(const struct visit *visit, const char *path)
{
    const struct asset *asset = assets_find(&visit->router->assets, path);

    if (!asset) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    const struct http_response response = {
        .type = asset->type,
        .body = asset->data,
        .length = asset->length,
    };
    return answer_tagged(visit, &response, asset->etag);
}

static int answer_asset(const struct visit *visit)
{
    return answer_file(visit, visit->request->path);
}

static int answer_log_in_page(const struct visit *visit)
{
    return answer_file(visit, LOG_IN_PAGE);
}

static int answer_log_in(const struct visit *visit)
{
    return session_requests_log_in(&visit->router->gate, visit->wsi, visit->request, visit->permit,
                                   visit->body);
}

/* The streams of the session end with it. */
static int answer_log_out(const struct visit *visit)
{
    int result = session_requests_log_out(&visit->router->gate, visit->wsi, visit->request, visit->permit);

    visit->router->rights_changed(visit->router->context);
    return result;
}

static int answer_session(const struct visit *visit)
{
    return session_requests_describe(&visit->router->gate, visit->wsi, visit->request, visit->permit);
}

/* A camera is watched over a WebSocket (router_upgrade); without one there is nothing at its path. */
static int answer_plain_live(const struct visit *visit)
{
    return http_response_refuse(visit->wsi, visit->request, 404, NULL);
}

/* What is at this path is a WebSocket. */
static int answer_plain_events(const struct visit *visit)
{
    return http_response_refuse(visit->wsi, visit->request, 426, "Upgrade: websocket\r\n");
}

/* ---- What programs answer ---- */

/* What a visitor may not watch is looked for in the same way, so that the answer takes the same time. */
struct stream *router_find_stream(const struct router *router, const char *camera, enum upgrade_stream wanted)
{
    struct stream *stream = streams_find(router->streams, camera);

    if (!stream || stream_is_sub(stream) || wanted == UPGRADE_STREAM_OTHER) {
        return NULL;
    }
    return wanted == UPGRADE_STREAM_SUB ? stream->sub : stream;
}

/* Has PROGRAM answer for the stream that the query names. PATIENCE_MS: 0, or longer than programs have as a rule. */
static int ask_program(const struct visit *visit, enum program_kind program, const char *what,
                       long patience_ms)
{
    const struct stream *stream =
        router_find_stream(visit->router, visit->camera, upgrade_read_stream(visit->wsi));

    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    const struct errand_question question = {
        .program = program, .stream = stream->name, .what = what, .patience_ms = patience_ms};
    int error = errand_begin(&visit->router->errands, visit->wsi, visit->request, visit->permit, &question);
    return error < 0 ? errand_refuse(visit->wsi, visit->request, error) : 0;
}

/* go2rtc's name for a snapshot: `src`, and `w` for its width. */
static int answer_go2rtc_snapshot(const struct visit *visit)
{
    char width[16];
    struct permit *permit;
    const struct stream *stream = go2rtc_find_asked(visit, &permit);

    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    const struct errand_question question = {
        .program = PROGRAM_SNAPSHOT,
        .stream = stream->name,
        .what = "picture",
        .width = media_query_value(visit->wsi, "w", width, sizeof(width)) ? width : NULL,
    };
    int error = errand_begin(&visit->router->errands, visit->wsi, visit->request, permit, &question);
    permit_unref(permit);
    return error < 0 ? errand_refuse(visit->wsi, visit->request, error) : 0;
}

static int answer_snapshot(const struct visit *visit)
{
    return ask_program(visit, PROGRAM_SNAPSHOT, "picture", 0);
}

/* Three of the longest target durations, which a client may wait (RFC 8216bis, 6.2.5.2), and some more. */
#define HLS_PATIENCE_MS 40000

/* What is behind the camera's name. */
static int answer_hls(const struct visit *visit)
{
    return ask_program(visit, PROGRAM_HLS, strrchr(visit->request->path, '/') + 1, HLS_PATIENCE_MS);
}

/* ---- Cameras in paths ---- */

/*
 * Each writes the camera that PATH, of its route, names; "" if it names none. What can be no camera's name is asked for like one that is
 * not there.
 */
static void camera_of_live(const char *path, char camera[HTTP_REQUEST_PATH_SIZE])
{
    snprintf(camera, HTTP_REQUEST_PATH_SIZE, "%s", path + strlen(LIVE_PREFIX));
}

/* Of PATH what is between PREFIX, with which it begins, and SUFFIX, with which it may end. */
static void camera_between(const char *path, const char *prefix, const char *suffix,
                           char camera[HTTP_REQUEST_PATH_SIZE])
{
    const char *name = path + strlen(prefix);
    size_t length = strlen(name), end = strlen(suffix);

    bool fits = length > end && strcmp(name + length - end, suffix) == 0;
    snprintf(camera, HTTP_REQUEST_PATH_SIZE, "%.*s", fits ? (int)(length - end) : 0, name);
}

static void camera_of_snapshot(const char *path, char camera[HTTP_REQUEST_PATH_SIZE])
{
    camera_between(path, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX, camera);
}

static void camera_of_clip(const char *path, char camera[HTTP_REQUEST_PATH_SIZE])
{
    camera_between(path, CLIP_ROUTES_PREFIX, MEDIA_ROUTES_SUFFIX, camera);
}

static void camera_of_file(const char *path, char camera[HTTP_REQUEST_PATH_SIZE])
{
    camera_between(path, MEDIA_ROUTES_STREAM, MEDIA_ROUTES_SUFFIX, camera);
}

/* A name may have a slash in it; what is asked for of the camera has none. */
static void camera_of_hls(const char *path, char camera[HTTP_REQUEST_PATH_SIZE])
{
    const char *name = path + strlen(HLS_PREFIX), *end = strrchr(name, '/');

    snprintf(camera, HTTP_REQUEST_PATH_SIZE, "%.*s", end ? (int)(end - name) : 0, name);
}

/* ---- Routes ---- */

#define POST (1u << HTTP_METHOD_POST)
#define READ (1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_HEAD)

struct route {
    const char *path; /* one that ends in '/' and is longer stands for all that begin so */
    unsigned methods; /* 1 << enum http_method */
    enum gate_right right;
    int (*answer)(const struct visit *visit);
    void (*camera)(const char *path, char camera[HTTP_REQUEST_PATH_SIZE]); /* with GATE_CAMERA */
};

/* The first one that fits counts. */
static const struct route routes[] = {
    {"/", READ, GATE_VISITOR, answer_asset, NULL},
    {"/index.html", READ, GATE_VISITOR, answer_asset, NULL},
    {"/login", READ, GATE_PUBLIC, answer_log_in_page, NULL},
    {"/api/login", POST, GATE_PUBLIC, answer_log_in, NULL},
    {"/api/logout", POST, GATE_PUBLIC, answer_log_out, NULL},
    {"/api/wall", READ, GATE_PUBLIC, answer_wall, NULL},
    {"/theme.css", READ, GATE_PUBLIC, answer_style, NULL},
    {"/api/session", READ, GATE_VISITOR, answer_session, NULL},
    {"/api/cameras", READ, GATE_VISITOR, answer_cameras, NULL},
    {FOLLOWERS_PATH, READ, GATE_VISITOR, answer_plain_events, NULL},
    {EVENT_REQUESTS_PATH, POST, GATE_VISITOR, event_requests_raise, NULL},
    {LIVE_PREFIX, READ, GATE_CAMERA, answer_plain_live, camera_of_live},
    {SNAPSHOT_PREFIX, READ, GATE_CAMERA, answer_snapshot, camera_of_snapshot},
    {HLS_PREFIX, READ, GATE_CAMERA, answer_hls, camera_of_hls},
    {MEDIA_ROUTES_STREAM, READ, GATE_CAMERA, media_routes_stream, camera_of_file},
    {CLIP_ROUTES_PREFIX, READ, GATE_CAMERA, clip_routes_answer, camera_of_clip},
};

/* go2rtc's, if the configuration has them: `src` in the query names a camera, for which go2rtc.c asks. */
static const struct route go2rtc_routes[] = {
    {"/api", READ, GATE_VISITOR, go2rtc_about, NULL},
    {"/api/streams", READ, GATE_VISITOR, go2rtc_streams, NULL},
    {"/api/stream.mp4", READ, GATE_VISITOR, go2rtc_stream_file, NULL},
    {"/api/frame.mp4", READ, GATE_VISITOR, go2rtc_picture_file, NULL},
    {"/api/frame.jpeg", READ, GATE_VISITOR, answer_go2rtc_snapshot, NULL},
    {"/api/stream.m3u8", READ, GATE_VISITOR, go2rtc_playlist, NULL},
    {GO2RTC_SOCKET_PATH, READ, GATE_VISITOR, go2rtc_plain_socket, NULL},
};

/* Everything else: the player's files, which are the same for everybody. */
static const struct route files = {"", READ, GATE_PUBLIC, answer_asset, NULL};

static const struct route *find_in(const struct route *list, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(list[i].path);
        bool prefix = length > 1 && list[i].path[length - 1] == '/';
        if (strncmp(path, list[i].path, prefix ? length : length + 1) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

static const struct route *find_route(const struct policy *policy, const char *path)
{
    const struct route *route = find_in(routes, sizeof(routes) / sizeof(routes[0]), path);

    if (!route && policy->go2rtc) {
        route = find_in(go2rtc_routes, sizeof(go2rtc_routes) / sizeof(go2rtc_routes[0]), path);
    }
    return route ? route : &files;
}

/* Of ROUTE, as a header line. */
static void allowed_methods(const struct route *route, char *line, size_t size)
{
    static const char *const names[] = {"GET", "HEAD", "POST"};
    size_t length = (size_t)snprintf(line, size, "Allow:");
    const char *separator = " ";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && length < size; i++) {
        if (route->methods & 1u << i) {
            length += (size_t)snprintf(line + length, size - length, "%s%s", separator, names[i]);
            separator = ", ";
        }
    }
    snprintf(line + length, size - length, "\r\n");
}

static int refuse_method(const struct visit *visit, const struct route *route)
{
    char allow[64];

    allowed_methods(route, allow, sizeof(allow));
    return http_response_refuse(visit->wsi, visit->request, 405, allow);
}

/* The camera that a path under LIVE_PREFIX names, which need not exist; NULL for other paths. */
static const char *camera_of(const char *path)
{
    return strncmp(path, LIVE_PREFIX, strlen(LIVE_PREFIX)) == 0 ? path + strlen(LIVE_PREFIX) : NULL;
}

/* ---- Refusals ---- */

static bool has_text(struct lws *wsi, enum lws_token_indexes token, const char *text)
{
    char value[ACCEPT_SIZE];

    return http_request_header(wsi, token, value, sizeof(value), NULL) && strstr(value, text);
}

/* Browsers would show a window of their own for Basic, and all of them call themselves so. */
static bool is_browser(struct lws *wsi)
{
    static const char name[] = "Mozilla/";
    char agent[AGENT_SIZE];

    bool there = http_request_header(wsi, WSI_TOKEN_HTTP_USER_AGENT, agent, sizeof(agent), NULL);
    return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_USER_AGENT) >= (int)sizeof(agent) ||
           (there && strncmp(agent, name, strlen(name)) == 0);
}

/* A page that is asked for becomes the log-in page. */
static int refuse_stranger(struct router *router, struct lws *wsi, const struct http_request *request)
{
    const char *challenge = is_browser(wsi)
                                ? "WWW-Authenticate: Session\r\n"
                                : "WWW-Authenticate: Basic realm=\"ringcast\", charset=\"UTF-8\"\r\n";
    const struct asset *page = assets_find(&router->assets, LOG_IN_PAGE);
    struct permit *permit;

    if (!page || request->method != HTTP_METHOD_GET || !has_text(wsi, WSI_TOKEN_HTTP_ACCEPT, "text/html") ||
        gate_ask(&router->gate, wsi, request, GATE_PUBLIC, NULL, &permit) != GATE_OPEN) {
        return http_response_refuse(wsi, request, 401, challenge);
    }
    const struct http_response response = {
        .status = 401,
        .type = page->type,
        .headers = challenge,
        .body = page->data,
        .length = page->length,
        .close = true,
    };
    int result = http_response_send(wsi, request, permit, &response);
    permit_unref(permit);
    return result;
}

int router_refuse(struct router *router, struct lws *wsi, const struct http_request *request,
                  enum gate_verdict verdict)
{
    char retry[64];

    if (verdict == GATE_LOG_IN) {
        return refuse_stranger(router, wsi, request);
    }
    if (verdict == GATE_HIDDEN) {
        return http_response_refuse(wsi, request, 404, NULL);
    }
    snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", router->gate.retry_s);
    return http_response_refuse(wsi, request, verdict == GATE_SLOW ? 429 : 503, retry);
}

/* ---- Requests ---- */

/*
 * A plain request where TLS is spoken, also on a connection from before that; but not of a proxy to which the visitor came
 * over https.
 */
static bool must_be_secure(const struct router *router, struct lws *wsi, const struct http_request *request)
{
    return router->tls->on && !lws_is_ssl(wsi) && !request->client.secure;
}

/* Of the path and the query, decoded. */
static unsigned target_length(struct lws *wsi)
{
    static const enum lws_token_indexes targets[] = {WSI_TOKEN_GET_URI, WSI_TOKEN_HEAD_URI,
                                                     WSI_TOKEN_POST_URI, WSI_TOKEN_HTTP_URI_ARGS};
    unsigned length = 0;

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        length += (unsigned)lws_hdr_total_length(wsi, targets[i]);
    }
    return length;
}

/* The status for a request that is too large, one too many of its visitor's, or of doubtful form; 0: it is none of these. */
static int judge_form(struct router *router, struct lws *wsi, const struct http_request *request)
{
    struct limits *limits = router->limits;
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    unsigned most = limits->max[LIMIT_HEADER_BYTES];

    if (limits_request(limits, &request->client.address) != LIMITS) {
        return limits_status(LIMIT_REQUESTS_PER_ADDRESS);
    }
    int framing = request_framing_judge(wsi);
    if (framing != 0) {
        return framing;
    }
    if (target_length(wsi) > TARGET_MAX) {
        return 414;
    }
    /* A body may have come with the head; only what has one is not measured. */
    if (most > 0 && connection && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 &&
        unread_request_size(connection) > most) {
        limits_count(limits, LIMIT_HEADER_BYTES, &request->client.address);
        return limits_status(LIMIT_HEADER_BYTES);
    }
    return 0;
}

/* What comes meanwhile is the next request. libwebsockets has no writable event for the connection as long as it is so. */
static int wait_for_gate(struct lws *wsi)
{
    lws_rx_flow_control(wsi, 0);
    return 0;
}

/* Prepares for the body of a POST, or answers one that has none. */
static int begin_post(const struct visit *visit, const struct route *route)
{
    struct connection *connection = lws_get_opaque_user_data(visit->wsi);
    int status = post_body_begin(visit->wsi, &connection->post);

    if (status != 0) {
        return http_response_refuse(visit->wsi, visit->request, status, NULL);
    }
    if (connection->post) {
        return 0; /* router_answer_body is called when it is there */
    }
    int result = route->answer(visit);
    return result < 0 ? result : -1; /* libwebsockets would wait for a body now */
}

/* WHOLE: the body of the request, if it has one, is there. */
static int answer(const struct visit *visit, const struct route *route, bool whole)
{
    if (!(route->methods & 1u << visit->request->method)) {
        return refuse_method(visit, route);
    }
    if (visit->request->method != HTTP_METHOD_POST) {
        return route->answer(visit);
    }
    if (!http_request_may_act(visit->request)) {
        return foreign_page_refuse(visit->wsi, visit->request);
    }
    if (!whole) {
        return begin_post(visit, route);
    }
    int result = route->answer(visit);
    return gate_is_asking(lws_get_opaque_user_data(visit->wsi)) && result == 0 ? wait_for_gate(visit->wsi)
                                                                               : result;
}

static int answer_request(struct router *router, struct lws *wsi, bool whole)
{
    struct http_request request;

    http_request_read(wsi, router->policy, &request);
    int status = whole ? 0 : judge_form(router, wsi, &request);
    if (status != 0) {
        return http_response_refuse(wsi, &request, status, status == 429 ? "Retry-After: 1\r\n" : NULL);
    }
    if (must_be_secure(router, wsi, &request)) {
        return redirect_to_https(wsi, &request);
    }
    if (cors_is_preflight(wsi, &request)) {
        return cors_answer_preflight(wsi, &request);
    }
    if (request.is_base) {
        return redirect_to_base(wsi, &request);
    }
    const struct route *route = find_route(router->policy, request.path);
    char camera[HTTP_REQUEST_PATH_SIZE];
    struct permit *permit;
    if (route->camera) {
        route->camera(request.path, camera);
    }
    enum gate_verdict verdict =
        gate_ask(&router->gate, wsi, &request, route->right, route->camera ? camera : NULL, &permit);
    if (verdict == GATE_WAIT) {
        return wait_for_gate(wsi);
    }
    if (verdict != GATE_OPEN) {
        return router_refuse(router, wsi, &request, verdict);
    }
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    const struct visit visit = {
        .router = router,
        .wsi = wsi,
        .request = &request,
        .permit = permit,
        .camera = route->camera ? camera : NULL,
        .body = connection ? connection->post : NULL,
    };
    int result = answer(&visit, route, whole);
    permit_unref(permit);
    return result;
}

int router_answer(struct router *router, struct lws *wsi)
{
    if (router_is_waiting(lws_get_opaque_user_data(wsi))) {
        return -1; /* the request before has no answer yet */
    }
    return answer_request(router, wsi, false);
}

bool router_take_body(struct lws *wsi, const void *data, size_t length)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);

    if (!connection || !connection->post) {
        return false;
    }
    post_body_add(connection->post, data, length);
    return connection->post->overrun;
}

/* What was needed to answer it; an errand may have begun. */
static void forget_request(struct connection *connection)
{
    gate_forget(connection);
    post_body_free(connection->post);
    connection->post = NULL;
}

static int answer_whole(struct router *router, struct lws *wsi, struct connection *connection)
{
    int result = answer_request(router, wsi, true);

    if (!gate_is_asking(connection)) {
        forget_request(connection);
    }
    return result;
}

int router_answer_body(struct router *router, struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);

    if (gate_is_asking(connection)) {
        /* A log-in's body comes once; that of a request which waits since its head is of no use, also an empty one. */
        return connection->post ? -1 : 0;
    }
    return connection && connection->post ? answer_whole(router, wsi, connection) : 0;
}

/*
 * The callback of libwebsockets for WSI would have returned -1. Its timers are not looked at before its next event, which may be far; what it
 * holds of an answer is sent first, and it needs to hear of the socket for that.
 */
static bool close_now(struct lws *wsi)
{
    lws_rx_flow_control(wsi, 1);
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    return false;
}

bool router_go_on(struct router *router, struct connection *connection)
{
    struct lws *wsi = connection->wsi;

    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    if (answer_whole(router, wsi, connection) < 0) {
        return close_now(wsi);
    }
    if (!router_is_waiting(connection)) {
        lws_rx_flow_control(wsi, 1);
    }
    return true;
}

bool router_give(struct router *router, struct connection *connection)
{
    struct lws *wsi = connection->wsi;
    struct http_request request;

    lws_rx_flow_control(wsi, 1); /* without it libwebsockets has no writable event */
    http_request_read(wsi, router->policy, &request);
    return errand_answer(&router->gate, wsi, &request) == 0 || close_now(wsi);
}

int router_writable(struct lws *wsi)
{
    return errand_has_answer(lws_get_opaque_user_data(wsi)) ? errand_go_on(wsi) : 0;
}

bool router_is_waiting(const struct connection *connection)
{
    return gate_is_asking(connection) || errand_is_there(connection);
}

void router_forget(struct connection *connection)
{
    errand_forget(connection);
    forget_request(connection);
}

void router_init(struct router *router, const char *assets_directory, struct streams *streams,
                 const struct tls *tls, const struct policy *policy)
{
    router->streams = streams;
    router->tls = tls;
    router->policy = policy;
    int result = assets_load(&router->assets, assets_directory);
    if (result < 0) {
        log_warning("%s: %s: the wall and the player are not served", assets_directory, strerror(-result));
    }
}

void router_finish(struct router *router)
{
    assets_finish(&router->assets);
    camera_list_finish(&router->camera_list);
    brand_finish(&router->brand);
}

/* ---- Viewers ---- */

/* Makes CONNECTION that of a viewer of CAMERA's stream. */
static enum gate_verdict admit(struct router *router, struct connection *connection,
                               const struct http_request *request, const char *camera,
                               enum upgrade_stream wanted)
{
    struct permit *permit;
    enum gate_verdict verdict =
        gate_ask(&router->gate, connection->wsi, request, GATE_CAMERA, camera, &permit);
    struct stream *stream = router_find_stream(router, camera, wanted);

    if (verdict == GATE_OPEN && !stream) {
        verdict = GATE_HIDDEN;
    }
    if (verdict == GATE_OPEN && !gate_begin_stream(&router->gate, permit)) {
        verdict = GATE_LOG_IN;
    }
    if (verdict != GATE_OPEN) {
        permit_unref(permit);
        return verdict;
    }
    connection->stream = stream;
    connection->permit = permit;
    return GATE_OPEN;
}

/* The messages in the address of WSI's request, owned by the caller; NULL: there are none, or too many, or no memory. */
static char *opening_of(struct lws *wsi)
{
    char *text = media_query_has(wsi, "begin") ? malloc(BUNDLE_OPENING_SIZE) : NULL;

    if (text && !media_query_value(wsi, "begin", text, BUNDLE_OPENING_SIZE)) {
        free(text);
        text = NULL;
    }
    return text;
}

/* The same for a socket with several cameras, of which each is asked for later; only who it is counts now. */
static enum gate_verdict admit_bundle(struct router *router, struct connection *connection,
                                      const struct http_request *request)
{
    connection->is_bundle = true;
    free(connection->opening); /* the gate may have had to be asked again */
    connection->opening = opening_of(connection->wsi);
    return gate_ask(&router->gate, connection->wsi, request, GATE_VISITOR, NULL, &connection->permit);
}

/* A browser does not tell its page of an HTTP status: the WebSocket is accepted, and closed with CODE and REASON, static text. */
static int accept_to_refuse(struct connection *connection, const struct http_request *request, uint16_t code,
                            const char *reason)
{
    connection->refusal_code = code;
    connection->refusal = reason;
    connection->address = request->client.address;
    return 0;
}

/* What is hidden, told to those who ask for it; with words of its own for a stream that a camera of theirs does not have. */
static int refuse_hidden(struct router *router, struct connection *connection,
                         const struct http_request *request, const char *camera)
{
    struct permit *permit;
    bool is_his =
        gate_ask(&router->gate, connection->wsi, request, GATE_CAMERA, camera, &permit) == GATE_OPEN;
    bool is_there = router_find_stream(router, camera, UPGRADE_STREAM_MAIN);

    permit_unref(permit);
    return is_his && is_there
               ? accept_to_refuse(connection, request, GATE_CLOSE_NO_STREAM, GATE_NO_STREAM_REASON)
               : accept_to_refuse(connection, request, GATE_CLOSE_HIDDEN, GATE_HIDDEN_REASON);
}

/* The same for who follows events, and for a client of go2rtc's, who says later what it wants; only who it is counts now. */
static enum gate_verdict admit_visitor(struct router *router, struct connection *connection,
                                       const struct http_request *request)
{
    return gate_ask(&router->gate, connection->wsi, request, GATE_VISITOR, NULL, &connection->permit);
}

int router_upgrade(struct router *router, struct lws *wsi, bool room)
{
    struct upgrade upgrade;
    struct connection *connection = lws_get_opaque_user_data(wsi);
    int status = upgrade_read(wsi, router->policy, &upgrade);
    const struct http_request *request = &upgrade.request;
    const char *camera = camera_of(request->path);
    bool go2rtc = router->policy->go2rtc && strcmp(request->path, GO2RTC_SOCKET_PATH) == 0;
    bool bundle = strcmp(request->path, BUNDLE_PATH) == 0,
         reasons = !go2rtc && subprotocol_wants_reasons(wsi);
    bool follows = strcmp(request->path, FOLLOWERS_PATH) == 0;

    if (status < 0 || !connection) {
        return -1;
    }
    int refusal = judge_form(router, wsi, request);
    if (refusal == 0 &&
        limits_view(router->limits, router->connections, connection, &request->client.address) != LIMITS) {
        refusal = limits_status(LIMIT_CONNECTIONS_PER_ADDRESS);
    }
    if (refusal != 0) {
        return http_response_refuse(wsi, request, refusal, refusal == 429 ? "Retry-After: 1\r\n" : NULL);
    }
    if (must_be_secure(router, wsi, request)) {
        return redirect_to_https(wsi, request);
    }
    if ((status == 0 || status == 403) && !camera && !go2rtc && !bundle && !follows) {
        status = status == 403 ? 403 : 404;
        reasons = false;
    }
    if ((status == 0 || status == 403) && bundle != upgrade.bundle && (bundle || camera)) {
        status = 400; /* one camera and several have subprotocols of their own */
    }
    if (status == 403 && reasons && room) {
        foreign_page_note(request);
        return accept_to_refuse(connection, request, GATE_CLOSE_FOREIGN, GATE_FOREIGN_REASON);
    }
    if (status == 403) {
        return foreign_page_refuse(wsi, request);
    }
    if (status == 0 && !room) {
        status = 503;
    }
    if (status != 0) {
        return http_response_refuse(wsi, request, status,
                                    status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL);
    }
    enum gate_verdict verdict = go2rtc || follows ? admit_visitor(router, connection, request)
                                : bundle          ? admit_bundle(router, connection, request)
                                         : admit(router, connection, request, camera, upgrade.stream);
    if (verdict == GATE_OPEN && follows) {
        verdict = followers_prepare(connection, request) ? GATE_OPEN : GATE_BUSY;
    }
    if (verdict == GATE_OPEN && go2rtc) {
        verdict = go2rtc_begin(connection, wsi, upgrade.stream) ? GATE_OPEN : GATE_BUSY;
    }
    if (verdict == GATE_HIDDEN && reasons) {
        return refuse_hidden(router, connection, request, camera);
    }
    if (verdict != GATE_OPEN) {
        return router_refuse(router, wsi, request, verdict);
    }
    connection->address = request->client.address;
    connection->keyframes = upgrade.keyframes && !go2rtc;
    return 0;
}
