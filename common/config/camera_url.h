/*
 * A camera's URL taken apart, leniently: people paste passwords with any characters into the user
 * information. Holds secrets. Pure functions; any process, any thread.
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
};

/*
 * The user information ends at the last '@' before the path; if what follows that is no host, or there is
 * none and the host is none either ("rtsp://me:a/b@10.0.0.1/"), at the first later '@' that a host follows.
 * 0; -EINVAL: no URL; -ENOMEM. On error there is nothing to finish.
 */
int camera_url_parse(const char *text, struct camera_url *url);

void camera_url_finish(struct camera_url *url);

/* The URL with these credentials (either may be NULL), percent-encoded. malloc'ed, a secret; NULL: out of
 * memory. */
char *camera_url_join(const struct camera_url *url, const char *username, const char *password);

#endif
