/*
 * A camera's URL taken apart, leniently: people paste passwords with any characters into the user
 * information. Holds secrets. Pure functions; any process, any thread.
 */
#ifndef INGEST_SOURCE_SOURCE_URL_H
#define INGEST_SOURCE_SOURCE_URL_H

#include <stddef.h>

/* All owned; user information decoded. */
struct source_url {
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
int source_url_parse(const char *text, struct source_url *url);

void source_url_finish(struct source_url *url);

/* The URL with these credentials (either may be NULL), percent-encoded. malloc'ed, a secret; NULL: out of
 * memory. */
char *source_url_join(const struct source_url *url, const char *username, const char *password);

#endif
