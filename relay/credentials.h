/* SPDX-License-Identifier: MIT */
/*
 * The credentials of a NATS user, from the text of the file that `nsc generate creds` or `nk -gen user -pubout` writes: a JWT and an nkey seed between
 * lines of dashes, or a public nkey and its seed on lines of their own. Holds a secret.
 */
#ifndef RELAY_CREDENTIALS_H
#define RELAY_CREDENTIALS_H

/* Every string is malloc'ed. */
struct credentials {
    char *jwt;    /* NULL: the user is known by its public key */
    char *public; /* "U…"; NULL: the JWT has it */
    char *seed;   /* "SU…", a secret */
};

/* 0; -EBADMSG: TEXT has no seed, or neither a JWT nor a public key; -ENOMEM. On error there is nothing to finish. */
int credentials_read(struct credentials *credentials, const char *text);

/* Overwrites and frees. */
void credentials_finish(struct credentials *credentials);

#endif
