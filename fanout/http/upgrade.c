/* SPDX-License-Identifier: MIT */
#include "fanout/http/upgrade.h"

#include <string.h>
#include <strings.h>

#include "common/base/base64.h"
#include "fanout/http/origin.h"
#include "fanout/http/subprotocol.h"

/* Longest `Connection` that libwebsockets can read. */
#define CONNECTION_SIZE 127

/* Bytes of a Sec-WebSocket-Key, and of the text that is looked at: a key has 24 characters. */
#define KEY_BYTES 16
#define KEY_SIZE 32

/* Longest query that is looked at. */
#define QUERY_SIZE 64

static bool has_version_13(struct lws *wsi)
{
    char version[8];

    return http_request_header(wsi, WSI_TOKEN_VERSION, version, sizeof(version), NULL) &&
           strcmp(version, "13") == 0;
}

/* `Connection` is a list (RFC 9110, 7.6.1). libwebsockets would also take a part of the word, and drops what it cannot read. */
static bool asks_to_upgrade(struct lws *wsi)
{
    static const char separators[] = ", \t", word[] = "upgrade";
    char list[CONNECTION_SIZE];

    if (!http_request_header(wsi, WSI_TOKEN_CONNECTION, list, sizeof(list), NULL)) {
        return false;
    }
    for (const char *token = list + strspn(list, separators); *token != '\0';) {
        size_t length = strcspn(token, separators);
        if (length == strlen(word) && strncasecmp(token, word, length) == 0) {
            return true;
        }
        token += length;
        token += strspn(token, separators);
    }
    return false;
}

/* Sixteen bytes in base64 (RFC 6455, 4.2.1). */
static bool has_key(struct lws *wsi)
{
    char text[KEY_SIZE];
    uint8_t key[KEY_BYTES];

    /* All of it: libwebsockets computes its answer from what follows a NUL, too. */
    return http_request_header(wsi, WSI_TOKEN_KEY, text, sizeof(text), NULL) &&
           base64_decode(key, sizeof(key), text, (size_t)lws_hdr_total_length(wsi, WSI_TOKEN_KEY)) ==
               KEY_BYTES;
}

static bool has_host(struct lws *wsi)
{
    char host[HTTP_REQUEST_HOST_SIZE];

    return http_request_header(wsi, WSI_TOKEN_HOST, host, sizeof(host), NULL) && origin_is_authority(host);
}

/* The value of KEY, with its "=", in the query. NULL: it is not there. */
static const char *query_value(struct lws *wsi, const char *key, char argument[QUERY_SIZE])
{
    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        if (lws_hdr_copy_fragment(wsi, argument, QUERY_SIZE, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
            strncmp(argument, key, strlen(key)) == 0) {
            return argument + strlen(key);
        }
    }
    return NULL;
}

enum upgrade_stream upgrade_stream_of(const char *value)
{
    if (!value || strcmp(value, "main") == 0) {
        return UPGRADE_STREAM_MAIN;
    }
    return strcmp(value, "sub") == 0 ? UPGRADE_STREAM_SUB : UPGRADE_STREAM_OTHER;
}

enum upgrade_stream upgrade_read_stream(struct lws *wsi)
{
    char argument[QUERY_SIZE];

    return upgrade_stream_of(query_value(wsi, "stream=", argument));
}

bool upgrade_frames_of(const char *value, bool *keyframes)
{
    *keyframes = value && strcmp(value, "key") == 0;
    return !value || *keyframes || strcmp(value, "all") == 0;
}

int upgrade_read(struct lws *wsi, const struct policy *policy, struct upgrade *upgrade)
{
    char kind[16], argument[QUERY_SIZE];

    /* Other kinds arrive here although libwebsockets has answered them already. */
    if (!http_request_header(wsi, WSI_TOKEN_UPGRADE, kind, sizeof(kind), NULL) ||
        strcasecmp(kind, "websocket") != 0) {
        return -1;
    }
    http_request_read(wsi, policy, &upgrade->request);
    upgrade->stream = upgrade_read_stream(wsi);
    if (!upgrade_frames_of(query_value(wsi, "frames=", argument), &upgrade->keyframes)) {
        upgrade->stream = UPGRADE_STREAM_OTHER;
    }
    if (upgrade->request.method != HTTP_METHOD_GET) {
        return 405;
    }
    if (!http_request_is_1_1(wsi) || !has_host(wsi) || !asks_to_upgrade(wsi)) {
        return 400;
    }
    if (!has_version_13(wsi)) {
        return 426;
    }
    const char *subprotocol = subprotocol_choose(wsi);
    if (!subprotocol || !has_key(wsi)) {
        return 400;
    }
    upgrade->bundle = strcmp(subprotocol, SUBPROTOCOL_BUNDLE) == 0;
    return http_request_may_act(&upgrade->request) ? 0 : 403;
}
