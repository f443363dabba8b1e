/* SPDX-License-Identifier: MIT */
#include "password/checks.h"

#include <stdlib.h>
#include <string.h>

#include "password/check_queue.h"
#include "password/guess_ledger.h"
#include "password/known.h"
#include "password/refusals.h"
#include "password/user_table.h"

/* What to say where nothing is slowed but too much waits. */
#define BUSY_RETRY_MS 1000

struct checks {
    checks_answer *answer;
    void *data;
    struct user_table *users;
    struct guess_ledger *ledger;
    struct known_table *known;
    struct check_queue *queue;
    struct refusals *refusals;
    struct checks_counts counts;
};

struct checks *checks_create(checks_answer *answer, void *data)
{
    struct checks *checks = calloc(1, sizeof(*checks));

    if (!checks) {
        return NULL;
    }
    *checks = (struct checks){.answer = answer,
                              .data = data,
                              .users = user_table_create(),
                              .ledger = guess_ledger_create(),
                              .known = known_table_create(),
                              .queue = check_queue_create(),
                              .refusals = refusals_create()};
    if (!checks->users || !checks->ledger || !checks->known || !checks->queue || !checks->refusals) {
        checks_destroy(checks);
        return NULL;
    }
    return checks;
}

void checks_destroy(struct checks *checks)
{
    if (!checks) {
        return;
    }
    refusals_destroy(checks->refusals);
    check_queue_destroy(checks->queue);
    known_table_destroy(checks->known);
    guess_ledger_destroy(checks->ledger);
    user_table_destroy(checks->users);
    free(checks);
}

int checks_set_users(struct checks *checks, const json_t *document)
{
    int result = user_table_read(checks->users, document);

    if (result == 0) {
        known_table_forget_passwords(checks->known);
    }
    return result;
}

/* --- Answers -------------------------------------------------------------------------------------------- */

static void answer(struct checks *checks, uint64_t client, json_int_t number, enum checks_result result,
                   uint64_t wait_ms)
{
    checks->counts.right += result == CHECKS_RIGHT;
    checks->counts.wrong += result == CHECKS_WRONG;
    checks->counts.slowed += result == CHECKS_SLOW;
    checks->answer(checks->data, client, number, result, (unsigned)((wait_ms + 999) / 1000));
}

/* Consumes CHECK. */
static void answer_slow(struct checks *checks, struct check *check, uint64_t wait_ms, uint64_t now_ms)
{
    refusals_add(checks->refusals, check->user, check->address_text, true, now_ms);
    answer(checks, check->client, check->number, CHECKS_SLOW, wait_ms > 0 ? wait_ms : BUSY_RETRY_MS);
    check_destroy(check);
}

static bool is_known_right(struct checks *checks, const struct check *check, bool slowed, uint64_t now_ms)
{
    const char *hash = user_table_hash(checks->users, check->user);

    return hash && known_table_right(checks->known, check->user, check->guess.address, hash, check->password,
                                     slowed, now_ms);
}

/* --- Questions ------------------------------------------------------------------------------------------ */

static struct check *make_check(struct checks *checks, const struct checks_question *question,
                                uint64_t now_ms)
{
    struct check *check = check_create(question->user, question->password, question->address);

    if (!check) {
        return NULL;
    }
    check->client = question->client;
    check->number = question->number;
    check->guess.user = known_table_number(checks->known, question->user);
    check->guess.known = known_table_has(checks->known, question->user, check->guess.address);
    check->fresh = guess_ledger_wrong(checks->ledger, check->guess.address, now_ms) == 0;
    return check;
}

static void take_in(struct checks *checks, struct check *check, uint64_t now_ms)
{
    uint64_t wait = guess_ledger_wait_ms(checks->ledger, &check->guess, now_ms);

    if (is_known_right(checks, check, wait > 0, now_ms)) {
        answer(checks, check->client, check->number, CHECKS_RIGHT, 0);
        check_destroy(check);
        return;
    }
    struct check *gone = wait > 0 ? check : check_queue_push(checks->queue, check);
    if (gone) {
        answer_slow(checks, gone, wait, now_ms);
    }
}

void checks_ask(struct checks *checks, const struct checks_question *question, uint64_t now_ms)
{
    bool possible =
        strlen(question->user) <= USER_NAME_MAX && strlen(question->password) <= USER_PASSWORD_MAX;
    struct check *check = possible ? make_check(checks, question, now_ms) : NULL;

    if (check) {
        take_in(checks, check, now_ms);
    } else {
        answer(checks, question->client, question->number, possible ? CHECKS_SLOW : CHECKS_WRONG,
               possible ? BUSY_RETRY_MS : 0);
    }
}

