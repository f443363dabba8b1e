/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_auth.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <openssl/evp.h>

/* Bytes of a digest in hexadecimal, with its NUL. */
#define HEX_SIZE (EVP_MAX_MD_SIZE * 2 + 1)

/* Bytes of our part of the randomness; hexadecimal, with its NUL. */
#define CLIENT_NONCE_BYTES 8
#define CLIENT_NONCE_SIZE (CLIENT_NONCE_BYTES * 2 + 1)

/* --- Challenges (RFC 7235, section 2.1) ----------------------------------------------------------------- */

/* One header may hold several, and commas separate both parameters and challenges. A word that no '=' follows begins a
 * challenge. */
struct word {
    const char *at;
    size_t length;
};

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t,;"); /* some cameras separate parameters by semicolons */
}

static bool equals(struct word word, const char *text)
{
    return word.length == strlen(text) && strncasecmp(word.at, text, word.length) == 0;
}

/* The value after '='. Text in quotes is taken as it stands, backslashes included, because it has to be sent back like
 * that. */
static const char *read_value(const char *text, struct word *value)
{
    text += strspn(text, " \t");
    if (*text != '"') {
        *value = (struct word){text, strcspn(text, " \t,;")};
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
        while (space < value.length && strchr(" \t,", value.at[space])) {
            space++;
        }
        size_t end = space;
        while (end < value.length && !strchr(" \t,", value.at[end])) {
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

void rtsp_auth_parse(const char *value, unsigned refused, struct rtsp_challenge *best, bool *digest)
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
        if (usable && challenge.scheme > best->scheme && !(refused & 1u << challenge.scheme)) {
            *best = challenge;
        }
    }
}

/* --- What is answered ----------------------------------------------------------------------------------- */

void rtsp_auth_init(struct rtsp_auth *auth, const char *username, const char *password)
{
    *auth = (struct rtsp_auth){.allow_basic = true};
    rtsp_auth_use(auth, username, password);
}

void rtsp_auth_use(struct rtsp_auth *auth, const char *username, const char *password)
{
    auth->username = username;
    auth->password = password ? password : "";
}

void rtsp_auth_reset(struct rtsp_auth *auth)
{
    bool allow_basic = auth->allow_basic;

    rtsp_auth_init(auth, auth->username, auth->password);
    auth->allow_basic = allow_basic;
}

void rtsp_auth_begin(struct rtsp_auth *auth)
{
    auth->accepted = false;
    auth->fresh = 0;
    auth->remembered = auth->username && auth->remember && auth->challenge.scheme != RTSP_AUTH_NONE;
    if (!auth->remembered) {
        auth->challenge = (struct rtsp_challenge){.scheme = RTSP_AUTH_NONE};
        auth->count = 0;
    }
    auth->digest_failed = (auth->refused & ~(1u << RTSP_AUTH_BASIC)) != 0;
    if (auth->exhausted) {
        auth->refused = 0;
        auth->exhausted = false;
    }
}

bool rtsp_auth_answers(const struct rtsp_auth *auth)
{
    return auth->username && auth->challenge.scheme != RTSP_AUTH_NONE;
}

void rtsp_auth_accepted(struct rtsp_auth *auth)
{
    if (auth->challenge.scheme == RTSP_AUTH_NONE || auth->count == 0) {
        return;
    }
    auth->accepted = true;
    auth->fresh = 0;
    if (auth->challenge.scheme > auth->worked) {
        auth->worked = auth->challenge.scheme;
    }
}

/*
 * An answer was refused. Another one makes sense if the camera only wants a fresh nonce: it states that, or has
 * accepted these credentials before, or the nonce came with an earlier connection; and its nonce is a new one.
 */
static bool may_answer_again(const struct rtsp_auth *auth, const struct rtsp_challenge *challenge)
{
    bool fresh = strcmp(challenge->nonce, auth->challenge.nonce) != 0;

    if (challenge->scheme < RTSP_AUTH_MD5 || auth->fresh >= RTSP_AUTH_FRESH_MAX) {
        return false;
    }
    return fresh && (challenge->stale || auth->accepted || auth->remembered);
}

/* Basic sends the password in the clear: never where a Digest challenge could still be answered. */
static bool may_be_basic(const struct rtsp_auth *auth, bool digest_offered)
{
    if (!auth->allow_basic || auth->worked > RTSP_AUTH_BASIC) {
        return false;
    }
    return !digest_offered || auth->digest_failed;
}

/* The strongest challenge of MESSAGE that is not among REFUSED. */
static struct rtsp_challenge strongest(const struct rtsp_message *message, unsigned refused,
                                       bool *digest_offered)
{
    struct rtsp_challenge best = {.scheme = RTSP_AUTH_NONE};
    const char *value;

    for (size_t i = 0; (value = rtsp_message_header(message, "WWW-Authenticate", i)) != NULL; i++) {
        rtsp_auth_parse(value, refused, &best, digest_offered);
    }
    return best;
}

int rtsp_auth_challenge(struct rtsp_auth *auth, const struct rtsp_message *message)
{
    bool digest_offered = auth->challenge.scheme >= RTSP_AUTH_MD5; /* by this camera, earlier */
    struct rtsp_challenge best = strongest(message, 0, &digest_offered);
    bool answered = auth->count > 0;

    if (best.scheme == RTSP_AUTH_NONE) {
        return -ENOTSUP;
    }
    if (!auth->username) {
        return -ENOKEY;
    }
    if (best.scheme == RTSP_AUTH_BASIC && !may_be_basic(auth, digest_offered)) {
        return auth->allow_basic ? -ENOTSUP : -EPERM;
    }
    bool again = answered && may_answer_again(auth, &best);
    if (answered && !again) {
        auth->refused |= 1u << auth->challenge.scheme;
        auth->refusals++;
    }
    if (!again) {
        best = strongest(message, auth->refused, &digest_offered);
    }
    if (best.scheme == RTSP_AUTH_BASIC && !may_be_basic(auth, digest_offered)) {
        return -EACCES; /* the next connection may try it */
    }
    if (best.scheme == RTSP_AUTH_NONE) {
        auth->exhausted = true;
        return -EACCES;
    }
    auth->fresh += again;
    auth->remembered = false;
    auth->count = 0;
    auth->challenge = best;
    return 0;
}

/* --- Answers -------------------------------------------------------------------------------------------- */

static const char hex_digits[] = "0123456789abcdef";

/* Text that is put together in a buffer of the caller's. */
struct builder {
    char *out;
    size_t size, used;
    bool full;
};

static void put(struct builder *builder, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct builder *builder, const char *format, ...)
{
    va_list arguments;

    if (builder->full) {
        return;
    }
    va_start(arguments, format);
    int length = vsnprintf(builder->out + builder->used, builder->size - builder->used, format, arguments);
    va_end(arguments);
    builder->full = length < 0 || (size_t)length >= builder->size - builder->used;
    builder->used += builder->full ? 0 : (size_t)length;
}

/* A user name in quotes. */
static void put_quoted(struct builder *builder, const char *text)
{
    for (; *text != '\0'; text++) {
        put(builder, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
}

static void to_hex(const unsigned char *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        *out++ = hex_digits[bytes[i] >> 4];
        *out++ = hex_digits[bytes[i] & 15];
    }
    *out = '\0';
}

static const EVP_MD *algorithm(enum rtsp_auth_scheme scheme)
{
    if (scheme == RTSP_AUTH_SHA256) {
        return EVP_sha256();
    }
    return scheme == RTSP_AUTH_SHA512_256 ? EVP_sha512_256() : EVP_md5();
}

/* The digest of the parts with ':' between them, in hexadecimal. The list ends with NULL. 0; -ENOTSUP. */
static int digest(enum rtsp_auth_scheme scheme, char out[HEX_SIZE], ...)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    va_list parts;

    bool ok = context && EVP_DigestInit_ex(context, algorithm(scheme), NULL) == 1;
    va_start(parts, out);
    bool first = true;
    for (const char *part; ok && (part = va_arg(parts, const char *)) != NULL; first = false) {
        ok = first || EVP_DigestUpdate(context, ":", 1) == 1;
        ok = ok && EVP_DigestUpdate(context, part, strlen(part)) == 1;
    }
    va_end(parts);
    ok = ok && EVP_DigestFinal_ex(context, bytes, &size) == 1;
    EVP_MD_CTX_free(context);
    if (ok) {
        to_hex(bytes, size, out);
    }
    return ok ? 0 : -ENOTSUP;
}

static void write_basic(const struct rtsp_auth *auth, struct builder *out)
{
    char plain[1024];
    unsigned char coded[sizeof(plain) * 2];
    int length = snprintf(plain, sizeof(plain), "%s:%s", auth->username, auth->password);

    if (length < 0 || (size_t)length >= sizeof(plain)) {
        out->full = true;
    } else {
        EVP_EncodeBlock(coded, (const unsigned char *)plain, length);
        put(out, "Authorization: Basic %s\r\n", (const char *)coded);
    }
    explicit_bzero(plain, sizeof(plain));
    explicit_bzero(coded, sizeof(coded));
}

static void make_client_nonce(char out[CLIENT_NONCE_SIZE])
{
    unsigned char bytes[CLIENT_NONCE_BYTES] = {0};

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        memset(bytes, 0, sizeof(bytes)); /* it protects the camera's answers, which are not checked */
    }
    to_hex(bytes, sizeof(bytes), out);
}

