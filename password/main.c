/* SPDX-License-Identifier: MIT */
/*
 * ringcast-password checks viewers' passwords, so that no fan-out waits for a hash or has one. ringcastd starts it with its
 * channel at descriptor CHANNEL_CHILD_FD, and sends the users and a socket to each fan-out. One thread.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/secret.h"
#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "password/server.h"

static bool has_channel(void)
{
    struct stat status;

    return fstat(CHANNEL_CHILD_FD, &status) == 0 && S_ISSOCK(status.st_mode);
}

int main(int argc, char **argv)
{
    struct server *server = NULL;

    (void)argv;
    if (argc > 1 || !has_channel()) {
        fprintf(stderr, "ringcast-password is started by ringcastd, not by hand\n");
        return 2;
    }
    signal(SIGINT, SIG_IGN); /* on a terminal's Ctrl-C ringcastd sends `stop` */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    json_set_alloc_funcs(malloc, secret_release); /* passwords and hashes come in messages */
    log_open("password", NULL);
    log_follow_format();
    int result = server_create(CHANNEL_CHILD_FD, &server);
    if (result == 0) {
        result = sandbox_enter(SANDBOX_PASSWORD, NULL);
    }
    if (result == 0) {
        result = server_run(server);
    }
    if (result < 0) {
        log_error("no password can be checked: %s", strerror(-result));
    }
    server_destroy(server);
    log_close();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
