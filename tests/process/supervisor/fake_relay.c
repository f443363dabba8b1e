/* SPDX-License-Identifier: MIT */
/*
 * Stands in for ringcast-relay: notes every message in relay.log, and greets each worker that it is connected with by a line with the camera's
 * name. Orders, each for once: relay-dies, relay-idle (it says that it is idle), relay-alone (it says that NATS refuses it),
 * relay-views (it says of two nodes how they are, and gives the camera "both" to node b).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/fake_program.h"

/* Between two looks for an order. */
#define LOOK_MS 20

static void obey(void)
{
    if (fake_ordered_once("relay-dies")) {
        exit(7);
    }
    if (fake_ordered_once("relay-idle")) {
        fake_send("idle", NULL);
        fake_note("relay.log", "idle was said");
    }
    if (fake_ordered_once("relay-alone")) {
        fake_send("link", json_pack("{s:b, s:s}", "up", 0, "why", "it refuses this node"));
    }
    if (fake_ordered_once("relay-views")) {
        fake_send("cluster-view", json_pack("{s:b, s:[{s:s, s:s, s:s, s:i, s:i}, {s:s, s:s, s:s, s:i, s:i}]}",
                                            "watched", 1, "nodes", "name", "a", "status", "live", "site", "",
                                            "cameras", 0, "silent_since_ms", 0, "name", "b", "status", "live",
                                            "site", "yard", "cameras", 7, "silent_since_ms", 1));
        fake_send("link", json_pack("{s:b, s:n}", "up", 1, "why"));
        fake_send("counts", json_pack("{s:i, s:i}", "connected", 1, "jumps", 2));
        fake_send("place", json_pack("{s:s, s:s, s:s}", "camera", "both", "place", "node", "node", "b"));
    }
}

/* The socket stays open until this process ends. */
static void greet(struct channel_message *message)
{
    int worker = channel_message_take_fd(message, 0), type = 0;
    socklen_t length = sizeof(type);
    char text[128];

    if (getsockopt(worker, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM ||
        !(fcntl(worker, F_GETFL) & O_NONBLOCK)) {
        exit(92);
    }
    snprintf(text, sizeof(text), "hello %s", message_string(message->body, "camera", "?"));
    if (send(worker, text, strlen(text), MSG_NOSIGNAL) < 0) {
        exit(93);
    }
}

int main(void)
{
    fake_check_inheritance();
    for (;;) {
        struct channel_message message;
        int result = fake_receive(&message, LOOK_MS);
        if (result == -EAGAIN) {
            obey();
            continue;
        }
        if (result <= 0 || message_is(message.body, "stop")) {
            return 0;
        }
        char *text = json_dumps(message.body, JSON_COMPACT | JSON_SORT_KEYS);
        fake_note("relay.log", text);
        free(text);
        if (message_is(message.body, "begin")) {
            fake_send("ready", NULL);
        } else if (message_is(message.body, "attach")) {
            greet(&message);
        }
        channel_message_clear(&message);
    }
}
