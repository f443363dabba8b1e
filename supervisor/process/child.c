/* SPDX-License-Identifier: MIT */
#include "supervisor/process/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/outbox.h"
#include "supervisor/process/timer.h"

#define REASON_SIZE 160

/* Of a reason that comes from another process. */
#define LAST_REASON_SIZE 512

/* Messages read after the process ended: its last words, not a stream that a sibling keeps alive. */
#define LAST_WORDS_MAX 256

/* How long to wait for the answers of a fork server before unknown processes are killed. */
#define HELD_RETRY_MS 20

#define USEC_PER_SECOND 1000000u

/* A child that broke its promise to beat gets SIGABRT, and after this time SIGKILL. */
#define ABORT_MS 500

/* Malformed messages after which a process is given up: one is already a fault, a flood is an attack. */
#define BAD_MESSAGES_MAX 16

/* Messages taken from one child before the others get their turn. */
#define MESSAGE_BATCH 16

/* Turns a second that one child gets; with the batch above far over what any honest child says. */
#define TURNS_PER_SECOND 1000

/*
 * Log lines of a process that are kept when it ends, and bytes of each: they fit into a message to the
 * keeper.
 */
#define LAST_LINES 8
#define LAST_LINE_BYTES 400

struct child {
    struct children *children;
    struct child_handlers handlers;
    void *owner;
    char *name;
    char *camera; /* that it works for; NULL: none */
    int channel;
    sd_event_source *channel_source; /* NULL after end-of-file */
    pid_t pid;
    int pidfd;
    sd_event_source *pidfd_source;
    struct outbox outbox;       /* of the channel */
    sd_event_source *end_timer; /* armed when the process was told to end */
    struct blackbox *box;
    int box_fd;
    struct watchdog_entry watch;
    unsigned bad_messages;
    bool foreign; /* a child of a ringcastd that is gone: it is not ours to reap */
    bool abandoned;
    char *verdict; /* why we killed it; NULL if we did not */
};

/* --- Messages ------------------------------------------------------------------------------------------- */

static void on_stuck(void *data)
{
    char why[64];

    snprintf(why, sizeof(why), "took no messages for %.1f s", OUTBOX_STUCK_MS / 1000.0);
    child_kill(data, why);
}

int child_send(struct child *child, const json_t *body, const int *fds, int fd_count)
{
    return !child->channel_source ? 0 : outbox_send(&child->outbox, body, fds, fd_count);
}

int child_send_newest(struct child *child, const char *key, const json_t *body, const int *fds, int fd_count)
{
    return child->channel_source ? outbox_send_newest(&child->outbox, key, body, fds, fd_count) : 0;
}

bool child_is_behind(const struct child *child)
{
    return outbox_waits(&child->outbox);
}

size_t child_waiting(const struct child *child)
{
    return child->outbox.length;
}

static void flush(struct child *child)
{
    int result = outbox_flush(&child->outbox);

    if (result < 0) {
        log_camera(LOG_LEVEL_ERROR, child->camera, "%s: a message could not be sent: %s", child->name,
                   strerror(-result));
    }
}

static void channel_ended(struct child *child)
{
    outbox_clear(&child->outbox);
    child->channel_source = sd_event_source_disable_unref(child->channel_source);
    if (child->abandoned) {
        child->handlers.exited(child->owner, "lost with the fork server");
    } else if (child->pid > 0) {
        child_end(child);
    }
}

/* A message for which ringcastd has no descriptors is not the child's fault. */
static void bad_message(struct child *child, const struct channel_message *message)
{
    if (message->fds_lost) {
        log_camera(LOG_LEVEL_ERROR, child->camera, "%s: %s", child->name, channel_drop_reason(message));
        return;
    }
    child->bad_messages++;
    if (child->bad_messages <= BAD_MESSAGES_MAX) {
        log_camera(LOG_LEVEL_WARNING, child->camera, "%s: %s", child->name, channel_drop_reason(message));
    }
    if (child->bad_messages == BAD_MESSAGES_MAX) {
        child_kill(child, "sent malformed messages");
    }
}

/* True if there may be more to receive. */
static bool receive_one(struct child *child)
{
    struct channel_message message;
    int result = channel_receive(child->channel, &message);

    if (result == -EAGAIN) {
        return false;
    }
    if (result == -EBADMSG) {
        bad_message(child, &message);
        return true;
    }
    if (result <= 0) {
        channel_ended(child);
        return false;
    }
    if (!child->abandoned) {
        child->handlers.message(child->owner, &message);
    }
    channel_message_clear(&message);
    return true;
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct child *child = data;

    (void)source, (void)fd;
    if (events & EPOLLOUT) {
        flush(child);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        for (int i = 0; i < MESSAGE_BATCH && receive_one(child); i++) {
        }
    }
    return 0;
}

