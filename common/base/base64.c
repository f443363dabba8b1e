/* SPDX-License-Identifier: MIT */
#include "common/base/base64.h"

#include <errno.h>
#include <stdbool.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* -1: not in the alphabet, which ends in LAST. */
static int value_of(char c, const char last[2])
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

static int decode(uint8_t *out, size_t size, const char *text, size_t length, const char last[2])
{
    size_t used = 0;
    unsigned bits = 0, pending = 0;

    if (length % 4 == 1) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i], last);
        if (value < 0) {
            return -EBADMSG;
        }
        bits = (bits << 6 | (unsigned)value) & 0xfff;
        pending += 6;
        if (pending >= 8) {
            pending -= 8;
            if (used == size) {
                return -EBADMSG;
            }
            out[used++] = (uint8_t)(bits >> pending);
        }
    }
    return (bits & ((1U << pending) - 1)) == 0 ? (int)used : -EBADMSG;
}

int base64_decode(uint8_t *out, size_t size, const char *text, size_t length)
{
    if (length % 4 != 0) {
        return -EBADMSG;
    }
    for (int padding = 0; padding < 2 && length > 0 && text[length - 1] == '='; padding++) {
        length--;
    }
    return decode(out, size, text, length, plain + 62);
}

int base64_url_decode(uint8_t *out, size_t size, const char *text, size_t length)
{
    return decode(out, size, text, length, url + 62);
}

void base64_url_encode(char *out, const uint8_t *data, size_t size)
{
    unsigned bits = 0, pending = 0;

    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | data[i];
        pending += 8;
        while (pending >= 6) {
            pending -= 6;
            *out++ = url[bits >> pending & 0x3f];
        }
        bits &= 0xff;
    }
    if (pending > 0) {
        *out++ = url[bits << (6 - pending) & 0x3f];
    }
    *out = '\0';
}
