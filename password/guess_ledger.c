/* SPDX-License-Identifier: MIT */
#include "password/guess_ledger.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"

/* More wrong tries are not counted: the delay is at its longest, and an address must get better in bounded time. */
#define WRONG_MAX (GUESS_FREE + 7)
#define USER_WRONG_MAX (GUESS_USER_FREE + 80)

/* So many wrong tries for a user double the time between two. */
#define USER_STEP 20

static_assert(GUESS_DELAY_MS << (WRONG_MAX - GUESS_FREE) >= GUESS_DELAY_MAX_MS,
              "the longest delay is reached");
static_assert(GUESS_DELAY_MS << (USER_WRONG_MAX - GUESS_USER_FREE) / USER_STEP >= GUESS_USER_DELAY_MAX_MS,
              "the longest delay is reached");

struct address_entry {
    uint64_t since_ms; /* from when on wrong tries are being forgotten */
    uint64_t next_ms;  /* no try before that */
    uint64_t user;     /* that of the last tries */
    unsigned wrong;    /* 0: the entry is free */
    unsigned of_user;  /* how many of the last ones were for `user` */
};

struct user_entry {
    uint64_t since_ms;
    uint64_t next_ms, next_fresh_ms;
    unsigned wrong;
};

struct guess_ledger {
    struct guess_address
        addresses[GUESS_ADDRESSES]; /* of the entries: apart, because all of them are looked through */
    struct address_entry entries[GUESS_ADDRESSES];
    size_t count; /* of both: so many have ever been needed */
    struct user_entry users[GUESS_USERS];
};

struct guess_address guess_address_parse(const char *text)
{
    char plain[INET6_ADDRSTRLEN];
    unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff};
    size_t length = strcspn(text, "%");

    if (length >= sizeof(plain)) {
        return (struct guess_address){0};
    }
    memcpy(plain, text, length);
    plain[length] = '\0';
    if (inet_pton(AF_INET, plain, bytes + 12) != 1 && inet_pton(AF_INET6, plain, bytes) != 1) {
        return (struct guess_address){0};
    }
    const struct guess_address whole = {bytes_get_be64(bytes), bytes_get_be64(bytes + 8)};
    bool mapped = whole.high == 0 && whole.low >> 32 == 0xffff;
    return mapped ? whole : (struct guess_address){.high = whole.high, .low = 1};
}

struct guess_ledger *guess_ledger_create(void)
{
    return calloc(1, sizeof(struct guess_ledger));
}

void guess_ledger_destroy(struct guess_ledger *ledger)
{
    free(ledger);
}

/* --- What is left of what was counted ------------------------------------------------------------------- */

static unsigned left(unsigned wrong, uint64_t since_ms, uint64_t now_ms, uint64_t forget_ms)
{
    uint64_t forgotten = (now_ms - since_ms) / forget_ms;

    return forgotten < wrong ? wrong - (unsigned)forgotten : 0;
}

static unsigned address_left(const struct address_entry *entry, uint64_t now_ms)
{
    return left(entry->wrong, entry->since_ms, now_ms, GUESS_FORGET_MS);
}

static unsigned user_left(const struct user_entry *entry, uint64_t now_ms)
{
    return left(entry->wrong, entry->since_ms, now_ms, GUESS_USER_FORGET_MS);
}

/* Moves SINCE on by whole steps, so that a try does not make what is half forgotten new. */
static void move_since(uint64_t *since_ms, bool empty, uint64_t now_ms, uint64_t forget_ms)
{
    *since_ms = empty ? now_ms : *since_ms + (now_ms - *since_ms) / forget_ms * forget_ms;
}

static void settle_address(struct address_entry *entry, uint64_t now_ms)
{
    unsigned wrong = address_left(entry, now_ms), gone = entry->wrong - wrong;

    move_since(&entry->since_ms, wrong == 0, now_ms, GUESS_FORGET_MS);
    entry->of_user = entry->of_user > gone ? entry->of_user - gone : 0;
    entry->wrong = wrong;
}

static void settle_user(struct user_entry *entry, uint64_t now_ms)
{
    unsigned wrong = user_left(entry, now_ms);

    move_since(&entry->since_ms, wrong == 0, now_ms, GUESS_USER_FORGET_MS);
    entry->wrong = wrong;
}

/* --- Finding -------------------------------------------------------------------------------------------- */

static struct address_entry *find(const struct guess_ledger *ledger, struct guess_address address)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->addresses[i].high == address.high && ledger->addresses[i].low == address.low &&
            ledger->entries[i].wrong > 0) {
            return (struct address_entry *)&ledger->entries[i];
        }
    }
    return NULL;
}

