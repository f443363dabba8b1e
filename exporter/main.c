/* SPDX-License-Identifier: MIT */
/*
 * ringcast-exporter: the admin plane, for Prometheus and for health checks. ringcastd starts it with its
 * channel at descriptor CHANNEL_CHILD_FD and sends the listening socket with the message `listen`. One
 * thread.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "exporter/admin_server.h"

static bool has_channel(void)
{
    struct stat status;

    return fstat(CHANNEL_CHILD_FD, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Waits for the message `listen`. The listening socket; -ECONNRESET: ringcastd is gone or has sent `stop`. */
static int await_listener(void)
{
    for (;;) {
        struct pollfd readable = {.fd = CHANNEL_CHILD_FD, .events = POLLIN};
        struct channel_message message;
        enum log_level level = LOG_LEVEL_INFO;
        poll(&readable, 1, -1);
        int result = channel_receive(CHANNEL_CHILD_FD, &message);
        if (result == 0) {
            return -ECONNRESET;
        }
        if (result == -EAGAIN || result == -EBADMSG) {
            continue;
        }
        if (result < 0) {
            return result;
        }
        int listener = message_is(message.body, "listen") ? channel_message_take_fd(&message, 0) : -1;
        bool stop = message_is(message.body, "stop");
        if (message_is(message.body, BLACKBOX_MESSAGE)) {
            blackbox_carry(channel_message_take_fd(&message, 0));
        }
        if (log_level_from_name(message_string(message.body, "log_level", "info"), &level) == 0) {
            log_set_level(level);
        }
        channel_message_clear(&message);
        if (listener >= 0) {
            return listener;
        }
        if (stop) {
            return -ECONNRESET;
        }
    }
}

static int tell_ready(void)
{
    json_t *ready = message_pack("ready", "{s:o}", "sandbox", sandbox_layers());
    int result = ready ? channel_send(CHANNEL_CHILD_FD, ready, NULL, 0) : -ENOMEM;

    json_decref(ready);
    return result;
}

int main(int argc, char **argv)
{
    struct admin_server *server = NULL;

    (void)argv;
    if (argc > 1 || !has_channel()) {
        fprintf(stderr, "ringcast-exporter is started by ringcastd, not by hand\n");
        return 2;
    }
    signal(SIGINT, SIG_IGN); /* on a terminal's Ctrl-C ringcastd sends `stop` */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    log_open("exporter", NULL);
    log_follow_format();
    int listener = await_listener();
    int result = listener >= 0 ? admin_server_create(CHANNEL_CHILD_FD, listener, &server) : listener;
    if (result == 0) {
        result = sandbox_enter(SANDBOX_EXPORTER, NULL);
    }
    if (result == 0) {
        result = tell_ready();
    }
    if (result == 0) {
        result = admin_server_run(server);
    }
    if (result < 0 && result != -ECONNRESET) {
        log_error("exporter failed: %s", strerror(-result));
    }
    admin_server_destroy(server);
    log_close();
    return result < 0 && result != -ECONNRESET ? EXIT_FAILURE : EXIT_SUCCESS;
}