/* RFC 7616, section 3.4.1; without qop RFC 2069, section 2.1.2. */
static int compute_response(const struct rtsp_auth *auth, const char *method, const char *uri,
                            const char *count, const char *client_nonce, char response[HEX_SIZE])
{
    const struct rtsp_challenge *challenge = &auth->challenge;
    char secret[HEX_SIZE], request[HEX_SIZE];
    int result = digest(challenge->scheme, secret, auth->username, challenge->realm, auth->password, NULL);

    if (result == 0 && challenge->session) {
        result = digest(challenge->scheme, secret, secret, challenge->nonce, client_nonce, NULL);
    }
    if (result == 0) {
        result = digest(challenge->scheme, request, method, uri, NULL);
    }
    if (result == 0 && challenge->qop) {
        result = digest(challenge->scheme, response, secret, challenge->nonce, count, client_nonce, "auth",
                        request, NULL);
    } else if (result == 0) {
        result = digest(challenge->scheme, response, secret, challenge->nonce, request, NULL);
    }
    explicit_bzero(secret, sizeof(secret));
    return result;
}

static int write_digest(const struct rtsp_auth *auth, const char *method, const char *uri,
                        struct builder *out)
{
    static const char *const names[] = {
        [RTSP_AUTH_MD5] = "MD5", [RTSP_AUTH_SHA256] = "SHA-256", [RTSP_AUTH_SHA512_256] = "SHA-512-256"};
    const struct rtsp_challenge *challenge = &auth->challenge;
    char response[HEX_SIZE], client_nonce[CLIENT_NONCE_SIZE], count[9];

