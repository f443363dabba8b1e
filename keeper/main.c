/* SPDX-License-Identifier: MIT */
/*
 * ringcast-keeper holds descriptors and notes for ringcastd. Whatever kills ringcastd, the next one finds the
 * rings, the channels of all processes and the listening socket, and no viewer notices. The keeper does not
 * look into what it holds until the lease is over; then, if no ringcastd has come, it ends everything
 * (orphans.c).
 *
 *     SERVING ──▶ WAITING (ringcastd is gone) ──▶ SERVING (the next one) | the end of the lease
 *
 * One thread. Every wait has a limit.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/give_back.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "keeper/kept.h"
#include "keeper/orphans.h"

#define BEAT_INTERVAL_MS 500
#define BEAT_ALLOWANCE_MS 3000

/* A ringcastd that does not read for this long what it asked for is given up. */
#define SEND_PATIENCE_MS 5000

/* Between two looks whether descriptors can be sent. */
#define REFERENCES_PAUSE_MS 10

/*
 * A ringcastd has the run-time directory but has not connected yet: the keeper looks again after this time.
 */
#define LEASE_RETRY_MS 1000

/* Unless ringcastd names another lease: enough to start a supervisor again. */
#define LEASE_DEFAULT_MS 30000

enum state { STATE_SERVING, STATE_WAITING };

struct keeper {
    enum state state;
    int channel; /* to ringcastd; -1 while waiting */
    int listener;
    char *directory; /* NULL: not known yet */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct kept_entries entries;
    uint64_t lease_ms;
    uint64_t lease_end_ms; /* of clock_now_ms(); while waiting */
    bool ended;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
    (void)number;
    terminated = 1;
}

static const char *strstate(enum state state)
{
    return state == STATE_SERVING ? "serving" : "waiting";
}

static void enter_state(struct keeper *keeper, enum state state)
{
    if (state == STATE_WAITING) {
        keeper->lease_end_ms = clock_now_ms() + keeper->lease_ms;
        log_warning("ringcastd is gone; keeping its cameras for %" PRIu64 " s",
                    keeper->lease_ms / MS_PER_SECOND);
    }
    log_debug("%s -> %s", strstate(keeper->state), strstate(state));
    keeper->state = state;
}

static void close_channel(struct keeper *keeper)
{
    close(keeper->channel);
    keeper->channel = -1;
}

/*
 * True if it is worth while to send again. ETOOMANYREFS: processes of this user have more descriptors under way than this one may
 * have (unix(7)), which also are those that a busy ringcastd has not read yet. *PAUSES: how often that has been waited for.
 */
static bool wait_for_room(int channel, int result, int *pauses)
{
    struct pollfd writable = {.fd = channel, .events = POLLOUT};

    if (result == -ETOOMANYREFS) {
        if (*pauses == 0) {
            log_debug("too many descriptors are under way: waiting");
        }
        poll(NULL, 0, REFERENCES_PAUSE_MS);
        return (*pauses)++ < SEND_PATIENCE_MS / REFERENCES_PAUSE_MS;
    }
    return result == -EAGAIN && poll(&writable, 1, SEND_PATIENCE_MS) > 0;
}

/* Waits until the channel has room. 0 or negative errno. */
static int send_patiently(int channel, const json_t *message, const int *fds, int fd_count)
{
    int pauses = 0;
    int result = !message ? -ENOMEM : channel_send(channel, message, fds, fd_count);

    while (wait_for_room(channel, result, &pauses)) {
        blackbox_beat(BEAT_ALLOWANCE_MS + SEND_PATIENCE_MS);
        result = channel_send(channel, message, fds, fd_count);
    }
    return result;
}

static int say(int channel, const char *type)
{
    json_t *message = message_new(type);
    int result = send_patiently(channel, message, NULL, 0);

    json_decref(message);
    return result;
}

static void say_ready(int channel)
{
    json_t *message = message_pack("ready", "{s:o}", "sandbox", sandbox_layers());

    send_patiently(channel, message, NULL, 0);
    json_decref(message);
}

/* --- Finding each other --------------------------------------------------------------------------------- */

