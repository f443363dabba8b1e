/* SPDX-License-Identifier: MIT */
/*
 * What an HTTP request asks for, and who asks: method, path and headers as copies, the visitor's address, and whose page it
 * is. libwebsockets has percent-decoded the path once (and refused malformed escapes); it is not decoded again.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_HTTP_REQUEST_H
#define FANOUT_HTTP_HTTP_REQUEST_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "fanout/http/client_address.h"
#include "fanout/http/policy.h"

/* Bytes of the longest path that the server knows, with its NUL. */
#define HTTP_REQUEST_PATH_SIZE 256

/* Bytes of the longest Origin and Host that are compared, with the NUL: a domain name has at most 253 characters. */
#define HTTP_REQUEST_HOST_SIZE 300

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_OTHER
};

struct http_request {
    const struct policy *policy; /* by which it was read and is answered; the server's */
    enum http_method method;
    /*
     * Decoded, without the base path, whether the proxy has left that away or not. Empty if it is too long or ambiguous;
     * the server has nothing at an empty path.
     */
    char path[HTTP_REQUEST_PATH_SIZE];
    bool is_upgrade; /* it has Upgrade: libwebsockets wants to know at once whether it may have it */
    bool is_last; /* whatever comes behind it cannot be told from its body: its answer ends the connection */
    bool is_base; /* the path is the base path without the slash behind it; `path` is then "/" */
    char prefix[POLICY_BASE_PATH_SIZE]; /* what is before `path` in the visitor's browser: "" or "/cams" */
    struct client_address client;
    enum page page;
    char origin[HTTP_REQUEST_HOST_SIZE]; /* Origin; "" if there is none, or if it is too long */
    char host[HTTP_REQUEST_HOST_SIZE];   /* by which the visitor knows the server; "": not known */
};

/* POLICY must outlive the request. */
void http_request_read(struct lws *wsi, const struct policy *policy, struct http_request *request);

/* True unless a foreign page asks. Whatever changes something, and every WebSocket, needs it. */
bool http_request_may_act(const struct http_request *request);

/* True if it is made by HTTP/1.1 or a later minor version, in which answers may come in chunks. */
bool http_request_is_1_1(struct lws *wsi);

/*
 * Copies a header to VALUE, which holds SIZE bytes. False: it is missing, empty or does not fit. If PRESENT
 * is not NULL, *present says whether the header is there at all.
 */
bool http_request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present);

/* The same for a header that libwebsockets has no token for. NAME is in small letters and ends in a colon. */
bool http_request_custom(struct lws *wsi, const char *name, char *value, int size);

/*
 * The whole of a header, however long; several of one name are joined by SEPARATOR (RFC 9110, section 5.3). malloc'ed.
 * NULL: it is missing or empty, or there is no memory.
 */
char *http_request_header_text(struct lws *wsi, enum lws_token_indexes token, const char *separator);

#endif
