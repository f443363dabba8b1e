/* SPDX-License-Identifier: MIT */
/*
 * One SOAP question over HTTP, by libcurl: bounded in bytes and time; no redirect, proxy, cookie, compression or name that would have to be resolved. A
 * password is only ever sent as HTTP Digest (RFC 7616). One thread.
 */
#ifndef DISCOVER_HTTP_H
#define DISCOVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;

struct http_login {
    const char *username, *password;
};

struct http_answer {
    char *data; /* owned by the http until the next question */
    size_t length;
    long status;
    bool offers_digest; /* with status 401 */
};

/* Before the sandbox is entered. NULL: no memory. */
struct http *http_create(void);

void http_destroy(struct http *http);

/*
 * Sends LENGTH bytes of QUESTION to URL. LOGIN: for Digest, which the answer before has offered and which is tried once; or NULL. MS: the time it may
 * take. 0: *answer is filled, whatever its status; -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -EMSGSIZE: the answer is too long;
 * -EIO: anything else.
 */
int http_ask(struct http *http, const char *url, const char *question, size_t length,
             const struct http_login *login, uint64_t ms, struct http_answer *answer);

#endif
