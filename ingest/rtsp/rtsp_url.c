/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/url.h"

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
        endpoint->port = url_port(rest + 1, strlen(rest + 1));
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

    return strchr(endpoint->host, ':') || inet_pton(AF_INET, endpoint->host, address) == 1;
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

    if (at) {
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
        const char *authority = mark ? mark + 3 : base;
        base_length = (size_t)(authority - base) + strcspn(authority, "/?#");
    }
    bool fits = append(out, size, &used, base, base_length);
    if (fits && control[0] != '/' && (used == 0 || out[used - 1] != '/')) {
        fits = append(out, size, &used, "/", 1);
    }
    return fits && append(out, size, &used, control, strlen(control)) ? 0 : -ENAMETOOLONG;
}

/* Whether TEXT begins with host:port and ends there, or goes on with a path. */
static bool begins_with_port(const char *text)
{
    const char *colon = text + strcspn(text, ":/?#");
    size_t digits = *colon == ':' ? strspn(colon + 1, "0123456789") : 0;

    return colon != text && digits > 0 && (colon[1 + digits] == '\0' || colon[1 + digits] == '/');
}

int rtsp_url_redirect(char *out, size_t size, const char *current, const char *location)
{
    char url[RTSP_URL_SIZE];
    size_t used = 0;
    const char *authority = strstr(current, "://") + 3;
    size_t host = strcspn(authority, "/?#");
    size_t length = (size_t)(authority - current) + host;
    bool net = strncmp(location, "//", 2) == 0;

    if (rtsp_url_is_absolute(location)) {
        int result = copy_absolute(out, size, location);
        for (char *at = out; result == 0 && *at != ':'; at++) {
            *at = (char)tolower((unsigned char)*at);
        }
        return result;
    }
    if (location[0] == '\0' || strstr(location, "://")) {
        return -EINVAL;
    }
    if (net || begins_with_port(location)) {
        bool fits = append(url, sizeof(url), &used, current, (size_t)(authority - current)) &&
                    append(url, sizeof(url), &used, location + (net ? 2 : 0), strlen(location));
        return fits ? copy_absolute(out, size, url) : -ENAMETOOLONG;
    }
    if (location[0] == '?') {
        length += strcspn(current + length, "?#");
    } else if (location[0] != '/') {
        const char *slash = memrchr(authority + host, '/', strcspn(authority + host, "?#"));
        length = slash ? (size_t)(slash + 1 - current) : length;
    }
    bool rootless = length == (size_t)(authority - current) + host && location[0] != '/';
    bool fits = append(out, size, &used, current, length) &&
                (!rootless || append(out, size, &used, "/", 1)) &&
                append(out, size, &used, location, strlen(location));
    return fits ? 0 : -ENAMETOOLONG;
}

/* Whether TEXT is an absolute URL, also of a scheme that makes no sense here. */
static bool has_scheme(const char *text)
{
    size_t letters = 0;

    while (isalpha((unsigned char)text[letters])) {
        letters++;
    }
    return letters > 0 && strncmp(text + letters, "://", 3) == 0;
}

/* BASE without the '/' at its end, then CONTROL, with a '/' between unless it begins with one or with '?'. */
static int put_behind(char *out, size_t size, const char *base, const char *control)
{
    size_t length = strlen(base);
    size_t used = 0;

    while (length > 0 && base[length - 1] == '/' && control[0] != '?') {
        length--;
    }
    bool fits = append(out, size, &used, base, length);
    if (fits && control[0] != '/' && control[0] != '?') {
        fits = append(out, size, &used, "/", 1);
    }
    return fits && append(out, size, &used, control, strlen(control)) ? 0 : -ENAMETOOLONG;
}

/* The path of an absolute CONTROL at the host of REQUESTED. */
static int move_to_host(char *out, size_t size, const char *requested, const char *control)
{
    const char *host = strstr(requested, "://");
    const char *path = strstr(control, "://");
    size_t used = 0;

    /* A doubled scheme has its path behind the last authority. */
    for (const char *next; path && (next = strstr(path + 3, "://")) != NULL;) {
        path = next;
    }
    if (!host || !path) {
        return -EALREADY;
    }
    host += 3;
    path += 3 + strcspn(path + 3, "/?#");
    return append(out, size, &used, requested, (size_t)(host - requested) + strcspn(host, "/?#")) &&
                   append(out, size, &used, path, strlen(path))
               ? 0
               : -ENAMETOOLONG;
}

static int put_before_query(char *out, size_t size, const char *requested, const char *control)
{
    size_t length = strcspn(requested, "?");
    const char *query = requested + length;
    char path[RTSP_URL_SIZE];
    size_t used = 0;

    if (*query == '\0' || !append(path, sizeof(path), &used, requested, length)) {
        return *query == '\0' ? -EALREADY : -ENAMETOOLONG;
    }
    int result = put_behind(out, size, path, control);
    used = strlen(out);
    return result < 0 || append(out, size, &used, query, strlen(query)) ? result : -ENAMETOOLONG;
}

