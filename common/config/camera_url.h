/*
 * A camera's URL taken apart. People paste passwords with any characters into the user information, where
 * '/', '?' and '#' end it (RFC 3986, section 3.2), so the rest is a host that nobody meant. Such URLs are
 * recognised here: the configuration refuses them, and what may be a password in them is known and hidden.
 * Holds secrets. Pure functions; any process, any thread.
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
    char stray;     /* the '/', '?' or '#' in the user information that would end it; NUL: none */
};

/*
 * The user information ends at the last '@' before the first '/', '?' or '#'; or, if what follows that is
 * not certainly a host and a later '@' is followed by one, at that later '@', and the character is STRAY.
 * 0; -EINVAL: not a URL, or it has no host; -ENOMEM. On error there is nothing to finish.
 */
int camera_url_parse(const char *text, struct camera_url *url);

void camera_url_finish(struct camera_url *url);

/* The URL with these credentials (either may be NULL), percent-encoded. malloc'ed, a secret; NULL: out of
 * memory. */
char *camera_url_join(const struct camera_url *url, const char *username, const char *password);

#endif
