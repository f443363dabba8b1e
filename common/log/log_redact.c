/* SPDX-License-Identifier: MIT */
#include "common/log/log_redact.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/url.h"

#define REPLACEMENT "***"

/*
 * Bytes from which on a secret is hidden anywhere. A shorter one is hidden only where it stands alone: hiding
 * every "1" would make the log unreadable, and would tell the secret.
 */
#define SECRET_ANYWHERE_MIN 4

static char **secrets;
static size_t secret_count;
static bool secret_starts[UCHAR_MAX + 1]; /* bytes that some secret, plain or encoded, begins with */

static bool is_known_secret(const char *secret)
{
    for (size_t i = 0; i < secret_count; i++) {
        if (strcmp(secrets[i], secret) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes SECRET over. Without memory for it the process ends, because going on would show it. */
static void keep_secret(char *secret)
{
    if (!secret) {
        abort();
    }
    if (is_known_secret(secret)) {
        secret_free(secret);
        return;
    }
    char **larger = reallocarray(secrets, secret_count + 1, sizeof(*secrets));
    if (!larger) {
        abort();
    }
    secrets = larger;
    secrets[secret_count++] = secret;
    secret_starts[(unsigned char)secret[0]] = true;
    secret_starts['%'] = true;
}

void log_redact_add(const char *secret)
{
    if (!secret || secret[0] == '\0') {
        return;
    }
    keep_secret(strdup(secret));
    char *decoded = strdup(secret);
    if (!decoded || url_decode(decoded) > 0) {
        keep_secret(decoded);
    } else {
        secret_free(decoded);
    }
}

/* A text that is being redacted. */
struct scan {
    const char *text;
    size_t length;
    bool cut;            /* the text goes on after LENGTH, but was cut there */
    size_t url_end;      /* the URL last looked at ends here */
    size_t userinfo_end; /* and its user information here */
};

/*
 * Matches BYTE, percent-encoded, at offset AT. Returns the offset after it, or 0. At the end of a cut text
 * the beginning of the code is enough.
 */
static size_t match_encoded(const struct scan *scan, size_t at, unsigned char byte)
{
    const int wanted[] = {byte >> 4, byte & 15};

    if (at == scan->length || scan->text[at] != '%') {
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (at + 1 + i == scan->length) {
            return scan->cut ? scan->length : 0;
        }
        if (text_hex_digit(scan->text[at + 1 + i]) != wanted[i]) {
            return 0;
        }
    }
    return at + 3;
}

/*
 * Matches SECRET at offset AT, each of its bytes plain or percent-encoded. Returns the offset after it, or 0.
 * '%' itself may be meant either way, so both are tried.
 */
static size_t match_secret(const struct scan *scan, size_t at, const char *secret)
{
    for (; *secret != '\0'; secret++) {
        if (at == scan->length) {
            return scan->cut ? at : 0;
        }
        size_t encoded = match_encoded(scan, at, (unsigned char)*secret);
        bool plain = scan->text[at] == *secret;
        if (encoded != 0 && plain) {
            size_t end = match_secret(scan, encoded, secret + 1);
            if (end != 0) {
                return end;
            }
        }
        if (plain) {
            at++;
        } else if (encoded != 0) {
            at = encoded;
        } else {
            return 0;
        }
    }
    return at;
}

static bool ends_url(char byte)
{
    return (unsigned char)byte <= ' ' || byte == 0x7f || byte == '"' || byte == '<' || byte == '>';
}

/*
 * If a URL's authority begins at offset AT, the end of its user information, else 0. That end is the last '@'
 * of the whole URL and not of the authority: a password with an unencoded '/' in it must not show.
 */
static size_t match_userinfo(struct scan *scan, size_t at)
{
    if (at < 3 || memcmp(scan->text + at - 3, "://", 3) != 0) {
        return 0;
    }
    if (at < scan->url_end) {
        return scan->userinfo_end;
    }
    scan->userinfo_end = 0;
    for (scan->url_end = at; scan->url_end < scan->length && !ends_url(scan->text[scan->url_end]);
         scan->url_end++) {
        if (scan->text[scan->url_end] == '@') {
            scan->userinfo_end = scan->url_end;
        }
    }
    if (scan->cut && scan->url_end == scan->length) {
        scan->userinfo_end = scan->length;
    }
    return scan->userinfo_end;
}

static bool is_word(const struct scan *scan, size_t at, size_t end)
{
    return (at == 0 || !isalnum((unsigned char)scan->text[at - 1])) &&
           (end == scan->length || !isalnum((unsigned char)scan->text[end]));
}

/* Offset after the longest thing to hide that begins at offset AT; 0: nothing does. */
static size_t match_hidden(struct scan *scan, size_t at)
{
    size_t end = match_userinfo(scan, at);

    if (!secret_starts[(unsigned char)scan->text[at]]) {
        return end;
    }
    for (size_t i = 0; i < secret_count; i++) {
        size_t match = match_secret(scan, at, secrets[i]);
        bool anywhere = strlen(secrets[i]) >= SECRET_ANYWHERE_MIN;
        if (match > end && (anywhere || is_word(scan, at, match))) {
            end = match;
        }
    }
    return end;
}

static size_t append(char *out, size_t size, size_t used, const char *piece, size_t length)
{
    if (length > size - 1 - used) {
        length = size - 1 - used;
    }
    memcpy(out + used, piece, length);
    return used + length;
}

/* Things to hide that touch or overlap become one replacement. */
void log_redact_text(const char *text, bool cut, char *out, size_t size)
{
    struct scan scan = {.text = text, .length = strlen(text), .cut = cut};
    size_t used = 0;
    size_t hidden_end = 0;
    bool hiding = false;

    for (size_t at = 0; at < scan.length; at++) {
        size_t end = match_hidden(&scan, at);
        if (end > hidden_end) {
            hidden_end = end;
        }
        if (at >= hidden_end) {
            used = append(out, size, used, text + at, 1);
        } else if (!hiding) {
            used = append(out, size, used, REPLACEMENT, strlen(REPLACEMENT));
        }
        hiding = at < hidden_end;
    }
    out[used] = '\0';
    text_trim_partial(out);
}

void log_redact_forget(void)
{
    for (size_t i = 0; i < secret_count; i++) {
        secret_free(secrets[i]);
    }
    free(secrets);
    secrets = NULL;
    secret_count = 0;
    memset(secret_starts, 0, sizeof(secret_starts));
}
