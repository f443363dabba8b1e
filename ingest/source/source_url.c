#include "ingest/source/source_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BEGINS "/?#"

void source_url_finish(struct source_url *url)
{
    char *const parts[] = {url->scheme, url->userinfo, url->username, url->password, url->host, url->path};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] != NULL) {
            explicit_bzero(parts[i], strlen(parts[i]));
        }
        free(parts[i]);
    }
    *url = (struct source_url){0};
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

static int hex_value(char c)
{
    if (!isxdigit((unsigned char)c)) {
        return -1;
    }
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* A '%' that begins no valid code stands for itself. */
static char *percent_decode(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    size_t used = 0;

    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        bool code =
            text[i] == '%' && i + 2 < length && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
        int value = code ? hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]) : 0;
        out[used++] = text[i];
        if (value != 0) {
            out[used - 1] = (char)value;
            i += 2;
        }
    }
    out[used] = '\0';
    return out;
}

static int take_userinfo(struct source_url *url, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t name = colon != NULL ? (size_t)(colon - text) : length;

    url->userinfo = strndup(text, length);
    url->username = percent_decode(text, name);
    if (colon != NULL) {
        url->password = percent_decode(colon + 1, length - name - 1);
    }
    return url->userinfo == NULL || url->username == NULL || (colon != NULL && url->password == NULL)
               ? -ENOMEM
               : 0;
}

int source_url_parse(const char *text, struct source_url *url)
{
    const char *mark = strstr(text, "://");

    *url = (struct source_url){0};
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
        source_url_finish(url);
        return result;
    }
    for (char *c = url->scheme; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return 0;
}

/* Only what would be misread is encoded: libavformat has room for 127 bytes of user information. */
static void percent_encode(FILE *out, const char *text, const char *keep)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || strchr(keep, *c) != NULL) {
            fputc(*c, out);
        } else {
            fprintf(out, "%%%02X", (unsigned char)*c);
        }
    }
}

char *source_url_join(const struct source_url *url, const char *username, const char *password)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "%s://", url->scheme);
    if (username != NULL || password != NULL) {
        percent_encode(out, username != NULL ? username : "", "-._~!$&'()*,;=+");
        fputc(':', out);
        percent_encode(out, password != NULL ? password : "", "-._~!$&'()*,;=+:");
        fputc('@', out);
    }
    fprintf(out, "%s%s", url->host, url->path);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
