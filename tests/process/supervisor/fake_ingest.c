/* SPDX-License-Identifier: MIT */
/*
 * Stands in for ringcast-ingest, fork server and workers. Orders for the fork server: fork-server-exits,
 * fork-server-mute (never ready), fork-server-deaf (answers no spawn), fork-server-dies-in-spawn (once: after
 * the fork, before the answer), fork-server-refuses (once: spawn-failed). A worker does what its camera's URL
 * says: /stream, /exit, /silent, /garbage, /stubborn (ends on nothing but SIGKILL), /hang (streams, then is
 * silent), /flap (many state changes), /flood (more state changes than can wait anywhere), /calm (streams and
 * says nothing more), /linked (asks for connections with the relay, and notes in links.log what it says), /spin (beats once, then no more), /orphan (leaves a grandchild that ends later).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_writer.h"
#include "tests/process/supervisor/fake_program.h"

#define STATS_MS 50

/* Far more messages than wait for one process. */
#define FLOOD 15000

static void say_state(const char *state, const char *error)
{
    fake_send("state", json_pack("{s:s, s:s?, s:s, s:i, s:i}", "state", state, "error", error, "codecs",
                                 "avc1.64001F", "width", 1280, "height", 720));
}

/* Until it is told to end; CALM: without a word. Returns the exit code. */
static int stream(bool calm)
{
    struct channel_message message;

    for (int fragments = 1;; fragments++) {
        if (!calm) {
            fake_send("stats", json_pack("{s:i, s:i, s:f, s:f}", "fragments", fragments, "bytes",
                                         fragments * 1000, "fps", 25.0, "bitrate", 2000000.0));
        }
        int result = fake_receive(&message, calm ? -1 : STATS_MS);
        if (result == -EAGAIN) {
            continue;
        }
        if (result <= 0) {
            return 0;
        }
        bool stop = message_is(message.body, "stop");
        channel_message_clear(&message);
        if (stop) {
            return 0;
        }
    }
}

/* True when the connection has ended. */
static bool note_greeting(int relay)
{
    char text[128];
    ssize_t length = recv(relay, text, sizeof(text) - 1, MSG_DONTWAIT);

    if (length > 0) {
        text[length] = '\0';
        fake_note("links.log", text);
    }
    return length == 0;
}

/* As stream, connected with the relay; asks again until it is, and whenever that has ended. */
static int stay_linked(void)
{
    struct channel_message message;
    int relay = -1;

    for (int fragments = 1;; fragments++) {
        fake_send("stats", json_pack("{s:i, s:i}", "fragments", fragments, "bytes", fragments * 1000));
        if (relay < 0) {
            fake_send("relay-wanted", NULL);
        } else if (note_greeting(relay)) {
            close(relay);
            relay = -1;
        }
        int result = fake_receive(&message, STATS_MS);
        if (result == -EAGAIN) {
            continue;
        }
        if (result <= 0 || message_is(message.body, "stop")) {
            return 0;
        }
        if (message_is(message.body, "relay")) {
            if (relay >= 0) {
                close(relay);
            }
            relay = channel_message_take_fd(&message, 0);
        }
        channel_message_clear(&message);
    }
}

static void ignore_everything(void)
{
    signal(SIGTERM, SIG_IGN);
    for (;;) {
        pause();
    }
}

static void flap(void)
{
    char error[32];

    for (int i = 0; i < 2000; i++) {
        snprintf(error, sizeof(error), "flap %d", i);
        say_state("stalled", error);
        usleep(500);
    }
}

/* As fast as ringcastd reads. */
static void flood(void)
{
    char error[48];

    for (int i = 0; i < FLOOD; i++) {
        snprintf(error, sizeof(error), "%s %d", i + 1 < FLOOD ? "flood" : "the last of the flood", i);
        fake_send("state", json_pack("{s:s, s:s}", "state", "stalled", "error", error));
    }
}

