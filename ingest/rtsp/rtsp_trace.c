/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_trace.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/log/log.h"

/* Bytes of a line. More than this of a description tells nobody more; the log cuts lines at about as much. */
#define TRACE_SIZE 3500

struct trace {
    char text[TRACE_SIZE];
    size_t size;
};

static void add(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct trace *trace, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(trace->text) - trace->size;

    va_start(arguments, format);
    int used = vsnprintf(trace->text + trace->size, room, format, arguments);
    va_end(arguments);
    if (used > 0) {
        trace->size += (size_t)used < room ? (size_t)used : room - 1;
    }
}

static bool begins(const char *line, size_t length, const char *word)
{
    return length >= strlen(word) && strncasecmp(line, word, strlen(word)) == 0;
}

/* A line of a message without what nobody should read: of a log-in only its kind, of a key nothing. */
static void add_line(struct trace *trace, const char *line, size_t length)
{
    static const char *const logins[] = {"Authorization:", "Proxy-Authorization:", "Authentication-Info:"};
    static const char *const keys[] = {"a=crypto:", "a=key-mgmt:", "k=", "KeyMgmt:"};

    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        if (begins(line, length, logins[i])) {
            const char *kind = line + strlen(logins[i]);
            size_t rest = length - strlen(logins[i]);
            size_t spaces = strspn(kind, " ");
            size_t word = spaces < rest ? strcspn(kind + spaces, " =,\r\n") : 0;
            bool scheme = i < 2 && spaces + word < rest && kind[spaces + word] == ' ';
            add(trace, "%s%.*s ***", logins[i], scheme ? (int)(spaces + word) : 0, kind);
            return;
        }
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (begins(line, length, keys[i])) {
            add(trace, "%s ***", keys[i]);
            return;
        }
    }
    add(trace, "%.*s", (int)length, line);
}

/* The lines of TEXT, which has SIZE bytes, with " | " between two. */
static void add_lines(struct trace *trace, const char *text, size_t size)
{
    bool first = true;

    while (size > 0 && trace->size + 1 < sizeof(trace->text)) {
        const char *end = memchr(text, '\n', size);
        size_t whole = end ? (size_t)(end - text) + 1 : size;
        size_t length = end ? whole - 1 : whole;
        while (length > 0 && text[length - 1] == '\r') {
            length--;
        }
        if (length > 0) {
            add(trace, "%s", first ? "" : " | ");
            add_line(trace, text, length);
            first = false;
        }
        text += whole;
        size -= whole;
    }
}

void rtsp_trace_request(const char *head, size_t size)
{
    struct trace trace = {.size = 0};

    if (log_level_now() < LOG_LEVEL_DEBUG) {
        return;
    }
    add_lines(&trace, head, size);
    log_debug("> %s", trace.text);
}

void rtsp_trace_message(const struct rtsp_message *message)
{
    struct trace trace = {.size = 0};

    if (log_level_now() < LOG_LEVEL_DEBUG) {
        return;
    }
    if (message->response) {
        add(&trace, "%d %s", message->status, message->reason);
    } else {
        add(&trace, "%s %s", message->method, message->uri);
    }
    for (size_t i = 0; i < message->header_count; i++) {
        char line[1024];
        int length =
            snprintf(line, sizeof(line), "%s: %s", message->headers[i].name, message->headers[i].value);
        add(&trace, " | ");
        add_line(&trace, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
    }
    if (message->body_size > 0) {
        add(&trace, " | %zu bytes: ", message->body_size);
        add_lines(&trace, message->body, message->body_size);
    }
    log_debug("< %s", trace.text);
}
