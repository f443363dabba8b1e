#include "common/config/camera_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return length > 0;
}

/* True for host[:port] with nothing strange in it; *certain if no word of a password would look like it. */
static bool is_host(const char *text, size_t length, bool *certain)
{
    const char *close = text[0] == '[' ? memchr(text, ']', length) : NULL;
    size_t name = close != NULL ? (size_t)(close - text) + 1 : 0;

    while (close == NULL && name < length &&
           (isalnum((unsigned char)text[name]) || strchr("-._~%", text[name]) != NULL)) {
        name++;
    }
    bool port = name < length && text[name] == ':' && all_digits(text + name + 1, length - name - 1);
    if (name == 0 || (name < length && !port)) {
        return false;
    }
    *certain = close != NULL || port || memchr(text, '.', name) != NULL ||
               (name == strlen("localhost") && strncasecmp(text, "localhost", name) == 0);
    return true;
}

/* Where the host begins in what follows "scheme://". */
static const char *find_host(const char *text)
{
    const char *authority_end = text + strcspn(text, PATH_BEGINS);
    const char *at = memrchr(text, '@', (size_t)(authority_end - text));
    const char *host = at != NULL ? at + 1 : text;
    bool certain = false;
    bool plausible = is_host(host, (size_t)(authority_end - host), &certain);

    if (certain || (plausible && at == NULL)) {
        return host;
    }
    for (const char *later = strchr(authority_end, '@'); later != NULL; later = strchr(later + 1, '@')) {
        size_t length = strcspn(later + 1, PATH_BEGINS "@");
        if (is_host(later + 1, length, &certain) && certain) {
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
    size_t name = colon != NULL ? (size_t)(colon - text) : length;

    url->userinfo = strndup(text, length);
    url->username = decoded(text, name);
    if (colon != NULL) {
        url->password = decoded(colon + 1, length - name - 1);
    }
    return url->userinfo == NULL || url->username == NULL || (colon != NULL && url->password == NULL)
               ? -ENOMEM
               : 0;
}

int camera_url_parse(const char *text, struct camera_url *url)
{
    const char *mark = strstr(text, "://");

    *url = (struct camera_url){0};
    if (mark == NULL || mark == text) {
        return -EINVAL;
    }
    for (const char *c = text; c < mark; c++) {
        if (!isalnum((unsigned char)*c) && strchr("+-.", *c) == NULL) {
            return -EINVAL;
        }
    }
    const char *begin = mark + 3;
    const char *host = find_host(begin);
    size_t host_length = strcspn(host, PATH_BEGINS);
    url->scheme = strndup(text, (size_t)(mark - text));
    url->host = strndup(host, host_length);
    url->path = strdup(host + host_length);
    int result = url->scheme == NULL || url->host == NULL || url->path == NULL ? -ENOMEM : 0;
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

/* TEXT percent-encoded, malloc'ed; only what would be misread: libavformat has 127 bytes for user information. */
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