/* L6. */
static size_t find_place(const struct guess_ledger *ledger, uint64_t now_ms)
{
    size_t best = 0;

    for (size_t i = 1; i < ledger->count; i++) {
        const struct address_entry *entry = &ledger->entries[i], *least = &ledger->entries[best];
        unsigned wrong = address_left(entry, now_ms), fewest = address_left(least, now_ms);
        if (wrong < fewest || (wrong == fewest && entry->since_ms < least->since_ms)) {
            best = i;
        }
    }
    return best;
}

static struct address_entry *make(struct guess_ledger *ledger, struct guess_address address, uint64_t now_ms)
{
    size_t place = ledger->count < GUESS_ADDRESSES ? ledger->count++ : find_place(ledger, now_ms);

    ledger->addresses[place] = address;
    ledger->entries[place] = (struct address_entry){.since_ms = now_ms};
    return &ledger->entries[place];
}

static struct user_entry *user_of(const struct guess_ledger *ledger, const struct guess *guess)
{
    return (struct user_entry *)&ledger->users[guess->user % GUESS_USERS];
}

/* --- The rules ------------------------------------------------------------------------------------------ */

static uint64_t until(uint64_t time_ms, uint64_t now_ms)
{
    return time_ms > now_ms ? time_ms - now_ms : 0;
}

unsigned guess_ledger_wrong(const struct guess_ledger *ledger, struct guess_address address, uint64_t now_ms)
{
    const struct address_entry *entry = find(ledger, address);

    return entry ? address_left(entry, now_ms) : 0;
}

uint64_t guess_ledger_wait_ms(const struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms)
{
    const struct address_entry *entry = find(ledger, guess->address);
    const struct user_entry *user = user_of(ledger, guess);
    bool fresh = !entry || address_left(entry, now_ms) == 0;
    uint64_t wait = entry ? until(entry->next_ms, now_ms) : 0;
    uint64_t user_wait = guess->known ? 0 : until(fresh ? user->next_fresh_ms : user->next_ms, now_ms);

    return wait > user_wait ? wait : user_wait;
}

static void count_address(struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms)
{
    struct address_entry *entry = find(ledger, guess->address);

    if (!entry) {
        entry = make(ledger, guess->address, now_ms);
    }
    settle_address(entry, now_ms);
    if (entry->user != guess->user) {
        entry->user = guess->user;
        entry->of_user = 0;
    }
    if (entry->wrong < WRONG_MAX) {
        entry->wrong++;
        entry->of_user++;
    }
    if (entry->wrong >= GUESS_FREE) {
        uint64_t delay = (uint64_t)GUESS_DELAY_MS << (entry->wrong - GUESS_FREE);
        entry->next_ms = now_ms + (delay < GUESS_DELAY_MAX_MS ? delay : GUESS_DELAY_MAX_MS);
    }
}

static void count_user(struct guess_ledger *ledger, const struct guess *guess, bool fresh, uint64_t now_ms)
{
    struct user_entry *entry = user_of(ledger, guess);

    settle_user(entry, now_ms);
    entry->wrong += entry->wrong < USER_WRONG_MAX;
    if (entry->wrong < GUESS_USER_FREE) {
        return;
    }
    uint64_t delay = (uint64_t)GUESS_DELAY_MS << (entry->wrong - GUESS_USER_FREE) / USER_STEP;
    if (fresh) {
        entry->next_fresh_ms = now_ms + GUESS_FRESH_DELAY_MS;
    } else {
        entry->next_ms = now_ms + (delay < GUESS_USER_DELAY_MAX_MS ? delay : GUESS_USER_DELAY_MAX_MS);
    }
}

void guess_ledger_try(struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms)
{
    bool fresh = guess_ledger_wrong(ledger, guess->address, now_ms) == 0;

    count_address(ledger, guess, now_ms);
    if (!guess->known) {
        count_user(ledger, guess, fresh, now_ms);
    }
}

void guess_ledger_right(struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms)
{
    struct address_entry *entry = find(ledger, guess->address);
    struct user_entry *user = user_of(ledger, guess);

    if (entry && entry->user == guess->user) {
        settle_address(entry, now_ms);
        entry->wrong -= entry->of_user < entry->wrong ? entry->of_user : entry->wrong;
        entry->of_user = 0;
        entry->next_ms = entry->wrong < GUESS_FREE ? 0 : entry->next_ms;
    }
    if (!guess->known && user->wrong > 0) {
        user->wrong--;
    }
}
