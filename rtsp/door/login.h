/* SPDX-License-Identifier: MIT */
/*
 * Who makes an RTSP request: Digest (RFC 7616, and as RFC 2069 did it) and Basic, against the same users and tokens as on the web, judged by
 * common/visitor. Passwords and Digest's answers are checked by ringcast-password, which slows those who guess; the wait for it is a client's own. Any
 * thread, unless a function says otherwise.
 */
#ifndef RTSP_DOOR_LOGIN_H
#define RTSP_DOOR_LOGIN_H

#include <gst/rtsp/rtsp.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/access/digest.h"
#include "common/visitor/visitor.h"

/* "realm" of both schemes. */
#define LOGIN_REALM DIGEST_REALM

/* Characters of a nonce, with the NUL: 128 random bits, for one connection. */
#define LOGIN_NONCE_SIZE 33

enum login_result {
    LOGIN_GRANTED,
    LOGIN_NEEDED, /* nothing that lets anybody in was shown: challenge */
    LOGIN_SLOWED, /* too many wrong tries, or nobody can check now: try later */
};

struct login_question {
    const char *address;
    const char *nonce; /* of the connection */
    GstRTSPMessage *request;
    const char *method;
    bool basic; /* a password in the clear is accepted here */
};

struct login;

/* NULL: no memory or no randomness. */
struct login *login_create(void);
void login_destroy(struct login *login);

/* The messages `access` and `password-channel` of ringcastd. Descriptors of the first stay the caller's; SOCKET is the login's. */
void login_take(struct login *login, int document, int once);
void login_set_channel(struct login *login, int socket);

/* To be polled by the main thread, which calls login_read when it is readable; -1: none. */
int login_fd(const struct login *login);
void login_read(struct login *login);

/* True if viewers must log in. */
bool login_is_on(struct login *login);

/* True if a user has a secret for Digest. */
bool login_has_digest(struct login *login);

/* May wait for ringcast-password. With LOGIN_GRANTED *VISITOR is a reference, to be given to login_forget; *RETRY_S is of LOGIN_SLOWED. */
enum login_result login_ask(struct login *login, const struct login_question *question,
                            struct visitor **visitor, unsigned *retry_s);

bool login_may_watch(struct login *login, struct visitor *visitor, const char *camera);

/* By what is known now. */
bool login_still_valid(struct login *login, struct visitor *visitor);

/* NULL is allowed. */
void login_forget(struct login *login, struct visitor *visitor);

/* Tokens that were refused since the last call, and the address of the last one (64 bytes). */
unsigned login_refused(struct login *login, char address[64]);

void login_make_nonce(char nonce[LOGIN_NONCE_SIZE]);

#endif
