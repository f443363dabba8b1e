#include "fanout/http/request.h"

#include <stdlib.h>
#include <string.h>

#include "fanout/http/response.h"
#include "fanout/server.h"

/* Longest list of entity tags that is looked at. */
#define IF_NONE_MATCH_SIZE 512

bool request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present)
{
    bool found = lws_hdr_total_length(wsi, token) > 0;
    if (present) {
        *present = found;
    }
    return found && lws_hdr_copy(wsi, value, size, token) > 0;
}

void request_read(struct lws *wsi, struct request *request)
{
    request->method = REQUEST_OTHER;
    request->path[0] = '\0';
    enum lws_token_indexes token = WSI_TOKEN_GET_URI;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) {
        request->method = REQUEST_GET;
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0) {
        request->method = REQUEST_HEAD;
        token = WSI_TOKEN_HEAD_URI;
    } else {
        return;
    }
    /* A path with a bare '&' or ';' comes in pieces, and would be put together with other characters. */
    if (lws_hdr_fragment_length(wsi, token, 1) > 0 ||
        lws_hdr_copy(wsi, request->path, sizeof(request->path), token) < 0) {
        request->path[0] = '\0';
    }
}

static int answer_cameras(struct server *server, struct lws *wsi, bool head_only)
{
    json_t *list = json_array();
    for (struct camera *camera = server->cameras.first; list && camera; camera = camera->next) {
        if (!camera_is_sub(camera)) {
            json_array_append_new(list, camera_describe(camera));
        }
    }
    json_t *object = json_pack("{s:o?}", "cameras", list);
    char *body = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!body) {
        return response_refuse(wsi, 503, head_only, NULL);
    }
    struct response response = {
        .status = 200,
        .type = "application/json",
        .body = body,
        .length = strlen(body),
        .head_only = head_only,
    };
    int result = response_send(wsi, &response);
    free(body);
    return result;
}

static int answer_asset(struct lws *wsi, const struct asset *asset, bool head_only)
{
    char known[IF_NONE_MATCH_SIZE], headers[64];
    bool fresh = request_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known), NULL) &&
                 (strstr(known, asset->etag) || strcmp(known, "*") == 0);
    snprintf(headers, sizeof(headers), "ETag: %s\r\n", asset->etag);
    struct response response = {
        .status = fresh ? 304 : 200,
        .type = fresh ? NULL : asset->type,
        .cache_control = "no-cache",
        .headers = headers,
        .body = asset->data,
        .length = asset->length,
        .head_only = head_only,
    };
    return response_send(wsi, &response);
}

int request_answer(struct server *server, struct lws *wsi)
{
    struct request request;
    request_read(wsi, &request);
    bool head_only = request.method == REQUEST_HEAD;
    if (request.method == REQUEST_OTHER) {
        return response_refuse(wsi, 405, false, "Allow: GET, HEAD\r\n");
    }
    if (strcmp(request.path, "/api/cameras") == 0) {
        return answer_cameras(server, wsi, head_only);
    }
    const struct asset *asset = assets_find(&server->assets, request.path);
    if (asset) {
        return answer_asset(wsi, asset, head_only);
    }
    return response_refuse(wsi, 404, head_only, NULL);
}
