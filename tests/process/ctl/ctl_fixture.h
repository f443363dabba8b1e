/* SPDX-License-Identifier: MIT */
/*
 * Runs ringcastctl, and a false ringcastd (an NNG REP socket in a process of its own) for it to talk to. The
 * test itself never uses NNG: a process that did could not fork.
 */
#ifndef TESTS_PROCESS_CTL_CTL_FIXTURE_H
#define TESTS_PROCESS_CTL_CTL_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

/* What the false ringcastd answers to requests of one type. */
struct ctl_answer {
    const char *type; /* of the request; NULL: the end of the answers */
    const char
        *text; /* raw; "PID" in it becomes the false ringcastd's process id; NULL: end without an answer */
    size_t padding; /* bytes of spaces after it */
    bool end;       /* exit some time after answering */
};

/* What ringcastctl did. */
struct ctl_result {
    int code; /* exit status, -1: killed by a signal */
    char out[16384];
    char err[16384];
};

/* cmocka set-up and teardown: an empty working directory; the false ringcastd is ended, its requests
 * forgotten. */
int ctl_fixture_enter(void **state);
int ctl_fixture_leave(void **state);

/* The fixture's directory, absolute. */
const char *ctl_fixture_directory(void);

/* Starts the false ringcastd on control.sock in the directory. */
void ctl_fixture_serve(const struct ctl_answer *answers);

/* A socket that accepts and never says anything. */
void ctl_fixture_serve_silence(void);

/* True if the false ringcastd has ended. */
bool ctl_fixture_server_has_ended(void);

/* The requests that it got, one line each, as text. */
const char *ctl_fixture_requests(void);

/* What ringcastctl's standard input will be in this test; nothing without it. */
void ctl_fixture_input(const char *text);

/*
 * Runs ringcastctl with ARGUMENTS (ending with NULL); "SOCKET" among them becomes the control socket's URL.
 */
void ctl_fixture_run(struct ctl_result *result, const char *const *arguments);

/* The same in two steps. */
pid_t ctl_fixture_start(const char *const *arguments);
void ctl_fixture_finish(pid_t child, struct ctl_result *result);

#endif
