/* SPDX-License-Identifier: MIT */
#include "fanout/http/http_request.h"

#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "fanout/http/post_body.h"
#include "fanout/loop/connections.h"

/* Bytes of the longest X-Forwarded-Proto. */
#define PROTO_SIZE 64

/* Bytes of the longest Content-Length that may be 0. */
#define LENGTH_SIZE 32

/* libwebsockets has the path in a header that is named for the method. */
static const struct {
    enum lws_token_indexes token;
    enum http_method method;
} methods[] = {
    {WSI_TOKEN_GET_URI, HTTP_METHOD_GET},      {WSI_TOKEN_HEAD_URI, HTTP_METHOD_HEAD},
    {WSI_TOKEN_POST_URI, HTTP_METHOD_POST},    {WSI_TOKEN_OPTIONS_URI, HTTP_METHOD_OPTIONS},
    {WSI_TOKEN_PUT_URI, HTTP_METHOD_OTHER},    {WSI_TOKEN_PATCH_URI, HTTP_METHOD_OTHER},
    {WSI_TOKEN_DELETE_URI, HTTP_METHOD_OTHER},
};

bool http_request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present)
{
    bool found = lws_hdr_total_length(wsi, token) > 0;
    if (present) {
        *present = found;
    }
    return found && lws_hdr_copy(wsi, value, size, token) > 0;
}

/* No header may have a NUL (RFC 9110, 5.5). As another control character it is refused, and not taken for the end. */
static void show_nul(char *text, size_t length)
{
    for (char *nul; (nul = memchr(text, '\0', length)) != NULL;) {
        *nul = '\x01';
    }
}

char *http_request_header_text(struct lws *wsi, enum lws_token_indexes token, const char *separator)
{
    size_t gap = strlen(separator), room = 1, length = 0;

    for (int i = 0; lws_hdr_fragment_length(wsi, token, i) > 0; i++) {
        room += (size_t)lws_hdr_fragment_length(wsi, token, i) + gap;
    }
    char *text = room > 1 ? malloc(room) : NULL;
    for (int i = 0; text && lws_hdr_fragment_length(wsi, token, i) > 0; i++) {
        if (length > 0) {
            memcpy(text + length, separator, gap);
            length += gap;
        }
        int copied = lws_hdr_copy_fragment(wsi, text + length, (int)(room - length), token, i);
        length += copied > 0 ? (size_t)copied : 0;
    }
    if (text) {
        text[length] = '\0';
        show_nul(text, length);
    }
    return text;
}

bool http_request_custom(struct lws *wsi, const char *name, char *value, int size)
{
    return lws_hdr_custom_copy(wsi, value, size, name, (int)strlen(name)) > 0;
}

/* --- Method and path ------------------------------------------------------------------------------------ */

static void read_path(struct lws *wsi, struct http_request *request)
{
    const size_t count = sizeof(methods) / sizeof(methods[0]);
    size_t i = 0;

    request->method = HTTP_METHOD_OTHER;
    request->path[0] = '\0';
    while (i < count && lws_hdr_total_length(wsi, methods[i].token) <= 0) {
        i++;
    }
    if (i == count) {
        return;
    }
    request->method = methods[i].method;
    /* A path with a bare '&' or ';' comes in pieces, and would be put together with other characters. */
    if (lws_hdr_fragment_length(wsi, methods[i].token, 1) > 0 ||
        lws_hdr_copy(wsi, request->path, sizeof(request->path), methods[i].token) < 0) {
        request->path[0] = '\0';
    }
}

/* A proxy may pass the base path on or leave it away. */
static void leave_base_path(struct http_request *request)
{
    const char *base = request->policy->base_path;
    size_t length = strlen(base);

    request->is_base = length > 0 && strcmp(request->path, base) == 0;
    if (request->is_base) {
        strcpy(request->path, "/");
    } else if (length > 0 && strncmp(request->path, base, length) == 0 && request->path[length] == '/') {
        memmove(request->path, request->path + length, strlen(request->path + length) + 1);
    }
}

/*
 * The body of a request that has none by its method is passed over by libwebsockets, but 4.3 takes everything that came with it for
 * body: to answer such a request and to close is right for all versions (RFC 9110, 9.3.1; RFC 9112, 9.6). The same for a POST when it
 * has happened.
 */
static bool is_last(struct lws *wsi, enum http_method method)
{
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    char length[LENGTH_SIZE];
    bool present;

    if (method == HTTP_METHOD_POST) {
        return connection && connection->post && connection->post->overrun;
    }
    bool read = http_request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof(length), &present);
    return present && (!read || post_body_length(length) != 0);
}

/* --- Who asks ------------------------------------------------------------------------------------------- */

/* Once: it is for whoever has put a proxy in front and wonders why all visitors have one address. */
static void tell_ignored(struct lws *wsi, const struct in6_addr *peer)
{
    static bool told;
    char address[INET6_ADDRSTRLEN];

    if (!told && lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0) {
        told = true;
        client_address_format(peer, address);
        log_info("%s says for whom it asks (X-Forwarded-For), and is not believed; if it is your proxy, set "
                 "trusted_proxies = ( \"%s\" )",
                 address, address);
    }
}

