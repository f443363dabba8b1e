/* SPDX-License-Identifier: MIT */
/*
 * A request that a program answers (program_link.h): it waits with its connection, and its body is then sent in pieces from the memory
 * that the program has made, as the client takes it. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_ERRAND_H
#define FANOUT_HTTP_ERRAND_H

#include <jansson.h>
#include <libwebsockets.h>
#include <stdbool.h>

#include "fanout/http/gate.h"
#include "fanout/http/http_request.h"
#include "fanout/http/program_link.h"
#include "fanout/loop/connections.h"

/* A question. */
struct errand_question {
    enum program_kind program;
    const char *stream; /* "front" or "front/sub" */
    const char *what;
    long patience_ms;  /* 0: PROGRAM_LINK_PATIENCE_MS */
    const char *width; /* instead of the query's `width`; NULL: what the query has */
};

/* What errands need of the server: the links to programs, and a call for a connection whose answer has come (errand_answer). */
struct errands {
    struct program_link link;
    void (*answered)(void *context, struct connection *connection); /* never from within errand_begin */
    void *context;
};

/*
 * Asks QUESTION for REQUEST, which came in WSI, with the query of its URL, on behalf of PERMIT's visitor. 0: the request waits;
 * libwebsockets reads nothing more of it meanwhile. Otherwise what errand_refuse takes.
 */
int errand_begin(struct errands *errands, struct lws *wsi, const struct http_request *request,
                 struct permit *permit, const struct errand_question *question);

/* Answers with 400, 429 or 503, and when to try again. Returns what the callback of libwebsockets is to return. */
int errand_refuse(struct lws *wsi, const struct http_request *request, int error);

/* The request on CONNECTION waits for a program; has an answer that is to be given now (errand_answer); is not over. */
bool errand_is_waiting(const struct connection *connection);
bool errand_has_answer(const struct connection *connection);
bool errand_is_there(const struct connection *connection);

/*
 * Gives the answer that has come. Returns what a callback of libwebsockets is to return; if errand_is_there is true then, the rest of it
 * is sent by errand_go_on when the connection is writable.
 */
int errand_answer(struct gate *gate, struct lws *wsi, const struct http_request *request);
int errand_go_on(struct lws *wsi);

/* CONNECTION has ended, or its answer is given. */
void errand_forget(struct connection *connection);

#endif
