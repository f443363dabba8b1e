/* SPDX-License-Identifier: MIT */
/*
 * A ringcastd of ringcastctl's own, without cameras, whose log is at the level debug, in a directory that nobody else can enter, at a free loopback port: for
 * looking at a camera as ringcast does, with its sandboxes, beside a ringcastd that may run. One thread.
 */
#ifndef CTL_PRIVATE_DAEMON_H
#define CTL_PRIVATE_DAEMON_H

#include <sys/types.h>

#include "ctl/options.h"

struct private_daemon {
    char directory[64]; /* "": none */
    char url[128];      /* of its control socket */
    char log[96];       /* path of its log */
    pid_t pid;          /* 0: none */
};

/* Starts it and waits until it answers. Failures are printed. private_daemon_end is needed in any case. */
enum exit_code private_daemon_start(struct private_daemon *daemon);

/* Ends it, if it runs, and removes the directory. */
void private_daemon_end(struct private_daemon *daemon);

#endif
