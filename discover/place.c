/* SPDX-License-Identifier: MIT */
#include "discover/place.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Nothing is known of rtsp's default port, and dots in a path are the camera's own business. */
#define URL_FLAGS (CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS | CURLU_NO_AUTHORITY)

/* What would end a line or a string of the configuration, or is in no URL (RFC 3986). */
static bool is_plain(const char *url)
{
    for (; *url != '\0'; url++) {
        if (*url <= ' ' || *url > '~' || strchr("\"<>\\^`{|}", *url)) {
            return false;
        }
    }
    return true;
}

static bool has_scheme(const CURLU *url, const char *const *schemes)
{
    char *scheme = NULL;
    bool found = false;

    if (curl_url_get((CURLU *)(size_t)url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        for (; *schemes && !found; schemes++) {
            found = strcasecmp(*schemes, scheme) == 0;
        }
    }
    curl_free(scheme);
    return found;
}

static bool is_elsewhere(const CURLU *url, const char *host)
{
    char *own = NULL;
    bool other = curl_url_get((CURLU *)(size_t)url, CURLUPART_HOST, &own, 0) == CURLUE_OK &&
                 strcasecmp(own, host) != 0;

    curl_free(own);
    return other;
}

/* Some cameras say port 0 where they mean the usual one. */
static bool drop_port_zero(CURLU *url)
{
    char *port = NULL;
    bool zero = curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK && strcmp(port, "0") == 0;

    curl_free(port);
    return !zero || curl_url_set(url, CURLUPART_PORT, NULL, 0) == CURLUE_OK;
}

static int build(CURLU *url, char *out, size_t size)
{
    char *text = NULL;
    int result = -EINVAL;

    if (curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK && is_plain(text)) {
        result = (size_t)snprintf(out, size, "%s", text) < size ? 0 : -ENAMETOOLONG;
    }
    curl_free(text);
    return result;
}

int place_own(const char *url, const char *host, const char *const *schemes, char *out, size_t size,
              bool *moved)
{
    char bracketed[64];
    CURLU *parts = curl_url();
    int result = -EINVAL;

    snprintf(bracketed, sizeof(bracketed), strchr(host, ':') ? "[%s]" : "%s", host);
    if (parts && is_plain(url) && curl_url_set(parts, CURLUPART_URL, url, URL_FLAGS) == CURLUE_OK &&
        has_scheme(parts, schemes)) {
        if (moved) {
            *moved = is_elsewhere(parts, bracketed);
        }
        bool set = curl_url_set(parts, CURLUPART_HOST, bracketed, 0) == CURLUE_OK &&
                   curl_url_set(parts, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
                   curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
                   curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK && drop_port_zero(parts);
        result = set ? build(parts, out, size) : -ENOMEM;
    }
    curl_url_cleanup(parts);
    return result;
}

static bool copy_part(CURLU *to, const CURLU *from, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get((CURLU *)(size_t)from, part, &text, 0) == CURLUE_OK;
    bool done = curl_url_set(to, part, there ? text : NULL, 0) == CURLUE_OK;

    curl_free(text);
    return done;
}

int place_at_door(const char *url, const char *door, char *out, size_t size)
{
    CURLU *parts = curl_url(), *from = curl_url();
    bool read = parts && from && curl_url_set(parts, CURLUPART_URL, url, URL_FLAGS) == CURLUE_OK &&
                curl_url_set(from, CURLUPART_URL, door, URL_FLAGS) == CURLUE_OK;
    bool moved = read && copy_part(parts, from, CURLUPART_SCHEME) && copy_part(parts, from, CURLUPART_HOST) &&
                 copy_part(parts, from, CURLUPART_PORT);
    int result = moved ? build(parts, out, size) : -EINVAL;

    curl_url_cleanup(parts);
    curl_url_cleanup(from);
    return result;
}
