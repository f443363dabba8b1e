/* SPDX-License-Identifier: MIT */
/*
 * What is known of log-ins at cameras, and whether the next one may be tried. Cameras lock an account after five
 * to seven wrong passwords, for half an hour or for good, and count those of all streams together. So all
 * streams of one host share what is known here. The host is the one in the URL, without its port, because the
 * account is the camera's.
 *
 * A log-in is one request with credentials that the camera did not know yet. It goes
 *
 *     ask ──▶ GRANTED ──▶ accepted | refused | forbidden | unanswered | lost (its worker died)
 *      ├────▶ QUEUED: another stream is trying; ask again after its outcome
 *      └────▶ HELD for a time
 *
 * Several log-ins in a row, for cameras that offer more than one kind of challenge, are one round. A round that
 * ends with a refusal holds the credentials.
 *
 *   L1 In any LOGIN_WINDOW_MS at most LOGIN_REFUSALS_MAX log-ins that were granted are refused, whatever else
 *      happens. A log-in under way counts as if it were refused.
 *   L2 Credentials that have never worked at this host are tried by one stream at a time.
 *   L3 A stream whose credentials have worked is not held for the refusals of other streams, because some cameras
 *      refuse one stream to a user and show another. It is held by L1, and when it is refused itself, all are.
 *      A stream that plays is asked to find out whether they still work (login_ledger_ask_playing), so that none
 *      is held because another one lost its rights.
 *   L4 lift() ends a hold but not L1.
 *
 * The ledger holds no password: a fingerprint of 16 bits shows whether it is another one. Nothing here reads a
 * clock: NOW_MS is CLOCK_MONOTONIC, in milliseconds. Owned by logins.h; one thread.
 */
#ifndef SUPERVISOR_CAMERA_LOGIN_LEDGER_H
#define SUPERVISOR_CAMERA_LOGIN_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LOGIN_WINDOW_MS INT64_C(600000)
#define LOGIN_REFUSALS_MAX 5

/*
 * The limit for a stream whose credentials have never worked. One refusal is left to streams whose
 * credentials have, and to requests that a running session sends without asking.
 */
#define LOGIN_REFUSALS_UNPROVEN_MAX 4

/* An outcome that was not reported for so long will not come: a worker gives up its connection sooner. */
#define LOGIN_ROUND_MAX_MS 60000

/* How many hosts, and credentials of a host, are remembered; the least recently used are forgotten. */
#define LOGIN_HOSTS_MAX 4096
#define LOGIN_CREDENTIALS_MAX 16

/* Streams for which credentials have worked. */
#define LOGIN_STREAMS_MAX 512

struct login_ledger;

/* Where and as what a stream logs in. Strings are the caller's. */
struct login_key {
    const char *host; /* lower case */
    const char *user;
    uint16_t fingerprint; /* of the password, salted */
};

enum login_verdict { LOGIN_GRANTED, LOGIN_QUEUED, LOGIN_HELD };

struct login_answer {
    enum login_verdict verdict;
    int64_t wait_ms; /* HELD: ask again then */
    bool capped;     /* HELD: by L1, not by a hold */
    bool forbidden;  /* the last refusal was 403 and not 401 */
    unsigned
        refused; /* log-ins with these credentials since they last worked; 0: it is not known that any was */
    int64_t refused_ms;  /* how long ago the first of them was */
    unsigned host_count; /* log-ins at this host that were refused in the last LOGIN_WINDOW_MS */
};

/* NULL: out of memory. */
struct login_ledger *login_ledger_create(void);
void login_ledger_destroy(struct login_ledger *ledger); /* NULL is allowed */

/*
 * Asks whether STREAM may log in. If it may, a log-in is under way from now on; its outcome must be reported.
 */
struct login_answer login_ledger_ask(struct login_ledger *ledger, const struct login_key *key,
                                     const char *stream, int64_t now_ms);

/*
 * The same for a stream that plays, with a session in which the camera accepted these credentials: they were just refused to
 * another stream. A hold does not hold it, and only one such stream is granted at a time, while few refusals are known.
 */
struct login_answer login_ledger_ask_playing(struct login_ledger *ledger, const struct login_key *key,
                                             const char *stream, int64_t now_ms);

/* What the answer would be, as far as holds go; nothing changes. GRANTED or HELD. */
struct login_answer login_ledger_look(const struct login_ledger *ledger, const struct login_key *key,
                                      const char *stream, int64_t now_ms);

/* Whether a log-in of STREAM is under way; and that one is, which another ringcastd has granted. */
bool login_ledger_pending(const struct login_ledger *ledger, const struct login_key *key, const char *stream);
void login_ledger_resume(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                         int64_t now_ms);

/* Whether these credentials have worked for STREAM, and were not refused since. */
bool login_ledger_proven(const struct login_ledger *ledger, const struct login_key *key, const char *stream);

/* The camera took the credentials. What it refused in the same round was about something else. */
void login_ledger_accepted(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                           int64_t now_ms);

/* It refused them (401), also in a session that did not ask. MORE: the same round goes on. */
void login_ledger_refused(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                          bool more, int64_t now_ms);

/*
 * It answered 403: a refusal if they have never worked here (a locked account), else about the stream alone.
 */
void login_ledger_forbidden(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                            int64_t now_ms);

/* It did not answer, or not about them; or the log-in was not made; or the round is over. */
void login_ledger_unanswered(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                             int64_t now_ms);

/* The worker died. A log-in that was under way counts for L1, and begins no hold. */
void login_ledger_lost(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                       int64_t now_ms);

/* The operator wants another try: L4. */
void login_ledger_lift(struct login_ledger *ledger, const struct login_key *key);

/* Whether anything changed that a next ringcastd should know, since this was asked last. */
bool login_ledger_changed(struct login_ledger *ledger);

/*
 * All of it. Log-ins under way with credentials that have never worked are written as refused; of others the
 * caller takes care (resume), so that what works costs no writing. NULL: out of memory.
 */
json_t *login_ledger_to_json(const struct login_ledger *ledger, int64_t now_ms);

/*
 * Takes in what login_ledger_to_json wrote, in an empty ledger. After a restart of the machine less time may
 * seem to have passed than has, and never more. 0; -EBADMSG: it is damaged, and the ledger is empty; -ENOMEM.
 */
int login_ledger_from_json(struct login_ledger *ledger, const json_t *json, int64_t now_ms);

#endif
