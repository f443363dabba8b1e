/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/child.h"
#include "supervisor/process/timer.h"

struct keeper {
    struct children *children;
    char *directory; /* the run-time directory */
    enum log_level log_level;
    struct supervisor *supervisor;
    struct service *service;
    struct fd_store *store;
    char *argv[2];
};

static int send_to_keeper(void *data, const char *key, const json_t *message, const int *fds, int fd_count)
{
    const struct keeper *keeper = data;

    return service_send_newest(keeper->service, key, message, fds, fd_count);
}

static bool keeper_is_behind(void *data)
{
    const struct keeper *keeper = data;

    return service_is_behind(keeper->service);
}

static void send_keep_at(struct keeper *keeper)
{
    json_t *message = message_pack("keep-at", "{s:s, s:i, s:s}", "directory", keeper->directory, "lease_ms",
                                   KEEPER_LEASE_MS, "log_level", log_level_name(keeper->log_level));

    if (message) {
        service_send(keeper->service, message, NULL, 0);
    }
    json_decref(message);
}

static void on_begun(void *owner)
{
    struct keeper *keeper = owner;

    send_keep_at(keeper);
    fd_store_send_all(keeper->store);
}

static void on_ready(void *owner)
{
    struct keeper *keeper = owner;

    supervisor_keeper_ready(keeper->supervisor);
}

static void on_message(void *owner, const struct channel_message *message)
{
    (void)owner;
    log_warning("keeper: unexpected message \"%s\"", message_type(message->body));
}

static void on_state(void *owner, const char *reason)
{
    struct keeper *keeper = owner;

    supervisor_keeper_changed(keeper->supervisor, reason);
}

static void on_gone(void *owner, const char *reason)
{
    struct keeper *keeper = owner;

    supervisor_keeper_gone(keeper->supervisor, reason);
}

struct keeper *keeper_create(struct children *children, const struct keeper_config *config,
                             struct supervisor *supervisor)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};
    struct keeper *keeper = calloc(1, sizeof(*keeper));

    if (!keeper) {
        return NULL;
    }
    *keeper = (struct keeper){.children = children, .log_level = config->log_level, .supervisor = supervisor};
    keeper->argv[0] = strdup(config->program);
    keeper->directory = strdup(config->directory);
    keeper->store = fd_store_create(&(const struct fd_store_callbacks){
        .data = keeper, .send = send_to_keeper, .behind = keeper_is_behind});
    if (keeper->argv[0] && keeper->directory && keeper->store) {
        keeper->service = service_create(children, KEEPER_NAME, keeper->argv, &handlers, keeper);
    }
    if (!keeper->service) {
        keeper_destroy(keeper);
        return NULL;
    }
    children_set_fd_store(children, keeper->store);
    return keeper;
}

static void finish(struct keeper *keeper)
{
    children_set_fd_store(keeper->children, NULL);
    fd_store_destroy(keeper->store);
    free(keeper->argv[0]);
    free(keeper->directory);
    free(keeper);
}

void keeper_destroy(struct keeper *keeper)
{
    if (!keeper) {
        return;
    }
    service_destroy(keeper->service);
    finish(keeper);
}

void keeper_leave(struct keeper *keeper)
{
    if (!keeper) {
        return;
    }
    service_leave(keeper->service);
    finish(keeper);
}

/* --- The keeper of the last ringcastd ------------------------------------------------------------------- */

static int connect_keeper(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" KEEPER_SOCKET_NAME, directory) >=
        (int)sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int result = -errno;
        if (fd >= 0) {
            close(fd);
        }
        return result;
    }
    return fd;
}

/* 0; negative errno: it does not say all in time. */
static int receive_records(struct fd_store *store, int channel)
{
    uint64_t end = clock_now_ms() + KEEPER_TAKEOVER_MS;
    struct channel_message message;

    for (;;) {
        int result = channel_receive(channel, &message);
        if (result == -EAGAIN) {
            struct pollfd readable = {.fd = channel, .events = POLLIN};
            uint64_t now = clock_now_ms();
            if (now >= end || poll(&readable, 1, (int)(end - now)) <= 0) {
                return -ETIMEDOUT;
            }
            continue;
        }
        if (result != 1) {
            return result == 0 ? -EPIPE : message.fds_lost ? -EMFILE : result;
        }
        bool last = message_is(message.body, "records-end");
        if (!last && !fd_store_found(store, &message)) {
            log_warning("keeper: unexpected message \"%s\"", message_type(message.body));
        }
        channel_message_clear(&message);
        if (last) {
            return 0;
        }
    }
}

/* It listens, so it is there; whatever holds it up ends it. */
static void kill_keeper(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    poll(&end, 1, CHILD_END_MS);
}

/*
 * True if an error is ours, and says nothing of the keeper. ETOOMANYREFS: processes of this user have more descriptors under way
 * than this one may have (unix(7)).
 */
static bool lacks_means(int error)
{
    return error == -ETOOMANYREFS || error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
           error == -ENOBUFS;
}

/* The process behind CHANNEL as a descriptor, or negative errno; -EPERM: it is not a keeper of ours. */
static int identify(int channel, pid_t *pid)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return -errno;
    }
    if (peer.uid != geteuid() && peer.uid != 0) {
        return -EPERM;
    }
    *pid = peer.pid;
    int pidfd = pidfd_open(peer.pid, 0);
    return pidfd < 0 ? -errno : pidfd;
}

/* Takes CHANNEL and PIDFD over if it is 0. */
static int take_over(struct keeper *keeper, int channel, pid_t pid, int pidfd)
{
    pidfd_send_signal(pidfd, SIGCONT, NULL, 0); /* one that was stopped */
    int result = receive_records(keeper->store, channel);
    if (result == 0) {
        result = service_meet(keeper->service, pid, pidfd, channel);
    }
    if (result == 0) {
        fd_store_set_silent(keeper->store, true);
        send_keep_at(keeper);
    }
    return result;
}

int keeper_find(struct keeper *keeper)
{
    pid_t pid = 0;
    int channel = connect_keeper(keeper->directory);
    int pidfd = channel < 0 ? channel : identify(channel, &pid);
    int result = pidfd < 0 ? pidfd : take_over(keeper, channel, pid, pidfd);

    if (result == 0) {
        return 1;
    }
    bool mine = lacks_means(result);
    if (mine) {
        log_error("the cameras of the last ringcastd cannot be taken over: %s", strerror(-result));
    } else if (pidfd >= 0) {
        log_warning("the keeper of the last ringcastd (pid %d) hands nothing over: %s", (int)pid,
                    strerror(-result));
        kill_keeper(pidfd);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    if (channel >= 0) {
        close(channel);
    }
    return mine ? result : 0;
}

void keeper_claim(struct keeper *keeper)
{
    fd_store_set_silent(keeper->store, false);
}

void keeper_settle(struct keeper *keeper)
{
    json_t *message = message_new("settled");

    if (message) {
        service_send(keeper->service, message, NULL, 0);
    }
    json_decref(message);
}

struct fd_store *keeper_fd_store(struct keeper *keeper)
{
    return keeper->store;
}

struct service *keeper_service(struct keeper *keeper)
{
    return keeper->service;
}
