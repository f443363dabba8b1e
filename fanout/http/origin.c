/* SPDX-License-Identifier: MIT */
#include "fanout/http/origin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define PORT_DIGITS_MAX 5

#define HTTP_PORT 80
#define HTTPS_PORT 443

struct authority {
    const char *host; /* with brackets if it is an IPv6 address */
    size_t host_length;
    int port;
};

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static size_t host_span(const char *text)
{
    size_t length = 0;
    if (text[0] == '[') {
        length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return text[length] == ']' && length > 1 ? length + 1 : 0;
    }
    while (is_host_byte(text[length])) {
        length++;
    }
    return length;
}

/* -1: not a port. */
static int parse_port(const char *digits)
{
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > PORT_DIGITS_MAX || digits[length] != '\0') {
        return -1;
    }
    int port = atoi(digits);
    return port > 0 && port <= PORT_MAX ? port : -1;
}

static bool parse_authority(const char *text, int default_port, struct authority *authority)
{
    authority->host = text;
    authority->host_length = host_span(text);
    const char *rest = text + authority->host_length;
    authority->port = *rest == ':' ? parse_port(rest + 1) : default_port;
    return authority->host_length > 0 && authority->port > 0 && (*rest == ':' || *rest == '\0');
}

bool origin_is_authority(const char *text)
{
    struct authority authority;

    return parse_authority(text, HTTPS_PORT, &authority);
}

struct origin {
    bool secure;
    struct authority authority;
};

static bool parse_origin(const char *text, struct origin *origin)
{
    static const char http[] = "http://", https[] = "https://";

    origin->secure = strncasecmp(text, https, strlen(https)) == 0;
    if (!origin->secure && strncasecmp(text, http, strlen(http)) != 0) {
        return false;
    }
    size_t skip = origin->secure ? strlen(https) : strlen(http);
    return parse_authority(text + skip, origin->secure ? HTTPS_PORT : HTTP_PORT, &origin->authority);
}

static bool same_authority(const struct authority *a, const struct authority *b)
{
    return a->port == b->port && a->host_length == b->host_length &&
           strncasecmp(a->host, b->host, a->host_length) == 0;
}

bool origin_same(const char *a, const char *b)
{
    struct origin first, second;

    return parse_origin(a, &first) && parse_origin(b, &second) && first.secure == second.secure &&
           same_authority(&first.authority, &second.authority);
}

bool origin_is_own(const char *origin, const char *scheme, const char *host)
{
    struct origin page;
    struct authority own;

    return parse_origin(origin, &page) && (!scheme || page.secure == (strcmp(scheme, "https") == 0)) &&
           parse_authority(host, page.secure ? HTTPS_PORT : HTTP_PORT, &own) &&
           same_authority(&page.authority, &own);
}
