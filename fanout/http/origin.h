/* SPDX-License-Identifier: MIT */
/*
 * Origins of pages (RFC 6454, 6.1): comparing them with each other and with the Host that the same browser sent. Pure
 * functions.
 */
#ifndef FANOUT_HTTP_ORIGIN_H
#define FANOUT_HTTP_ORIGIN_H

#include <stdbool.h>

/*
 * Hosts are compared without regard to case, and a missing port is the scheme's. What is not http://HOST or https://HOST,
 * "null" included, is the same as nothing.
 */

/* True if A and B are the same origin. */
bool origin_same(const char *a, const char *b);

/* True if ORIGIN is exactly SCHEME://HOST; a SCHEME of NULL is either one. */
bool origin_is_own(const char *origin, const char *scheme, const char *host);

/* True if TEXT is a host, or a host and a port (RFC 3986, 3.2), in characters that need no code in a URL. */
bool origin_is_authority(const char *text);

#endif
