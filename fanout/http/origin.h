/*
 * Decides whether a page's Origin (RFC 6454, 6.1) is this server's own. It is compared with the Host that the
 * same browser sent, so the result is also right behind a proxy. Pure functions.
 */
#ifndef FANOUT_HTTP_ORIGIN_H
#define FANOUT_HTTP_ORIGIN_H

#include <stdbool.h>

/*
 * True if ORIGIN is exactly http://HOST or https://HOST. Hosts are compared without regard to case, and a
 * missing port is the scheme's. Every other origin, "null" included, is foreign.
 */
bool origin_is_own(const char *origin, const char *host);

/* True if TEXT is a host, or a host and a port (RFC 3986, 3.2), in characters that need no code in a URL. */
bool origin_is_authority(const char *text);

#endif
