#include "ingest/rtsp/rtsp_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535

/* A decimal port; -1: it is none. */
static int parse_port(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 5 || text[length] != '\0') {
        return -1;
    }
    int port = atoi(text);
    return port > 0 && port <= PORT_MAX ? port : -1;
}

int rtsp_endpoint_parse(const char *scheme, const char *authority, struct rtsp_endpoint *endpoint)
{
    bool brackets = authority[0] == '[';
    const char *host = authority + brackets;
    size_t length = strcspn(host, brackets ? "]" : ":");
    const char *rest = host + length;

    *endpoint = (struct rtsp_endpoint){.tls = strcasecmp(scheme, "rtsps") == 0};
    endpoint->port = endpoint->tls ? RTSPS_PORT : RTSP_PORT;
    if (!endpoint->tls && strcasecmp(scheme, "rtsp") != 0) {
        return -EINVAL;
    }
    if (length == 0 || length >= sizeof(endpoint->host) || (brackets && *rest != ']')) {
        return -EINVAL;
    }
    rest += brackets;
    if (*rest == ':' && rest[1] != '\0') {
        endpoint->port = parse_port(rest + 1);
    } else if (*rest != '\0' && *rest != ':') {
        return -EINVAL;
    }
    memcpy(endpoint->host, host, length);
    return endpoint->port > 0 ? 0 : -EINVAL;
}

bool rtsp_endpoint_equal(const struct rtsp_endpoint *a, const struct rtsp_endpoint *b)
{
    return strcasecmp(a->host, b->host) == 0 && a->port == b->port && a->tls == b->tls;
}

bool rtsp_endpoint_is_address(const struct rtsp_endpoint *endpoint)
{
    unsigned char address[sizeof(struct in6_addr)];

    return strchr(endpoint->host, ':') != NULL || inet_pton(AF_INET, endpoint->host, address) == 1;
}

/* Appends TEXT, at most LENGTH bytes of it, encoded. False: no room. */
static bool append(char *out, size_t size, size_t *used, const char *text, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length && text[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool plain = byte > ' ' && byte < 0x7f && byte != '"';
        if (*used + (plain ? 1 : 3) >= size) {
            return false;
        }
        if (plain) {
            out[(*used)++] = (char)byte;
            continue;
        }
        out[(*used)++] = '%';
        out[(*used)++] = digits[byte >> 4];
        out[(*used)++] = digits[byte & 15];
    }
    out[*used] = '\0';
    return true;
}

int rtsp_url_format(char *out, size_t size, const char *scheme, const char *authority, const char *path)
{
    size_t used = 0;
    bool fits = append(out, size, &used, scheme, strlen(scheme)) && append(out, size, &used, "://", 3) &&
                append(out, size, &used, authority, strlen(authority)) &&
                (path[0] == '/' || append(out, size, &used, "/", 1)) &&
                append(out, size, &used, path, strcspn(path, "#"));

    return fits ? 0 : -ENAMETOOLONG;
}

bool rtsp_url_is_absolute(const char *text)
{
    return strncasecmp(text, "rtsp://", 7) == 0 || strncasecmp(text, "rtsps://", 8) == 0;
}

/* An absolute URL without its user information. */
static int copy_absolute(char *out, size_t size, const char *url)
{
    const char *authority = strstr(url, "://") + 3;
    size_t length = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', length);
    size_t used = 0;
    bool fits = append(out, size, &used, url, (size_t)(authority - url));

    if (at != NULL) {
        authority = at + 1;
    }
    return fits && append(out, size, &used, authority, strlen(authority)) ? 0 : -ENAMETOOLONG;
}

int rtsp_url_resolve(char *out, size_t size, const char *base, const char *control)
{
    size_t used = 0;
    size_t base_length = strlen(base);

    if (rtsp_url_is_absolute(control)) {
        return copy_absolute(out, size, control);
    }
    if (control[0] == '\0' || strcmp(control, "*") == 0) {
        return append(out, size, &used, base, base_length) ? 0 : -ENAMETOOLONG;
    }
    if (control[0] == '/') {
        const char *mark = strstr(base, "://");
        const char *authority = mark != NULL ? mark + 3 : base;
        base_length = (size_t)(authority - base) + strcspn(authority, "/?#");
    }
    bool fits = append(out, size, &used, base, base_length);
    if (fits && control[0] != '/' && (used == 0 || out[used - 1] != '/')) {
        fits = append(out, size, &used, "/", 1);
    }
    return fits && append(out, size, &used, control, strlen(control)) ? 0 : -ENAMETOOLONG;
}