static int listen_at(struct keeper *keeper, const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (snprintf(keeper->path, sizeof(keeper->path), "%s/" KEEPER_SOCKET_NAME, directory) >=
        (int)sizeof(keeper->path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, keeper->path, sizeof(address.sun_path));
    unlink(keeper->path); /* of a keeper that was killed; there is one ringcastd, so there is one keeper */
    keeper->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (keeper->listener < 0 || bind(keeper->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(keeper->path, 0600) < 0 || listen(keeper->listener, 4) < 0) {
        return -errno;
    }
    keeper->directory = strdup(directory);
    return !keeper->directory ? -ENOMEM : 0;
}

/* ringcastd's first message. A ringcastd that has taken over sends it, too: the socket is there by then. */
static void on_keep_at(struct keeper *keeper, const json_t *body)
{
    const char *directory = message_string(body, "directory", NULL);
    enum log_level level;

    if (log_level_from_name(message_string(body, "log_level", ""), &level) == 0) {
        log_set_level(level);
    }
    keeper->lease_ms = message_integer(body, "lease_ms", LEASE_DEFAULT_MS);
    int result = !directory ? -EBADMSG : keeper->directory ? 0 : listen_at(keeper, directory);
    if (result < 0) {
        log_error("a next ringcastd cannot find this keeper: %s", strerror(-result));
        keeper->ended = true;
    } else {
        say_ready(keeper->channel);
    }
}

static bool is_ringcastd(int connection)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static int send_records(const struct keeper *keeper, int channel)
{
    const struct kept_entry *entry;
    int result = 0;

    STAILQ_FOREACH(entry, &keeper->entries, next) {
        json_t *message = message_pack("record", "{s:s, s:s, s:O}", "kind", entry->kind, "name", entry->name,
                                       "body", entry->body);
        result = send_patiently(channel, message, entry->fds, entry->fd_count);
        json_decref(message);
        if (result < 0) {
            return result;
        }
    }
    return say(channel, "records-end");
}

/* Only one ringcastd can hold the lock of the run-time directory, so the last one to connect is the owner. */
static void on_connection(struct keeper *keeper)
{
    int connection = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (connection < 0) {
        return;
    }
    if (!is_ringcastd(connection) || send_records(keeper, connection) < 0) {
        log_warning("a connection that asked for the cameras was refused: not ringcastd, or it did not read "
                    "the answer");
        close(connection);
        return;
    }
    if (keeper->channel >= 0) {
        close_channel(keeper);
    }
    keeper->channel = connection;
    kept_make_stale(&keeper->entries);
    enter_state(keeper, STATE_SERVING);
}

/* --- What ringcastd says -------------------------------------------------------------------------------- */

static void dispatch(struct keeper *keeper, struct channel_message *message)
{
    int result = 0;

    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        result = blackbox_carry(channel_message_take_fd(message, 0));
    } else if (message_is(message->body, "keep-at")) {
        on_keep_at(keeper, message->body);
    } else if (message_is(message->body, "settled")) {
        kept_drop_stale(&keeper->entries);
    } else if (message_is(message->body, "stop")) {
        keeper->ended = true;
    } else {
        result = kept_obey(&keeper->entries, message);
    }
    if (result < 0) {
        log_warning("a message \"%s\" was not carried out: %s", message_type(message->body),
                    strerror(-result));
    }
}

static void on_channel(struct keeper *keeper)
{
    struct channel_message message;
    int result;

    while (keeper->channel >= 0 && !keeper->ended &&
           (result = channel_receive(keeper->channel, &message)) != -EAGAIN) {
        if (result == 1) {
            dispatch(keeper, &message);
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else {
            close_channel(keeper);
            if (!keeper->directory) {
                keeper->ended = true;
            } else {
                enter_state(keeper, STATE_WAITING);
            }
        }
    }
}

static void check_lease(struct keeper *keeper)
{
    if (keeper->state != STATE_WAITING || (clock_now_ms() < keeper->lease_end_ms && !terminated)) {
        return;
    }
    blackbox_drop(); /* no ringcastd watches this heartbeat now */
    log_warning("%s: ending its cameras", terminated ? "told to end" : "no ringcastd has come");
    int result = orphans_end(&keeper->entries, keeper->directory);
    if (result == -EBUSY) {
        keeper->lease_end_ms = clock_now_ms() + LEASE_RETRY_MS;
    } else {
        keeper->ended = true;
    }
}

static void loop(struct keeper *keeper)
{
    /* Without a ringcastd only the keeper can end what it holds, so a signal does not end it before that. */
    while (!keeper->ended && !(terminated && keeper->state != STATE_WAITING)) {
        struct pollfd wait[] = {{.fd = keeper->channel, .events = POLLIN},
                                {.fd = keeper->listener, .events = POLLIN}};
        blackbox_beat(BEAT_ALLOWANCE_MS);
        if (poll(wait, 2, BEAT_INTERVAL_MS) > 0) {
            if (wait[0].revents != 0) {
                on_channel(keeper);
            }
            if (wait[1].revents != 0 && !keeper->ended) {
                on_connection(keeper);
            }
        }
        check_lease(keeper);
    }
}

static bool has_channel(void)
{
    struct stat status;

    return fstat(CHANNEL_CHILD_FD, &status) == 0 && S_ISSOCK(status.st_mode);
}

int main(int argc, char *argv[])
{
    struct sigaction terminate = {.sa_handler = on_terminate};
    struct keeper keeper = {.channel = CHANNEL_CHILD_FD, .listener = -1, .lease_ms = LEASE_DEFAULT_MS};

    (void)argv;
    if (argc > 1 || !has_channel()) {
        fprintf(stderr, "ringcast-keeper is started by ringcastd, not by hand\n");
        return 2;
    }
    sigaction(SIGTERM, &terminate, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    log_open("keeper", NULL);
    log_follow_format();
    if (sandbox_enter(SANDBOX_KEEPER, NULL) < 0) {
        return EXIT_FAILURE;
    }
    STAILQ_INIT(&keeper.entries);
    give_back_code();
    loop(&keeper);
    if (keeper.listener >= 0) {
        close(keeper.listener);
        unlink(keeper.path);
    }
    if (keeper.channel >= 0) {
        close(keeper.channel);
    }
    kept_finish(&keeper.entries);
    free(keeper.directory);
    blackbox_drop();
    log_close();
    return 0;
}
