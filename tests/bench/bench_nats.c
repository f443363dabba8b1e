/* SPDX-License-Identifier: MIT */
/*
 * bench_nats: a plain publisher and a plain subscriber of NATS, beside which what ringcast-relay takes can be held:
 *   bench_nats publish URL FPS <SIZES     one line for each subject with the sizes of its messages, which are sent one after the other, over and over
 *   bench_nats subscribe URL COUNT        COUNT subjects
 * The library's options are those of the relay. Both run until standard input ends (publish: until SIGTERM), and then print {"messages":N,"bytes":N},
 * the subscriber also how long messages took to come to it: "ms":{"p50":N,"p99":N,"max":N}.
 */
#include <nats/nats.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/bench/histogram.h"

#define SUBJECTS_MAX 64
#define MESSAGES_MAX 4096
#define MESSAGE_MAX (1u << 20)
#define LINE_SIZE 65536
#define SUBJECT_SIZE 32

struct stream {
    char subject[SUBJECT_SIZE];
    size_t sizes[MESSAGES_MAX];
    size_t count, next;
};

static _Atomic uint64_t messages, bytes;
static struct histogram transits; /* of the library's one thread that delivers */
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void must(natsStatus status, const char *what)
{
    if (status != NATS_OK) {
        fprintf(stderr, "bench_nats: %s: %s\n", what, natsStatus_GetText(status));
        exit(1);
    }
}

static natsConnection *connect_to(const char *url)
{
    natsOptions *options = NULL;
    natsConnection *connection = NULL;

    nats_Open(-1);
    nats_SetMessageDeliveryPoolSize(1);
    must(natsOptions_Create(&options), "options");
    must(natsOptions_SetURL(options, url), "URL");
    must(natsOptions_SetSendAsap(options, true), "options");
    must(natsOptions_SetNoEcho(options, true), "options");
    must(natsOptions_UseGlobalMessageDelivery(options, true), "options");
    must(natsConnection_Connect(&connection, options), url);
    natsOptions_Destroy(options);
    return connection;
}

static void name_subject(char subject[SUBJECT_SIZE], size_t index)
{
    snprintf(subject, SUBJECT_SIZE, "bench.%zu", index);
}

static double in_ms(int64_t ns)
{
    return (double)ns / NS_PER_MS;
}

static int report(void)
{
    printf("{\"messages\":%llu,\"bytes\":%llu", (unsigned long long)messages, (unsigned long long)bytes);
    if (transits.count > 0) {
        printf(",\"ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
               in_ms(histogram_percentile(&transits, 0.5)), in_ms(histogram_percentile(&transits, 0.99)),
               in_ms(transits.max));
    }
    puts("}");
    return 0;
}

/* --- Publishing ----------------------------------------------------------------------------------------- */

static size_t read_streams(struct stream *streams)
{
    static char line[LINE_SIZE];
    size_t count = 0;

    while (count < SUBJECTS_MAX && fgets(line, sizeof(line), stdin)) {
        struct stream *stream = &streams[count];
        char *save = NULL;
        name_subject(stream->subject, count);
        for (char *word = strtok_r(line, " \n", &save); word && stream->count < MESSAGES_MAX;
             word = strtok_r(NULL, " \n", &save)) {
            size_t size = strtoul(word, NULL, 10);
            stream->sizes[stream->count++] = size < MESSAGE_MAX ? size : MESSAGE_MAX;
        }
        count += stream->count > 0;
    }
    return count;
}

static void wait_until(int64_t at_ns)
{
    const struct timespec until = {.tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND};

    while (!ended && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
}

/* The subjects take turns, so that each message has a moment of its own, as cameras' pictures have. */
static int publish(natsConnection *connection, double fps)
{
    static struct stream streams[SUBJECTS_MAX];
    static uint8_t payload[MESSAGE_MAX];
    const size_t count = read_streams(streams);
    const int64_t step_ns = count > 0 ? (int64_t)((double)NS_PER_SECOND / fps / (double)count) : 0;
    int64_t at_ns = clock_now_ns();

    if (count == 0) {
        fputs("bench_nats: no sizes\n", stderr);
        return 1;
    }
    for (size_t i = 0; !ended; i = (i + 1) % count) {
        struct stream *stream = &streams[i];
        const size_t size = stream->sizes[stream->next];
        stream->next = (stream->next + 1) % stream->count;
        at_ns += step_ns;
        wait_until(at_ns);
        const int64_t now_ns = clock_now_ns();
        memcpy(payload, &now_ns, sizeof(now_ns));
        must(natsConnection_Publish(connection, stream->subject, payload, (int)size), "publish");
        messages++;
        bytes += size;
    }
    return report();
}

/* --- Subscribing ---------------------------------------------------------------------------------------- */

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *closure)
{
    int64_t sent_ns;

    (void)connection, (void)subscription, (void)closure;
    if ((size_t)natsMsg_GetDataLength(message) >= sizeof(sent_ns)) {
        memcpy(&sent_ns, natsMsg_GetData(message), sizeof(sent_ns));
        histogram_add(&transits, clock_now_ns() - sent_ns);
    }
    messages++;
    bytes += (uint64_t)natsMsg_GetDataLength(message);
    natsMsg_Destroy(message);
}

static int subscribe(natsConnection *connection, size_t count)
{
    natsSubscription *subscriptions[SUBJECTS_MAX];
    char subject[SUBJECT_SIZE], byte;

    for (size_t i = 0; i < count && i < SUBJECTS_MAX; i++) {
        name_subject(subject, i);
        must(natsConnection_Subscribe(&subscriptions[i], connection, subject, on_message, NULL), "subscribe");
    }
    must(natsConnection_Flush(connection), "flush");
    while (!ended && read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return report();
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal};

    if (argc != 4 || (strcmp(argv[1], "publish") != 0 && strcmp(argv[1], "subscribe") != 0)) {
        fputs("usage: bench_nats publish URL FPS | subscribe URL COUNT\n", stderr);
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    natsConnection *connection = connect_to(argv[2]);
    return strcmp(argv[1], "publish") == 0 ? publish(connection, strtod(argv[3], NULL))
                                           : subscribe(connection, strtoul(argv[3], NULL, 10));
}
