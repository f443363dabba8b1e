/* SPDX-License-Identifier: MIT */
/*
 * An event of a camera, by which somebody asks for the attention of those who watch: what may be in it, wherever it comes from
 * (docs/reference/http.md, "Events"). Pure functions: any process, any thread.
 */
#ifndef COMMON_IPC_ATTENTION_H
#define COMMON_IPC_ATTENTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of the longest text, and of what is wrong with an event, with its NUL. */
#define ATTENTION_TEXT_MAX 200
#define ATTENTION_WHY_SIZE 128

/* Seconds for which it may be shown, and for which it is if nothing is said. */
#define ATTENTION_SECONDS_MAX 3600
#define ATTENTION_SECONDS_USUAL 20

/* How many events there may be at once, and how many each second, with a burst at the start. */
#define ATTENTION_MOST 1024u
#define ATTENTION_PER_SECOND 20
#define ATTENTION_BURST 40

/*
 * Reads what somebody GIVES (not consumed): `camera`, and if he wants `text`, `for` (seconds; 0 ends the camera's event), `large`, `first`,
 * `sound`. Returns a new object with all of these, or NULL: WHY says what is wrong. Members with other names are errors.
 */
json_t *attention_read(const json_t *given, char why[ATTENTION_WHY_SIZE]);

/* How many are left of ATTENTION_BURST, which come back with time. */
struct attention_budget {
    double left;
    int64_t at_ns; /* CLOCK_MONOTONIC; 0: not used yet */
};

/* True if one more may come at NOW_NS. */
bool attention_spend(struct attention_budget *budget, int64_t now_ns);

#endif
