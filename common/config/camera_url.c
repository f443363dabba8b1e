/* SPDX-License-Identifier: MIT */
#include "common/config/camera_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/secret.h"
#include "common/base/url.h"

#define PATH_BEGINS "/?#"

void camera_url_finish(struct camera_url *url)
{
    char *const parts[] = {url->scheme, url->userinfo, url->username, url->password, url->host, url->path};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        secret_free(parts[i]);
    }
    *url = (struct camera_url){0};
}

/* How much a piece of text looks like host[:port]. */
enum look {
    LOOK_OTHER,   /* something in it cannot be */
    LOOK_WORD,    /* one word, as many words of passwords are, too */
    LOOK_PORT,    /* a word and a port */
    LOOK_NAME,    /* a name with dots */
    LOOK_HOST,    /* a name with dots, and a port */
    LOOK_SERVICE, /* a name and a port that cameras and their servers use */
    LOOK_ADDRESS, /* an address, or "localhost"; with a port or not */
};

static bool is_usual_port(int port)
{
    static const int usual[] = {80, 322, 443, 554, 1935, 8080, 8554, 8555};

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (port == usual[i]) {
            return true;
        }
    }
    return false;
}

static bool is_address(const char *name, size_t length)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;

    if (name[0] == '[' || (length == strlen("localhost") && strncasecmp(name, "localhost", length) == 0)) {
        return true;
    }
    if (length >= sizeof(text)) {
        return false;
    }
    memcpy(text, name, length);
    text[length] = '\0';
    return inet_pton(AF_INET, text, &address) == 1;
}

static enum look look_at(const char *text, size_t length)
{
    const char *close = length > 0 && text[0] == '[' ? memchr(text, ']', length) : NULL;
    size_t name = close ? (size_t)(close - text) + 1 : 0;

    while (!close && name < length &&
           (isalnum((unsigned char)text[name]) || (unsigned char)text[name] >= 0x80 ||
            strchr("-._~%", text[name]))) {
        name++;
    }
    int port = name < length && text[name] == ':' ? url_port(text + name + 1, length - name - 1) : 0;
    if (name == 0 || port < 0 || (name < length && port == 0)) {
        return LOOK_OTHER;
    }
    bool dots = memchr(text, '.', name);
    if (is_address(text, name)) {
        return LOOK_ADDRESS;
    }
    if (port > 0) {
        return is_usual_port(port) ? LOOK_SERVICE : dots ? LOOK_HOST : LOOK_PORT;
    }
    return dots ? LOOK_NAME : LOOK_WORD;
}

/* True if BETWEEN, LENGTH bytes from the '/', '?' or '#' to an '@', reads as the rest of a path or a query. */
static bool reads_as_path(const char *between, size_t length, enum look host)
{
    bool named = host == LOOK_NAME || host == LOOK_HOST;
    const char *query = memchr(between, '?', length);

    if (query && between[0] != '#' && named && memchr(query, '=', length - (size_t)(query - between))) {
        return true;
    }
    return between[0] == '/' && (host == LOOK_WORD || host == LOOK_NAME) &&
           (!memchr(between, ':', length) || memmem(between, length, "://", 3));
}

/*
 * True if the user information goes on to AT, an '@' after BETWEEN, the '/', '?' or '#' that should have ended it. HOST:
 * what the text before BETWEEN looks like. LOGIN: user information stands before that text.
 */
static bool goes_on_to(const char *at, const char *between, enum look host, bool login)
{
    size_t length = strcspn(at + 1, PATH_BEGINS "@");
    enum look found = look_at(at + 1, length);

    if (found == LOOK_OTHER) {
        return false;
    }
    if (host == LOOK_OTHER) {
        return true;
    }
    if (!login && reads_as_path(between, (size_t)(at - between), host)) {
        return false;
    }
    /* A word may be the end of a path, too, such as "/live@hd". */
    return found > LOOK_WORD || between[0] == '#' || ((login || host == LOOK_PORT) && at[1 + length] == '/');
}

/* Where the host begins in TEXT, which follows "scheme://". *STRAY: as in struct camera_url. */
static const char *find_host(const char *text, char *stray)
{
    const char *end = text + strcspn(text, PATH_BEGINS);
    const char *at = memrchr(text, '@', (size_t)(end - text));
    const char *host = at ? at + 1 : text;
    enum look look = look_at(host, (size_t)(end - host));

    *stray = '\0';
    if (look == LOOK_ADDRESS || look == LOOK_SERVICE) {
        return host;
    }
    for (const char *later = strchr(end, '@'); later; later = strchr(later + 1, '@')) {
        if (goes_on_to(later, end, look, at)) {
            *stray = *end;
            return later + 1;
        }
    }
    return host;
}

/* A copy of LENGTH bytes of TEXT, decoded; NULL: out of memory. */
static char *decoded(const char *text, size_t length)
{
    char *copy = strndup(text, length);

    if (copy) {
        url_decode(copy);
    }
    return copy;
}

static int take_userinfo(struct camera_url *url, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t name = colon ? (size_t)(colon - text) : length;

    url->userinfo = strndup(text, length);
    url->username = decoded(text, name);
    if (colon) {
        url->password = decoded(colon + 1, length - name - 1);
    }
    return !url->userinfo || !url->username || (colon && !url->password) ? -ENOMEM : 0;
}

int camera_url_parse(const char *text, struct camera_url *url)
{
    const char *mark = strstr(text, "://");

    *url = (struct camera_url){0};
    if (!mark || mark == text) {
        return -EINVAL;
    }
    for (const char *c = text; c < mark; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("+-.", *c)) {
            return -EINVAL;
        }
    }
    const char *begin = mark + 3;
    const char *host = find_host(begin, &url->stray);
    size_t host_length = strcspn(host, PATH_BEGINS);
    url->scheme = strndup(text, (size_t)(mark - text));
    url->host = strndup(host, host_length);
    url->path = strdup(host + host_length);
    int result = !url->scheme || !url->host || !url->path ? -ENOMEM : 0;
    if (result == 0 && host > begin) {
        result = take_userinfo(url, begin, (size_t)(host - 1 - begin));
    }
    if (result == 0 && host_length == 0 && strcasecmp(url->scheme, "file") != 0) {
        result = -EINVAL;
    }
    if (result < 0) {
        camera_url_finish(url);
        return result;
    }
    for (char *c = url->scheme; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return 0;
}

/* TEXT, malloc'ed, with codes only for what would be misread: libavformat has 127 bytes for user information. */
static char *encoded(const char *text, const char *keep)
{
    size_t length = strlen(text);
    size_t size = length * URL_ENCODE_MAX + 1;
    char *out = malloc(size);

    if (out) {
        url_encode(out, size, text, length, keep);
    }
    return out;
}

char *camera_url_join(const struct camera_url *url, const char *username, const char *password)
{
    char *text = NULL;

    if (!username && !password) {
        return asprintf(&text, "%s://%s%s", url->scheme, url->host, url->path) < 0 ? NULL : text;
    }
    char *name = encoded(username ? username : "", "-._~!$&'()*,;=+");
    char *word = encoded(password ? password : "", "-._~!$&'()*,;=+:");
    if (name && word &&
        asprintf(&text, "%s://%s:%s@%s%s", url->scheme, name, word, url->host, url->path) < 0) {
        text = NULL;
    }
    secret_free(name);
    secret_free(word);
    return text;
}
