/*
 * Basic and Digest authentication towards a camera (RFC 7617; RFC 7616 and RFC 2069 as RFC 2326 uses them).
 * The strongest challenge is answered, and Basic never where Digest is offered. Holds secrets. Owned by one
 * session; one thread.
 */
#ifndef INGEST_RTSP_RTSP_AUTH_H
#define INGEST_RTSP_RTSP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/rtsp_message.h"

/* Bytes with their NUL; a challenge with longer ones is not understood. */
#define RTSP_AUTH_REALM_SIZE 256
#define RTSP_AUTH_NONCE_SIZE 512
#define RTSP_AUTH_OPAQUE_SIZE 512

/* Fresh nonces in a row that are tried for one request: some cameras give each nonce once only. */
#define RTSP_AUTH_FRESH_MAX 3

/* In ascending order of strength. */
enum rtsp_auth_scheme {
    RTSP_AUTH_NONE,
    RTSP_AUTH_BASIC,
    RTSP_AUTH_MD5,
    RTSP_AUTH_SHA256,
    RTSP_AUTH_SHA512_256,
};

struct rtsp_challenge {
    enum rtsp_auth_scheme scheme;
    bool session;   /* the algorithm's "-sess" variant */
    bool named;     /* the algorithm was written */
    bool qop;       /* quality of protection "auth" is offered */
    bool stale;     /* only the nonce was too old */
    bool has_nonce; /* Digest cannot be answered without */
    char realm[RTSP_AUTH_REALM_SIZE];
    char nonce[RTSP_AUTH_NONCE_SIZE];
    char opaque[RTSP_AUTH_OPAQUE_SIZE];
};

struct rtsp_auth {
    const char *username; /* NULL: none. The caller's */
    const char *password;
    struct rtsp_challenge challenge; /* what is answered; RTSP_AUTH_NONE: nothing yet */
    uint32_t count;                  /* of answers with this nonce */
    bool accepted;                   /* the camera has accepted an answer */
    unsigned fresh;                  /* nonces tried since then */
};

void rtsp_auth_init(struct rtsp_auth *auth, const char *username, const char *password);

/* Forgets what has been learnt, not the credentials. */
void rtsp_auth_reset(struct rtsp_auth *auth);

/*
 * Takes the challenges of a 401. 0: the request may be sent again; -EACCES: the credentials are refused;
 * -ENOKEY: there are none; -ENOTSUP: no challenge that can be answered.
 */
int rtsp_auth_challenge(struct rtsp_auth *auth, const struct rtsp_message *message);

/* A request that had an answer was not refused. */
void rtsp_auth_accepted(struct rtsp_auth *auth);

/*
 * Writes the line "Authorization: …\r\n", a secret, for a request. Returns its length, 0 if none is due;
 * -EMSGSIZE: it does not fit; -ENOTSUP: the algorithm is not to be had here.
 */
int rtsp_auth_write(struct rtsp_auth *auth, const char *method, const char *uri, char *out, size_t size);

/* Takes one header value apart: the strongest challenge in it that is stronger than *best. *digest: Digest
 * was offered at all. For rtsp_auth.c and tests. */
void rtsp_auth_parse(const char *value, struct rtsp_challenge *best, bool *digest);

#endif