/* --- Life and end --------------------------------------------------------------------------------------- */

/* What the next ringcastd takes over. */
static void store_child(struct child *child)
{
    const int fds[KEEPER_PROCESS_FDS] = {[KEEPER_PROCESS_CHANNEL] = child->channel,
                                         [KEEPER_PROCESS_BLACKBOX] = child->box_fd,
                                         [KEEPER_PROCESS_PIDFD] = child->pidfd};

    if (strcmp(child->name, KEEPER_NAME) != 0) {
        fd_store_put(children_fd_store(child->children), FD_STORE_PROCESS, child->name,
                     json_pack("{s:i}", "pid", (int)child->pid), fds,
                     child->pidfd < 0 ? KEEPER_PROCESS_PIDFD : KEEPER_PROCESS_FDS);
    }
}

static int on_abort_limit(sd_event_source *source, uint64_t usec, void *data)
{
    struct child *child = data;

    (void)source, (void)usec;
    timer_disarm(&child->end_timer);
    if (child->pid > 0) {
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    }
    return 0;
}

/* SIGABRT first: it leaves a core or a sanitizer's report of where it hangs, where that is wanted. */
static void on_overdue(void *data)
{
    struct child *child = data;

    if (child->pid <= 0) {
        return;
    }
    if (!child->verdict) {
        child->verdict = strdup("gave no sign of life");
    }
    log_camera(LOG_LEVEL_WARNING, child->camera, "%s: no sign of life for %.1f s: aborting it", child->name,
               (double)watchdog_silence_ms(&child->watch) / MS_PER_SECOND);
    pidfd_send_signal(child->pidfd, SIGABRT, NULL, 0);
    timer_arm(children_event(child->children), &child->end_timer, ABORT_MS, on_abort_limit, child);
}

static void watch_heartbeat(struct child *child)
{
    child->watch.box = child->box;
    child->watch.overdue = on_overdue;
    child->watch.data = child;
    watchdog_watch(children_watchdog(child->children), &child->watch);
}

/* The first message in the channel. */
static int give_blackbox(struct child *child)
{
    int result = blackbox_create(&child->box, &child->box_fd);
    json_t *message = result < 0 ? NULL : message_new(BLACKBOX_MESSAGE);

    if (result == 0) {
        result = !message ? -ENOMEM : channel_send(child->channel, message, &child->box_fd, 1);
    }
    json_decref(message);
    return result;
}

static int watch_messages(struct child *child)
{
    int result = sd_event_add_io(children_event(child->children), &child->channel_source, child->channel,
                                 EPOLLIN, on_channel, child);

    if (result < 0) {
        return result;
    }
    sd_event_source_set_ratelimit(child->channel_source, USEC_PER_SECOND, TURNS_PER_SECOND);
    outbox_open(&child->outbox, child->channel, child->channel_source);
    return 0;
}

static int open_channel(struct child *child, int *far_end)
{
    int ends[2];
    int result = channel_pair(ends);

    if (result < 0) {
        return result;
    }
    child->channel = ends[0];
    result = give_blackbox(child);
    if (result == 0) {
        result = watch_messages(child);
    }
    if (result < 0) {
        close(ends[1]);
        return result;
    }
    *far_end = ends[1];
    return 0;
}

static struct child *allocate(struct children *children, const char *name,
                              const struct child_handlers *handlers, void *owner)
{
    struct child *child = calloc(1, sizeof(*child));

    if (!child) {
        return NULL;
    }
    *child = (struct child){.children = children,
                            .handlers = *handlers,
                            .owner = owner,
                            .channel = -1,
                            .box_fd = -1,
                            .pidfd = -1};
    outbox_init(&child->outbox, children_event(children), on_stuck, child);
    child->name = strdup(name);
    if (!child->name) {
        free(child);
        return NULL;
    }
    return child;
}

int child_create(struct children *children, const char *name, const struct child_handlers *handlers,
                 void *owner, struct child **made, int *far_end)
{
    struct child *child = allocate(children, name, handlers, owner);

    if (!child) {
        return -ENOMEM;
    }
    int result = open_channel(child, far_end);
    if (result < 0) {
        child_destroy(child);
        return result;
    }
    store_child(child);
    *made = child;
    return 0;
}

/*
 * A foreign process is not waited for by anybody else here, and must be gone before what it uses is removed.
 */
static void kill_foreign(const struct child *child)
{
    struct pollfd end = {.fd = child->pidfd, .events = POLLIN};

    pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    if (poll(&end, 1, CHILD_END_MS) <= 0) {
        log_camera(LOG_LEVEL_WARNING, child->camera, "%s: process %d does not die", child->name,
                   (int)child->pid);
    }
}

