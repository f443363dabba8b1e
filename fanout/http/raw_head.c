/* SPDX-License-Identifier: MIT */
#include "fanout/http/raw_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A part of the text. */
struct piece {
    const char *begin;
    size_t length;
};

static size_t skip_empty_lines(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length && (text[at] == '\r' || text[at] == '\n')) {
        at++;
    }
    return at;
}

size_t raw_head_length(const char *text, size_t length)
{
    size_t at = skip_empty_lines(text, length);

    while (at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        if (!end) {
            return 0;
        }
        at = (size_t)(end - text) + 1;
        if (at < length && text[at] == '\n') {
            return at + 1;
        }
        if (length - at >= 2 && text[at] == '\r' && text[at + 1] == '\n') {
            return at + 2;
        }
    }
    return 0;
}

bool raw_head_may_be_get(const char *text, size_t length)
{
    static const char method[] = "GET ";
    size_t at = skip_empty_lines(text, length), left = length - at;

    return left > 0 && memcmp(text + at, method, left < strlen(method) ? left : strlen(method)) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(struct piece piece)
{
    while (piece.length > 0 && is_blank(piece.begin[0])) {
        piece.begin++;
        piece.length--;
    }
    while (piece.length > 0 && is_blank(piece.begin[piece.length - 1])) {
        piece.length--;
    }
    return piece;
}

/* Takes the next line from *REST. False: there is none. */
static bool next_line(struct piece *rest, struct piece *line)
{
    const char *end = rest->length > 0 ? memchr(rest->begin, '\n', rest->length) : NULL;

    if (!end) {
        return false;
    }
    *line = (struct piece){rest->begin, (size_t)(end - rest->begin)};
    rest->begin += line->length + 1;
    rest->length -= line->length + 1;
    return true;
}

/* Takes the next value of the header NAME from *REST. False: there is none. */
static bool next_value(struct piece *rest, const char *name, struct piece *value)
{
    size_t size = strlen(name);
    struct piece line;

    while (next_line(rest, &line)) {
        if (line.length > size && line.begin[size] == ':' && strncasecmp(line.begin, name, size) == 0) {
            *value = trim((struct piece){line.begin + size + 1, line.length - size - 1});
            return true;
        }
    }
    return false;
}

bool raw_head_has_folds(const char *head, size_t length)
{
    struct piece rest = {head, length}, line;

    while (next_line(&rest, &line)) {
        if (line.length > 0 && (line.begin[0] == ' ' || line.begin[0] == '\t')) {
            return true;
        }
    }
    return false;
}

unsigned raw_head_count(const char *head, size_t length, const char *name)
{
    struct piece rest = {head, length}, value;
    unsigned count = 0;

    while (next_value(&rest, name, &value)) {
        count++;
    }
    return count;
}

char *raw_head_value(const char *head, size_t length, const char *name, const char *separator)
{
    struct piece rest = {head, length}, value;
    size_t gap = strlen(separator), room = 1, used = 0;

    while (next_value(&rest, name, &value)) {
        room += value.length + gap;
    }
    char *text = room > 1 ? malloc(room) : NULL;
    rest = (struct piece){head, length};
    for (bool first = true; text && next_value(&rest, name, &value); first = false) {
        if (!first) {
            memcpy(text + used, separator, gap);
            used += gap;
        }
        memcpy(text + used, value.begin, value.length);
        used += value.length;
    }
    if (text) {
        text[used] = '\0';
    }
    return text;
}
