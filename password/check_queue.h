/* SPDX-License-Identifier: MIT */
/*
 * Checks that wait for their turn, since one password is hashed at a time. Fair between addresses: the checks of an address
 * wait in a line of their own, and the lines take turns. Owned by the checks (checks.h); one thread.
 *
 *   Q1  First come users whose password was right from their address before, then addresses that got nothing wrong, then the
 *       others, which have every fourth turn all the same. So a flood from one address, or from many that guess, delays
 *       somebody else by two hashes.
 *   Q2  A line has CHECK_LINE_MAX checks, a client (a fan-out) CHECK_CLIENT_MAX. If a client's are used up, a check takes the
 *       place of the last one in that client's longest line, unless its own line is as long.
 */
#ifndef PASSWORD_CHECK_QUEUE_H
#define PASSWORD_CHECK_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "password/guess_ledger.h"

#define CHECK_LINE_MAX 8
#define CHECK_CLIENT_MAX 128

struct check {
    TAILQ_ENTRY(check) next;
    uint64_t client;
    json_int_t number;
    char *user, *password;
    char *address_text;
    struct guess guess;
    bool fresh; /* the address got nothing wrong */
};

struct check_queue;

/* NULL: out of memory. */
struct check *check_create(const char *user, const char *password, const char *address);
/* Wipes the password. NULL is allowed. */
void check_destroy(struct check *check);

struct check_queue *check_queue_create(void);
void check_queue_destroy(struct check_queue *queue);

/*
 * Takes CHECK over. NULL: it waits; otherwise the check for which there is no place, CHECK itself or another one of the same client,
 * which the caller answers and destroys.
 */
struct check *check_queue_push(struct check_queue *queue, struct check *check);

/* Takes the next check out. NULL: none waits. */
struct check *check_queue_pop(struct check_queue *queue);

/* Takes out the next check of ADDRESS. NULL: none waits. */
struct check *check_queue_pop_of(struct check_queue *queue, struct guess_address address);

/* Takes out check NUMBER of CLIENT. NULL: it does not wait. */
struct check *check_queue_take(struct check_queue *queue, uint64_t client, json_int_t number);

/* Destroys all checks of CLIENT. */
void check_queue_drop(struct check_queue *queue, uint64_t client);

size_t check_queue_length(const struct check_queue *queue);

#endif
