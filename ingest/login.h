/* SPDX-License-Identifier: MIT */
/*
 * The worker's side of log-ins: asks ringcastd before credentials are tried, reports the outcome, and knows until when they
 * must not be tried. While ringcastd is away, credentials that have worked are tried without its answer; others wait for
 * it. Owned by the worker; one thread.
 */
#ifndef INGEST_LOGIN_H
#define INGEST_LOGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ingest/rtsp/login_gate.h"

/* The state of the last question. */
enum login_phase {
    LOGIN_IDLE,    /* there was no question, or its outcome has been reported */
    LOGIN_ASKED,   /* no answer yet */
    LOGIN_WAITING, /* another stream is trying the same credentials */
    LOGIN_ALLOWED, /* the outcome has to be reported */
    LOGIN_DENIED,
};

/* How the log-in reaches the worker while it waits. */
struct login_callbacks {
    int (*send)(void *context, json_t *message);     /* consumed; 0 or negative errno */
    void (*wait)(void *context, int64_t timeout_ms); /* waits for messages and hands them to login_take */
    bool (*ending)(void *context);
    void *context;
};

struct login {
    struct login_callbacks callbacks;
    enum login_phase phase;
    json_int_t id; /* of the last question */
    bool proven;   /* the credentials have worked, and were not refused since */
    bool refused;  /* refused in this round of answers to the camera's challenges */
    bool news_due; /* a refusal was reported, and ringcastd has not said yet what follows from it */
    enum login_doubt doubt;
    int64_t held_ns;              /* CLOCK_MONOTONIC: nothing is tried until then; 0: not held */
    char error[LOGIN_ERROR_SIZE]; /* while it is held: the reason */
};

/* TASK: the member `login` of the `camera` message; NULL: ringcastd knows nothing of these credentials. */
void login_init(struct login *login, const struct login_callbacks *callbacks, const json_t *task);

/* Takes a message from ringcastd. False: it is not about log-ins. */
bool login_take(struct login *login, const json_t *message);

/* The gate that a source asks. */
struct login_gate login_gate(struct login *login);

/* After a connection: waits until ringcastd has said what follows from a refusal. */
void login_settle(struct login *login);

/* Nanoseconds until credentials may be tried; 0: now. */
int64_t login_held_ns(const struct login *login, int64_t now_ns);

#endif
