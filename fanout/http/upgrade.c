#include "fanout/http/upgrade.h"

#include <string.h>
#include <strings.h>

/* Longest query that is looked at. */
#define QUERY_SIZE 64

static bool has_version_13(struct lws *wsi)
{
    char version[8];

    return http_request_header(wsi, WSI_TOKEN_VERSION, version, sizeof(version), NULL) &&
           strcmp(version, "13") == 0;
}

static enum upgrade_stream read_stream(struct lws *wsi)
{
    static const char key[] = "stream=";
    char argument[QUERY_SIZE];

    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        if (lws_hdr_copy_fragment(wsi, argument, sizeof(argument), WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
            strncmp(argument, key, strlen(key)) == 0) {
            const char *stream = argument + strlen(key);
            return strcmp(stream, "main") == 0  ? UPGRADE_STREAM_MAIN
                   : strcmp(stream, "sub") == 0 ? UPGRADE_STREAM_SUB
                                                : UPGRADE_STREAM_OTHER;
        }
    }
    return UPGRADE_STREAM_MAIN;
}

int upgrade_read(struct lws *wsi, const struct policy *policy, struct upgrade *upgrade)
{
    char kind[16];

    /* Other kinds arrive here although libwebsockets has answered them already. */
    if (!http_request_header(wsi, WSI_TOKEN_UPGRADE, kind, sizeof(kind), NULL) ||
        strcasecmp(kind, "websocket") != 0) {
        return -1;
    }
    http_request_read(wsi, policy, &upgrade->request);
    upgrade->stream = read_stream(wsi);
    if (upgrade->request.method != HTTP_METHOD_GET) {
        return 405;
    }
    if (!http_request_may_act(&upgrade->request)) {
        return 403;
    }
    if (!has_version_13(wsi)) {
        return 426;
    }
    /* There are no subprotocols; libwebsockets would take the names of its own protocols for such. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0 || lws_hdr_total_length(wsi, WSI_TOKEN_KEY) <= 0) {
        return 400;
    }
    return 0;
}