/*
 * Whoever logged in by Digest from this address before is not slowed, as with a password (known.h): an entry for the secret itself says
 * so. A wrong answer is never told from one that was not tried while the address is slowed.
 */
void checks_ask_digest(struct checks *checks, const struct checks_digest_question *question, uint64_t now_ms)
{
    bool possible = strlen(question->user) <= USER_NAME_MAX;
    const char *secret =
        possible ? user_table_digest(checks->users, question->user, question->answer->algorithm) : NULL;
    struct guess guess = {.address = guess_address_parse(question->address),
                          .user = known_table_number(checks->known, question->user),
                          .known = false};
    guess.known = known_table_has(checks->known, question->user, guess.address);
    uint64_t wait = guess_ledger_wait_ms(checks->ledger, &guess, now_ms);
    bool known = secret && known_table_right(checks->known, question->user, guess.address, secret, secret,
                                             wait > 0, now_ms);
    bool right = secret && (wait == 0 || known) && digest_matches(question->answer, secret);

    if (wait == 0) {
        guess_ledger_try(checks->ledger, &guess, now_ms);
    }
    if (right) {
        if (wait == 0) {
            guess_ledger_right(checks->ledger, &guess, now_ms);
        }
        known_table_learn(checks->known, question->user, guess.address, secret, secret, now_ms);
        answer(checks, question->client, question->number, CHECKS_RIGHT, 0);
        return;
    }
    refusals_add(checks->refusals, question->user, question->address, wait > 0, now_ms);
    answer(checks, question->client, question->number, wait > 0 ? CHECKS_SLOW : CHECKS_WRONG, wait);
}

void checks_cancel(struct checks *checks, uint64_t client, json_int_t number)
{
    check_destroy(check_queue_take(checks->queue, client, number));
}

void checks_forget_client(struct checks *checks, uint64_t client)
{
    check_queue_drop(checks->queue, client);
}

/* --- Hashing -------------------------------------------------------------------------------------------- */

bool checks_waiting(const struct checks *checks)
{
    return check_queue_length(checks->queue) > 0;
}

/* Takes out what has come to be slowed while it waited, up to the first check that may be tried; NULL: none is left. */
static struct check *next_to_try(struct checks *checks, uint64_t now_ms)
{
    struct check *check;

    while ((check = check_queue_pop(checks->queue))) {
        uint64_t wait = guess_ledger_wait_ms(checks->ledger, &check->guess, now_ms);
        if (is_known_right(checks, check, wait > 0, now_ms)) { /* learnt while it waited */
            answer(checks, check->client, check->number, CHECKS_RIGHT, 0);
            check_destroy(check);
        } else if (wait > 0) {
            answer_slow(checks, check, wait, now_ms);
        } else {
            return check;
        }
    }
    return NULL;
}

/* The others of an address that is slowed from now on need not wait for their turn to learn it. */
static void release_slowed(struct checks *checks, const struct guess *guess, uint64_t now_ms)
{
    struct check *check;

    if (guess_ledger_wait_ms(checks->ledger, &(struct guess){.address = guess->address, .known = true},
                             now_ms) == 0) {
        return;
    }
    while ((check = check_queue_pop_of(checks->queue, guess->address))) {
        take_in(checks, check, now_ms);
    }
}

static void conclude(struct checks *checks, struct check *check, bool right, uint64_t now_ms)
{
    if (right) {
        const char *hash = user_table_hash(checks->users, check->user);
        guess_ledger_right(checks->ledger, &check->guess, now_ms);
        known_table_learn(checks->known, check->user, check->guess.address, hash, check->password, now_ms);
    } else {
        refusals_add(checks->refusals, check->user, check->address_text, false, now_ms);
    }
    answer(checks, check->client, check->number, right ? CHECKS_RIGHT : CHECKS_WRONG, 0);
    release_slowed(checks, &check->guess, now_ms);
    check_destroy(check);
}

void checks_turn(struct checks *checks, uint64_t (*read_clock)(void))
{
    uint64_t now_ms = read_clock();
    struct check *check = next_to_try(checks, now_ms);

    if (!check) {
        return;
    }
    guess_ledger_try(checks->ledger, &check->guess, now_ms);
    checks->counts.hashed++;
    bool right = user_table_check(checks->users, check->user, check->guess.user, check->password);
    conclude(checks, check, right, read_clock());
}

/* --- Reports -------------------------------------------------------------------------------------------- */

struct checks_counts checks_counts(const struct checks *checks)
{
    return checks->counts;
}

uint64_t checks_report_wait_ms(const struct checks *checks, uint64_t now_ms)
{
    return refusals_wait_ms(checks->refusals, now_ms);
}

json_t *checks_report(struct checks *checks, uint64_t now_ms)
{
    return refusals_take(checks->refusals, now_ms);
}
