/* SPDX-License-Identifier: MIT */
#include "discover/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "discover/xml.h"

/* Milliseconds to connect: what is on this network answers in a few. */
#define CONNECT_MS 3000

struct http {
    CURL *curl;
    struct curl_slist *headers;
    char *data;
    size_t length, size;
    bool too_long;
    bool accepted;                     /* a login of this talk: a later refusal is about the challenge */
    bool shows_login, offers_digest;   /* in the present question; in its answer */
    bool unauthorized, stale, refused; /* of its last answer; the login was not taken */
};

static size_t on_data(char *data, size_t one, size_t length, void *context)
{
    struct http *http = context;

    length *= one;
    if (length > XML_BYTES_MAX - http->length) {
        http->too_long = true;
        return 0;
    }
    if (http->length + length > http->size) {
        size_t size = http->length + length + 4096;
        char *more = realloc(http->data, size);
        if (!more) {
            return 0;
        }
        http->data = more;
        http->size = size;
    }
    memcpy(http->data + http->length, data, length);
    http->length += length;
    return length;
}

/* LINE, of LENGTH bytes without a NUL, has WORDS in it, in either case. */
static bool has(const char *line, size_t length, const char *words)
{
    size_t wanted = strlen(words);

    for (size_t i = 0; i + wanted <= length; i++) {
        if (strncasecmp(line + i, words, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * A header's line. libcurl repeats a login that is refused; but it had the challenge from the answer before, so unless that was too
 * old the password is wrong, and the second try would count against the user. Returning 0 ends it.
 */
static size_t on_header(char *line, size_t one, size_t length, void *context)
{
    struct http *http = context;

    length *= one;
    if (has(line, length < 5 ? length : 5, "HTTP/")) {
        http->unauthorized = has(line, length, " 401");
        http->stale = false;
    } else if (has(line, length, "WWW-Authenticate: Digest ")) {
        http->offers_digest = true;
        http->stale = has(line, length, "stale=true") || has(line, length, "stale=\"true\"");
    } else if (length <= 2 && http->shows_login && http->unauthorized && !http->stale && !http->accepted) {
        http->refused = true;
        return 0;
    }
    return length;
}

static void set_up(struct http *http)
{
    CURL *curl = http->curl;

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)XML_BYTES_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, http);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ringcast/" RINGCAST_VERSION);
    /* A camera's certificate is its own. What is sent would be as safe without TLS: a digest for this device. */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

struct http *http_create(void)
{
    struct http *http = calloc(1, sizeof(*http));

    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return NULL;
    }
    http->curl = curl_easy_init();
    http->headers = curl_slist_append(NULL, "Content-Type: application/soap+xml; charset=utf-8");
    if (http->headers) {
        curl_slist_append(http->headers, "Expect:"); /* old devices do not know 100-continue */
    }
    if (!http->curl || !http->headers) {
        http_destroy(http);
        return NULL;
    }
    set_up(http);
    return http;
}

void http_destroy(struct http *http)
{
    if (!http) {
        return;
    }
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    curl_global_cleanup();
    free(http->data);
    free(http);
}

static void set_login(CURL *curl, const struct http_login *login)
{
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, login ? (long)CURLAUTH_DIGEST : (long)CURLAUTH_NONE);
    curl_easy_setopt(curl, CURLOPT_USERNAME, login ? login->username : NULL);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, login ? login->password : NULL);
}

static int error_of(const struct http *http, CURLcode code)
{
    long system = 0;

    curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &system);
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_FILESIZE_EXCEEDED:
        return -EMSGSIZE;
    case CURLE_WRITE_ERROR:
        return http->too_long ? -EMSGSIZE : -EIO;
    case CURLE_COULDNT_CONNECT:
        return system == EHOSTUNREACH || system == ENETUNREACH ? -EHOSTUNREACH : -ECONNREFUSED;
    default:
        return -EIO;
    }
}

int http_ask(struct http *http, const char *url, const char *question, size_t length,
             const struct http_login *login, uint64_t ms, struct http_answer *answer)
{
    http->length = 0;
    http->too_long = false;
    http->offers_digest = false;
    http->refused = false;
    http->shows_login = login != NULL;
    set_login(http->curl, login);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, question);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE, (long)length);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)(ms > 0 ? ms : 1));
    CURLcode code = curl_easy_perform(http->curl);
    int result = http->refused ? 0 : error_of(http, code);
    *answer = (struct http_answer){
        .data = http->data, .length = http->length, .offers_digest = http->offers_digest};
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    http->accepted = http->accepted || (login && result == 0 && answer->status != 401);
    return result;
}
