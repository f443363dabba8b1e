/* SPDX-License-Identifier: MIT */
/*
 * bench_control: what a control connection costs the process at its other end: over the inherited channel, as
 * workers and fan-outs have it, and over NNG, as ringcastctl has it. For each: threads and memory of a child
 * that answers, how long from its fork to its first answer, and the round trip of a message of the size of a
 * worker's `stats`. Prints one line of JSON. docs/design/supervision.md tells what follows from it.
 */
#include <errno.h>
#include <jansson.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "tests/bench/clock.h"
#include "tests/bench/histogram.h"

#define ADDRESS_SIZE 96
#define LINE_SIZE 256

/* The child has 10 s to answer: it may have to start on a busy machine. */
#define PATIENCE_MS 10000

/* Between two questions, so that the child sleeps as it does in life. */
#define PAUSE_NS (2 * NS_PER_MS)

/* One end of a connection. */
struct link {
    bool nng;
    int channel;
    nng_socket socket;
};

static json_t *sample_message(void)
{
    return json_pack("{s:i, s:s, s:i, s:i, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f}", "v",
                     1, "type", "stats", "fragments", 123456, "bytes", 1234567890, "fps", 25.0, "bitrate",
                     2034000.0, "gop_bytes", 512000, "fragment_bytes", 64000, "lost", 0, "reordered", 0,
                     "duplicates", 0, "malformed", 0, "marker_errors", 0, "discontinuities", 0, "withheld", 0,
                     "jitter_ms", 1.25);
}

static bool link_send(struct link *link, const json_t *body)
{
    if (!link->nng) {
        return channel_send(link->channel, body, NULL, 0) == 0;
    }
    char *text = json_dumps(body, JSON_COMPACT);
    bool sent = text != NULL && nng_send(link->socket, text, strlen(text), 0) == 0;
    free(text);
    return sent;
}

/* A new reference; NULL: nothing came, or nonsense. */
static json_t *link_receive(struct link *link)
{
    struct channel_message message;
    struct pollfd ready = {.fd = link->channel, .events = POLLIN};
    char *text = NULL;
    size_t size = 0;

    if (!link->nng) {
        if (poll(&ready, 1, PATIENCE_MS) <= 0 || channel_receive(link->channel, &message) <= 0) {
            return NULL;
        }
        json_t *body = json_incref(message.body);
        channel_message_clear(&message);
        return body;
    }
    if (nng_recv(link->socket, &text, &size, NNG_FLAG_ALLOC) != 0) {
        return NULL;
    }
    json_t *body = json_loadb(text, size, 0, NULL);
    nng_free(text, size);
    return body;
}

/* The child: answers until it is killed or the other end is gone. */
static _Noreturn void answer(struct link *link, const char *address)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (link->nng && (nng_rep0_open(&link->socket) != 0 || nng_listen(link->socket, address, NULL, 0) != 0)) {
        _exit(1);
    }
    for (;;) {
        json_t *question = link_receive(link);
        if (question == NULL || !link_send(link, question)) {
            _exit(1);
        }
        json_decref(question);
    }
}

static bool connect_nng(struct link *link, const char *address)
{
    if (nng_req0_open(&link->socket) != 0) {
        return false;
    }
    nng_socket_set_ms(link->socket, NNG_OPT_RECVTIMEO, PATIENCE_MS);
    for (int64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS; clock_ns() < until;) {
        if (nng_dial(link->socket, address, NULL, 0) == 0) {
            return true;
        }
        struct timespec pause = {.tv_nsec = NS_PER_MS};
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The number behind NAME in a file of the process in /proc; -1: none. */
static long read_number(pid_t pid, const char *file, const char *name)
{
    char path[ADDRESS_SIZE], line[LINE_SIZE];
    long number = -1;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    FILE *in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtol(line + strlen(name), NULL, 10);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    return number;
}

static bool ask(struct link *link, struct histogram *times)
{
    json_t *question = sample_message();
    int64_t begun = clock_ns();
    bool sent = link_send(link, question);
    json_t *reply = sent ? link_receive(link) : NULL;
    bool same = json_equal(question, reply);

    if (times != NULL) {
        histogram_add(times, clock_ns() - begun);
    }
    json_decref(question);
    json_decref(reply);
    return same;
}

/* What was found; NULL: it did not work. */
static json_t *measure(struct link *link, pid_t child, int64_t begun, size_t count)
{
    struct histogram *times = calloc(1, sizeof(*times));
    bool good = times != NULL && ask(link, NULL);
    int64_t first = clock_ns() - begun;

    for (size_t i = 0; good && i < count; i++) {
        struct timespec pause = {.tv_nsec = PAUSE_NS};
        nanosleep(&pause, NULL);
        good = ask(link, times);
    }
    json_t *found =
        good ? json_pack("{s:f, s:I, s:I, s:o}", "first_answer_ms", (double)first / NS_PER_MS, "threads",
                         (json_int_t)read_number(child, "status", "Threads:"), "private_kb",
                         (json_int_t)read_number(child, "smaps_rollup", "Private_Dirty:"), "round_trip_ms",
                         histogram_json(times))
             : NULL;
    free(times);
    return found;
}

/* NNG must not have been used in this process when it forks. */
static json_t *run(bool nng, size_t count)
{
    char address[ADDRESS_SIZE];
    int ends[2] = {-1, -1};
    json_t *found = NULL;

    snprintf(address, sizeof(address), "ipc:///tmp/ringcast-bench-control.%d", (int)getpid());
    if (channel_pair(ends) < 0) {
        return NULL;
    }
    int64_t begun = clock_ns();
    pid_t child = fork();
    if (child == 0) {
        answer(&(struct link){.nng = nng, .channel = ends[1]}, address);
    }
    struct link link = {.nng = nng, .channel = ends[0]};
    if (child > 0 && (!nng || connect_nng(&link, address))) {
        found = measure(&link, child, begun, count);
    }
    if (nng) {
        nng_close(link.socket); /* first: it may wait for ever for a peer that goes meanwhile */
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (nng) {
        unlink(address + strlen("ipc://"));
    }
    close(ends[0]);
    close(ends[1]);
    return found;
}

int main(int argc, char *argv[])
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    json_t *channel = run(false, count);
    json_t *nng = run(true, count);
    bool good = channel != NULL && nng != NULL;

    if (good) {
        json_t *result = json_pack("{s:O, s:O}", "channel", channel, "nng", nng);
        json_dumpf(result, stdout, JSON_REAL_PRECISION(4));
        putchar('\n');
        json_decref(result);
    } else {
        fputs("bench_control: the child did not answer\n", stderr);
    }
    json_decref(channel);
    json_decref(nng);
    return good ? 0 : 1;
}
