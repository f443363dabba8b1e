/* SPDX-License-Identifier: MIT */
/*
 * ringcast-discover speaks WS-Discovery and ONVIF, so that ringcastctl and ringcastd do not: what devices answer is read here, in a sandbox, in a
 * process for each device. They start it with a channel at descriptor CHANNEL_CHILD_FD, and send one task, `search`, `ask` or `synchronize`
 * (docs/design/discovery.md). It answers with what it finds, then `end`, and ends. One thread.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxml/parser.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "discover/device.h"
#include "discover/http.h"
#include "discover/report.h"
#include "discover/search.h"

/* Milliseconds that a task may take at the most. */
#define TASK_MS_MAX 600000

/* ringcastd's tasks take 10 s at the most. */
#define BEAT_ALLOWANCE_MS 20000

static bool has_channel(void)
{
    struct stat status;

    return fstat(CHANNEL_CHILD_FD, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* What ringcastd gives each of its processes; the task that follows is shorter than this. */
static int take_blackbox(struct channel_message *message)
{
    int result = blackbox_carry(channel_message_take_fd(message, 0));

    blackbox_beat(BEAT_ALLOWANCE_MS);
    channel_message_clear(message);
    return result;
}

static int await_task(struct channel_message *task)
{
    int result = -EAGAIN;

    while (result == -EAGAIN) {
        struct pollfd readable = {.fd = CHANNEL_CHILD_FD, .events = POLLIN};
        poll(&readable, 1, -1);
        result = channel_receive(CHANNEL_CHILD_FD, task);
        if (result == 1 && message_is(task->body, BLACKBOX_MESSAGE)) {
            result = take_blackbox(task) < 0 ? -EBADMSG : -EAGAIN;
        }
    }
    return result == 0 ? -ECONNRESET : result < 0 ? result : 0;
}

static uint64_t time_of(const json_t *task)
{
    json_int_t ms = message_integer(task, "ms", 0);

    return ms < 0 ? 0 : ms > TASK_MS_MAX ? TASK_MS_MAX : (uint64_t)ms;
}

static int run_search(const json_t *task)
{
    struct search search = {.count = 0};
    int result =
        search_open(&search, message_string(task, "interface", NULL), message_string(task, "address", NULL));

    if (result < 0) {
        int told = report_send(CHANNEL_CHILD_FD, message_error("no-network", "%s", strerror(-result)));
        search_close(&search);
        return told;
    }
    result = sandbox_enter(SANDBOX_DISCOVER, NULL);
    if (result == 0) {
        result = search_run(&search, time_of(task), CHANNEL_CHILD_FD);
    }
    search_close(&search);
    return result;
}

static int run_device(const json_t *task)
{
    const struct device_task device = {
        .address = message_string(task, "address", ""),
        .urls = json_object_get(task, "urls"),
        .username = message_string(task, "username", NULL),
        .password = message_string(task, "password", ""),
        .deadline = clock_now_ms() + time_of(task),
    };
    struct http *http = http_create();
    int result = http ? sandbox_enter(SANDBOX_DISCOVER, NULL) : -ENOMEM;

    if (result == 0) {
        result = message_is(task, "ask") ? device_ask(&device, http, CHANNEL_CHILD_FD)
                                         : device_synchronize(&device, message_string(task, "profile", NULL),
                                                              http, CHANNEL_CHILD_FD);
    }
    http_destroy(http);
    return result;
}

int main(int argc, char **argv)
{
    struct channel_message task = {0};

    (void)argv;
    if (argc > 1 || !has_channel()) {
        fprintf(stderr, "ringcast-discover is started by ringcastctl and ringcastd, not by hand\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    json_set_alloc_funcs(malloc, secret_release); /* a password comes in a message */
    log_open("discover", NULL);
    log_follow_format();
    xmlInitParser();
    int result = await_task(&task);
    if (result == 0) {
        log_add_secret(message_string(task.body, "password", NULL));
        bool device = message_is(task.body, "ask") || message_is(task.body, "synchronize");
        result = message_is(task.body, "search") ? run_search(task.body)
                 : device                        ? run_device(task.body)
                                                 : -EBADMSG;
        channel_message_clear(&task);
    }
    if (result == 0) {
        result = report_send(CHANNEL_CHILD_FD, message_new("end"));
    }
    if (result < 0 && result != -EPIPE && result != -ECONNRESET) {
        log_error("nothing can be looked for: %s", strerror(-result));
    }
    xmlCleanupParser();
    blackbox_drop();
    log_close();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
