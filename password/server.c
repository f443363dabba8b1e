/* SPDX-License-Identifier: MIT */
#include "password/server.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "password/checks.h"

/* Milliseconds between two heartbeats at most, and how long one turn may take without and with a password. */
#define BEAT_INTERVAL_MS 1000
#define BEAT_ALLOWANCE_MS 4000
#define HASH_ALLOWANCE_MS                                                                                    \
    30000 /* a method that an operator has chosen may take seconds, on a busy machine more */

/* How often ringcastd is told what was done. */
#define COUNTS_INTERVAL_MS 1000

/* Messages of one client before others have their turn. */
#define RECEIVE_TURN 32

/* Twice the most fan-outs and ringcast-rtsp: one that gets another socket may not have closed the last one yet. */
#define CLIENTS_MAX 130

struct client {
    uint64_t id; /* 0: the place is free */
    json_int_t index;
    int fd;
    json_t *unsent; /* answers that the fan-out has not taken; nothing is read from it meanwhile */
};

struct server {
    int channel;
    struct checks *checks;
    struct client clients[CLIENTS_MAX];
    uint64_t last_id;
    struct checks_counts told; /* what ringcastd knows */
    uint64_t told_ms;
    bool stopped;
};

/* --- Clients -------------------------------------------------------------------------------------------- */

static void close_client(struct server *server, struct client *client)
{
    checks_forget_client(server->checks, client->id);
    close(client->fd);
    json_decref(client->unsent);
    *client = (struct client){.fd = -1};
}

static struct client *find_client(struct server *server, uint64_t id)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (server->clients[i].id == id) {
            return &server->clients[i];
        }
    }
    return NULL;
}

/* The oldest client of fan-out INDEX; of all if it is -1. */
static struct client *oldest_client(struct server *server, json_int_t index)
{
    struct client *oldest = NULL;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->id > 0 && (index < 0 || client->index == index) && (!oldest || client->id < oldest->id)) {
            oldest = client;
        }
    }
    return oldest;
}

/* A place for a client of fan-out INDEX, whose oldest one makes room if none is free. */
static struct client *make_place(struct server *server, json_int_t index)
{
    struct client *place = find_client(server, 0);

    if (!place) {
        place = oldest_client(server, index);
        place = place ? place : oldest_client(server, -1);
        close_client(server, place);
    }
    return place;
}

static void send_unsent(struct server *server, struct client *client)
{
    while (client->id > 0 && json_array_size(client->unsent) > 0) {
        int result = channel_send(client->fd, json_array_get(client->unsent, 0), NULL, 0);
        if (result == -EAGAIN) {
            return;
        }
        if (result < 0) {
            close_client(server, client);
            return;
        }
        json_array_remove(client->unsent, 0);
    }
}

