/*
 * ringcast-keeper: holds descriptors and notes for ringcastd, so that whatever kills ringcastd, the next one
 * finds the rings, the channels of all processes and the listening socket, and nobody notices. It never looks
 * into what it holds until the lease is over: then, if no ringcastd has come, it ends everything (orphans.c).
 *
 *     SERVING ──▶ WAITING (ringcastd is gone) ──▶ SERVING (the next one) | the end of the lease
 *
 * One thread, and no wait without an end but the one for the next event.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "keeper/fd_store.h"
#include "keeper/orphans.h"

#define BEAT_INTERVAL_MS 500
#define BEAT_ALLOWANCE_MS 3000

/* The next ringcastd takes what it asked for; one that does not for this long has not come to stay. */
#define SEND_PATIENCE_MS 5000

/* A ringcastd is starting but has not come here yet: look again after this time. */
#define LEASE_RETRY_MS 1000

/* If nobody says otherwise: the time to start a supervisor again, with room. */
#define LEASE_DEFAULT_MS 30000

enum state { STATE_SERVING, STATE_WAITING };

struct keeper {
    enum state state;
    int channel; /* to ringcastd; -1 while waiting */
    int listener;
    char *directory; /* NULL: not told yet */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct store store;
    long long lease_ms, lease_end_ms;
    bool ended;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
    (void)number;
    terminated = 1;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *strstate(enum state state)
{
    return state == STATE_SERVING ? "serving" : "waiting";
}

static void enter_state(struct keeper *keeper, enum state state)
{
    if (state == STATE_WAITING) {
        keeper->lease_end_ms = now_ms() + keeper->lease_ms;
        log_warning("ringcastd is gone; keeping its cameras for %lld s", keeper->lease_ms / 1000);
    }
    log_debug("%s -> %s", strstate(keeper->state), strstate(state));
    keeper->state = state;
}

static void close_channel(struct keeper *keeper)
{
    close(keeper->channel);
    keeper->channel = -1;
}

/* Waits for room. 0 or negative errno. */
static int send_patiently(int channel, const json_t *message, const int *fds, int fd_count)
{
    struct pollfd writable = {.fd = channel, .events = POLLOUT};
    int result = message == NULL ? -ENOMEM : channel_send(channel, message, fds, fd_count);

    while (result == -EAGAIN && poll(&writable, 1, SEND_PATIENCE_MS) > 0) {
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
    json_t *message = message_new("ready");

    if (message != NULL) {
        json_object_set_new(message, "sandbox", sandbox_layers());
    }
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
    return keeper->directory == NULL ? -ENOMEM : 0;
}

/* ringcastd's first message. A second one would be from somebody who knows us already. */
static void on_keep_at(struct keeper *keeper, const json_t *body)
{
    const char *directory = message_string(body, "directory", NULL);
    enum log_level level;

    if (log_level_from_name(message_string(body, "log_level", ""), &level) == 0) {
        log_set_level(level);
    }
    keeper->lease_ms = message_integer(body, "lease_ms", LEASE_DEFAULT_MS);
    int error = directory == NULL ? -EBADMSG : keeper->directory != NULL ? 0 : listen_at(keeper, directory);
    if (error < 0) {
        log_error("cannot be found by a next ringcastd: %s", strerror(-error));
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
    const struct store_entry *entry;
    int error = 0;

    STAILQ_FOREACH(entry, &keeper->store, next) {
        json_t *message = json_pack("{s:i, s:s, s:s, s:s, s:O}", "v", MESSAGE_VERSION, "type", "record",
                                    "kind", entry->kind, "name", entry->name, "body", entry->body);
        error = send_patiently(channel, message, entry->fds, entry->fd_count);
        json_decref(message);
        if (error < 0) {
            return error;
        }
    }
    return say(channel, "records-end");
}

/* The next ringcastd: only one can have the run-time directory's lock, so the last one that comes is it. */
static void on_connection(struct keeper *keeper)
{
    int connection = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (connection < 0) {
        return;
    }
    if (!is_ringcastd(connection) || send_records(keeper, connection) < 0) {
        log_warning("somebody who asked for ringcastd's cameras did not get them");
        close(connection);
        return;
    }
    if (keeper->channel >= 0) {
        close_channel(keeper);
    }
    keeper->channel = connection;
    store_make_stale(&keeper->store);
    enter_state(keeper, STATE_SERVING);
}

/* --- What ringcastd says -------------------------------------------------------------------------------- */

static void dispatch(struct keeper *keeper, struct channel_message *message)
{
    int error = 0;

    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        error = blackbox_carry(channel_message_take_fd(message, 0));
    } else if (message_is(message->body, "keep-at")) {
        on_keep_at(keeper, message->body);
    } else if (message_is(message->body, "settled")) {
        store_drop_stale(&keeper->store);
    } else if (message_is(message->body, "stop")) {
        keeper->ended = true;
    } else {
        error = store_obey(&keeper->store, message);
    }
    if (error < 0) {
        log_warning("a message \"%s\" was not obeyed: %s", message_type(message->body), strerror(-error));
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
            log_warning("a malformed message is dropped");
        } else {
            close_channel(keeper);
            if (keeper->directory == NULL) {
                keeper->ended = true;
            } else {
                enter_state(keeper, STATE_WAITING);
            }
        }
    }
}

static void check_lease(struct keeper *keeper)
{
    if (keeper->state != STATE_WAITING || (now_ms() < keeper->lease_end_ms && !terminated)) {
        return;
    }
    blackbox_drop(); /* nobody looks at it now */
    log_warning("%s: ending its cameras", terminated ? "told to end" : "no ringcastd has come");
    int error = estate_clear(&keeper->store, keeper->directory);
    if (error == -EBUSY) {
        keeper->lease_end_ms = now_ms() + LEASE_RETRY_MS;
    } else {
        keeper->ended = true;
    }
}

static void loop(struct keeper *keeper)
{
    /* Without a ringcastd there is nobody else to end what is kept. */
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
    STAILQ_INIT(&keeper.store);
    loop(&keeper);
    if (keeper.listener >= 0) {
        close(keeper.listener);
        unlink(keeper.path);
    }
    if (keeper.channel >= 0) {
        close(keeper.channel);
    }
    store_finish(&keeper.store);
    free(keeper.directory);
    blackbox_drop();
    log_close();
    return 0;
}
