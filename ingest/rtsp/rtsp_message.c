/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* The next line of *rest, ended by NUL and without its line end; NULL: no more. */
static char *next_line(char **rest, const char *end)
{
    char *line = *rest;

    if (line >= end) {
        return NULL;
    }
    char *newline = memchr(line, '\n', (size_t)(end - line));
    if (!newline) {
        return NULL;
    }
    *rest = newline + 1;
    *newline = '\0';
    while (newline > line && newline[-1] == '\r') {
        *--newline = '\0';
    }
    return line;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    for (size_t length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--) {
        text[length - 1] = '\0';
    }
    return text;
}

/* Cuts the first word of *rest off. */
static char *cut_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    size_t length = strcspn(word, " \t");

    *rest = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

static bool is_version(const char *text)
{
    return strncasecmp(text, "RTSP/", 5) == 0 && isdigit((unsigned char)text[5]);
}

static int parse_response(char *line, struct rtsp_message *message)
{
    cut_word(&line); /* the version */
    const char *status = cut_word(&line);
    message->response = true;
    if (strlen(status) != 3 || strspn(status, "0123456789") != 3) {
        return -EBADMSG;
    }
    message->status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + status[2] - '0';
    message->reason = trim(line);
    return message->status >= 100 ? 0 : -EBADMSG;
}

static int parse_request(char *line, struct rtsp_message *message)
{
    message->method = cut_word(&line);
    message->uri = cut_word(&line);
    return message->method[0] != '\0' && is_version(trim(line)) ? 0 : -EBADMSG;
}

/* A line that begins with a space goes on the header before it (RFC 2068, section 4.2): joined in place. */
static void unfold(char *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (text[i] != '\n' || (text[i + 1] != ' ' && text[i + 1] != '\t') || i == 0) {
            continue;
        }
        text[i] = ' ';
        if (text[i - 1] == '\r') {
            text[i - 1] = ' ';
        }
    }
}

static int take_header(char *line, struct rtsp_message *message)
{
    char *colon = strchr(line, ':');

    if (!colon || colon == line) {
        return 0;
    }
    if (message->header_count == RTSP_HEADERS_MAX) {
        return -E2BIG;
    }
    *colon = '\0';
    message->headers[message->header_count++] = (struct rtsp_header){trim(line), trim(colon + 1)};
    return 0;
}

int rtsp_message_parse(char *head, size_t head_size, struct rtsp_message *message)
{
    const char *end = head + head_size;

    *message = (struct rtsp_message){.reason = "", .method = "", .uri = "", .body = ""};
    if (memchr(head, '\0', head_size)) {
        return -EBADMSG;
    }
    unfold(head, head_size);
    char *line = next_line(&head, end);
    if (!line) {
        return -EBADMSG;
    }
    int result = is_version(line) ? parse_response(line, message) : parse_request(line, message);
    while (result == 0 && (line = next_line(&head, end)) != NULL) {
        result = take_header(line, message);
    }
    return result;
}

const char *rtsp_message_header(const struct rtsp_message *message, const char *name, size_t index)
{
    for (size_t i = 0; i < message->header_count; i++) {
        if (strcasecmp(message->headers[i].name, name) == 0 && index-- == 0) {
            return message->headers[i].value;
        }
    }
    return NULL;
}

int64_t rtsp_message_number(const struct rtsp_message *message, const char *name)
{
    const char *text = rtsp_message_header(message, name, 0);
    int64_t value = 0;

    if (!text || !isdigit((unsigned char)*text)) {
        return -1;
    }
    for (; isdigit((unsigned char)*text); text++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *text - '0', &value)) {
            return -1;
        }
    }
    return value;
}

bool rtsp_message_lists(const struct rtsp_message *message, const char *name, const char *token)
{
    const char *list;

    for (size_t i = 0; (list = rtsp_message_header(message, name, i)) != NULL; i++) {
        while (*list != '\0') {
            list += strspn(list, ", \t");
            size_t length = strcspn(list, ", \t");
            if (length == strlen(token) && strncasecmp(list, token, length) == 0) {
                return true;
            }
            list += length;
        }
    }
    return false;
}
