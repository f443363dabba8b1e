/* SPDX-License-Identifier: MIT */
/*
 * A camera's URL taken apart. People paste passwords with any characters into the user information, which '/', '?' and '#'
 * end (RFC 3986, section 3.2): the rest of the password then reads as a host. Such URLs are recognised here, so that the
 * configuration can refuse them, and the log can hide what may be a password. Holds secrets. Pure functions; any process,
 * any thread.
 */
#ifndef COMMON_CONFIG_CAMERA_URL_H
#define COMMON_CONFIG_CAMERA_URL_H

#include <stddef.h>

/* All owned; user information decoded. */
struct camera_url {
    char *scheme;   /* lower case */
    char *userinfo; /* as written; NULL: none */
    char *username; /* NULL: none */
    char *password; /* NULL: none */
    char *host;     /* host[:port], as written */
    char *path;     /* what follows, as written; may be empty */
    char stray;     /* a '/', '?' or '#' in the user information, which would end it; NUL: there is none */
};

/*
 * The user information ends at the last '@' before the first '/', '?' or '#'; or at a later '@', if
 * what follows the first one may not be a host and what follows the later one is: then the character is STRAY.
 * 0; -EINVAL: not a URL, or it has no host; -ENOMEM. On error there is nothing to finish.
 */
int camera_url_parse(const char *text, struct camera_url *url);

void camera_url_finish(struct camera_url *url);

/* The URL with these credentials (either may be NULL), percent-encoded. malloc'ed, a secret; NULL: out of
 * memory. */
char *camera_url_join(const struct camera_url *url, const char *username, const char *password);

#endif
