/* SPDX-License-Identifier: MIT */
/*
 * The credentials of a NATS user, from the text of a file: a JWT and an nkey seed between lines of dashes, as `nsc` writes them, or the seed alone, as
 * `nk -gen user` and deploy/nats/keys do. Holds a secret.
 */
#ifndef RELAY_CREDENTIALS_H
#define RELAY_CREDENTIALS_H

/* Every string is malloc'ed. */
struct credentials {
    char *jwt;    /* NULL: the user is known by its public key */
    char *public; /* "U…"; NULL: the JWT has it */
    char *seed;   /* "SU…", a secret */
};

/* 0; -EBADMSG: TEXT has no seed of a user; -ENOMEM. On error there is nothing to finish. */
int credentials_read(struct credentials *credentials, const char *text);

/* Overwrites and frees. */
void credentials_finish(struct credentials *credentials);

#endif
