/* SPDX-License-Identifier: MIT */
/* Runs something in a process of its own, inside a sandbox, and says what became of it. */
#ifndef TESTS_PROCESS_SANDBOX_ATTEMPT_H
#define TESTS_PROCESS_SANDBOX_ATTEMPT_H

#include <sys/types.h>

#include "common/sandbox/sandbox.h"

/* What attempt gives, beside 0 (done) and a positive errno. */
#define ATTEMPT_TRAPPED (-1)  /* ended by SIGSYS */
#define ATTEMPT_NO_ENTRY (-2) /* sandbox_enter said no */
#define ATTEMPT_BROKEN (-3)   /* anything else */

#define ATTEMPT_LOG_SIZE 4096

struct attempt {
    enum sandbox_role role;
    const struct sandbox_needs *needs; /* of SANDBOX_INGEST */
    int (*action)(void *context);      /* in the sandbox: 0, or -1 with errno */
    void (*before)(void *context);     /* outside; NULL: nothing */
    void *context;
    char log[ATTEMPT_LOG_SIZE]; /* what the process wrote to standard error */
};

int attempt(struct attempt *attempt);

/* An ordinary user's ids for the sandbox to become if the test runs as root. Called once, first. */
void attempt_as_somebody(void);

#endif