static int behave(const char *url)
{
    const char *path = strrchr(url, '/');

    if (strcmp(path, "/exit") == 0) {
        return 7;
    }
    if (strcmp(path, "/silent") == 0) {
        ignore_everything();
    }
    say_state("starting", NULL);
    if (strcmp(path, "/garbage") == 0) {
        for (;;) {
            if (write(CHANNEL_CHILD_FD, "{]", 2) < 0) {
                usleep(1000);
            }
        }
    }
    if (strcmp(path, "/flap") == 0) {
        flap();
    }
    if (strcmp(path, "/flood") == 0) {
        flood();
        ignore_everything();
    }
    if (strcmp(path, "/orphan") == 0 && fork() == 0) {
        close(CHANNEL_CHILD_FD);
        usleep(200000);
        _exit(0);
    }
    say_state("streaming", NULL);
    if (strcmp(path, "/spin") == 0) {
        log_warning("about to spin");
        blackbox_beat(100);
    }
    if (strcmp(path, "/stubborn") == 0 || strcmp(path, "/hang") == 0) {
        ignore_everything();
    }
    return strcmp(path, "/linked") == 0 ? stay_linked() : stream(strcmp(path, "/calm") == 0);
}

/* The ring must be writable and the event descriptor one that can be written. */
static void attach_ring(struct channel_message *message)
{
    struct ring_writer *writer;
    int ring = channel_message_take_fd(message, 0), wake = channel_message_take_fd(message, 1);
    uint64_t one = 1;

    if (ring < 0 || wake < 0 || write(wake, &one, sizeof(one)) != sizeof(one)) {
        exit(92);
    }
    if (ring_writer_attach(ring, wake, &writer) < 0) {
        exit(93);
    }
    ring_writer_detach(writer);
    close(wake);
}

static int worker(void)
{
    struct channel_message message;
    char url[256], note[512];

    prctl(PR_SET_NAME, "ringcast-ingest");
    blackbox_drop();
    if (fake_receive(&message, -1) != 1) {
        return 0;
    }
    if (!message_is(message.body, "camera")) {
        return 94;
    }
    snprintf(url, sizeof(url), "%s", message_string(message.body, "url", "?"));
    snprintf(note, sizeof(note), "%d %s %s %s", (int)getpid(), message_string(message.body, "name", "?"),
             message_string(message.body, "transport", "?"),
             message_string(message.body, "password", "none"));
    attach_ring(&message);
    channel_message_clear(&message);
    fake_note("workers.log", note);
    return behave(url);
}

/* Forks twice, so that the worker is ringcastd's child. The worker never returns. Its process id. */
static pid_t fork_worker(int channel)
{
    int ends[2];
    pid_t pid = -1;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        exit(95);
    }
    pid_t middle = fork();
    if (middle == 0) {
        pid = fork();
        if (pid == 0) {
            dup2(channel, CHANNEL_CHILD_FD);
            close(channel);
            close(ends[0]);
            close(ends[1]);
            _exit(worker());
        }
        _exit(write(ends[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
    }
    waitpid(middle, NULL, 0);
    if (read(ends[0], &pid, sizeof(pid)) != sizeof(pid)) {
        exit(96);
    }
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void on_spawn(struct channel_message *message)
{
    const char *camera = message_string(message->body, "camera", "");
    int channel = channel_message_take_fd(message, 0);

    if (channel < 0) {
        exit(97);
    }
    if (fake_ordered("fork-server-deaf")) {
        /* It never ran, and there is no answer. */
    } else if (fake_ordered_once("fork-server-refuses")) {
        fake_send("spawn-failed", json_pack("{s:s, s:s}", "camera", camera, "error", "no more processes"));
    } else {
        pid_t pid = fork_worker(channel);
        if (fake_ordered_once("fork-server-dies-in-spawn")) {
            raise(SIGKILL);
        }
        fake_send("spawned", json_pack("{s:s, s:i}", "camera", camera, "pid", (int)pid));
    }
    close(channel);
}

int main(int argc, char *argv[])
{
    struct channel_message message;

    if (argc != 2 || strcmp(argv[1], "--fork-server") != 0) {
        return 98;
    }
    fake_check_inheritance();
    if (fake_ordered("fork-server-exits")) {
        return 3;
    }
    if (!fake_ordered("fork-server-mute")) {
        fake_send("ready", NULL);
    }
    for (;;) {
        int result = fake_receive(&message, -1);
        if (result <= 0) {
            return 0;
        }
        if (message_is(message.body, "spawn")) {
            on_spawn(&message);
        }
        channel_message_clear(&message);
    }
}
