/* SPDX-License-Identifier: MIT */
/*
 * Stands in for ringcast-snapshot: notes every message in snapshot.log. Orders, each for once: snapshot-dies (it says that it works for
 * camera a, and dies of it), snapshot-idle (it says that it is idle).
 */
#include <errno.h>
#include <stdlib.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/fake_program.h"

/* Between two looks for an order. */
#define LOOK_MS 20

static void obey(void)
{
    if (fake_ordered_once("snapshot-dies")) {
        fake_send("working", json_pack("{s:s}", "name", "a"));
        exit(7);
    }
    if (fake_ordered_once("snapshot-idle")) {
        fake_send("idle", NULL);
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
        if (result <= 0) {
            return 0;
        }
        char *text = json_dumps(message.body, JSON_COMPACT | JSON_SORT_KEYS);
        fake_note("snapshot.log", text);
        free(text);
        if (message_is(message.body, "begin")) {
            fake_send("ready", NULL);
        }
        channel_message_clear(&message);
    }
}
