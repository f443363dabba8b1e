/*
 * Challenges as of RFC 7235, section 2.1: one header may hold several, and commas separate both parameters
 * and challenges. A word that no '=' follows begins a challenge.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ingest/rtsp/rtsp_auth.h"

struct word {
    const char *at;
    size_t length;
};

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t,");
}

static bool equals(struct word word, const char *text)
{
    return word.length == strlen(text) && strncasecmp(word.at, text, word.length) == 0;
}

/* The value behind '='. What is in quotes is taken as it stands, backslashes too: it is given back so. */
static const char *read_value(const char *text, struct word *value)
{
    text += strspn(text, " \t");
    if (*text != '"') {
        *value = (struct word){text, strcspn(text, " \t,")};
        return text + value->length;
    }
    const char *end = ++text;
    while (*end != '\0' && *end != '"') {
        end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
    }
    *value = (struct word){text, (size_t)(end - text)};
    return end + (*end == '"');
}

/* True if it fits. */
static bool copy(char *out, size_t size, struct word value)
{
    if (value.length >= size) {
        return false;
    }
    memcpy(out, value.at, value.length);
    out[value.length] = '\0';
    return true;
}

static bool lists_auth(struct word value)
{
    while (value.length > 0) {
        size_t space = 0;
        while (space < value.length && strchr(" \t,", value.at[space]) != NULL) {
            space++;
        }
        size_t end = space;
        while (end < value.length && strchr(" \t,", value.at[end]) == NULL) {
            end++;
        }
        if (equals((struct word){value.at + space, end - space}, "auth")) {
            return true;
        }
        value = (struct word){value.at + end, value.length - end};
    }
    return false;
}

static enum rtsp_auth_scheme algorithm_of(struct word value, bool *session)
{
    static const struct {
        const char *name;
        enum rtsp_auth_scheme scheme;
        bool session;
    } algorithms[] = {
        {"MD5", RTSP_AUTH_MD5, false},
        {"MD5-sess", RTSP_AUTH_MD5, true},
        {"SHA-256", RTSP_AUTH_SHA256, false},
        {"SHA-256-sess", RTSP_AUTH_SHA256, true},
        {"SHA256", RTSP_AUTH_SHA256, false},
        {"SHA-512-256", RTSP_AUTH_SHA512_256, false},
        {"SHA-512-256-sess", RTSP_AUTH_SHA512_256, true},
    };

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (equals(value, algorithms[i].name)) {
            *session = algorithms[i].session;
            return algorithms[i].scheme;
        }
    }
    return RTSP_AUTH_NONE;
}

/* False: the challenge cannot be answered. */
static bool take_parameter(struct rtsp_challenge *challenge, struct word name, struct word value)
{
    if (equals(name, "realm")) {
        return copy(challenge->realm, sizeof(challenge->realm), value);
    }
    if (equals(name, "nonce")) {
        challenge->has_nonce = true;
        return copy(challenge->nonce, sizeof(challenge->nonce), value);
    }
    if (equals(name, "opaque")) {
        return copy(challenge->opaque, sizeof(challenge->opaque), value);
    }
    if (equals(name, "stale")) {
        challenge->stale = equals(value, "true");
    } else if (equals(name, "qop")) {
        challenge->qop = lists_auth(value);
        return challenge->qop || value.length == 0;
    } else if (equals(name, "algorithm") && challenge->scheme > RTSP_AUTH_BASIC) {
        challenge->named = true;
        challenge->scheme = algorithm_of(value, &challenge->session);
        return challenge->scheme != RTSP_AUTH_NONE;
    }
    return true;
}

/* The parameters of one challenge, up to the beginning of the next. */
static const char *read_parameters(const char *text, struct rtsp_challenge *challenge, bool *usable)
{
    for (;;) {
        struct word name, value;
        const char *begin = text = skip_space(text);
        name = (struct word){text, strcspn(text, " \t,=")};
        text += name.length;
        text += strspn(text, " \t");
        if (*begin == '\0' || *text != '=') {
            return begin;
        }
        text = read_value(text + 1, &value);
        *usable = take_parameter(challenge, name, value) && *usable;
    }
}

void rtsp_auth_parse(const char *value, struct rtsp_challenge *best, bool *digest)
{
    const char *text = skip_space(value);

    while (*text != '\0') {
        struct rtsp_challenge challenge = {.scheme = RTSP_AUTH_NONE};
        struct word scheme = {text, strcspn(text, " \t,=")};
        bool usable = true;
        if (equals(scheme, "Basic")) {
            challenge.scheme = RTSP_AUTH_BASIC;
        }
        if (equals(scheme, "Digest")) {
            challenge.scheme = RTSP_AUTH_MD5; /* unless it names another */
            *digest = true;
        }
        text += scheme.length;
        text += scheme.length == 0; /* a '=' that belongs to nothing */
        text = read_parameters(text, &challenge, &usable);
        if (challenge.scheme > RTSP_AUTH_BASIC && !challenge.has_nonce) {
            usable = false;
        }
        if (usable && challenge.scheme > best->scheme) {
            *best = challenge;
        }
    }
}
