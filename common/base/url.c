/* SPDX-License-Identifier: MIT */
#include "common/base/url.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"

#define PORT_MAX 65535
#define PORT_DIGITS_MAX 5

size_t url_decode(char *text)
{
    char *out = text;
    size_t codes = 0;

    for (const char *in = text; *in != '\0'; out++) {
        int high = in[0] == '%' ? text_hex_digit(in[1]) : -1;
        int low = high >= 0 ? text_hex_digit(in[2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            *out = *in++;
            continue;
        }
        *out = (char)(high << 4 | low);
        in += 3;
        codes++;
    }
    *out = '\0';
    return codes;
}

static bool is_plain(char c, const char *keep)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(keep, c));
}

int url_encode(char *out, size_t size, const char *text, size_t length, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;

    if (size == 0) {
        return -ENAMETOOLONG;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool plain = is_plain(text[i], keep);
        if (used + (plain ? 1 : URL_ENCODE_MAX) >= size) {
            out[0] = '\0';
            return -ENAMETOOLONG;
        }
        if (plain) {
            out[used++] = text[i];
        } else {
            out[used++] = '%';
            out[used++] = digits[byte >> 4];
            out[used++] = digits[byte & 15];
        }
    }
    out[used] = '\0';
    return (int)used;
}

int url_port(const char *text, size_t length)
{
    int port = 0;

    if (length == 0 || length > PORT_DIGITS_MAX) {
        return -1;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        port = port * 10 + text[i] - '0';
    }
    return port <= PORT_MAX ? port : -1;
}
