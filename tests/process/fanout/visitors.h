/* SPDX-License-Identifier: MIT */
/*
 * What tests of who may watch begin with: a ringcast-fanout with the cameras `front` and `yard`, users and tokens, and the test in
 * the place of ringcastd and of ringcast-password. Everything fails the test (cmocka) rather than return an error.
 */
#ifndef TESTS_PROCESS_FANOUT_VISITORS_H
#define TESTS_PROCESS_FANOUT_VISITORS_H

#include <jansson.h>

#include "tests/process/fanout/fixture.h"

#define TOKEN_FRONT "rct_00000001_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_ALL "rct_00000002_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TOKEN_ONCE "rct_00000003_ccccccccccccccccccccccccccccccccccccccccccc"
#define TOKEN_UNKNOWN "rct_00000009_ddddddddddddddddddddddddddddddddddddddddddd"

#define BEARER_FRONT "Authorization: Bearer " TOKEN_FRONT "\r\n"
#define BEARER_ALL "Authorization: Bearer " TOKEN_ALL "\r\n"

/* anna:secret, otto:wrong */
#define BASIC_ANNA "Authorization: Basic YW5uYTpzZWNyZXQ=\r\n"
#define BASIC_OTTO "Authorization: Basic b3R0bzp3cm9uZw==\r\n"

extern struct source yard;

/* Begins and ends all that. */
void visitors_set_up(void **state);
void visitors_tear_down(void **state);

/* The access document that the tests begin with: anna has `front*`, otto, an operator, all; TOKEN_FRONT, TOKEN_ALL, TOKEN_ONCE. */
json_t *usual_access(void);

/* Waits until all that the fan-out was told before counts. */
void settle(void);

/* Sends DOCUMENT (consumed), and waits until it counts. */
void tell_access(json_t *document);

/* Another ringcast-password is there; or, with END, none any more. */
void begin_passwords(void);
void end_passwords(void);

/* The next message of TYPE that the fan-out sends to ringcast-password. The caller owns it. */
json_t *next_of_passwords(const char *type);

/* Waits for the question whether PASSWORD is USER's. Returns its number. */
json_int_t expect_question(const char *user, const char *password);

/* True if the fan-out has asked something that was not read yet. */
bool is_asked(void);

void answer_question(json_int_t number, const char *result, int retry_s);

#endif
