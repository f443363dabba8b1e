/* SPDX-License-Identifier: MIT */
/*
 * The intermediate child exits at once, so the kernel gives the worker to ringcastd, the nearest subreaper,
 * before the fork server tells ringcastd its pid: a worker is never a child of the fork server.
 */
#include "ingest/fork_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"

#define COMM "ringcast-ingest"

/* The fork server only waits, and beats twice a second. A fork may take long where memory is short. */
#define BEAT_INTERVAL_MS 500
#define BEAT_ALLOWANCE_MS 4000

/* Milliseconds: a ringcastd that does not take a reply for this long is stuck or gone. */
#define REPLY_DEADLINE_MS 5000

static int write_result(int fd, int value)
{
    ssize_t written;

    do {
        written = write(fd, &value, sizeof(value));
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)sizeof(value) ? 0 : -EIO;
}

static int read_result(int fd, int *value)
{
    ssize_t got;

    do {
        got = read(fd, value, sizeof(*value));
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(*value) ? 0 : -EIO;
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* In the intermediate child: only the worker returns, with 0. */
static int fork_worker(int result_fd)
{
    pid_t pid = fork();

    if (pid == 0) {
        return 0;
    }
    write_result(result_fd, pid > 0 ? (int)pid : -errno);
    _exit(EXIT_SUCCESS);
}

static void block_terminate(bool block)
{
    sigset_t terminate;

    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &terminate, NULL);
}

/*
 * The worker's pid; 0 in the worker itself, which has SIGTERM blocked until it handles it; negative errno.
 */
static int fork_twice(void)
{
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    block_terminate(true);
    pid_t child = fork();
    if (child == 0) {
        result = fork_worker(ends[1]);
    } else if (child < 0) {
        result = -errno;
    } else {
        reap(child);
        /* Closed here first, so that end-of-file comes if the intermediate child was killed. */
        close(ends[1]);
        ends[1] = -1;
        if (read_result(ends[0], &result) < 0) {
            result = -ECHILD;
        }
    }
    close(ends[0]);
    if (ends[1] >= 0) {
        close(ends[1]);
    }
    if (result != 0) {
        block_terminate(false);
    }
    return result;
}

/* All but the standard streams, the channel and KEPT, which is -1 or comes after them. */
static void close_others(int kept)
{
    unsigned first = CHANNEL_CHILD_FD + 1;

    if (kept > (int)first) {
        close_range(first, (unsigned)kept - 1, 0);
    }
    if (kept >= (int)first) {
        first = (unsigned)kept + 1;
    }
    close_range(first, ~0U, 0);
}

/*
 * A worker keeps the standard streams, its channel and the log's descriptor, nothing else. Returns the
 * channel's new descriptor.
 */
static int become_worker(int channel)
{
    if (channel != CHANNEL_CHILD_FD) {
        dup2(channel, CHANNEL_CHILD_FD);
        fcntl(CHANNEL_CHILD_FD, F_SETFD, FD_CLOEXEC);
    }
    close_others(log_descriptor());
    blackbox_drop();
    prctl(PR_SET_NAME, COMM);
    return CHANNEL_CHILD_FD;
}

static void reply(int channel, json_t *message)
{
    struct pollfd writable = {.fd = channel, .events = POLLOUT};
    int result = message ? channel_send(channel, message, NULL, 0) : -ENOMEM;

    while (result == -EAGAIN && poll(&writable, 1, REPLY_DEADLINE_MS) > 0) {
        result = channel_send(channel, message, NULL, 0);
    }
    if (result < 0) {
        log_warning("a reply could not be sent: %s", strerror(-result));
    }
    json_decref(message);
}

static void reply_ready(int channel)
{
    reply(channel, message_pack("ready", "{s:o}", "sandbox", sandbox_layers()));
}

static void reply_to_spawn(int channel, const char *camera, int pid)
{
    reply(channel,
          pid > 0 ? message_pack("spawned", "{s:s, s:i}", "camera", camera, "pid", pid)
                  : message_pack("spawn-failed", "{s:s, s:s}", "camera", camera, "error", strerror(-pid)));
}

/* The worker's channel in the worker; -1 in the fork server. */
static int handle_spawn(int channel, struct channel_message *message)
{
    const char *camera = message_string(message->body, "camera", NULL);
    int worker_channel = channel_message_take_fd(message, 0);

    if (!camera || worker_channel < 0) {
        log_warning("a spawn message without camera or channel is dropped");
        if (worker_channel >= 0) {
            close(worker_channel);
        }
        return -1;
    }
    int pid = fork_twice();
    if (pid == 0) {
        return become_worker(worker_channel);
    }
    close(worker_channel);
    reply_to_spawn(channel, camera, pid);
    return -1;
}

static int handle(int channel, struct channel_message *message)
{
    if (message_is(message->body, "spawn")) {
        return handle_spawn(channel, message);
    }
    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        blackbox_carry(channel_message_take_fd(message, 0));
        return -1;
    }
    log_warning("a message of unknown type is dropped");
    return -1;
}

static void wait_readable(int channel)
{
    struct pollfd readable = {.fd = channel, .events = POLLIN};

    poll(&readable, 1, BEAT_INTERVAL_MS);
}

int fork_server_run(int channel, int *worker_channel)
{
    struct channel_message message;

    *worker_channel = -1;
    reply_ready(channel);
    for (;;) {
        int result = channel_receive(channel, &message);
        blackbox_beat(BEAT_ALLOWANCE_MS);
        if (result == 0) {
            return EXIT_SUCCESS;
        }
        if (result == -EAGAIN) {
            wait_readable(channel);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else if (result < 0) {
            log_error("the channel is broken: %s", strerror(-result));
            return EXIT_FAILURE;
        } else {
            *worker_channel = handle(channel, &message);
            channel_message_clear(&message);
            if (*worker_channel >= 0) {
                return EXIT_SUCCESS;
            }
        }
    }
}
