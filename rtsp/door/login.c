/* SPDX-License-Identifier: MIT */
#include "rtsp/door/login.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/ipc/channel.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/visitor/access.h"
#include "common/visitor/token.h"
#include "common/visitor/web_token.h"

/* How long a client waits for ringcast-password. */
#define WAIT_MS 20000

/* Seconds until a next try if nothing says more. */
#define RETRY_S 1

enum answer { ANSWER_NONE, ANSWER_RIGHT, ANSWER_WRONG, ANSWER_SLOW };

struct question {
    json_int_t number;
    enum answer answer;
    unsigned retry_s;
};

struct login {
    GMutex lock;
    GCond changed;
    struct access *access;
    bool digest;
    int channel; /* -1: ringcast-password cannot be asked */
    json_int_t last_number;
    GPtrArray *waiting; /* of struct question, on their askers' stacks */
    unsigned refused;
    char refused_address[64];
};

struct login *login_create(void)
{
    struct login *login = g_new0(struct login, 1);

    g_mutex_init(&login->lock);
    g_cond_init(&login->changed);
    login->access = access_new();
    login->channel = -1;
    login->waiting = g_ptr_array_new();
    if (!login->access) {
        login_destroy(login);
        return NULL;
    }
    return login;
}

void login_destroy(struct login *login)
{
    if (login->channel >= 0) {
        close(login->channel);
    }
    access_free(login->access);
    g_ptr_array_unref(login->waiting);
    g_cond_clear(&login->changed);
    g_mutex_clear(&login->lock);
    g_free(login);
}

