/* SPDX-License-Identifier: MIT */
/*
 * A request as libwebsockets hands it over: what it keeps of the first line and of each header, by token. This program has its
 * functions in its stead, so any bytes can come, also those that it would refuse. A line is a byte that chooses the header,
 * and its value; several lines of one header are fragments of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/http/upgrade.h"
#include "fanout/loop/connections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 32

struct line {
    unsigned header; /* an index of headers */
    const char *value;
    size_t length;
};

static const struct {
    int token;          /* enum lws_token_indexes; -1: none */
    const char *custom; /* the name of one without a token */
} headers[] = {
    {WSI_TOKEN_GET_URI, NULL},       {WSI_TOKEN_HEAD_URI, NULL},
    {WSI_TOKEN_POST_URI, NULL},      {WSI_TOKEN_OPTIONS_URI, NULL},
    {WSI_TOKEN_HTTP_URI_ARGS, NULL}, {WSI_TOKEN_HTTP, NULL},
    {WSI_TOKEN_HOST, NULL},          {WSI_TOKEN_ORIGIN, NULL},
    {WSI_TOKEN_UPGRADE, NULL},       {WSI_TOKEN_CONNECTION, NULL},
    {WSI_TOKEN_KEY, NULL},           {WSI_TOKEN_VERSION, NULL},
    {WSI_TOKEN_PROTOCOL, NULL},      {WSI_TOKEN_X_FORWARDED_FOR, NULL},
    {-1, "x-forwarded-proto:"},      {-1, "forwarded:"},
    {-1, "x-forwarded-host:"},       {-1, "x-ingress-path:"},
    {-1, "x-forwarded-prefix:"},
};

#define HEADERS (sizeof(headers) / sizeof(headers[0]))

static struct line lines[LINES_MAX];
static size_t line_count;
static struct connection connection;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- libwebsockets, as its documentation has it ---- */

static const struct line *find(int token, const char *custom, int length, int fragment)
{
    for (size_t i = 0; i < line_count; i++) {
        const char *name = headers[lines[i].header].custom;
        bool same = custom
                        ? name && strlen(name) == (size_t)length && memcmp(name, custom, (size_t)length) == 0
                        : headers[lines[i].header].token == token;
        if (same && fragment-- == 0) {
            return &lines[i];
        }
    }
    return NULL;
}

static int copy(const struct line *line, char *out, int size)
{
    if (!line || (size_t)size <= line->length) {
        return -1;
    }
    memcpy(out, line->value, line->length);
    out[line->length] = '\0';
    return (int)line->length;
}

int lws_hdr_fragment_length(struct lws *wsi, enum lws_token_indexes token, int fragment)
{
    const struct line *line = find((int)token, NULL, 0, fragment);

    (void)wsi;
    return line ? (int)line->length : 0;
}

int lws_hdr_total_length(struct lws *wsi, enum lws_token_indexes token)
{
    int total = 0;

    for (int i = 0; find((int)token, NULL, 0, i); i++) {
        total += lws_hdr_fragment_length(wsi, token, i) + (i > 0);
    }
    return total;
}

int lws_hdr_copy_fragment(struct lws *wsi, char *out, int size, enum lws_token_indexes token, int fragment)
{
    (void)wsi;
    return copy(find((int)token, NULL, 0, fragment), out, size);
}

/* Fragments are joined by commas. */
int lws_hdr_copy(struct lws *wsi, char *out, int size, enum lws_token_indexes token)
{
    int total = lws_hdr_total_length(wsi, token), at = 0;

    out[0] = '\0';
    if (total == 0 || total >= size) {
        return total == 0 ? 0 : -1;
    }
    for (int i = 0; find((int)token, NULL, 0, i); i++) {
        if (i > 0) {
            out[at++] = ',';
        }
        at += copy(find((int)token, NULL, 0, i), out + at, size - at);
    }
    return total;
}

int lws_hdr_custom_length(struct lws *wsi, const char *name, int length)
{
    const struct line *line = find(-1, name, length, 0);

    (void)wsi;
    return line ? (int)line->length : -1;
}

int lws_hdr_custom_copy(struct lws *wsi, char *out, int size, const char *name, int length)
{
    (void)wsi;
    return copy(find(-1, name, length, 0), out, size);
}

void *lws_get_opaque_user_data(const struct lws *wsi)
{
    (void)wsi;
    return &connection;
}

int lws_is_ssl(struct lws *wsi)
{
    (void)wsi;
    return 0;
}

/* ---- The target ---- */

static void read_lines(const char *text, size_t size)
{
    line_count = 0;
    while (size > 0 && line_count < LINES_MAX) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        if (length > 0) {
            lines[line_count++] =
                (struct line){(unsigned char)text[0] % (unsigned)HEADERS, text + 1, length - 1};
        }
        size -= length + (end ? 1 : 0);
        text += length + (end ? 1 : 0);
    }
}

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check(const struct policy *policy)
{
    struct upgrade upgrade;
    struct http_request request;

    memset(&upgrade, 0xa5, sizeof(upgrade));
    memset(&request, 0xa5, sizeof(request));
    http_request_read(NULL, policy, &request);
    require(is_terminated(request.path, sizeof(request.path)) &&
            is_terminated(request.host, sizeof(request.host)));
    require(is_terminated(request.origin, sizeof(request.origin)));
    require(is_terminated(request.prefix, sizeof(request.prefix)));
    require(request.prefix[0] == '\0' || policy_is_prefix(request.prefix));
    require(request.method <= HTTP_METHOD_OTHER);
    require(request.client.trusted ||
            memcmp(&request.client.address, &connection.peer, sizeof(connection.peer)) == 0);

    int status = upgrade_read(NULL, policy, &upgrade);
    require(status == 0 || status == -1 || (status >= 400 && status < 500));
    if (status == 0) {
        require(upgrade.request.method == HTTP_METHOD_GET && upgrade.request.page != PAGE_FOREIGN);
        require(lws_hdr_total_length(NULL, WSI_TOKEN_KEY) == 24 &&
                lws_hdr_total_length(NULL, WSI_TOKEN_HOST) > 0);
        require(upgrade.stream <= UPGRADE_STREAM_OTHER);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy plain, behind;
    static bool made;

    if (!made) {
        json_t *document = json_pack("{s:[s], s:[s], s:[s], s:[s], s:s, s:i}", "trusted_proxies", "0.0.0.0/0",
                                     "origins", "https://nvr.example", "cors_origins", "https://app.example",
                                     "frame_ancestors", "'self'", "base_path", "/cams", "hsts", 0);
        policy_init(&plain);
        policy_init(&behind);
        require(policy_set(&behind, document) == 0);
        json_decref(document);
        connection.peer.s6_addr[10] = connection.peer.s6_addr[11] = 0xff;
        connection.peer.s6_addr[12] = 192;
        made = true;
    }
    read_lines((const char *)data, size);
    check(&plain);
    check(&behind);
    return 0;
}
