/* SPDX-License-Identifier: MIT */
/*
 * Basic and Digest authentication towards a camera (RFC 7617; RFC 7616 and RFC 2069 as RFC 2326 uses them). The
 * strongest challenge is answered, and the next one if the camera refuses the answer. Basic sends the password in the
 * clear: it is not answered where Digest is offered, unless an earlier connection has seen every Digest refused, and never
 * once Digest has worked. What is learnt outlives the connection, so this belongs to the code that opens one session after
 * the other. One thread. Holds secrets while a session uses it.
 */
#ifndef INGEST_RTSP_RTSP_AUTH_H
#define INGEST_RTSP_RTSP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/rtsp_message.h"

/* Bytes with their NUL; a challenge with longer values is not understood. */
#define RTSP_AUTH_REALM_SIZE 256
#define RTSP_AUTH_NONCE_SIZE 512
#define RTSP_AUTH_OPAQUE_SIZE 512

/* Fresh nonces in a row that are tried for one request: some cameras accept each nonce only once. */
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
    bool named;     /* the challenge names the algorithm */
    bool qop;       /* quality of protection "auth" is offered */
    bool stale;     /* only the nonce was too old */
    bool has_nonce; /* without one Digest cannot be answered */
    char realm[RTSP_AUTH_REALM_SIZE];
    char nonce[RTSP_AUTH_NONCE_SIZE];
    char opaque[RTSP_AUTH_OPAQUE_SIZE];
};

struct rtsp_auth {
    const char *username; /* the session's; NULL: none */
    const char *password;
    bool allow_basic;
    struct rtsp_challenge challenge; /* the one that is answered; scheme RTSP_AUTH_NONE: none yet */
    uint32_t count;                  /* answers with this nonce */
    unsigned fresh;                  /* nonces tried since an answer was accepted */
    bool accepted;                   /* the camera has accepted an answer on this connection */
    bool remembered;                 /* the challenge comes from an earlier connection */
    /* What outlives the connection. */
    bool remember; /* the camera ends a connection with its challenge: answer it on the next one */
    enum rtsp_auth_scheme worked; /* the strongest scheme that the camera has ever accepted */
    unsigned refused;             /* schemes whose answers the camera has refused: bit 1 << scheme */
    bool exhausted;               /* all offered schemes were refused: they are tried again from the first */
    bool digest_failed;           /* an earlier connection has seen a Digest answer refused */
    uint32_t refusals;            /* log-ins that the camera has refused; they may lock the account */
};

/* Begins with nothing learnt. The credentials stay the caller's; USERNAME NULL: there are none. */
void rtsp_auth_init(struct rtsp_auth *auth, const char *username, const char *password);

/* Changes the credentials, to none for a host that is not the camera; what has been learnt stays. */
void rtsp_auth_use(struct rtsp_auth *auth, const char *username, const char *password);

/* A new connection to the camera. */
void rtsp_auth_begin(struct rtsp_auth *auth);

/* Forgets what has been learnt, not the credentials. */
void rtsp_auth_reset(struct rtsp_auth *auth);

/*
 * Takes the challenges of a 401. 0: the request may be sent again; -EACCES: the credentials are refused;
 * -ENOKEY: there are none; -EPERM: only Basic is offered, which is not allowed;
 * -ENOTSUP: no challenge that can be answered.
 */
int rtsp_auth_challenge(struct rtsp_auth *auth, const struct rtsp_message *message);

/* Whether requests carry an answer to a challenge. */
bool rtsp_auth_answers(const struct rtsp_auth *auth);

/* A request that carried an answer was not refused. */
void rtsp_auth_accepted(struct rtsp_auth *auth);

/*
 * Writes the line "Authorization: …\r\n", a secret, for a request. Returns its length, 0 if none is due;
 * -EMSGSIZE: it does not fit; -ENOTSUP: OpenSSL here does not have the algorithm.
 */
int rtsp_auth_write(struct rtsp_auth *auth, const char *method, const char *uri, char *out, size_t size);

/*
 * Takes one header value apart. *best becomes its strongest challenge, if that is stronger than *best and its scheme is not
 * among REFUSED (bits 1 << scheme). *digest becomes true if Digest is offered at all. For tests.
 */
void rtsp_auth_parse(const char *value, unsigned refused, struct rtsp_challenge *best, bool *digest);

#endif