static int put_without_query(char *out, size_t size, const char *requested, const char *control)
{
    size_t length = strcspn(requested, "?");
    char path[RTSP_URL_SIZE];
    size_t used = 0;

    if (requested[length] == '\0') {
        return -EALREADY;
    }
    return append(path, sizeof(path), &used, requested, length) ? put_behind(out, size, path, control)
                                                                : -ENAMETOOLONG;
}

static int append_doubled(char *out, size_t size, const char *base, const char *control)
{
    size_t used = 0;
    size_t length = strlen(base);

    while (length > 0 && base[length - 1] == '/') {
        length--;
    }
    return append(out, size, &used, base, length) && append(out, size, &used, "/", 1) &&
                   append(out, size, &used, control, strlen(control))
               ? 0
               : -ENAMETOOLONG;
}

/* Whether the segment of a path at TEXT, *LENGTH bytes, is "." or "..". */
static bool is_dots(const char *text, size_t *length)
{
    *length = strcspn(text, "/?#");
    return (*length == 1 && text[0] == '.') || (*length == 2 && text[0] == '.' && text[1] == '.');
}

/* Takes the segments "." and ".." out of the URL's path, each ".." with the segment before it. False: there are none. */
static bool remove_dots(char *url)
{
    const char *mark = strstr(url, "://");
    char *root = url + (mark ? (size_t)(mark + 3 - url) : 0);
    bool found = false;

    root += strcspn(root, "/?#");
    char *out = root;
    const char *at = root;
    while (*at == '/') {
        size_t length;
        bool dots = is_dots(at + 1, &length);
        if (!dots) {
            memmove(out, at, 1 + length);
            out += 1 + length;
        } else if (length == 2) {
            char *slash = memrchr(root, '/', (size_t)(out - root));
            out = slash ? slash : root;
        }
        found = found || dots;
        at += 1 + length;
    }
    memmove(out, at, strlen(at) + 1);
    return found;
}

static int put_without_dots(char *out, size_t size, const char *base, const char *control)
{
    int result = rtsp_url_resolve(out, size, base, control);

    return result == 0 && !remove_dots(out) ? -EALREADY : result;
}

static int put_reference(char *out, size_t size, const char *base, const char *control)
{
    int result = strstr(base, "://") ? rtsp_url_redirect(out, size, base, control) : -EALREADY;

    if (result == 0) {
        remove_dots(out);
    }
    return result;
}

static int write_form(char *out, size_t size, enum rtsp_control_form form, const char *base,
                      const char *requested, const char *control)
{
    bool whole = control[0] == '\0' || strcmp(control, "*") == 0;
    bool absolute = has_scheme(control);

    if ((whole || absolute) && form != RTSP_CONTROL_ANNOUNCED && form != RTSP_CONTROL_REQUESTED) {
        return -EALREADY;
    }
    switch (form) {
    case RTSP_CONTROL_ANNOUNCED:
        return rtsp_url_resolve(out, size, base, control);
    case RTSP_CONTROL_APPENDED:
        return put_behind(out, size, base, control);
    case RTSP_CONTROL_REQUESTED:
        return absolute ? move_to_host(out, size, requested, control)
                        : rtsp_url_resolve(out, size, requested, control);
    case RTSP_CONTROL_REQUESTED_APPENDED:
        return put_behind(out, size, requested, control);
    case RTSP_CONTROL_DOUBLED:
        return control[0] == '/' ? append_doubled(out, size, base, control) : -EALREADY;
    case RTSP_CONTROL_BEFORE_QUERY:
        return put_before_query(out, size, requested, control);
    case RTSP_CONTROL_WITHOUT_DOTS:
        return put_without_dots(out, size, base, control);
    case RTSP_CONTROL_REFERENCE:
        return put_reference(out, size, base, control);
    case RTSP_CONTROL_WITHOUT_QUERY:
        return put_without_query(out, size, requested, control);
    case RTSP_CONTROL_FORMS:
        break;
    }
    return -EALREADY;
}

int rtsp_url_control(char *out, size_t size, enum rtsp_control_form form, const char *base,
                     const char *requested, const char *control)
{
    int result = write_form(out, size, form, base, requested, control);

    for (int i = 0; i < (int)form && result == 0; i++) {
        char earlier[RTSP_URL_SIZE];
        if (write_form(earlier, sizeof(earlier), (enum rtsp_control_form)i, base, requested, control) == 0 &&
            strcmp(earlier, out) == 0) {
            result = -EALREADY;
        }
    }
    return result;
}
