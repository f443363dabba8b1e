/* SPDX-License-Identifier: MIT */
/*
 * Collects from the headers of a request what shows who makes it. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_REQUEST_CREDENTIALS_H
#define FANOUT_HTTP_REQUEST_CREDENTIALS_H

#include <libwebsockets.h>

#include "common/visitor/access.h"
#include "common/visitor/credentials.h"
#include "fanout/http/http_request.h"
#include "fanout/loop/connections.h"

/*
 * Reads what REQUEST, which came in WSI, brings, by ACCESS's settings. The word of a trusted proxy on who the visitor is counts.
 * Wipe CREDENTIALS afterwards.
 */
void request_credentials_read(struct lws *wsi, const struct http_request *request,
                              const struct access *access, struct credentials *credentials);

/*
 * The same from HEAD, the whole head of LENGTH bytes of a request that has come on CONNECTION and has not been read yet, as far
 * as it shows that they are CREDENTIAL_BASIC; anything else is left out.
 */
void request_credentials_read_raw(const struct connection *connection, const struct policy *policy,
                                  const char *head, size_t length, const struct access *access,
                                  struct credentials *credentials);

/* The same, but only the cookie of a session counts. */
void request_credentials_read_session(struct lws *wsi, struct credentials *credentials);

#endif
