/* SPDX-License-Identifier: MIT */
#include "common/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of an escaped code point: "\UHHHHHHHH". Its UTF-8 has three or four bytes then, so TEXT_ESCAPE_MAX holds. */
#define CODE_ESCAPE_MAX 10

struct utf8_class {
    unsigned char first, last;            /* range of the leading byte */
    unsigned char second_min, second_max; /* keeps overlong forms, surrogates and values over U+10FFFF out */
    size_t length;
};

static const struct utf8_class utf8_classes[] = {
    {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct utf8_class *utf8_class_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof(utf8_classes) / sizeof(utf8_classes[0]); i++) {
        if (first >= utf8_classes[i].first && first <= utf8_classes[i].last) {
            return &utf8_classes[i];
        }
    }
    return NULL;
}

size_t text_utf8_length(const char *text, size_t available)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const struct utf8_class *class = available > 0 ? utf8_class_of(bytes[0]) : NULL;

    if (!class || class->length > available) {
        return 0;
    }
    for (size_t i = 1; i < class->length; i++) {
        unsigned char min = i == 1 ? class->second_min : 0x80;
        unsigned char max = i == 1 ? class->second_max : 0xbf;
        if (bytes[i] < min || bytes[i] > max) {
            return 0;
        }
    }
    return class->length;
}

bool text_is_utf8(const char *text)
{
    size_t available = strlen(text);

    while (available > 0) {
        size_t length = text_utf8_length(text, available);
        if (length == 0) {
            return false;
        }
        text += length;
        available -= length;
    }
    return true;
}

/* The bounds of the bytes that follow the first one of a character, but for the second one of some. */
#define NEXT_LOW 0x80
#define NEXT_HIGH 0xbf

/* FIRST begins a character (RFC 3629, section 4). */
static bool begin_character(struct text_stream *stream, uint8_t first)
{
    bool known = first < 0x80 || (first >= 0xc2 && first <= 0xf4);

    stream->missing = (uint8_t)((first >= 0xc2) + (first >= 0xe0) + (first >= 0xf0));
    /* What is below is longer than it need be; what is above a half of a UTF-16 pair, or beyond U+10FFFF. */
    stream->low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : NEXT_LOW;
    stream->high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : NEXT_HIGH;
    return known;
}

static bool continue_character(struct text_stream *stream, uint8_t next)
{
    bool fits = next >= stream->low && next <= stream->high;

    stream->missing--;
    stream->low = NEXT_LOW;
    stream->high = NEXT_HIGH;
    return fits;
}

bool text_stream_add(struct text_stream *stream, const void *data, size_t length)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++) {
        if (!(stream->missing ? continue_character : begin_character)(stream, bytes[i])) {
            return false;
        }
    }
    return true;
}

bool text_stream_end(struct text_stream *stream)
{
    bool whole = stream->missing == 0;

    *stream = (struct text_stream){0};
    return whole;
}

/* Of a valid sequence. C1 (U+0080…U+009F, among them the one-character CSI) is 0xc2 0x80…0x9f in UTF-8. */
static bool is_control(const char *sequence, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)sequence;

    if (length == 1) {
        return bytes[0] < 0x20 || bytes[0] == 0x7f;
    }
    return length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

/* Of a valid sequence. */
static uint32_t code_point(const char *sequence, size_t length)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)sequence[0] & first_bits[length];

    for (size_t i = 1; i < length; i++) {
        code = code << 6 | ((unsigned char)sequence[i] & 0x3f);
    }
    return code;
}

/*
 * Whether CODE is not seen itself but changes how what is beside it looks: it hides, joins, or reverses the order
 * (UAX #9), or begins a line. Numbers' and Egyptian signs of the same category are seen.
 */
static bool is_unseen(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},     {0x180e, 0x180e},
        {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && code >= ranges[i].first; i++) {
        if (code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

bool text_has_control(const char *text)
{
    size_t available = strlen(text);

    while (available > 0) {
        size_t length = text_utf8_length(text, available);
        if (length > 0 && is_control(text, length)) {
            return true;
        }
        length = length > 0 ? length : 1;
        text += length;
        available -= length;
    }
    return false;
}

bool text_has_unseen(const char *text)
{
    size_t available = strlen(text);

    while (available > 0) {
        size_t length = text_utf8_length(text, available);
        if (length > 0 && is_unseen(code_point(text, length))) {
            return true;
        }
        length = length > 0 ? length : 1;
        text += length;
        available -= length;
    }
    return false;
}

void text_trim_partial(char *text)
{
    size_t length = strlen(text);

    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char byte = (unsigned char)text[length - back];
        if ((byte & 0xc0) == 0x80) {
            continue;
        }
        const struct utf8_class *class = utf8_class_of(byte);
        if (class && class->length > back) {
            text[length - back] = '\0';
        }
        return;
    }
}

static size_t escape_byte(char out[TEXT_ESCAPE_MAX + 1], unsigned char byte)
{
    static const char names[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};

    if (byte < sizeof(names) && names[byte] != '\0') {
        return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\%c", names[byte]);
    }
    return (size_t)snprintf(out, TEXT_ESCAPE_MAX + 1, "\\x%02x", byte);
}

static size_t escape_code(char out[CODE_ESCAPE_MAX + 1], uint32_t code)
{
    return (size_t)snprintf(out, CODE_ESCAPE_MAX + 1, code > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)code);
}

size_t text_escape(char *out, size_t size, const char *text)
{
    size_t used = 0;
    size_t available = strlen(text);

    if (size == 0) {
        return 0;
    }
    while (available > 0) {
        char escaped[CODE_ESCAPE_MAX + 1];
        const char *piece = text;
        size_t step = text_utf8_length(text, available);
        size_t length = step;
        if (step == 0 || is_control(text, step)) {
            step = 1;
            length = escape_byte(escaped, (unsigned char)text[0]);
            piece = escaped;
        } else if (is_unseen(code_point(text, step))) {
            length = escape_code(escaped, code_point(text, step));
            piece = escaped;
        }
        if (used + length >= size) {
            break;
        }
        memcpy(out + used, piece, length);
        used += length;
        text += step;
        available -= step;
    }
    out[used] = '\0';
    return used;
}

size_t text_copy(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);

    if (size == 0) {
        return 0;
    }
    if (length < size) {
        memcpy(out, text, length + 1);
        return length;
    }
    memcpy(out, text, size - 1);
    out[size - 1] = '\0';
    text_trim_partial(out);
    return strlen(out);
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_edit_distance(const char *a, const char *b)
{
    size_t rows[3][TEXT_DISTANCE_BYTES_MAX + 1]; /* a swap looks two rows back */
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);

    if (a_length > TEXT_DISTANCE_BYTES_MAX || b_length > TEXT_DISTANCE_BYTES_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}
