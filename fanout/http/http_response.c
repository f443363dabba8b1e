/* SPDX-License-Identifier: MIT */
#include "fanout/http/http_response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/http/cors.h"

/* Longest status line and headers. */
#define HEAD_SIZE (3072 + POLICY_ANCESTORS_SIZE)

/*
 * Nothing but this server's own scripts, styles, pictures and sockets. Media Source and snapshots need blob:,
 * a page's small icons data:. The sources of frame-ancestors follow.
 */
#define COMMON_HEADERS                                                                                       \
    "X-Content-Type-Options: nosniff\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\n"                                                                       \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "      \
    "blob: data:; "                                                                                          \
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors "

const char *http_response_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* RFC 6797, section 7.2: only where the visitor came over https. */
static void write_transport_security(const struct http_request *request, char *line, size_t size)
{
    line[0] = '\0';
    if (request->policy->hsts > 0 && request->client.secure) {
        snprintf(line, size, "Strict-Transport-Security: max-age=%lld\r\n", (long long)request->policy->hsts);
    }
}

static bool is_last(const struct http_request *request, const struct http_response *response)
{
    return response->close || request->is_last;
}

/* Length of the head, without the empty line behind it, or -1 if it does not fit. */
static int format_head(char *head, size_t size, const struct http_request *request,
                       const struct http_response *response)
{
    char entity[160] = "", transport[64], readers[CORS_HEADERS_SIZE];

    if (response->open) {
        snprintf(entity, sizeof(entity), "Content-Type: %s\r\n", response->type);
    } else if (response->type) {
        snprintf(entity, sizeof(entity), "Content-Type: %s\r\nContent-Length: %zu\r\n", response->type,
                 response->length);
    }
    write_transport_security(request, transport, sizeof(transport));
    cors_write_headers(request, readers);
    int length = snprintf(
        head, size, "HTTP/1.1 %d %s\r\nCache-Control: %s\r\n%s%s%s%s%s" COMMON_HEADERS "%s\r\n",
        response->status, http_response_reason(response->status),
        response->cache_control ? response->cache_control : "no-store", entity,
        response->headers ? response->headers : "", is_last(request, response) ? "Connection: close\r\n" : "",
        transport, readers, request->policy->frame_ancestors);
    return length > 0 && (size_t)length < size ? length : -1;
}

static int send_response(struct lws *wsi, const struct http_request *request,
                         const struct http_response *response)
{
    unsigned char memory[LWS_PRE + HEAD_SIZE];
    unsigned char *head = memory + LWS_PRE;
    int length = format_head((char *)head, HEAD_SIZE - 2, request, response);
    bool has_body =
        response->type && !response->open && response->length && request->method != HTTP_METHOD_HEAD;
    if (length < 0) {
        return -1;
    }
    memcpy(head + length, "\r\n", 2);
    if (lws_write(wsi, head, (size_t)length + 2, has_body ? LWS_WRITE_HTTP_HEADERS : LWS_WRITE_HTTP_FINAL) <
        0) {
        return -1;
    }
    if (has_body &&
        lws_write(wsi, (unsigned char *)response->body, response->length, LWS_WRITE_HTTP_FINAL) < 0) {
        return -1;
    }
    if (is_last(request, response)) {
        return -1; /* libwebsockets sends what it still holds before it closes */
    }
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int http_response_send(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                       const struct http_response *response)
{
    return permit_covers(permit, GATE_PUBLIC, NULL) ? send_response(wsi, request, response) : -1;
}

int http_response_begin(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                        const struct http_response *response)
{
    unsigned char memory[LWS_PRE + HEAD_SIZE];
    unsigned char *head = memory + LWS_PRE;
    int length = permit_covers(permit, GATE_PUBLIC, NULL)
                     ? format_head((char *)head, HEAD_SIZE - 2, request, response)
                     : -1;

    if (length < 0) {
        return -1;
    }
    memcpy(head + length, "\r\n", 2);
    return lws_write(wsi, head, (size_t)length + 2, LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

char *http_response_head(const struct http_request *request, const struct permit *permit,
                         const struct http_response *response)
{
    char *head = permit_covers(permit, GATE_PUBLIC, NULL) ? malloc(HEAD_SIZE) : NULL;

    if (head && format_head(head, HEAD_SIZE, request, response) < 0) {
        free(head);
        return NULL;
    }
    return head;
}

static int send_text(struct lws *wsi, const struct http_request *request, int status, const char *headers,
                     const char *text)
{
    const struct http_response response = {
        .status = status,
        .type = status == 204 ? NULL : "text/plain; charset=utf-8",
        .headers = headers,
        .body = text,
        .length = strlen(text),
        .close = true,
    };
    return send_response(wsi, request, &response);
}

int http_response_refuse(struct lws *wsi, const struct http_request *request, int status, const char *headers)
{
    return send_text(wsi, request, status, headers, http_response_reason(status));
}

int http_response_explain(struct lws *wsi, const struct http_request *request, int status, const char *text)
{
    return send_text(wsi, request, status, NULL, text);
}
