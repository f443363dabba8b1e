#include "fanout/http/origin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define PORT_DIGITS_MAX 5

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

    return parse_authority(text, 443, &authority);
}

bool origin_is_own(const char *origin, const char *host)
{
    static const struct {
        const char *prefix;
        int port;
    } schemes[] = {{"http://", 80}, {"https://", 443}};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i].prefix);
        struct authority page, own;
        if (strncasecmp(origin, schemes[i].prefix, length) == 0) {
            return parse_authority(origin + length, schemes[i].port, &page) &&
                   parse_authority(host, schemes[i].port, &own) && page.port == own.port &&
                   page.host_length == own.host_length &&
                   strncasecmp(page.host, own.host, page.host_length) == 0;
        }
    }
    return false;
}