void child_leave(struct child *child)
{
    child->foreign = false; /* its channel is not shut for others that hold it */
    child->pid = 0;
    child_destroy(child);
}

void child_destroy(struct child *child)
{
    if (!child) {
        return;
    }
    fd_store_drop(children_fd_store(child->children), FD_STORE_PROCESS, child->name);
    watchdog_unwatch(&child->watch);
    outbox_clear(&child->outbox);
    timer_disarm(&child->end_timer);
    sd_event_source_disable_unref(child->channel_source);
    sd_event_source_disable_unref(child->pidfd_source);
    if (child->channel >= 0 && child->foreign) {
        shutdown(child->channel, SHUT_RDWR); /* the keeper may hold our end too */
    }
    if (child->channel >= 0) {
        close(child->channel);
    }
    if (child->pid > 0 && child->foreign) {
        kill_foreign(child);
    } else if (child->pid > 0) {
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
        children_forget(child->children, child->pid);
    }
    if (child->pidfd >= 0) {
        close(child->pidfd);
    }
    blackbox_close(child->box);
    if (child->box_fd >= 0) {
        close(child->box_fd);
    }
    free(child->verdict);
    free(child->camera);
    free(child->name);
    free(child);
}

static void describe_end(const struct child *child, const siginfo_t *info, char *reason, size_t size)
{
    const char *name = info->si_code == CLD_EXITED ? NULL : sigabbrev_np(info->si_status);

    if (child->verdict) {
        snprintf(reason, size, "killed: %s", child->verdict);
    } else if (child->foreign) {
        snprintf(reason, size, "ended (it was taken over, so how is unknown)");
    } else if (info->si_code == CLD_EXITED) {
        snprintf(reason, size, "exited with code %d", info->si_status);
    } else if (info->si_status == SIGSYS) {
        snprintf(reason, size, "ended by its sandbox: a forbidden system call (SIGSYS)");
    } else {
        snprintf(reason, size, "killed by signal %d (%s%s)%s", info->si_status, !name ? "" : "SIG",
                 !name ? "unknown" : name, info->si_code == CLD_DUMPED ? ", core dumped" : "");
    }
}

static int on_process_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct child *child = data;
    siginfo_t info = {0};
    char reason[REASON_SIZE];

    (void)source, (void)events;
    for (int i = 0; i < LAST_WORDS_MAX && child->channel_source && receive_one(child); i++) {
    }
    if (!child->foreign) {
        if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
            return 0;
        }
        children_forget(child->children, child->pid);
    }
    watchdog_unwatch(&child->watch);
    child->pid = 0;
    describe_end(child, &info, reason, sizeof(reason));
    child->handlers.exited(child->owner, reason);
    return 0;
}

/* Takes PIDFD over. */
static int watch_process(struct child *child, pid_t pid, int pidfd)
{
    int result = sd_event_add_io(children_event(child->children), &child->pidfd_source, pidfd, EPOLLIN,
                                 on_process_end, child);

    if (result < 0) {
        close(pidfd);
        return result;
    }
    child->pid = pid;
    child->pidfd = pidfd;
    watch_heartbeat(child);
    return 0;
}

int child_exec(struct child *child, char *const argv[], int far_end)
{
    pid_t pid;
    int result = children_spawn(child->children, argv, far_end, &pid);

    if (result < 0) {
        return result;
    }
    int pidfd = pidfd_open(pid, 0);
    result = pidfd < 0 ? -errno : watch_process(child, pid, pidfd);
    if (result < 0) {
        kill(pid, SIGKILL);
        children_forget(child->children, pid);
        return result;
    }
    store_child(child);
    return 0;
}

