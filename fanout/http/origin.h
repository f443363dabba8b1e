/*
 * Is a page's Origin (RFC 6454, 6.1) this server's own? Compared with the Host that the same browser sent, so
 * it holds behind a proxy too. Pure functions.
 */
#ifndef FANOUT_HTTP_ORIGIN_H
#define FANOUT_HTTP_ORIGIN_H

#include <stdbool.h>

/*
 * True if ORIGIN is exactly http://HOST or https://HOST: hosts compared without regard to case, a missing
 * port being the scheme's. Everything else, "null" too, is foreign.
 */
bool origin_is_own(const char *origin, const char *host);

#endif
