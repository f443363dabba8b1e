/* SPDX-License-Identifier: MIT */
/*
 * Stands in for ringcast-fanout: notes every message in fanout.log, and gives its process id to every
 * connection. Orders: fanout-exits, fanout-mute (never ready), fanout-deaf (ready, then reads nothing),
 * fanout-stubborn (ends on nothing but SIGKILL), fanout-slow (200 messages a second). What it is told of who may
 * watch is in access.json. With each connection it does what is in a file, which it takes away: fanout-says (a message
 * to ringcastd), fanout-uses (a number: the token with that number is used), fanout-asks (a check for ringcast-password,
 * whose answer goes to checked.log).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/ring/ringcast.h"
#include "tests/process/supervisor/fake_program.h"

/* Of fanout-slow, for each message. */
#define SLOW_US 5000

#define ONCE_BYTES 4096

static int listener = -1;
static int password = -1; /* to ringcast-password */
static uint32_t *once;
static json_t *viewers;

static void note(const struct channel_message *message)
{
    char *text = json_dumps(message->body, JSON_COMPACT | JSON_SORT_KEYS);

    fake_note("fanout.log", text);
    free(text);
}

static void on_listen(struct channel_message *message)
{
    int listening = 0;
    socklen_t size = sizeof(listening);

    listener = channel_message_take_fd(message, 0);
    if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || listening != 1) {
        exit(92);
    }
    if (!fake_ordered("fanout-mute")) {
        fake_send("ready", NULL);
    }
}

/* Two viewers for each camera that it knows. */
static void on_add(struct channel_message *message)
{
    struct ringcast_reader *reader;
    bool has_ring = message->fd_count > 0; /* a camera without one has failed */
    int ring = channel_message_take_fd(message, 0), wake = channel_message_take_fd(message, 1);

    if (!has_ring) {
        return;
    }
    if (wake < 0 || (fcntl(ring, F_GETFL) & O_ACCMODE) != O_RDONLY || ringcast_open_fd(ring, &reader) < 0) {
        exit(93);
    }
    ringcast_close(reader);
    close(ring);
    close(wake);
    json_object_set_new(viewers, message_string(message->body, "name", "?"), json_integer(2));
    fake_send("viewers",
              json_pack("{s:O, s:i}", "cameras", viewers, "total", (int)json_object_size(viewers) * 2));
}

/* --- Who may watch -------------------------------------------------------------------------------------- */

static void path_in(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", getenv("FAKE_DIR"), name);
}

/* The document in place of the one before; readers see all of either. */
static void on_access(struct channel_message *message)
{
    char path[512], new_path[512], name[32];
    int fd = channel_message_take_fd(message, 0), page = channel_message_take_fd(message, 1);
    json_t *document = memory_file_read_json(fd);

    if (!document ||
        (fcntl(fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK)) {
        exit(96);
    }
    path_in(path, "access.json");
    snprintf(name, sizeof(name), "access.%ld", (long)getpid()); /* there may be several fan-outs */
    path_in(new_path, name);
    if (json_dump_file(document, new_path, JSON_COMPACT) < 0 || rename(new_path, path) < 0) {
        exit(97);
    }
    if (page >= 0) {
        once = mmap(NULL, ONCE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
        close(page);
    }
    close(fd);
    json_decref(document);
}

static void on_password_channel(struct channel_message *message)
{
    if (password >= 0) {
        close(password);
    }
    password = channel_message_take_fd(message, 0);
}

/* The order in file NAME, which is taken away; NULL: there is none. */
static json_t *take_order(const char *name)
{
    char path[512];

    path_in(path, name);
    json_t *order = json_load_file(path, JSON_DECODE_ANY, NULL);
    if (order) {
        unlink(path);
    }
    return order;
}

static void ask_password(const json_t *check)
{
    struct channel_message answer;
    struct pollfd readable = {.fd = password, .events = POLLIN};

    if (channel_send(password, check, NULL, 0) < 0 || poll(&readable, 1, 20000) != 1 ||
        channel_receive(password, &answer) != 1) {
        fake_note("checked.log", "no answer");
        return;
    }
    char *text = json_dumps(answer.body, JSON_COMPACT | JSON_SORT_KEYS);
    fake_note("checked.log", text);
    free(text);
    channel_message_clear(&answer);
}

static void obey(void)
{
    json_t *says = take_order("fanout-says"), *uses = take_order("fanout-uses"),
           *asks = take_order("fanout-asks");

    if (says) {
        fake_send(message_type(says), json_incref(says));
    }
    if (uses) {
        once[json_integer_value(uses)] = 1;
    }
    if (asks) {
        ask_password(asks);
    }
    json_decref(says);
    json_decref(uses);
    json_decref(asks);
}

static void on_connection(void)
{
    int connection = accept(listener, NULL, NULL);

    if (connection >= 0) {
        obey();
        dprintf(connection, "%d", (int)getpid());
        close(connection);
    }
}

/* False at end-of-file or `stop`. */
static bool on_message(void)
{
    struct channel_message message;
    bool go_on = true;

    int result = fake_receive(&message, 0);
    if (result == -EAGAIN) {
        return true;
    }
    if (result <= 0) {
        return false;
    }
    note(&message);
    if (fake_ordered("fanout-slow")) {
        usleep(SLOW_US);
    }
    if (message_is(message.body, "listen")) {
        on_listen(&message);
    } else if (message_is(message.body, "camera-add")) {
        on_add(&message);
    } else if (message_is(message.body, "access")) {
        on_access(&message);
    } else if (message_is(message.body, "password-channel")) {
        on_password_channel(&message);
    } else if (message_is(message.body, "stop")) {
        go_on = false;
    }
    channel_message_clear(&message);
    return go_on;
}

int main(void)
{
    bool go_on = true;

    fake_check_inheritance();
    if (fake_ordered("fanout-exits")) {
        return 4;
    }
    if (fake_ordered("fanout-stubborn")) {
        signal(SIGTERM, SIG_IGN);
    }
    viewers = json_object();
    while (go_on) {
        struct pollfd wait[] = {{.fd = CHANNEL_CHILD_FD, .events = POLLIN},
                                {.fd = listener, .events = POLLIN}};
        bool deaf = listener >= 0 && fake_ordered_once("fanout-deaf");
        while (deaf) {
            pause();
        }
        if (poll(wait, 2, -1) < 0 && errno != EINTR) {
            return 95;
        }
        if (wait[1].revents != 0) {
            on_connection();
        }
        if (wait[0].revents != 0) {
            go_on = on_message();
        }
    }
    while (fake_ordered("fanout-stubborn")) {
        pause();
    }
    json_decref(viewers);
    return 0;
}
