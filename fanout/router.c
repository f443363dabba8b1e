#include "fanout/router.h"

#include <stdlib.h>
#include <string.h>

#include "fanout/http/http_response.h"
#include "fanout/http/upgrade.h"
#include "fanout/server.h"

#define CAMERAS_PATH "/api/cameras"
#define LIVE_PREFIX "/live/"

/* Longest list of entity tags that is looked at. */
#define IF_NONE_MATCH_SIZE 512

static int answer_cameras(struct server *server, struct lws *wsi, bool head_only)
{
    json_t *list = json_array();

    for (struct stream *stream = server->streams.first; list && stream; stream = stream->next) {
        if (!stream_is_sub(stream)) {
            json_array_append_new(list, stream_describe(stream));
        }
    }
    json_t *object = json_pack("{s:o?}", "cameras", list);
    char *body = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!body) {
        return http_response_refuse(wsi, 503, head_only, NULL);
    }
    struct http_response response = {
        .status = 200,
        .type = "application/json",
        .body = body,
        .length = strlen(body),
        .head_only = head_only,
    };
    int result = http_response_send(wsi, &response);
    free(body);
    return result;
}

static int answer_asset(struct lws *wsi, const struct asset *asset, bool head_only)
{
    char known[IF_NONE_MATCH_SIZE], headers[64];
    bool fresh = http_request_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known), NULL) &&
                 (strstr(known, asset->etag) || strcmp(known, "*") == 0);

    snprintf(headers, sizeof(headers), "ETag: %s\r\n", asset->etag);
    struct http_response response = {
        .status = fresh ? 304 : 200,
        .type = fresh ? NULL : asset->type,
        .cache_control = "no-cache",
        .headers = headers,
        .body = asset->data,
        .length = asset->length,
        .head_only = head_only,
    };
    return http_response_send(wsi, &response);
}

int router_answer(struct server *server, struct lws *wsi)
{
    struct http_request request;

    http_request_read(wsi, &request);
    bool head_only = request.method == HTTP_METHOD_HEAD;
    if (request.method == HTTP_METHOD_OTHER) {
        return http_response_refuse(wsi, 405, false, "Allow: GET, HEAD\r\n");
    }
    if (strcmp(request.path, CAMERAS_PATH) == 0) {
        return answer_cameras(server, wsi, head_only);
    }
    const struct asset *asset = assets_find(&server->assets, request.path);
    if (asset) {
        return answer_asset(wsi, asset, head_only);
    }
    return http_response_refuse(wsi, 404, head_only, NULL);
}

/* The stream that UPGRADE asks for, or NULL. A sub stream is reached by its camera alone. */
static struct stream *find_stream(const struct server *server, const struct upgrade *upgrade)
{
    const char *path = upgrade->request.path;

    if (strncmp(path, LIVE_PREFIX, strlen(LIVE_PREFIX)) != 0) {
        return NULL;
    }
    struct stream *stream = streams_find(&server->streams, path + strlen(LIVE_PREFIX));
    if (!stream || stream_is_sub(stream) || upgrade->stream == UPGRADE_STREAM_OTHER) {
        return NULL;
    }
    return upgrade->stream == UPGRADE_STREAM_SUB ? stream->sub : stream;
}

int router_upgrade(struct server *server, struct lws *wsi)
{
    struct upgrade upgrade;
    int status = upgrade_read(wsi, &upgrade);

    if (status < 0) {
        return -1;
    }
    struct stream *stream = status == 0 ? find_stream(server, &upgrade) : NULL;
    if (status == 0 && !stream) {
        status = 404;
    }
    if (status == 0 && !server_has_room(server)) {
        status = 503;
    }
    if (status != 0) {
        return http_response_refuse(wsi, status, false,
                                    status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL);
    }
    lws_set_opaque_user_data(wsi, stream);
    return 0;
}
