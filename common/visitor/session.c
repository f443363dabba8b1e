/* SPDX-License-Identifier: MIT */
#include "common/visitor/session.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/access/access_value.h"
#include "common/base/base64.h"
#include "common/base/bytes.h"

/* What is signed: version, issued, expires (both big-endian), id, user. */
#define VERSION 1
#define ISSUED_AT 1
#define EXPIRES_AT (ISSUED_AT + 8)
#define ID_AT (EXPIRES_AT + 8)
#define USER_AT (ID_AT + TABLE_SESSION_ID_SIZE)
#define BODY_MAX (USER_AT + TABLE_NAME_MAX)

#define MAC_SIZE 32

/*
 * A session from further in the future was signed while this machine's clock was wrong, and no `since` could
 * end it.
 */
#define CLOCK_STEP_MAX 86400

static_assert(BASE64_URL_LENGTH(BODY_MAX) + 1 + BASE64_URL_LENGTH(MAC_SIZE) < SESSION_COOKIE_SIZE,
              "the longest name has room");

static bool sign(const struct table *table, const uint8_t *body, size_t size, uint8_t mac[MAC_SIZE])
{
    return HMAC(EVP_sha256(), table->session_key, sizeof(table->session_key), body, size, mac, NULL) != NULL;
}

int session_begin(struct session *session, const struct table *table, const char *user, int64_t now)
{
    char why[ACCESS_WHY_SIZE];

    *session = (struct session){.issued = now, .expires = now + table->session_seconds};
    if (!access_check_user(user, why)) {
        return -EINVAL;
    }
    strcpy(session->user, user);
    return RAND_bytes(session->id, sizeof(session->id)) == 1 ? 0 : -EIO;
}

int session_sign(const struct session *session, const struct table *table, char cookie[SESSION_COOKIE_SIZE])
{
    uint8_t body[BODY_MAX] = {VERSION};
    uint8_t mac[MAC_SIZE];
    size_t name = strlen(session->user);

    bytes_put_be64(body + ISSUED_AT, (uint64_t)session->issued);
    bytes_put_be64(body + EXPIRES_AT, (uint64_t)session->expires);
    memcpy(body + ID_AT, session->id, sizeof(session->id));
    memcpy(body + USER_AT, session->user, name);
    if (!sign(table, body, USER_AT + name, mac)) {
        return -EIO;
    }
    base64_url_encode(cookie, body, USER_AT + name);
    cookie += strlen(cookie);
    *cookie++ = '.';
    base64_url_encode(cookie, mac, sizeof(mac));
    return 0;
}

int session_verify(struct session *session, const struct table *table, const char *cookie)
{
    uint8_t body[BODY_MAX], shown[MAC_SIZE], mac[MAC_SIZE];
    const char *dot = strchr(cookie, '.');

    *session = (struct session){0};
    int size = dot ? base64_url_decode(body, sizeof(body), cookie, (size_t)(dot - cookie)) : -EBADMSG;
    if (size <= USER_AT || base64_url_decode(shown, sizeof(shown), dot + 1, strlen(dot + 1)) != MAC_SIZE) {
        return -EBADMSG;
    }
    if (!sign(table, body, (size_t)size, mac) || CRYPTO_memcmp(mac, shown, MAC_SIZE) != 0 ||
        body[0] != VERSION) {
        return -EBADMSG;
    }
    session->issued = (int64_t)bytes_get_be64(body + ISSUED_AT);
    session->expires = (int64_t)bytes_get_be64(body + EXPIRES_AT);
    memcpy(session->id, body + ID_AT, sizeof(session->id));
    memcpy(session->user, body + USER_AT, (size_t)size - USER_AT);
    return 0;
}

int64_t session_end(const struct session *session, const struct table *table)
{
    int64_t end = session->issued + table->session_seconds;

    return end < session->expires ? end : session->expires;
}

const char *session_void(const struct session *session, const struct table *table, int64_t now)
{
    const struct table_user *user = table_user(table, session->user);

    if (!user) {
        return "the session's user is not there any more";
    }
    if (now >= session_end(session, table)) {
        return "the session has expired";
    }
    if (session->issued < user->since || session->issued > now + CLOCK_STEP_MAX) {
        return "the session was ended for all of the user's sessions";
    }
    return table_session_revoked(table, session->id) ? "the session was ended by a log-out" : NULL;
}
