/*
 * The worker's side of log-ins: asks ringcastd before credentials are tried, tells it what became of them, and knows
 * until when they are not to be tried. Credentials that have worked are tried without an answer when ringcastd is away;
 * others wait for it. Owned by the worker; one thread.
 */
#ifndef INGEST_LOGIN_H
#define INGEST_LOGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ingest/rtsp/login_gate.h"

/* What the last question has come to. */
enum login_phase {
    LOGIN_IDLE,    /* nothing was asked, or its outcome has been told */
    LOGIN_ASKED,   /* no answer yet */
    LOGIN_WAITING, /* another stream is trying the same */
    LOGIN_ALLOWED, /* the outcome is to be told */
    LOGIN_DENIED,
};

/* How the worker is reached meanwhile. */
struct login_callbacks {
    int (*send)(void *context, json_t *message);     /* consumed; 0 or negative errno */
    void (*wait)(void *context, int64_t timeout_ms); /* for messages, which are handed to login_take */
    bool (*ending)(void *context);
    void *context;
};

struct login {
    struct login_callbacks callbacks;
    enum login_phase phase;
    json_int_t id;                /* of the last question */
    bool proven;                  /* the credentials have worked, and were not refused since */
    bool refused;                 /* in this round of answers to one camera's challenges */
    bool news_due;                /* a refusal was told, and what comes of it is not known yet */
    int64_t held_ns;              /* CLOCK_MONOTONIC: until then nothing is tried; 0: not held */
    char error[LOGIN_ERROR_SIZE]; /* while it is held: why */
};

/* TASK: the member `login` of the `camera` message; NULL: ringcastd knows nothing of these credentials. */
void login_init(struct login *login, const struct login_callbacks *callbacks, const json_t *task);

/* Takes a message in. False: it is not about log-ins. */
bool login_take(struct login *login, const json_t *message);

/* The gate of a source. */
struct login_gate login_gate(struct login *login);

/* After a connection: waits for what comes of a refusal. */
void login_settle(struct login *login);

/* Nanoseconds until credentials may be tried; 0: now. */
int64_t login_held_ns(const struct login *login, int64_t now_ns);

#endif
