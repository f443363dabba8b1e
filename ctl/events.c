/* SPDX-License-Identifier: MIT */
#include "ctl/events.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/probe.h"
#include "ctl/request.h"

/* Milliseconds for the handshake, and between two looks at the signals and the time. */
#define PROBE_MS 5000
#define LOOK_MS 200

/* Largest event in bytes (docs/reference/control.md). */
#define EVENT_MAX 16384

/* Bytes of an escaped value. */
#define VALUE_SIZE 1024

static const char control_name[] = "control.sock";
static const char events_name[] = "events.sock";

/* The URL of the events beside the control socket's URL, malloc'ed. NULL: out of memory. */
static char *events_url(const char *url)
{
    size_t length = strlen(url);
    size_t tail = strlen(control_name);
    char *other = NULL;

    if (length >= tail && strcmp(url + length - tail, control_name) == 0) {
        length -= tail;
    }
    return asprintf(&other, "%.*s%s", (int)length, url, events_name) < 0 ? NULL : other;
}

static void print_time(double at)
{
    char text[32];
    struct tm local;
    time_t seconds = (time_t)at;

    if (!(at >= 0 && at < 1e11) || !localtime_r(&seconds, &local)) {
        return;
    }
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    printf("%s.%03d  ", text, (int)((at - floor(at)) * 1000));
}

static void print_member(const char *name, const json_t *value)
{
    char escaped[VALUE_SIZE];

    if (json_is_null(value)) {
        return;
    }
    char *text =
        json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    if (!text) {
        return;
    }
    text_escape(escaped, sizeof(escaped), text);
    printf("  %s=%s", name, escaped);
    free(text);
}

/* "2026-11-23 09:30:00.123  camera-state  camera=front  state=streaming" */
static void print_line(const json_t *event)
{
    static const char *const known[] = {"v", "type", "seq", "at", "event"};
    char name[VALUE_SIZE];
    const char *key;
    json_t *value;

    print_time(json_number_value(json_object_get(event, "at")));
    text_escape(name, sizeof(name), message_string(event, "event", "?"));
    fputs(name, stdout);
    json_object_foreach((json_t *)(uintptr_t)event, key, value) {
        bool shown = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            shown = shown || strcmp(key, known[i]) == 0;
        }
        if (!shown) {
            print_member(key, value);
        }
    }
    putchar('\n');
}

/* True if EVENT is one of those that the command prints: all, or those of the cluster. */
static bool is_wanted(const struct options *options, const json_t *event)
{
    const char *kind = message_string(event, "event", "");

    return options->command != COMMAND_CLUSTER_EVENTS || strncmp(kind, "cluster-", strlen("cluster-")) == 0 ||
           (strcmp(kind, "process-state") == 0 && strcmp(message_string(event, "process", ""), "relay") == 0);
}

/* False: PACKET is not an event that is wanted. *LAST is the number of the event before. */
static bool print_event(const struct options *options, nng_msg *packet, json_int_t *last)
{
    json_t *event = message_decode(nng_msg_body(packet), nng_msg_len(packet), NULL);

    if (!event || !message_is(event, "event")) {
        json_decref(event);
        return false;
    }
    json_int_t number = message_integer(event, "seq", 0);
    if (*last > 0 && number > *last + 1) {
        client_complain("%" JSON_INTEGER_FORMAT " events were lost", number - *last - 1);
    }
    *last = number;
    if (!is_wanted(options, event)) {
        json_decref(event);
        return false;
    }
    if (options->json) {
        request_print_json(event, JSON_COMPACT);
    } else {
        print_line(event);
    }
    fflush(stdout);
    json_decref(event);
    return true;
}

static enum exit_code listen_to(nng_socket socket, const struct options *options)
{
    uint64_t begin = clock_now_ms();
    json_int_t last = 0;

    while (!interrupt_came() && !ferror(stdout)) {
        nng_msg *packet = NULL;
        int result = nng_recvmsg(socket, &packet, 0);
        if (result == 0) {
            bool printed = print_event(options, packet, &last);
            nng_msg_free(packet);
            if (printed && !options->follow) {
                return EXIT_CODE_OK;
            }
        } else if (result != NNG_ETIMEDOUT) {
            client_complain("events: %s", nng_strerror(result));
            return EXIT_CODE_UNREACHABLE;
        }
        if (options->timeout > 0 && (double)(clock_now_ms() - begin) >= options->timeout * MS_PER_SECOND) {
            return options->follow ? EXIT_CODE_OK : EXIT_CODE_TIMEOUT;
        }
    }
    return EXIT_CODE_OK;
}

static int open_socket(nng_socket *socket, const char *url)
{
    int result = nng_sub0_open(socket);

    if (result == 0) {
        result = nng_socket_set_size(*socket, NNG_OPT_RECVMAXSZ, EVENT_MAX);
    }
    if (result == 0) {
        result = nng_socket_set_ms(*socket, NNG_OPT_RECVTIMEO, LOOK_MS);
    }
    if (result == 0) {
        result = nng_socket_set(*socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);
    }
    if (result == 0) {
        result = nng_dial(*socket, url, NULL, 0);
    }
    return result;
}

enum exit_code events_print(const struct options *options, const char *url)
{
    char *events = events_url(url);
    enum exit_code code = EXIT_CODE_UNREACHABLE;
    nng_socket socket;
    int result = events ? probe_socket(events + strlen("ipc://"), PROBE_SUBSCRIBER, PROBE_MS) : -ENOMEM;

    interrupt_catch();
    if (result < 0) {
        client_unreachable(events ? events : url, result);
    } else if ((result = open_socket(&socket, events)) != 0) {
        client_complain("cannot use %s: %s", events, nng_strerror(result));
    } else {
        code = listen_to(socket, options); /* NNG's socket is not closed: see client.h */
    }
    free(events);
    return code;
}
