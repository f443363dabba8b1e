/*
 * What an HTTP request asks for: method, path, headers, as copies. libwebsockets has percent-decoded the path
 * once (and refused malformed escapes); it is not decoded again. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_REQUEST_H
#define FANOUT_HTTP_REQUEST_H

#include <libwebsockets.h>
#include <stdbool.h>

/* Longest path that names something here, with its NUL. */
#define REQUEST_PATH_SIZE 256

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_OTHER };

struct request {
    enum request_method method;
    char
        path[REQUEST_PATH_SIZE]; /* decoded; empty if it is too long or ambiguous, so that it names nothing */
};

void request_read(struct lws *wsi, struct request *request);

/*
 * Copies a header. False: it is missing, empty or does not fit (then *present says which, if it is not NULL).
 */
bool request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present);

/*
 * Sends an answer to a whole request, from the LWS_CALLBACK_HTTP callback; returns what the callback returns.
 */
struct server;
int request_answer(struct server *server, struct lws *wsi);

#endif
