#include "fanout/http/upgrade.h"

#include <string.h>
#include <strings.h>

#include "fanout/http/origin.h"
#include "fanout/http/request.h"
#include "fanout/http/response.h"
#include "fanout/server.h"

#define LIVE_PREFIX "/live/"

/* Longest Origin and Host that are compared: a domain name has at most 253 characters. */
#define AUTHORITY_SIZE 300

/* Longest query that is looked at. */
#define QUERY_SIZE 64

/* No Origin: not a page in a browser. */
static bool comes_from_own_page(struct lws *wsi)
{
    char origin[AUTHORITY_SIZE], host[AUTHORITY_SIZE];
    bool present;
    if (!request_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin), &present)) {
        return !present;
    }
    return request_header(wsi, WSI_TOKEN_HOST, host, sizeof(host), NULL) && origin_is_own(origin, host);
}

static bool has_version_13(struct lws *wsi)
{
    char version[8];
    return request_header(wsi, WSI_TOKEN_VERSION, version, sizeof(version), NULL) &&
           strcmp(version, "13") == 0;
}

/* The camera's stream that the query asks for: "stream=main", as without a query, or "stream=sub". */
static struct camera *choose_stream(struct lws *wsi, struct camera *camera)
{
    static const char key[] = "stream=";
    char argument[QUERY_SIZE];
    const char *stream = NULL;
    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        if (lws_hdr_copy_fragment(wsi, argument, sizeof(argument), WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
            strncmp(argument, key, strlen(key)) == 0) {
            stream = argument + strlen(key);
            break;
        }
    }
    if (!stream || strcmp(stream, "main") == 0) {
        return camera;
    }
    return strcmp(stream, "sub") == 0 ? camera->sub : NULL;
}

/* 0: let in; otherwise the status of the refusal. */
static int judge(struct server *server, struct lws *wsi, const struct request *request,
                 struct camera **camera)
{
    if (request->method != REQUEST_GET) {
        return 405;
    }
    if (!comes_from_own_page(wsi)) {
        return 403;
    }
    if (strncmp(request->path, LIVE_PREFIX, strlen(LIVE_PREFIX)) == 0) {
        *camera = cameras_find(&server->cameras, request->path + strlen(LIVE_PREFIX));
    }
    /* A sub stream is reached by its camera alone. */
    if (*camera) {
        *camera = camera_is_sub(*camera) ? NULL : choose_stream(wsi, *camera);
    }
    if (!*camera) {
        return 404;
    }
    if (!has_version_13(wsi)) {
        return 426;
    }
    /* There are no subprotocols; libwebsockets would take the names of its own protocols for such. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0 || lws_hdr_total_length(wsi, WSI_TOKEN_KEY) <= 0) {
        return 400;
    }
    return server->state == SERVER_SERVING && server->viewers < server->viewers_max ? 0 : 503;
}

int upgrade_decide(struct server *server, struct lws *wsi)
{
    /*
     * The callback's `in` can dangle here; for an unknown kind of upgrade libwebsockets has answered already.
     */
    char kind[16];
    if (!request_header(wsi, WSI_TOKEN_UPGRADE, kind, sizeof(kind), NULL) ||
        strcasecmp(kind, "websocket") != 0) {
        return -1;
    }
    struct request request;
    struct camera *camera = NULL;
    request_read(wsi, &request);
    int status = judge(server, wsi, &request, &camera);
    if (status == 0) {
        lws_set_opaque_user_data(wsi,
                                 camera); /* taken up before this call's stack unwinds: it cannot dangle */
        return 0;
    }
    return response_refuse(wsi, status, false, status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL);
}
