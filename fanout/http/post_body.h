/* SPDX-License-Identifier: MIT */
/*
 * The body of a POST: a short JSON text, which libwebsockets hands over in pieces. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_POST_BODY_H
#define FANOUT_HTTP_POST_BODY_H

#include <jansson.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest body. */
#define POST_BODY_MAX 4096

struct post_body {
    size_t length, received;
    bool
        overrun; /* it came with more behind it, which is lost: a next request on the connection cannot be answered */
    char data[]; /* LENGTH bytes, and a NUL */
};

/*
 * Makes room for the body that the request in WSI announces. 0, and *BODY is to be filled, or NULL if there is no
 * Content-Length; or the HTTP status to refuse the request with. A body needs the type application/json.
 */
int post_body_begin(struct lws *wsi, struct post_body **body);

/*
 * Takes LENGTH bytes of DATA, of which those that are more than were announced are left. Some versions of libwebsockets (4.3) hand over
 * everything that came together, the next request, too, and then do not tell of the end of the body: `overrun` is that.
 */
void post_body_add(struct post_body *body, const void *data, size_t length);

/* The body as a JSON object, a new reference. NULL: it is none. */
json_t *post_body_json(const struct post_body *body);

/* Overwrites and frees it. NULL is allowed. */
void post_body_free(struct post_body *body);

/* The number in TEXT, the value of a Content-Length (RFC 9110, section 8.6); -1: it is none. Pure. */
long post_body_length(const char *text);

/* True if VALUE, a Content-Type (RFC 9110, section 8.3), is application/json. Pure. */
bool post_body_is_json(const char *value);

#endif
