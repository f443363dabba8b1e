/*
 * What an HTTP request asks for: method, path, headers, as copies. libwebsockets has percent-decoded the path
 * once (and refused malformed escapes); it is not decoded again. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_HTTP_REQUEST_H
#define FANOUT_HTTP_HTTP_REQUEST_H

#include <libwebsockets.h>
#include <stdbool.h>

/* Bytes of the longest path that the server knows, with its NUL. */
#define HTTP_REQUEST_PATH_SIZE 256

enum http_method { HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_POST, HTTP_METHOD_OTHER };

struct http_request {
    enum http_method method;
    /* Decoded. Empty if it is too long or ambiguous; the server has nothing at an empty path. */
    char path[HTTP_REQUEST_PATH_SIZE];
};

void http_request_read(struct lws *wsi, struct http_request *request);

/*
 * Copies a header to VALUE, which holds SIZE bytes. False: it is missing, empty or does not fit. If PRESENT
 * is not NULL, *present says whether the header is there at all.
 */
bool http_request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present);

#endif