static void on_answer(void *data, uint64_t id, json_int_t number, enum checks_result result, unsigned retry_s)
{
    static const char *const names[] = {
        [CHECKS_RIGHT] = "right", [CHECKS_WRONG] = "wrong", [CHECKS_SLOW] = "slow"};
    struct server *server = data;
    struct client *client = find_client(server, id);

    if (!client || client->id == 0) {
        return;
    }
    if (!client->unsent) {
        client->unsent = json_array();
    }
    json_array_append_new(client->unsent,
                          message_pack("checked", "{s:I, s:s, s:I}", "number", number, "result",
                                       names[result], "retry_s", (json_int_t)retry_s));
    send_unsent(server, client);
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

static void set_log_level(const json_t *body, const char *member)
{
    enum log_level level;

    if (log_level_from_name(message_string(body, member, ""), &level) == 0) {
        log_set_level(level);
    }
}

/* `ready` answers each of them: it may come from another ringcastd, which has taken over. */
static void on_passwords(struct server *server, struct channel_message *message)
{
    int fd = channel_message_take_fd(message, 0);
    json_t *document = fd >= 0 ? memory_file_read_json(fd) : NULL;
    int result = document ? checks_set_users(server->checks, document) : -EBADMSG;
    json_t *ready = message_pack("ready", "{s:o}", "sandbox", sandbox_layers());

    set_log_level(message->body, "log_level");
    if (result < 0) {
        log_error("the users' passwords cannot be read: %s", strerror(-result));
    }
    if (ready) {
        channel_send(server->channel, ready, NULL, 0);
    }
    json_decref(ready);
    json_decref(document);
    if (fd >= 0) {
        close(fd);
    }
}

static void on_client(struct server *server, struct channel_message *message)
{
    json_int_t index = message_integer(message->body, "index", 0);
    int fd = channel_message_take_fd(message, 0);

    if (fd < 0 || index < 0) {
        log_warning("a client without a socket");
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    *make_place(server, index) = (struct client){.id = ++server->last_id, .index = index, .fd = fd};
}

static void dispatch(struct server *server, struct channel_message *message)
{
    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        blackbox_carry(channel_message_take_fd(message, 0));
    } else if (message_is(message->body, "passwords")) {
        on_passwords(server, message);
    } else if (message_is(message->body, "client")) {
        on_client(server, message);
    } else if (message_is(message->body, "log-level")) {
        set_log_level(message->body, "level");
    } else if (message_is(message->body, "stop")) {
        server->stopped = true;
    } else {
        log_warning("unknown message type %s", message_type(message->body));
    }
}

static void read_channel(struct server *server)
{
    while (!server->stopped) {
        struct channel_message message;
        int result = channel_receive(server->channel, &message);
        if (result == 1) {
            dispatch(server, &message);
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else if (result == -EAGAIN) {
            return;
        } else {
            server->stopped = true;
        }
    }
}

/* --- Questions ------------------------------------------------------------------------------------------ */

static void on_check(struct server *server, const struct client *client, const json_t *body)
{
    const struct checks_question question = {.client = client->id,
                                             .number = message_integer(body, "number", 0),
                                             .user = message_string(body, "user", ""),
                                             .password = message_string(body, "password", ""),
                                             .address = message_string(body, "address", "")};

    checks_ask(server->checks, &question, clock_now_ms());
}

static void on_digest(struct server *server, const struct client *client, const json_t *body)
{
    struct digest_answer given = {.nonce = message_string(body, "nonce", ""),
                                  .uri = message_string(body, "uri", ""),
                                  .method = message_string(body, "method", ""),
                                  .qop = message_string(body, "qop", ""),
                                  .nc = message_string(body, "nc", ""),
                                  .cnonce = message_string(body, "cnonce", ""),
                                  .response = message_string(body, "response", "")};
    const struct checks_digest_question question = {.client = client->id,
                                                    .number = message_integer(body, "number", 0),
                                                    .user = message_string(body, "user", ""),
                                                    .address = message_string(body, "address", ""),
                                                    .answer = &given};

    if (!digest_algorithm_find(message_string(body, "algorithm", ""), &given.algorithm)) {
        given.response = ""; /* wrong, and counted so */
    }
    checks_ask_digest(server->checks, &question, clock_now_ms());
}

static void on_client_message(struct server *server, const struct client *client, const json_t *body)
{
    if (message_is(body, "check")) {
        on_check(server, client, body);
    } else if (message_is(body, "digest")) {
        on_digest(server, client, body);
    } else if (message_is(body, "cancel")) {
        checks_cancel(server->checks, client->id, message_integer(body, "number", 0));
    } else {
        log_warning("unexpected message \"%s\" of a fan-out", message_type(body));
    }
}

/*
 * Users who changed before a fan-out asked count for its question: ringcastd sends them here before the fan-out learns of them,
 * so they are in the channel by the time at which the question can be read.
 */
static void read_client(struct server *server, struct client *client)
{
    for (int i = 0; i < RECEIVE_TURN && client->id > 0 && json_array_size(client->unsent) == 0; i++) {
        struct channel_message message;
        int result = channel_receive(client->fd, &message);
        if (result == 1) {
            uint64_t id = client->id;
            read_channel(server);
            if (client->id == id) { /* a new client may have got the place */
                on_client_message(server, client, message.body);
            }
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else {
            if (result != -EAGAIN) {
                close_client(server, client);
            }
            return;
        }
    }
}

/* --- Reports -------------------------------------------------------------------------------------------- */

/* False: ringcastd reads nothing now; what it is to be told waits. */
static bool can_tell(const struct server *server)
{
    struct pollfd writable = {.fd = server->channel, .events = POLLOUT};

    return poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT);
}

static void tell_refusals(struct server *server, uint64_t now_ms)
{
    json_t *report;

    while (can_tell(server) && (report = checks_report(server->checks, now_ms))) {
        json_t *message = message_new("refused");
        if (message && json_object_update(message, report) == 0) {
            channel_send(server->channel, message, NULL, 0);
        }
        json_decref(message);
        json_decref(report);
    }
}

static bool has_counted(const struct server *server)
{
    const struct checks_counts counts = checks_counts(server->checks);

    return memcmp(&counts, &server->told, sizeof(counts)) != 0;
}

static void tell_counts(struct server *server, uint64_t now_ms)
{
    const struct checks_counts counts = checks_counts(server->checks);

    if (!has_counted(server) || now_ms - server->told_ms < COUNTS_INTERVAL_MS || !can_tell(server)) {
        return;
    }
    json_t *message = message_pack("counts", "{s:I, s:I, s:I, s:I}", "right", counts.right, "wrong",
                                   counts.wrong, "slowed", counts.slowed, "hashed", counts.hashed);
    if (message) {
        channel_send(server->channel, message, NULL, 0);
    }
    json_decref(message);
    server->told = counts;
    server->told_ms = now_ms;
}

/* --- The loop ------------------------------------------------------------------------------------------- */

/* Reports are made within a second of when they are due, so that no flood of them wakes this process more often. */
static int wait_ms(const struct server *server, uint64_t now_ms)
{
    uint64_t wait = checks_waiting(server->checks) ? 0 : BEAT_INTERVAL_MS;
    uint64_t report = checks_report_wait_ms(server->checks, now_ms);

    return (int)(report < wait ? report : wait);
}

static int turn(struct server *server)
{
    struct pollfd wait[1 + CLIENTS_MAX] = {{.fd = server->channel, .events = POLLIN}};
    uint64_t ids[CLIENTS_MAX];

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &server->clients[i];
        short events = json_array_size(client->unsent) > 0 ? POLLOUT : POLLIN;
        wait[1 + i] = (struct pollfd){.fd = client->id > 0 ? client->fd : -1, .events = events};
        ids[i] = client->id;
    }
    if (poll(wait, 1 + CLIENTS_MAX, wait_ms(server, clock_now_ms())) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    if (wait[0].revents != 0) {
        read_channel(server);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (wait[1 + i].revents != 0 && client->id == ids[i]) {
            send_unsent(server, client);
            read_client(server, client);
        }
    }
    return 0;
}

int server_run(struct server *server)
{
    int result = 0;

    while (result == 0 && !server->stopped) {
        blackbox_beat(BEAT_ALLOWANCE_MS);
        result = turn(server);
        if (result == 0 && !server->stopped && checks_waiting(server->checks)) {
            blackbox_beat(HASH_ALLOWANCE_MS);
            checks_turn(server->checks, clock_now_ms);
        }
        uint64_t now_ms = clock_now_ms();
        tell_refusals(server, now_ms);
        tell_counts(server, now_ms);
    }
    return result;
}

int server_create(int channel, struct server **made)
{
    struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        return -ENOMEM;
    }
    server->channel = channel;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        server->clients[i].fd = -1;
    }
    server->checks = checks_create(on_answer, server);
    if (!server->checks) {
        free(server);
        return -ENOMEM;
    }
    *made = server;
    return 0;
}

void server_destroy(struct server *server)
{
    if (!server) {
        return;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (server->clients[i].id > 0) {
            close_client(server, &server->clients[i]);
        }
    }
    checks_destroy(server->checks);
    free(server);
}
