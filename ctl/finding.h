/* SPDX-License-Identifier: MIT */
/*
 * What `doctor` and `probe` have found: a list, in JSON, of objects with `level`, `subject` (what it is about: "clock", a camera's
 * name), `what`, and `do`, which is what to do about it, in plain words; null if there is nothing to do. One thread.
 */
#ifndef CTL_FINDING_H
#define CTL_FINDING_H

#include <jansson.h>

#include "ctl/options.h"

enum finding_level {
    FINDING_GOOD,    /* as it should be */
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* works, and could be better, or will not work for ever */
    FINDING_ERROR,   /* does not work */
};

/* Appends to FINDINGS, an array. ADVICE: `do`, or NULL. */
void finding_add(json_t *findings, enum finding_level level, const char *subject, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Prints FINDINGS for people, control characters escaped. */
void finding_print(const json_t *findings);

/* EXIT_CODE_FOUND if one of them is an error, else EXIT_CODE_OK. */
enum exit_code finding_exit_code(const json_t *findings);

#endif
