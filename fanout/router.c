#include "fanout/router.h"

#include <stdio.h>
#include <string.h>

#include "common/log/log.h"
#include "fanout/http/http_response.h"
#include "fanout/http/redirect.h"
#include "fanout/http/upgrade.h"
#include "fanout/loop/connections.h"

#define CAMERAS_PATH "/api/cameras"
#define LIVE_PREFIX "/live/"

/* Bytes of the longest list of entity tags that is read. */
#define IF_NONE_MATCH_SIZE 512

/* Sends WHOLE, whose entity tag is ETAG, or 304 to a client that has it already. */
static int answer_tagged(struct lws *wsi, const struct http_response *whole, const char *etag)
{
    char known[IF_NONE_MATCH_SIZE], headers[64];
    bool fresh = http_request_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known), NULL) &&
                 (strstr(known, etag) || strcmp(known, "*") == 0);
    struct http_response response = *whole;

    snprintf(headers, sizeof(headers), "ETag: %s\r\n", etag);
    response.status = fresh ? 304 : 200;
    response.type = fresh ? NULL : whole->type;
    response.cache_control = "no-cache";
    response.headers = headers;
    return http_response_send(wsi, &response);
}

static int answer_cameras(struct router *router, struct lws *wsi, bool head_only)
{
    struct camera_list *list = &router->camera_list;

    if (camera_list_update(list, router->streams) < 0) {
        return http_response_refuse(wsi, 503, head_only, NULL);
    }
    const struct http_response response = {
        .type = "application/json",
        .body = list->body,
        .length = list->length,
        .head_only = head_only,
    };
    return answer_tagged(wsi, &response, list->etag);
}

static int answer_asset(struct lws *wsi, const struct asset *asset, bool head_only)
{
    const struct http_response response = {
        .type = asset->type,
        .body = asset->data,
        .length = asset->length,
        .head_only = head_only,
    };

    return answer_tagged(wsi, &response, asset->etag);
}

/* A plain request where TLS is spoken, also on a connection from before that. */
static bool must_be_secure(const struct router *router, struct lws *wsi)
{
    return router->tls->on && !lws_is_ssl(wsi);
}

int router_answer(struct router *router, struct lws *wsi)
{
    struct http_request request;

    http_request_read(wsi, &request);
    bool head_only = request.method == HTTP_METHOD_HEAD;
    if (must_be_secure(router, wsi)) {
        return redirect_to_https(wsi, &request);
    }
    if (request.method == HTTP_METHOD_OTHER) {
        return http_response_refuse(wsi, 405, false, "Allow: GET, HEAD\r\n");
    }
    if (strcmp(request.path, CAMERAS_PATH) == 0) {
        return answer_cameras(router, wsi, head_only);
    }
    const struct asset *asset = assets_find(&router->assets, request.path);
    if (asset) {
        return answer_asset(wsi, asset, head_only);
    }
    return http_response_refuse(wsi, 404, head_only, NULL);
}

void router_init(struct router *router, const char *assets_directory, struct streams *streams,
                 const struct tls *tls)
{
    *router = (struct router){.streams = streams, .tls = tls};
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

/* The stream that UPGRADE asks for, or NULL. A sub stream has no path of its own, only its camera's. */
static struct stream *find_stream(const struct router *router, const struct upgrade *upgrade)
{
    const char *path = upgrade->request.path;

    if (strncmp(path, LIVE_PREFIX, strlen(LIVE_PREFIX)) != 0) {
        return NULL;
    }
    struct stream *stream = streams_find(router->streams, path + strlen(LIVE_PREFIX));
    if (!stream || stream_is_sub(stream) || upgrade->stream == UPGRADE_STREAM_OTHER) {
        return NULL;
    }
    return upgrade->stream == UPGRADE_STREAM_SUB ? stream->sub : stream;
}

int router_upgrade(const struct router *router, struct lws *wsi, bool room)
{
    struct upgrade upgrade;
    int status = upgrade_read(wsi, &upgrade);

    if (status < 0) {
        return -1;
    }
    if (must_be_secure(router, wsi)) {
        return redirect_to_https(wsi, &upgrade.request);
    }
    struct stream *stream = status == 0 ? find_stream(router, &upgrade) : NULL;
    if (status == 0 && !stream) {
        status = 404;
    }
    if (status == 0 && !room) {
        status = 503;
    }
    if (status != 0) {
        return http_response_refuse(wsi, status, false,
                                    status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL);
    }
    struct connection *connection = lws_get_opaque_user_data(wsi);
    if (!connection) {
        return -1;
    }
    connection->stream = stream;
    return 0;
}
