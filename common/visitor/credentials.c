/* SPDX-License-Identifier: MIT */
#include "common/visitor/credentials.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/access/access_value.h"
#include "common/base/base64.h"
#include "common/base/secret.h"
#include "common/base/text.h"

/* RFC 9110, 5.6.3. */
#define BLANKS " \t"

/* RFC 9110, 5.6.2. */
#define TOKEN_SYMBOLS "!#$%&'*+-.^_`|~"

#define QUERY_PARAMETER "token="

/* Decoded: name, colon, password. */
#define BASIC_MAX (CREDENTIALS_USER_MAX + 1 + CREDENTIALS_PASSWORD_MAX)

/* Nothing of what is wrong stays. */
static void refuse(struct credentials *credentials, const char *why)
{
    secret_wipe(credentials->user, sizeof(credentials->user));
    secret_wipe(credentials->token, sizeof(credentials->token));
    credentials->kind = CREDENTIAL_BAD;
    credentials->why = why;
}

/*
 * Whether LENGTH bytes of TEXT could be a token, static or JWT: RFC 6750, 2.1, without what neither of them
 * has.
 */
static bool is_token(const char *text, size_t length)
{
    if (length == 0 || length > CREDENTIALS_TOKEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || !strchr("-._~+/=", text[i]))) {
            return false;
        }
    }
    return true;
}

static void take_token(struct credentials *credentials, const char *text, size_t length)
{
    if (!is_token(text, length)) {
        refuse(credentials, "a token that is empty, too long, or has other characters than tokens have");
        return;
    }
    credentials->kind = CREDENTIAL_TOKEN;
    memcpy(credentials->token, text, length);
    credentials->token[length] = '\0';
}

/* ---- A trusted proxy's word ---- */

static void read_proxy(struct credentials *credentials, const char *user, const char *groups)
{
    size_t length = strlen(user);

    while (length > 0 && strchr(BLANKS, user[length - 1])) {
        length--;
    }
    if (length > CREDENTIALS_USER_MAX) {
        refuse(credentials, "the proxy's user has a name of more than 64 bytes");
        return;
    }
    memcpy(credentials->user, user, length);
    credentials->user[length] = '\0';
    if (!text_is_utf8(credentials->user) || text_has_control(credentials->user)) {
        refuse(credentials, "the proxy's user has a name that is not UTF-8 or has control characters");
        return;
    }
    if (groups && strlen(groups) > CREDENTIALS_GROUPS_MAX) {
        refuse(credentials, "the proxy's list of groups has more than 4096 bytes");
        return;
    }
    credentials->kind = CREDENTIAL_PROXY;
    strcpy(credentials->groups, groups ? groups : "");
}

/* ---- Authorization ---- */

/* RFC 7617, 2: base64 of name, colon, password, in UTF-8. */
static void read_basic(struct credentials *credentials, const char *text)
{
    char decoded[BASIC_MAX + 1];
    int length = base64_decode((uint8_t *)decoded, BASIC_MAX, text, strlen(text));

    decoded[length > 0 ? length : 0] = '\0';
    char *colon = strchr(decoded, ':');
    if (length <= 0 || strlen(decoded) != (size_t)length || !colon) {
        refuse(credentials, "Basic that is no base64 of a name and a password, or too long");
    } else {
        *colon = '\0';
        char why[ACCESS_WHY_SIZE];
        if (access_check_user(decoded, why) && access_check_password(colon + 1, why)) {
            credentials->kind = CREDENTIAL_BASIC;
            strcpy(credentials->user, decoded);
            strcpy(credentials->password, colon + 1);
        } else {
            refuse(credentials, "Basic with a name or password that cannot be one");
        }
    }
    secret_wipe(decoded, sizeof(decoded));
}

/* RFC 9110, 11.4: a scheme, whose letters' case does not count, and what belongs to it. */
static void read_authorization(struct credentials *credentials, const char *text)
{
    size_t scheme = strcspn(text, " ");
    const char *rest = text + scheme + strspn(text + scheme, " ");

    if (scheme == 5 && strncasecmp(text, "Basic", scheme) == 0) {
        read_basic(credentials, rest);
    } else if (scheme == 6 && strncasecmp(text, "Bearer", scheme) == 0) {
        take_token(credentials, rest, strlen(rest));
    } else {
        refuse(credentials, "Authorization with another scheme than Basic and Bearer");
    }
}

/* ---- Sec-WebSocket-Protocol ---- */

static bool is_http_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || !strchr(TOKEN_SYMBOLS, text[i]))) {
            return false;
        }
    }
    return length > 0;
}

/* RFC 6455, 11.3.4: a list of tokens. Elements that are not ringcast's are the caller's business. */
static void read_subprotocols(struct credentials *credentials, const char *text)
{
    size_t prefix = strlen(CREDENTIALS_SUBPROTOCOL);

    while (*text != '\0' && credentials->kind != CREDENTIAL_BAD) {
        text += strspn(text, BLANKS ",");
        size_t length = strcspn(text, ",");
        const char *next = text + length;
        while (length > 0 && strchr(BLANKS, text[length - 1])) {
            length--;
        }
        if (length >= prefix && strncmp(text, CREDENTIALS_SUBPROTOCOL, prefix) == 0) {
            if (credentials->kind != CREDENTIAL_NONE || !is_http_token(text, length)) {
                refuse(credentials, "more than one token in subprotocols, or one that cannot be there");
            } else {
                take_token(credentials, text + prefix, length - prefix);
            }
        }
        text = next;
    }
}