/*
 * All of a list of addresses, however long the visitor has made its beginning. malloc'ed; NULL: it is not there, or *UNREAD has
 * become true. NAME: of a header that libwebsockets has no token for; NULL: TOKEN is the header's.
 */
static char *read_list(struct lws *wsi, enum lws_token_indexes token, const char *name, bool *unread)
{
    int length =
        name ? lws_hdr_custom_length(wsi, name, (int)strlen(name)) : lws_hdr_total_length(wsi, token);
    char *list = length > 0 ? malloc((size_t)length + 1) : NULL;
    bool whole = list && (name ? http_request_custom(wsi, name, list, length + 1)
                               : http_request_header(wsi, token, list, length + 1, NULL));

    if (length > 0 && !whole) {
        *unread = true;
        free(list);
        return NULL;
    }
    return list;
}

/* A list that could not be read counts as one that names nobody, not as one that is not there. */
static void read_client(struct lws *wsi, struct http_request *request)
{
    static const char nobody[] = "unknown";
    char proto[PROTO_SIZE], *forwarded_for = NULL, *forwarded = NULL;
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    const struct in6_addr none = {0}, *peer = connection ? &connection->peer : &none;
    bool unread = false, scheme = false;

    if (request->policy->trusted_proxies.count > 0) {
        forwarded_for = read_list(wsi, WSI_TOKEN_X_FORWARDED_FOR, NULL, &unread);
        forwarded = read_list(wsi, WSI_TOKEN_COUNT, "forwarded:", &unread);
        scheme = http_request_custom(wsi, "x-forwarded-proto:", proto, sizeof(proto));
    }
    const struct forwarding headers = {
        .forwarded_for = unread ? nobody : forwarded_for,
        .forwarded = unread ? NULL : forwarded,
        .forwarded_proto = scheme ? proto : NULL,
    };
    request->client = client_address_find(peer, lws_is_ssl(wsi), &request->policy->trusted_proxies, &headers);
    free(forwarded_for);
    free(forwarded);
    if (!request->client.trusted) {
        tell_ignored(wsi, peer);
    }
}

/* Home Assistant and others make up the prefix themselves, and say so to what is behind them. */
static void read_prefix(struct lws *wsi, struct http_request *request)
{
    static const char *const names[] = {"x-ingress-path:", "x-forwarded-prefix:"};

    for (size_t i = 0; request->client.trusted && i < sizeof(names) / sizeof(names[0]); i++) {
        if (http_request_custom(wsi, names[i], request->prefix, sizeof(request->prefix))) {
            size_t length = strlen(request->prefix);
            if (length > 0 && request->prefix[length - 1] == '/') { /* a NUL may be its first byte */
                request->prefix[length - 1] = '\0';
            }
            if (policy_is_prefix(request->prefix)) {
                return;
            }
        }
    }
    strcpy(request->prefix, request->policy->base_path);
}

/* Of several proxies the first is the one that the visitor knows. */
static void read_host(struct lws *wsi, struct http_request *request)
{
    bool forwarded = request->client.trusted &&
                     http_request_custom(wsi, "x-forwarded-host:", request->host, sizeof(request->host));

    if (forwarded) {
        request->host[strcspn(request->host, ", ")] = '\0';
    } else if (!http_request_header(wsi, WSI_TOKEN_HOST, request->host, sizeof(request->host), NULL)) {
        request->host[0] = '\0';
    }
}

static void read_page(struct lws *wsi, struct http_request *request)
{
    const struct client_address *client = &request->client;
    const char *scheme = !client->scheme_known ? NULL : client->secure ? "https" : "http";
    bool present;

    if (http_request_header(wsi, WSI_TOKEN_ORIGIN, request->origin, sizeof(request->origin), &present)) {
        request->page = policy_judge(request->policy, request->origin, scheme, request->host);
        return;
    }
    request->origin[0] = '\0';
    request->page = present ? PAGE_FOREIGN : PAGE_NONE;
}

void http_request_read(struct lws *wsi, const struct policy *policy, struct http_request *request)
{
    request->policy = policy;
    request->is_upgrade = lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) > 0;
    read_path(wsi, request);
    request->is_last = is_last(wsi, request->method);
    leave_base_path(request);
    read_client(wsi, request);
    read_prefix(wsi, request);
    read_host(wsi, request);
    read_page(wsi, request);
}

/* Higher minor versions are the same for this (RFC 9110, 2.5). */
bool http_request_is_1_1(struct lws *wsi)
{
    char version[sizeof("HTTP/1.1")];

    return http_request_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version), NULL) &&
           strncmp(version, "HTTP/1.", strlen("HTTP/1.")) == 0 && version[strlen("HTTP/1.")] >= '1' &&
           version[strlen("HTTP/1.")] <= '9';
}

bool http_request_may_act(const struct http_request *request)
{
    return request->page != PAGE_FOREIGN;
}
