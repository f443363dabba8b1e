#include "fanout/http/http_response.h"

#include <stdio.h>
#include <string.h>

/* Longest status line and headers. */
#define HEAD_SIZE 2560

/*
 * Nothing but this server's own scripts, styles, pictures and sockets. Media Source and snapshots need blob:,
 * a page's small icons data:.
 */
#define COMMON_HEADERS                                                                                       \
    "X-Content-Type-Options: nosniff\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\n"                                                                       \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "      \
    "blob: data:; "                                                                                          \
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "      \
    "'self'\r\n"

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 304:
        return "Not Modified";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 426:
        return "Upgrade Required";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* Length of the head, or -1 if it does not fit. */
static int format_head(char *head, size_t size, const struct http_response *response)
{
    char entity[160] = "";
    if (response->type) {
        snprintf(entity, sizeof(entity), "Content-Type: %s\r\nContent-Length: %zu\r\n", response->type,
                 response->length);
    }
    int length = snprintf(
        head, size, "HTTP/1.1 %d %s\r\nCache-Control: %s\r\n%s%s%s" COMMON_HEADERS "\r\n", response->status,
        reason_of(response->status), response->cache_control ? response->cache_control : "no-store", entity,
        response->headers ? response->headers : "", response->close ? "Connection: close\r\n" : "");
    return length > 0 && (size_t)length < size ? length : -1;
}

static int send_response(struct lws *wsi, const struct http_response *response)
{
    unsigned char memory[LWS_PRE + HEAD_SIZE];
    unsigned char *head = memory + LWS_PRE;
    int length = format_head((char *)head, HEAD_SIZE, response);
    bool has_body = response->type && response->length && !response->head_only;
    if (length < 0 ||
        lws_write(wsi, head, (size_t)length, has_body ? LWS_WRITE_HTTP_HEADERS : LWS_WRITE_HTTP_FINAL) < 0) {
        return -1;
    }
    if (has_body &&
        lws_write(wsi, (unsigned char *)response->body, response->length, LWS_WRITE_HTTP_FINAL) < 0) {
        return -1;
    }
    if (response->close) {
        return -1; /* libwebsockets sends what it still holds before it closes */
    }
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int http_response_send(struct lws *wsi, const struct permit *permit, const struct http_response *response)
{
    return permit_covers(permit, GATE_PUBLIC, NULL) ? send_response(wsi, response) : -1;
}

int http_response_refuse(struct lws *wsi, int status, bool head_only, const char *headers)
{
    const char *reason = reason_of(status);
    struct http_response response = {
        .status = status,
        .type = "text/plain; charset=utf-8",
        .headers = headers,
        .body = reason,
        .length = strlen(reason),
        .head_only = head_only,
        .close = true,
    };
    return send_response(wsi, &response);
}
