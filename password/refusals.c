/* SPDX-License-Identifier: MIT */
#include "password/refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ipc/message.h"
#include "password/user_table.h"

#define ADDRESS_SIZE 64

struct refusal {
    char user[USER_NAME_MAX + 1]; /* the last one */
    char address[ADDRESS_SIZE];   /* "": those that have no place of their own */
    uint64_t due_ms; /* of the next report; the place is free when that is over and nothing was counted */
    json_int_t count, slowed; /* since the last report */
};

struct refusals {
    struct refusal list[REFUSALS_MAX];
    struct refusal others;
};

struct refusals *refusals_create(void)
{
    return calloc(1, sizeof(struct refusals));
}

void refusals_destroy(struct refusals *refusals)
{
    free(refusals);
}

static bool is_free(const struct refusal *refusal, uint64_t now_ms)
{
    return refusal->count + refusal->slowed == 0 && refusal->due_ms <= now_ms;
}

static struct refusal *place_of(struct refusals *refusals, const char *address, uint64_t now_ms)
{
    struct refusal *vacant = NULL;

    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        struct refusal *refusal = &refusals->list[i];
        if (is_free(refusal, now_ms)) {
            vacant = vacant ? vacant : refusal;
        } else if (strcmp(refusal->address, address) == 0) {
            return refusal;
        }
    }
    if (!vacant) {
        return &refusals->others;
    }
    text_copy(vacant->address, sizeof(vacant->address), address);
    vacant->due_ms = now_ms;
    return vacant;
}

void refusals_add(struct refusals *refusals, const char *user, const char *address, bool slowed,
                  uint64_t now_ms)
{
    struct refusal *refusal = place_of(refusals, address, now_ms);

    if (refusal != &refusals->others) {
        text_copy(refusal->user, sizeof(refusal->user), user);
    }
    refusal->slowed += slowed;
    refusal->count += !slowed;
}

static void note_due(const struct refusal *refusal, uint64_t now_ms, uint64_t *wait)
{
    uint64_t due = refusal->due_ms > now_ms ? refusal->due_ms - now_ms : 0;

    if (refusal->count + refusal->slowed > 0 && due < *wait) {
        *wait = due;
    }
}

uint64_t refusals_wait_ms(const struct refusals *refusals, uint64_t now_ms)
{
    uint64_t wait = UINT64_MAX;

    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        note_due(&refusals->list[i], now_ms, &wait);
    }
    note_due(&refusals->others, now_ms, &wait);
    return wait;
}

static json_t *take(struct refusal *refusal, uint64_t now_ms)
{
    if (refusal->count + refusal->slowed == 0 || refusal->due_ms > now_ms) {
        return NULL;
    }
    json_t *report =
        json_pack("{s:o, s:o, s:I, s:I}", "user", message_text(refusal->user), "address",
                  message_text(refusal->address), "count", refusal->count, "slowed", refusal->slowed);
    refusal->count = refusal->slowed = 0;
    refusal->due_ms = now_ms + REFUSALS_INTERVAL_MS;
    return report;
}

json_t *refusals_take(struct refusals *refusals, uint64_t now_ms)
{
    json_t *report = take(&refusals->others, now_ms);

    for (size_t i = 0; i < REFUSALS_MAX && !report; i++) {
        report = take(&refusals->list[i], now_ms);
    }
    return report;
}