static int take_descriptors(struct child *child, struct fd_record *record)
{
    pid_t pid = (pid_t)message_integer(record->body, "pid", 0);

    child->foreign = true;
    child->channel = fd_record_take_fd(record, KEEPER_PROCESS_CHANNEL);
    child->box_fd = fd_record_take_fd(record, KEEPER_PROCESS_BLACKBOX);
    int pidfd = fd_record_take_fd(record, KEEPER_PROCESS_PIDFD);
    if (child->channel < 0 || child->box_fd < 0 || (pid > 0) != (pidfd >= 0)) {
        if (pidfd >= 0) {
            close(pidfd);
        }
        return -EPROTO;
    }
    int result = blackbox_open(child->box_fd, &child->box);
    if (result == 0) {
        result = watch_messages(child);
    }
    if (result == 0 && pid > 0) {
        return watch_process(child, pid, pidfd);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return result;
}

int child_take(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, struct fd_record *record, struct child **made)
{
    struct child *child = allocate(children, name, handlers, owner);
    int result = !child ? -ENOMEM : take_descriptors(child, record);

    fd_record_finish(record);
    if (result < 0) {
        child_destroy(child);
        return result;
    }
    store_child(child);
    *made = child;
    return 0;
}

int child_meet(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, pid_t pid, int pidfd, int channel, struct child **made)
{
    struct child *child = allocate(children, name, handlers, owner);

    if (!child) {
        return -ENOMEM;
    }
    child->foreign = true;
    child->channel = channel;
    int result = give_blackbox(child);
    if (result == 0) {
        result = watch_messages(child);
    }
    if (result < 0) {
        child->channel = -1;
        child_destroy(child);
        return result;
    }
    *made = child;
    return watch_process(child, pid, pidfd);
}

int child_adopt(struct child *child, pid_t pid)
{
    siginfo_t info = {0};
    int pidfd = pidfd_open(pid, 0);

    if (pidfd < 0) {
        return errno == ESRCH ? -ECHILD : -errno;
    }
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        int result = -errno;
        close(pidfd);
        return result;
    }
    int result = children_know(child->children, pid);
    if (result < 0) {
        close(pidfd);
        return result;
    }
    result = watch_process(child, pid, pidfd);
    if (result < 0) {
        children_forget(child->children, pid);
        return result;
    }
    store_child(child);
    if (!child->channel_source) {
        child_end(child);
    }
    return 0;
}

static int on_end_limit(sd_event_source *source, uint64_t usec, void *data)
{
    struct child *child = data;

    (void)source, (void)usec;
    if (child->abandoned && children_held(child->children)) {
        /* A worker that the next fork server has just forked is unknown too, for a moment. */
        timer_arm(children_event(child->children), &child->end_timer, HELD_RETRY_MS, on_end_limit, child);
    } else if (child->abandoned) {
        children_kill_unknown(child->children);
        child->handlers.exited(child->owner, "lost with the fork server");
    } else if (child->pid > 0) {
        log_camera(LOG_LEVEL_WARNING, child->camera, "%s: did not end within %d ms, killing it", child->name,
                   CHILD_END_MS);
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    }
    return 0;
}

static void arm_end_timer(struct child *child)
{
    if (!child->end_timer) {
        timer_arm(children_event(child->children), &child->end_timer, CHILD_END_MS, on_end_limit, child);
    }
}

void child_abandon(struct child *child)
{
    child->abandoned = true;
    outbox_clear(&child->outbox);
    shutdown(child->channel, SHUT_WR);
    if (!child->channel_source) {
        timer_arm(children_event(child->children), &child->end_timer, 0, on_end_limit, child);
    } else {
        arm_end_timer(child);
    }
}

void child_set_camera(struct child *child, const char *camera)
{
    free(child->camera);
    child->camera = strdup(camera);
}

pid_t child_pid(const struct child *child)
{
    return child->pid;
}

json_t *child_lines(const struct child *child, size_t count)
{
    return blackbox_lines(child->box, count);
}

json_t *child_usage(const struct child *child)
{
    return child->box && child_pid(child) > 0 ? blackbox_usage(child->box) : json_null();
}

/* LINE without what does not fit. */
static json_t *cut_line(const char *line)
{
    char text[LAST_LINE_BYTES + 1];

    text_copy(text, sizeof(text), line);
    return json_string(text);
}

json_t *child_last_exit(const struct child *child, const char *reason)
{
    char text[LAST_REASON_SIZE];
    json_t *lines = child_lines(child, LAST_LINES), *log = json_array(), *line;
    size_t index;

    json_array_foreach(lines, index, line) {
        json_array_append_new(log, cut_line(json_string_value(line)));
    }
    json_decref(lines);
    text_escape(text, sizeof(text), reason);
    log_redact(text, sizeof(text));
    return json_pack("{s:s, s:f, s:o}", "reason", text, "at", (double)clock_wall_ns() / NS_PER_SECOND, "log",
                     log);
}

bool child_is_nameless(const struct child *child)
{
    return child->foreign && child->pid == 0;
}

void child_end(struct child *child)
{
    if (child->pid > 0) {
        arm_end_timer(child);
        pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
    } else {
        outbox_clear(&child->outbox);
        shutdown(child->channel, SHUT_WR);
    }
}

void child_kill(struct child *child, const char *why)
{
    if (!child->verdict) {
        child->verdict = strdup(why);
    }
    log_camera(LOG_LEVEL_WARNING, child->camera, "%s: killing it: %s", child->name, why);
    outbox_clear(&child->outbox);
    if (child->pid > 0) {
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    }
}