    make_client_nonce(client_nonce);
    snprintf(count, sizeof(count), "%08x", (unsigned)auth->count);
    int result = compute_response(auth, method, uri, count, client_nonce, response);
    if (result < 0) {
        return result;
    }
    put(out, "Authorization: Digest username=\"");
    put_quoted(out, auth->username);
    put(out, "\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"", challenge->realm,
        challenge->nonce, uri, response);
    if (challenge->named) {
        put(out, ", algorithm=%s%s", names[challenge->scheme], challenge->session ? "-sess" : "");
    }
    if (challenge->opaque[0] != '\0') {
        put(out, ", opaque=\"%s\"", challenge->opaque);
    }
    if (challenge->qop) {
        put(out, ", qop=auth, nc=%s", count);
    }
    if (challenge->qop || challenge->session) {
        put(out, ", cnonce=\"%s\"", client_nonce);
    }
    put(out, "\r\n");
    return 0;
}

int rtsp_auth_write(struct rtsp_auth *auth, const char *method, const char *uri, char *out, size_t size)
{
    struct builder builder = {.out = out, .size = size};
    int result = 0;

    if (!rtsp_auth_answers(auth)) {
        return 0;
    }
    auth->count++;
    if (auth->challenge.scheme == RTSP_AUTH_BASIC) {
        write_basic(auth, &builder);
    } else {
        result = write_digest(auth, method, uri, &builder);
    }
    if (result == 0 && builder.full) {
        result = -EMSGSIZE;
    }
    return result < 0 ? result : (int)builder.used;
}
