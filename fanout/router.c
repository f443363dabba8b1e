#include "fanout/router.h"

#include <stdio.h>
#include <string.h>

#include "common/log/log.h"
#include "fanout/http/cors.h"
#include "fanout/http/foreign_page.h"
#include "fanout/http/http_response.h"
#include "fanout/http/redirect.h"
#include "fanout/http/unread_request.h"
#include "fanout/http/upgrade.h"
#include "fanout/loop/connections.h"

#define LIVE_PREFIX "/live/"

/* Longest path with its query: RFC 9110, 4.1, recommends 8000 at least. */
#define TARGET_MAX 8192u

/* Bytes of the longest list of entity tags that is read. */
#define IF_NONE_MATCH_SIZE 512

/* A request on its way through the router. */
struct visit {
    struct router *router;
    struct lws *wsi;
    const struct http_request *request;
    const struct permit *permit;
};

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
    struct camera_list *list = &visit->router->camera_list;

    if (camera_list_update(list, visit->router->streams, visit->request->prefix) < 0) {
        return http_response_refuse(visit->wsi, visit->request, 503, NULL);
    }
    const struct http_response response = {
        .type = "application/json",
        .body = list->body,
        .length = list->length,
    };
    return answer_tagged(visit, &response, list->etag);
}

static int answer_asset(const struct visit *visit)
{
    const struct asset *asset = assets_find(&visit->router->assets, visit->request->path);

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

/* A camera is watched over a WebSocket (router_upgrade); without one there is nothing at its path. */
static int answer_plain_live(const struct visit *visit)
{
    return http_response_refuse(visit->wsi, visit->request, 404, NULL);
}

/* ---- Routes ---- */

#define READ (1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_HEAD)

struct route {
    const char *path; /* one that ends in '/' and is longer stands for all that begin so */
    unsigned methods; /* 1 << enum http_method */
    enum gate_right right;
    int (*answer)(const struct visit *visit);
};

/* The first one that fits counts. */
static const struct route routes[] = {
    {"/", READ, GATE_VISITOR, answer_asset},
    {"/index.html", READ, GATE_VISITOR, answer_asset},
    {"/api/cameras", READ, GATE_VISITOR, answer_cameras},
    {LIVE_PREFIX, READ, GATE_CAMERA, answer_plain_live},
};

/* Everything else: the player's files, which are the same for everybody. */
static const struct route files = {"", READ, GATE_PUBLIC, answer_asset};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        size_t length = strlen(routes[i].path);
        bool prefix = length > 1 && routes[i].path[length - 1] == '/';
        if (strncmp(path, routes[i].path, prefix ? length : length + 1) == 0) {
            return &routes[i];
        }
    }
    return &files;
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

/* What the gate's verdicts but GATE_OPEN are answered with. */
static int refusal_of(enum gate_verdict verdict)
{
    return verdict == GATE_HIDDEN ? 404 : 503;
}

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

/* The status for a request that is too large or one too many of its visitor's; 0: it is neither. */
static int judge_size(struct router *router, struct lws *wsi, const struct http_request *request)
{
    struct limits *limits = router->limits;
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    unsigned most = limits->max[LIMIT_HEADER_BYTES];

    if (limits_request(limits, &request->client.address) != LIMITS) {
        return limits_status(LIMIT_REQUESTS_PER_ADDRESS);
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

int router_answer(struct router *router, struct lws *wsi)
{
    struct http_request request;

    http_request_read(wsi, router->policy, &request);
    int status = judge_size(router, wsi, &request);
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
    const struct route *route = find_route(request.path);
    struct permit *permit;
    enum gate_verdict verdict =
        gate_ask(&router->gate, wsi, route->right,
                 route->right == GATE_CAMERA ? camera_of(request.path) : NULL, &permit);
    const struct visit visit = {
        .router = router,
        .wsi = wsi,
        .request = &request,
        .permit = permit,
    };
    int result = verdict != GATE_OPEN ? http_response_refuse(wsi, &request, refusal_of(verdict), NULL)
                 : route->methods & 1u << request.method ? route->answer(&visit)
                                                         : refuse_method(&visit, route);
    permit_unref(permit);
    return result;
}

void router_init(struct router *router, const char *assets_directory, struct streams *streams,
                 const struct tls *tls, const struct policy *policy)
{
    *router = (struct router){.streams = streams, .tls = tls, .policy = policy};
    int result = assets_load(&router->assets, assets_directory);
    if (result < 0) {
        log_warning("%s: %s: the wall and the player are not served", assets_directory, strerror(-result));
    }
}

void router_finish(struct router *router)
{
    assets_finish(&router->assets);
    camera_list_finish(&router->camera_list);
}

/*
 * The stream of CAMERA that UPGRADE asks for, or NULL. A sub stream has no path of its own, only its camera's. What a
 * visitor may not watch is looked for in the same way, so that the answer takes the same time.
 */
static struct stream *find_stream(const struct router *router, const struct upgrade *upgrade,
                                  const char *camera)
{
    struct stream *stream = streams_find(router->streams, camera);

    if (!stream || stream_is_sub(stream) || upgrade->stream == UPGRADE_STREAM_OTHER) {
        return NULL;
    }
    return upgrade->stream == UPGRADE_STREAM_SUB ? stream->sub : stream;
}

/* 0 and *STREAM with *PERMIT, a reference; or the status to refuse UPGRADE with. */
static int admit(struct router *router, struct lws *wsi, const struct upgrade *upgrade,
                 struct stream **stream, struct permit **permit)
{
    const char *camera = camera_of(upgrade->request.path);

    if (!camera) {
        return 404;
    }
    enum gate_verdict verdict = gate_ask(&router->gate, wsi, GATE_CAMERA, camera, permit);
    *stream = find_stream(router, upgrade, camera);
    if (verdict == GATE_OPEN && *stream) {
        return 0;
    }
    permit_unref(*permit);
    *permit = NULL;
    return verdict == GATE_OPEN ? 404 : refusal_of(verdict);
}

int router_upgrade(struct router *router, struct lws *wsi, bool room)
{
    struct upgrade upgrade;
    struct stream *stream = NULL;
    struct permit *permit = NULL;
    struct connection *connection = lws_get_opaque_user_data(wsi);
    int status = upgrade_read(wsi, router->policy, &upgrade);

    if (status < 0 || !connection) {
        return -1;
    }
    int refusal = judge_size(router, wsi, &upgrade.request);
    if (refusal == 0 && limits_view(router->limits, router->connections, connection,
                                    &upgrade.request.client.address) != LIMITS) {
        refusal = limits_status(LIMIT_CONNECTIONS_PER_ADDRESS);
    }
    if (refusal != 0) {
        return http_response_refuse(wsi, &upgrade.request, refusal,
                                    refusal == 429 ? "Retry-After: 1\r\n" : NULL);
    }
    if (must_be_secure(router, wsi, &upgrade.request)) {
        return redirect_to_https(wsi, &upgrade.request);
    }
    if (status == 403) {
        return foreign_page_refuse(wsi, &upgrade.request);
    }
    if (status == 0) {
        status = admit(router, wsi, &upgrade, &stream, &permit);
    }
    if (status == 0 && !room) {
        status = 503;
    }
    if (status != 0) {
        permit_unref(permit);
        return http_response_refuse(wsi, &upgrade.request, status,
                                    status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL);
    }
    connection->address = upgrade.request.client.address;
    connection->stream = stream;
    connection->permit = permit;
    return 0;
}
