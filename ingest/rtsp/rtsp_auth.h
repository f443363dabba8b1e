/*
 * Basic and Digest authentication towards a camera (RFC 7617; RFC 7616 and RFC 2069 as RFC 2326 uses them). The
 * strongest challenge is answered, and the next one if the camera refuses that. Basic shows the password to everybody
 * on the way: it is not answered where Digest is offered, unless an earlier connection has seen every Digest refused,
 * and never once Digest has worked. What is learnt here outlives the connection, so its owner is what opens one
 * session after the other; one thread. Holds secrets while a session uses it.
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
    const char *username; /* NULL: none. The session's */
    const char *password;
    bool allow_basic;
    struct rtsp_challenge challenge; /* what is answered; RTSP_AUTH_NONE: nothing yet */
    uint32_t count;                  /* of answers with this nonce */
    unsigned fresh;                  /* nonces tried since an answer was accepted */
    bool accepted;                   /* on this connection the camera has accepted an answer */
    bool remembered;                 /* the challenge is of an earlier connection */
    /* What outlives the connection. */
    bool remember; /* the camera ends a connection with its challenge: answer it on the next one */
    enum rtsp_auth_scheme worked; /* the strongest that the camera has ever accepted */
    unsigned refused;             /* schemes whose answers it has refused: bit 1 << scheme */
    bool exhausted;               /* all that it offers are refused: they are tried from the first again */
    bool digest_failed;           /* an earlier connection has seen a Digest answer refused */
    uint32_t refusals;            /* log-ins that the camera has refused; they may lock the account */
};

/* Nothing has been learnt. The credentials stay the caller's; USERNAME NULL: there are none. */
void rtsp_auth_init(struct rtsp_auth *auth, const char *username, const char *password);

/* Other credentials, or none for a host that is not the camera; what has been learnt stays. */
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

/* Whether requests have an answer to a challenge. */
bool rtsp_auth_answers(const struct rtsp_auth *auth);

/* A request that had an answer was not refused. */
void rtsp_auth_accepted(struct rtsp_auth *auth);

/*
 * Writes the line "Authorization: …\r\n", a secret, for a request. Returns its length, 0 if none is due;
 * -EMSGSIZE: it does not fit; -ENOTSUP: the algorithm is not to be had here.
 */
int rtsp_auth_write(struct rtsp_auth *auth, const char *method, const char *uri, char *out, size_t size);

/*
 * Takes one header value apart: the strongest challenge in it that is stronger than *best and whose scheme is not among
 * REFUSED (bits 1 << scheme). *digest: Digest was offered at all. For tests.
 */
void rtsp_auth_parse(const char *value, unsigned refused, struct rtsp_challenge *best, bool *digest);

#endif
