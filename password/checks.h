/* SPDX-License-Identifier: MIT */
/*
 * Checks of passwords, from the question to the answer: what is known is answered at once, what is slowed too, and the rest
 * waits until its password is hashed, one at a time. It reads and writes nothing. Owned by the server (server.h); one thread.
 */
#ifndef PASSWORD_CHECKS_H
#define PASSWORD_CHECKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/access/digest.h"

struct checks;

enum checks_result { CHECKS_RIGHT, CHECKS_WRONG, CHECKS_SLOW };

struct checks_question {
    uint64_t client; /* who asks: the answer goes there */
    json_int_t number;
    const char *user, *password, *address;
};

/* Gives an answer; RETRY_S: of CHECKS_SLOW, the seconds after which it may be tried again. */
typedef void checks_answer(void *data, uint64_t client, json_int_t number, enum checks_result result,
                           unsigned retry_s);

/* What was done so far. */
struct checks_counts {
    json_int_t right, wrong, slowed; /* answers */
    json_int_t hashed;               /* passwords that were computed */
};

/* NULL: out of memory, or no random numbers. */
struct checks *checks_create(checks_answer *answer, void *data);
void checks_destroy(struct checks *checks);

/* As user_table_read. Passwords that are known are forgotten. */
int checks_set_users(struct checks *checks, const json_t *document);

/* QUESTION is answered now or, if it waits, in a later turn. Times are CLOCK_MONOTONIC. */
void checks_ask(struct checks *checks, const struct checks_question *question, uint64_t now_ms);

/* The same for an answer of Digest, which costs no time: always answered now. */
struct checks_digest_question {
    uint64_t client;
    json_int_t number;
    const char *user, *address;
    const struct digest_answer *answer;
};

void checks_ask_digest(struct checks *checks, const struct checks_digest_question *question, uint64_t now_ms);

/* A question is no longer asked: it gets no answer. */
void checks_cancel(struct checks *checks, uint64_t client, json_int_t number);
void checks_forget_client(struct checks *checks, uint64_t client);

/* True if a password waits to be hashed. */
bool checks_waiting(const struct checks *checks);

/* Hashes one password and answers. READ_CLOCK is called before and after it. */
void checks_turn(struct checks *checks, uint64_t (*read_clock)(void));

struct checks_counts checks_counts(const struct checks *checks);

/* As refusals_wait_ms and refusals_take. */
uint64_t checks_report_wait_ms(const struct checks *checks, uint64_t now_ms);
json_t *checks_report(struct checks *checks, uint64_t now_ms);

#endif