void login_make_nonce(char nonce[LOGIN_NONCE_SIZE])
{
    uint8_t bytes[(LOGIN_NONCE_SIZE - 1) / 2] = {0};

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        g_error("no random numbers");
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* --- What ringcastd says -------------------------------------------------------------------------------- */

void login_take(struct login *login, int document, int once)
{
    json_t *body = memory_file_read_json(document);

    g_mutex_lock(&login->lock);
    if (access_take(login->access, document, once) == 0) {
        login->digest = message_boolean(body, "digest", false);
    }
    g_mutex_unlock(&login->lock);
    json_decref(body);
}

static void give_up_waiting(struct login *login)
{
    for (guint i = 0; i < login->waiting->len; i++) {
        struct question *question = g_ptr_array_index(login->waiting, i);
        question->answer = ANSWER_SLOW;
        question->retry_s = RETRY_S;
    }
    g_ptr_array_set_size(login->waiting, 0);
    g_cond_broadcast(&login->changed);
}

void login_set_channel(struct login *login, int socket)
{
    g_mutex_lock(&login->lock);
    if (login->channel >= 0) {
        close(login->channel);
    }
    login->channel = socket;
    give_up_waiting(login);
    g_mutex_unlock(&login->lock);
}

int login_fd(const struct login *login)
{
    return login->channel;
}

bool login_is_on(struct login *login)
{
    g_mutex_lock(&login->lock);
    bool on = access_is_on(login->access);
    g_mutex_unlock(&login->lock);
    return on;
}

bool login_has_digest(struct login *login)
{
    g_mutex_lock(&login->lock);
    bool has = login->digest;
    g_mutex_unlock(&login->lock);
    return has;
}

/* --- What ringcast-password says ------------------------------------------------------------------------ */

static void on_checked(struct login *login, const json_t *body)
{
    json_int_t number = message_integer(body, "number", 0), retry_s = message_integer(body, "retry_s", 0);
    const char *result = message_string(body, "result", "");

    for (guint i = 0; i < login->waiting->len; i++) {
        struct question *question = g_ptr_array_index(login->waiting, i);
        if (question->number == number) {
            question->answer = strcmp(result, "right") == 0  ? ANSWER_RIGHT
                               : strcmp(result, "slow") == 0 ? ANSWER_SLOW
                                                             : ANSWER_WRONG;
            question->retry_s = retry_s > 0 && retry_s < 3600 ? (unsigned)retry_s : RETRY_S;
            g_ptr_array_remove_index(login->waiting, i);
            g_cond_broadcast(&login->changed);
            return;
        }
    }
}

void login_read(struct login *login)
{
    struct channel_message message;
    int result;

    g_mutex_lock(&login->lock);
    while (login->channel >= 0 && (result = channel_receive(login->channel, &message)) != -EAGAIN) {
        if (result == 1) {
            if (message_is(message.body, "checked")) {
                on_checked(login, message.body);
            }
            channel_message_clear(&message);
        } else if (result != -EBADMSG) {
            close(login->channel);
            login->channel = -1;
            give_up_waiting(login);
        }
    }
    g_mutex_unlock(&login->lock);
}

/* With the lock, which is let go meanwhile. Consumes BODY. */
static enum answer ask_password_program(struct login *login, json_t *body, unsigned *retry_s)
{
    struct question question = {.number = ++login->last_number};
    int64_t until = g_get_monotonic_time() + WAIT_MS * (NS_PER_MS / NS_PER_US);

    *retry_s = RETRY_S;
    json_object_set_new(body, "number", json_integer(question.number));
    int result = login->channel >= 0 ? channel_send(login->channel, body, NULL, 0) : -ENOTCONN;
    json_decref(body);
    if (result < 0) {
        return ANSWER_SLOW;
    }
    g_ptr_array_add(login->waiting, &question);
    while (question.answer == ANSWER_NONE && g_cond_wait_until(&login->changed, &login->lock, until)) {
    }
    g_ptr_array_remove(login->waiting, &question);
    *retry_s = question.retry_s > 0 ? question.retry_s : RETRY_S;
    return question.answer == ANSWER_NONE ? ANSWER_SLOW : question.answer;
}

/* --- Basic and tokens ----------------------------------------------------------------------------------- */

static enum login_result use_right_password(struct login *login, const char *address, const char *user,
                                            const char *password, uint64_t generation,
                                            struct visitor **visitor)
{
    int result =
        access_password_right(login->access, address, user, password, generation, time(NULL), visitor);

    return result == 0 ? LOGIN_GRANTED : result == -ENOENT ? LOGIN_NEEDED : LOGIN_SLOWED;
}

static enum login_result check_password(struct login *login, const struct login_question *question,
                                        const struct credentials *credentials, struct visitor **visitor,
                                        unsigned *retry_s)
{
    uint64_t generation = access_generation(login->access);
    json_t *body = message_pack("check", "{s:s, s:s, s:s}", "user", credentials->user, "password",
                                credentials->password, "address", question->address);

    switch (body ? ask_password_program(login, body, retry_s) : ANSWER_SLOW) {
    case ANSWER_RIGHT:
        return use_right_password(login, question->address, credentials->user, credentials->password,
                                  generation, visitor);
    case ANSWER_WRONG:
        return LOGIN_NEEDED;
    default:
        return LOGIN_SLOWED;
    }
}

/* A token stands where the password would, with any user. */
static void take_token(struct credentials *credentials)
{
    if (credentials->kind == CREDENTIAL_BASIC &&
        (token_is_static(credentials->password) || web_token_has_shape(credentials->password))) {
        g_strlcpy(credentials->token, credentials->password, sizeof(credentials->token));
        credentials->kind = CREDENTIAL_TOKEN;
    }
}

static enum login_result ask_basic(struct login *login, const struct login_question *question,
                                   const char *authorization, struct visitor **visitor, unsigned *retry_s)
{
    struct credentials *credentials = g_new0(struct credentials, 1);
    const struct credential_sources sources = {.address = question->address, .authorization = authorization};
    enum login_result result = LOGIN_NEEDED;

    credentials_read(credentials, &sources);
    take_token(credentials);
    enum access_verdict verdict = access_judge(login->access, credentials, time(NULL), visitor, NULL);
    if (verdict == ACCESS_ASK_PASSWORD) {
        result = check_password(login, question, credentials, visitor, retry_s);
    } else if (verdict == ACCESS_GRANTED && (*visitor)->once >= 0) {
        visitor_unref(*visitor); /* a request of RTSP never comes alone */
        *visitor = NULL;
    } else if (verdict == ACCESS_GRANTED) {
        result = LOGIN_GRANTED;
    }
    if (result == LOGIN_NEEDED && credentials->kind == CREDENTIAL_TOKEN) {
        login->refused++;
        g_strlcpy(login->refused_address, question->address, sizeof(login->refused_address));
    }
    credentials_wipe(credentials);
    g_free(credentials);
    return result;
}

/* --- Digest --------------------------------------------------------------------------------------------- */

static const char *parameter(const GstRTSPAuthCredential *credential, const char *name)
{
    for (GstRTSPAuthParam **each = credential->params; each && *each; each++) {
        if (g_ascii_strcasecmp((*each)->name, name) == 0) {
            return (*each)->value ? (*each)->value : "";
        }
    }
    return "";
}

static enum login_result ask_digest(struct login *login, const struct login_question *question,
                                    const GstRTSPAuthCredential *credential, struct visitor **visitor,
                                    unsigned *retry_s)
{
    const char *user = parameter(credential, "username"), *algorithm = parameter(credential, "algorithm");
    uint64_t generation = access_generation(login->access);

    /* A nonce is for one connection: what was overheard on another one is worth nothing. */
    if (strcmp(parameter(credential, "nonce"), question->nonce) != 0 ||
        strcmp(parameter(credential, "realm"), LOGIN_REALM) != 0) {
        return LOGIN_NEEDED;
    }
    json_t *body =
        message_pack("digest", "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "user", user, "address",
                     question->address, "algorithm", algorithm[0] != '\0' ? algorithm : "MD5", "nonce",
                     question->nonce, "uri", parameter(credential, "uri"), "method", question->method,
                     "response", parameter(credential, "response"), "qop", parameter(credential, "qop"), "nc",
                     parameter(credential, "nc"), "cnonce", parameter(credential, "cnonce"));
    switch (body ? ask_password_program(login, body, retry_s) : ANSWER_WRONG) {
    case ANSWER_RIGHT:
        return use_right_password(login, question->address, user, NULL, generation, visitor);
    case ANSWER_WRONG:
        return LOGIN_NEEDED;
    default:
        return LOGIN_SLOWED;
    }
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static enum login_result ask_with(struct login *login, const struct login_question *question,
                                  const GstRTSPAuthCredential *credential, struct visitor **visitor,
                                  unsigned *retry_s)
{
    if (credential->scheme == GST_RTSP_AUTH_DIGEST && login->digest) {
        return ask_digest(login, question, credential, visitor, retry_s);
    }
    if (credential->scheme == GST_RTSP_AUTH_BASIC && question->basic && credential->authorization) {
        char *authorization = g_strconcat("Basic ", credential->authorization, NULL);
        enum login_result result = ask_basic(login, question, authorization, visitor, retry_s);
        secret_wipe(authorization, strlen(authorization));
        g_free(authorization);
        return result;
    }
    return LOGIN_NEEDED;
}

enum login_result login_ask(struct login *login, const struct login_question *question,
                            struct visitor **visitor, unsigned *retry_s)
{
    GstRTSPAuthCredential **credentials =
        gst_rtsp_message_parse_auth_credentials(question->request, GST_RTSP_HDR_AUTHORIZATION);
    enum login_result result = LOGIN_NEEDED;

    *visitor = NULL;
    g_mutex_lock(&login->lock);
    if (credentials && *credentials) {
        result = ask_with(login, question, *credentials, visitor, retry_s);
    }
    g_mutex_unlock(&login->lock);
    gst_rtsp_auth_credentials_free(credentials);
    return result;
}

bool login_may_watch(struct login *login, struct visitor *visitor, const char *camera)
{
    g_mutex_lock(&login->lock);
    bool may = visitor_may_watch(visitor, camera);
    g_mutex_unlock(&login->lock);
    return may;
}

bool login_still_valid(struct login *login, struct visitor *visitor)
{
    g_mutex_lock(&login->lock);
    bool valid = access_still_valid(login->access, visitor, time(NULL)) == VISITOR_VALID;
    g_mutex_unlock(&login->lock);
    return valid;
}

void login_forget(struct login *login, struct visitor *visitor)
{
    if (visitor) {
        g_mutex_lock(&login->lock);
        visitor_unref(visitor);
        g_mutex_unlock(&login->lock);
    }
}

unsigned login_refused(struct login *login, char address[64])
{
    g_mutex_lock(&login->lock);
    unsigned refused = login->refused;
    g_strlcpy(address, login->refused_address, 64);
    login->refused = 0;
    g_mutex_unlock(&login->lock);
    return refused;
}