/* ---- Query ---- */

/* Decodes in place, strictly: -1 if a '%' begins no code, or a code is NUL. */
static int decode_percent(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '%') {
            int high = text_hex_digit(text[1]);
            int low = high >= 0 ? text_hex_digit(text[2]) : -1;
            if (low < 0 || (high == 0 && low == 0)) {
                return -1;
            }
            c = (char)(high << 4 | low);
            text += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return 0;
}

static void take_query_token(struct credentials *credentials, const char *text, size_t length)
{
    char value[3 * CREDENTIALS_TOKEN_MAX + 1];

    if (credentials->kind != CREDENTIAL_NONE) {
        refuse(credentials, "more than one token in the query");
        return;
    }
    bool fits = length < sizeof(value);
    if (fits) {
        memcpy(value, text, length);
        value[length] = '\0';
    }
    if (!fits || decode_percent(value) < 0) {
        refuse(credentials, "a token in the query that is too long or wrongly encoded");
    } else {
        take_token(credentials, value, strlen(value));
    }
    if (fits) {
        secret_wipe(value, length);
    }
}

static void read_query(struct credentials *credentials, const char *text)
{
    size_t prefix = strlen(QUERY_PARAMETER);

    while (credentials->kind != CREDENTIAL_BAD) {
        size_t length = strcspn(text, "&");
        if (strncmp(text, QUERY_PARAMETER, prefix) == 0) {
            take_query_token(credentials, text + prefix, length - prefix);
        }
        if (text[length] == '\0') {
            return;
        }
        text += length + 1;
    }
}

/* ---- Cookie ---- */

/* RFC 6265, 4.1.1: cookie-octet. */
static bool is_cookie_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f || strchr("\",;\\", text[i])) {
            return false;
        }
    }
    return length > 0;
}

static void take_cookie(struct credentials *credentials, const char *name, size_t name_length,
                        const char *value, size_t length)
{
    bool is_session =
        name_length == strlen(SESSION_COOKIE_NAME) && strncmp(name, SESSION_COOKIE_NAME, name_length) == 0;
    bool is_bearer = name_length == strlen(CREDENTIALS_TOKEN_COOKIE) &&
                     strncmp(name, CREDENTIALS_TOKEN_COOKIE, name_length) == 0;

    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    if ((!is_session && !is_bearer) || !is_cookie_value(value, length)) {
        return;
    }
    if (is_session && length < SESSION_COOKIE_SIZE && credentials->session_count < CREDENTIALS_SESSIONS_MAX) {
        char *session = credentials->sessions[credentials->session_count++];
        memcpy(session, value, length);
        session[length] = '\0';
        credentials->kind = CREDENTIAL_COOKIE;
    } else if (is_bearer && credentials->token[0] == '\0' && is_token(value, length)) {
        memcpy(credentials->token, value, length);
        credentials->token[length] = '\0';
        credentials->kind = CREDENTIAL_COOKIE;
    }
}

/*
 * RFC 6265, 4.2.1. Other programs on the same host have their cookies here, too, whatever they look like, so
 * pairs that are not ringcast's, or that have a value that ringcast does not make, are as if they were not
 * there.
 */
static void read_cookies(struct credentials *credentials, const char *text)
{
    while (*text != '\0') {
        text += strspn(text, BLANKS ";");
        size_t length = strcspn(text, ";");
        const char *next = text + length;
        const char *equals = memchr(text, '=', length);
        while (length > 0 && strchr(BLANKS, text[length - 1])) {
            length--;
        }
        if (equals && equals < text + length) {
            take_cookie(credentials, text, (size_t)(equals - text), equals + 1,
                        (size_t)(text + length - equals - 1));
        }
        text = next;
    }
}

/* ---- All of them ---- */

void credentials_read(struct credentials *credentials, const struct credential_sources *sources)
{
    const char *user = sources->proxy_user ? sources->proxy_user + strspn(sources->proxy_user, BLANKS) : "";

    credentials_wipe(credentials);
    text_copy(credentials->address, sizeof(credentials->address), sources->address ? sources->address : "");
    if (sources->proxy_doubted) {
        refuse(credentials, "a header with which the proxy names the user is there twice");
    } else if (user[0] != '\0') {
        read_proxy(credentials, user, sources->proxy_groups);
    } else if (sources->authorization) {
        read_authorization(credentials, sources->authorization);
    }
    if (credentials->kind == CREDENTIAL_NONE && sources->subprotocols) {
        read_subprotocols(credentials, sources->subprotocols);
    }
    if (credentials->kind == CREDENTIAL_NONE && sources->query) {
        read_query(credentials, sources->query);
    }
    if (credentials->kind == CREDENTIAL_NONE && sources->cookie) {
        read_cookies(credentials, sources->cookie);
    }
}

void credentials_wipe(struct credentials *credentials)
{
    secret_wipe(credentials, sizeof(*credentials));
}
