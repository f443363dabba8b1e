/* SPDX-License-Identifier: MIT */
#include "hls/stream/request.h"

#include <string.h>

static const char *const stream_names[REQUEST_STREAMS] = {[REQUEST_MAIN] = "main", [REQUEST_SUB] = "sub"};

const char *request_stream_name(enum request_stream stream)
{
    return stream_names[stream];
}

/* Takes a decimal integer of up to 20 digits (4.2: up to 2^64 − 1) off TEXT. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *at = *text;
    uint64_t value = 0;

    while (*at >= '0' && *at <= '9') {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return false;
        }
        at++;
    }
    bool taken = at > *text;
    *text = at;
    *number = value;
    return taken;
}

static bool read_number(const char *text, uint64_t *number)
{
    return take_number(&text, number) && *text == '\0';
}

/* Takes eight lower-case hexadecimal digits off TEXT. */
static bool take_hold(const char **text, uint32_t *hold)
{
    uint32_t value = 0;

    for (int i = 0; i < 8; i++) {
        char digit = (*text)[i];
        if (digit >= '0' && digit <= '9') {
            value = value << 4 | (uint32_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value << 4 | (uint32_t)(digit - 'a' + 10);
        } else {
            return false;
        }
    }
    *text += 8;
    *hold = value;
    return true;
}

static bool take_text(const char **text, const char *expected)
{
    size_t length = strlen(expected);

    if (strncmp(*text, expected, length) != 0) {
        return false;
    }
    *text += length;
    return true;
}

/* "-HOLD-p1.m4s" and its like. A number has one spelling, so that there is one address for each. */
static enum request_kind read_media(const char *rest, struct request *request)
{
    static const struct {
        const char *mark, *suffix;
        enum request_kind kind;
    } kinds[] = {{"-p", ".m4s", REQUEST_PART}, {"-s", ".m4s", REQUEST_SEGMENT}, {"-i", ".mp4", REQUEST_INIT}};

    if (!take_text(&rest, "-") || !take_hold(&rest, &request->hold)) {
        return REQUEST_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (take_text(&rest, kinds[i].mark)) {
            bool leading_zero = rest[0] == '0' && rest[1] != '.';
            bool is_one =
                !leading_zero && take_number(&rest, &request->number) && strcmp(rest, kinds[i].suffix) == 0;
            return is_one ? kinds[i].kind : REQUEST_UNKNOWN;
        }
    }
    return REQUEST_UNKNOWN;
}

static enum request_kind read_name(const char *name, struct request *request)
{
    if (strcmp(name, "index.m3u8") == 0) {
        return REQUEST_INDEX;
    }
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        const char *rest = name;
        if (take_text(&rest, stream_names[i])) {
            request->stream = (enum request_stream)i;
            return strcmp(rest, ".m3u8") == 0 ? REQUEST_PLAYLIST : read_media(rest, request);
        }
    }
    return REQUEST_UNKNOWN;
}

/* 6.2.5.2: `_HLS_part` without `_HLS_msn` is a bad request. */
static enum request_kind read_directives(const struct request_query *query, struct request *request)
{
    request->blocks = query->segment != NULL;
    request->names_part = query->part != NULL;
    if ((request->names_part && !request->blocks) ||
        (request->blocks && !read_number(query->segment, &request->segment)) ||
        (request->names_part && !read_number(query->part, &request->part))) {
        return REQUEST_BAD;
    }
    request->skips = query->skip && (strcmp(query->skip, "YES") == 0 || strcmp(query->skip, "v2") == 0);
    return REQUEST_PLAYLIST;
}

struct request request_read(const char *name, const struct request_query *query)
{
    struct request request = {0};

    request.kind = read_name(name, &request);
    if (request.kind == REQUEST_PLAYLIST) {
        request.kind = read_directives(query, &request);
    }
    return request;
}
