/* SPDX-License-Identifier: MIT */
/* The judgement as a whole: each way in, and what ends a visit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/visitor/access.h"
#include "common/visitor/token.h"
#include "tests/support/token_maker.h"

#define NOW INT64_C(1700000000)
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* The hashes are SHA-256 of these texts. */
#define TOKEN "rct_0a1b2c3d_abc"
#define TOKEN_HASH "4b03b715277f3b181a76fdfdc4ab91c94225e6af088c4a9ae81aeb44df780a5e"
#define ONCE "rct_1a1b2c3d_abc"
#define ONCE_HASH "b9109bb2fd3804deac056cbc89b2783a6b2f1dfa822e0e4bcb6f2dcaf6ee721f"

#define USERS                                                                                                \
    "\"users\":[{\"name\":\"anna\",\"role\":\"viewer\",\"cameras\":[\"front*\"],\"since\":0},"               \
    "{\"name\":\"otto\",\"role\":\"operator\",\"cameras\":[\"*\"],\"since\":0}]"
#define GROUPS "\"user_groups\":[{\"name\":\"staff\",\"role\":\"operator\",\"cameras\":[\"yard\"]}]"
#define TOKENS                                                                                               \
    "\"tokens\":[{\"id\":\"0a1b2c3d\",\"hash\":\"" TOKEN_HASH "\",\"name\":\"tablet\",\"role\":\"viewer\","  \
    "\"cameras\":[\"front\"],\"expires\":1700000100,\"once\":-1},"                                           \
    "{\"id\":\"1a1b2c3d\",\"hash\":\"" ONCE_HASH "\",\"role\":\"viewer\",\"cameras\":[\"yard\"],"            \
    "\"expires\":1700000100,\"once\":7}]"
#define JWT "\"jwt\":[{\"algorithm\":\"HS256\",\"key\":\"" TOKEN_MAKER_SECRET "\"}]"
#define PROXY "\"proxy\":{\"user\":\"Remote-User\",\"groups\":\"Remote-Groups\"}"
#define REST "\"on\":true,\"session_key\":\"" KEY "\",\"session_seconds\":3600,\"token_in_query\":true"

#define DOCUMENT "{" REST "," USERS "," GROUPS "," TOKENS "," JWT "," PROXY "}"

struct setting {
    struct access *access;
    struct visitor *visitor; /* of the last judgement */
    const char *why;
};

static int set_document(struct setting *setting, const char *text)
{
    return access_set(setting->access, text, strlen(text));
}

static int once_page(void)
{
    int fd = memfd_create("once", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(struct token_page)), 0);
    return fd;
}

static int document_file(const char *text)
{
    int fd = memfd_create("access", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static int take(struct setting *setting, const char *text)
{
    int document = document_file(text);
    int page = once_page();
    int result = access_take(setting->access, document, page);

    close(document);
    close(page);
    return result;
}

static int set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof(*setting));

    setting->access = access_new();
    assert_non_null(setting->access);
    assert_int_equal(take(setting, DOCUMENT), 0);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    visitor_unref(setting->visitor);
    access_free(setting->access);
    free(setting);
    return 0;
}

static enum access_verdict judge_at(struct setting *setting, const struct credential_sources *sources,
                                    int64_t now)
{
    static struct credentials credentials;

    visitor_unref(setting->visitor);
    credentials_read(&credentials, sources);
    enum access_verdict verdict =
        access_judge(setting->access, &credentials, now, &setting->visitor, &setting->why);
    assert_int_equal(verdict == ACCESS_GRANTED, setting->visitor != NULL);
    assert_int_equal(verdict == ACCESS_GRANTED, setting->why == NULL);
    return verdict;
}

#define judge(setting, ...) judge_at(setting, &(struct credential_sources){__VA_ARGS__}, NOW)

static enum access_verdict judge_bearer(struct setting *setting, const char *token, int64_t now)
{
    char text[TOKEN_MAKER_SIZE + 8];

    snprintf(text, sizeof(text), "Bearer %s", token);
    return judge_at(setting, &(struct credential_sources){.authorization = text}, now);
}

/* Which of the cameras front, front2, yard and side the visitor may watch, and 'O' for an operator. */
static const char *sees(const struct setting *setting)
{
    static const char *const cameras[] = {"front", "front2", "yard", "side"};
    static char out[8];
    size_t used = 0;

    for (size_t i = 0; i < 4; i++) {
        if (visitor_may_watch(setting->visitor, cameras[i])) {
            out[used++] = "fgys"[i];
        }
    }
    if (visitor_is_operator(setting->visitor)) {
        out[used++] = 'O';
    }
    out[used] = '\0';
    return out;
}

/* A log-in of USER; the cookie is left in COOKIE as a whole Cookie header. */
static void log_in(struct setting *setting, const char *user, char cookie[256])
{
    char value[SESSION_COOKIE_SIZE];

    visitor_unref(setting->visitor);
    assert_int_equal(access_begin_session(setting->access, user, access_generation(setting->access), NOW,
                                          value, &setting->visitor),
                     0);
    snprintf(cookie, 256, "a=b; " SESSION_COOKIE_NAME "=%s", value);
}

static enum visitor_state still_at(struct setting *setting, int64_t now)
{
    return access_still_valid(setting->access, setting->visitor, now);
}

/* ---- Before and without a table ---- */

static void without_a_table_nobody_gets_in(void **state)
{
    struct setting *setting = *state;

    access_free(setting->access);
    setting->access = access_new();
    assert_int_equal(access_generation(setting->access), 0);
    assert_true(access_is_on(setting->access));
    assert_false(access_token_in_query(setting->access));
    assert_null(access_proxy_user_header(setting->access));
    assert_null(access_table(setting->access));
    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_NONE);
    assert_int_equal(judge(setting, .authorization = "Basic YTpi"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .authorization = "Bearer " TOKEN), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = "ringcast_session=a.b"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .proxy_user = "anna"), ACCESS_REFUSED);
    static const char *const bad[] = {
        "", "{}", "[]", "null", "{", "{\"on\":false}x", "{\"on\":false,\"on\":false}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set_document(setting, bad[i]), -EBADMSG);
    }
    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_NONE);
    struct visitor *visitor;
    char cookie[SESSION_COOKIE_SIZE];
    assert_int_equal(access_begin_session(setting->access, "anna", 0, NOW, cookie, &visitor), -ESTALE);
    assert_int_equal(access_password_right(setting->access, "192.0.2.1", "anna", "x", 0, NOW, &visitor),
                     -ESTALE);
}

static void without_log_in_everybody_may(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(set_document(setting, "{\"on\":false}"), 0);
    assert_false(access_is_on(setting->access));
    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_GRANTED);
    assert_string_equal(sees(setting), "fgysO");
    assert_int_equal(setting->visitor->via, VISITOR_ANONYMOUS);
    assert_int_equal(judge(setting, .authorization = "Basic !"), ACCESS_GRANTED);
    assert_int_equal(still_at(setting, NOW), VISITOR_VALID);
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
}

static void a_bad_document_changes_nothing(void **state)
{
    struct setting *setting = *state;
    uint64_t generation = access_generation(setting->access);
    int page = once_page();
    int small = memfd_create("small", MFD_CLOEXEC);
    int good = document_file("{\"on\":false}");
    int bad = document_file("{\"on\":false");
    int empty = document_file("");

    assert_int_equal(access_take(setting->access, bad, page), -EBADMSG);
    assert_int_equal(access_take(setting->access, empty, page), -EBADMSG);
    assert_int_equal(access_take(setting->access, -1, page), -EBADMSG);
    assert_int_equal(access_take(setting->access, good, small), -EBADMSG);
    assert_int_equal(access_generation(setting->access), generation);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_GRANTED);
    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_NONE);
    assert_int_equal(access_take(setting->access, good, -1), 0);
    assert_int_equal(access_generation(setting->access), generation + 1);
    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_GRANTED);
    close(page);
    close(small);
    close(good);
    close(bad);
    close(empty);
}

static void nothing_is_none_and_something_wrong_is_refused(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(judge(setting, .cookie = NULL), ACCESS_NONE);
    assert_int_equal(judge(setting, .cookie = "a=b"), ACCESS_NONE);
    assert_int_equal(judge(setting, .query = "stream=sub", .subprotocols = "ringcast"), ACCESS_NONE);
    assert_int_equal(judge(setting, .authorization = "Digest x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .query = "token=x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .subprotocols = "ringcast.token.x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = "ringcast_session=x.y"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = "ringcast_token=x"), ACCESS_REFUSED);
}

/* ---- Sessions ---- */

static void a_log_in_begins_a_session(void **state)
{
    struct setting *setting = *state;
    char cookie[256];

    log_in(setting, "anna", cookie);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_GRANTED);
    assert_string_equal(setting->visitor->name, "anna");
    assert_int_equal(setting->visitor->via, VISITOR_SESSION);
    assert_int_equal(setting->visitor->expires, NOW + 3600);
    assert_string_equal(sees(setting), "fg");
    assert_int_equal(still_at(setting, NOW + 3599), VISITOR_VALID);
    assert_int_equal(still_at(setting, NOW + 3600), VISITOR_EXPIRED);
    assert_int_equal(judge_at(setting, &(struct credential_sources){.cookie = cookie}, NOW + 3600),
                     ACCESS_REFUSED);

    /* Another process with the same document accepts it, too. */
    struct access *other = access_new();
    assert_int_equal(access_set(other, DOCUMENT, strlen(DOCUMENT)), 0);
    struct access *own = setting->access;
    setting->access = other;
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_GRANTED);
    setting->access = own;
    access_free(other);
}

static void a_session_is_not_begun_for_what_is_not_there(void **state)
{
    struct setting *setting = *state;
    char cookie[SESSION_COOKIE_SIZE];
    struct visitor *visitor;
    uint64_t generation = access_generation(setting->access);

    assert_int_equal(access_begin_session(setting->access, "bert", generation, NOW, cookie, &visitor),
                     -ENOENT);
    assert_null(visitor);
    assert_int_equal(access_begin_session(setting->access, "anna", generation - 1, NOW, cookie, &visitor),
                     -ESTALE);
    assert_null(visitor);
}

static void a_log_out_ends_it_here_and_everywhere(void **state)
{
    struct setting *setting = *state;
    char cookie[256], id[2 * TABLE_SESSION_ID_SIZE + 1], document[2048];

    log_in(setting, "anna", cookie);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_GRANTED);
    assert_int_equal(access_end_session(setting->access, setting->visitor, id), 0);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_REFUSED);
    /* A document that does not have it yet does not bring it back. */
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_REFUSED);

    struct access *own = setting->access;
    setting->access = access_new();
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_GRANTED);
    snprintf(document, sizeof(document), "{" REST "," USERS ",\"revoked\":[{\"id\":\"%s\",\"until\":%lld}]}",
             id, (long long)NOW + 3600);
    assert_int_equal(set_document(setting, document), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_REFUSED);
    access_free(setting->access);
    setting->access = own;

    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_GRANTED);
    assert_int_equal(access_end_session(setting->access, setting->visitor, id), -EINVAL);
}

static void changed_users_change_their_sessions(void **state)
{
    struct setting *setting = *state;
    char cookie[256];

    log_in(setting, "anna", cookie);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_GRANTED);
    assert_int_equal(set_document(setting, "{" REST ",\"users\":[{\"name\":\"anna\",\"role\":\"operator\","
                                           "\"cameras\":[\"yard\"],\"since\":1700000000}]}"),
                     0);
    assert_int_equal(still_at(setting, NOW), VISITOR_VALID);
    assert_string_equal(sees(setting), "yO");
    assert_int_equal(set_document(setting, "{" REST ",\"users\":[{\"name\":\"anna\",\"role\":\"viewer\","
                                           "\"cameras\":[\"*\"],\"since\":1700000001}]}"),
                     0);
    assert_int_equal(still_at(setting, NOW + 1), VISITOR_REVOKED);
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_VALID);
    assert_int_equal(set_document(setting, "{" REST "}"), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge(setting, .cookie = cookie), ACCESS_REFUSED);
}

static void an_old_cookie_does_not_keep_a_new_one_out(void **state)
{
    struct setting *setting = *state;
    char cookie[256], both[1024];

    log_in(setting, "anna", cookie);
    static const char *const old[] = {"ringcast_session=old.cookie", "ringcast_token=rct_00000000_gone",
                                      "ringcast_token=a.b.c", "ringcast_token=x; ringcast_session=y"};
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        snprintf(both, sizeof(both), "%s; %s", old[i], cookie);
        assert_int_equal(judge(setting, .cookie = both), ACCESS_GRANTED);
        assert_int_equal(setting->visitor->via, VISITOR_SESSION);
    }
    snprintf(both, sizeof(both), "%s; ringcast_token=" TOKEN, cookie);
    assert_int_equal(judge(setting, .cookie = both), ACCESS_GRANTED);
    assert_int_equal(setting->visitor->via, VISITOR_TOKEN);
    /* But what a program sends on purpose has to be right. */
    assert_int_equal(judge(setting, .cookie = cookie, .query = "token=x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = cookie, .subprotocols = "ringcast.token.x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = cookie, .authorization = "Bearer x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .cookie = cookie, .authorization = "Basic YTpi"), ACCESS_ASK_PASSWORD);
    assert_int_equal(judge(setting, .cookie = cookie, .proxy_user = "bert"), ACCESS_REFUSED);
}

/* ---- Basic ---- */

#define ANNA_SECRET "Basic YW5uYTpzZWNyZXQ="
#define BERT_SECRET "Basic YmVydDpzZWNyZXQ="

static void a_password_is_asked_for_once(void **state)
{
    struct setting *setting = *state;
    struct visitor *visitor;

    assert_int_equal(judge(setting, .authorization = ANNA_SECRET, .address = "192.0.2.1"),
                     ACCESS_ASK_PASSWORD);
    assert_int_equal(judge(setting, .authorization = BERT_SECRET),
                     ACCESS_ASK_PASSWORD); /* nobody is told who is there */
    uint64_t generation = access_generation(setting->access);
    assert_int_equal(
        access_password_right(setting->access, "192.0.2.1", "bert", "secret", generation, NOW, &visitor),
        -ENOENT);
    assert_null(visitor);
    assert_int_equal(
        access_password_right(setting->access, "192.0.2.1", "anna", "secret", generation, NOW, &visitor), 0);
    assert_int_equal(visitor->via, VISITOR_BASIC);
    visitor_unref(visitor);
    assert_int_equal(judge(setting, .authorization = ANNA_SECRET, .address = "192.0.2.1"), ACCESS_GRANTED);
    assert_string_equal(sees(setting), "fg");
    assert_int_equal(setting->visitor->expires, 0);
    assert_int_equal(judge(setting, .authorization = "Basic YW5uYTpTZWNyZXQ=", .address = "192.0.2.1"),
                     ACCESS_ASK_PASSWORD);
    assert_int_equal(judge(setting, .authorization = "Basic YW5uYTpzZWNyZXQ=", .address = "192.0.2.2"),
                     ACCESS_ASK_PASSWORD);
    assert_int_equal(
        judge_at(setting, &(struct credential_sources){.authorization = ANNA_SECRET, .address = "192.0.2.1"},
                 NOW + 600),
        ACCESS_ASK_PASSWORD);
}

static void a_new_table_forgets_passwords(void **state)
{
    struct setting *setting = *state;
    struct visitor *visitor;
    static const char other_tokens[] = "{" REST "," USERS "," GROUPS "," JWT "," PROXY "}";
    static const char other_users[] = "{" REST "," USERS "}";
    uint64_t generation = access_generation(setting->access);

    assert_int_equal(
        access_password_right(setting->access, "192.0.2.1", "anna", "secret", generation, NOW, &visitor), 0);
    /* Only tokens are new: it stays. */
    assert_int_equal(set_document(setting, other_tokens), 0);
    assert_int_equal(judge(setting, .authorization = ANNA_SECRET, .address = "192.0.2.1"), ACCESS_GRANTED);
    /* The answer to a question that was asked before the change. */
    struct visitor *late;
    assert_int_equal(
        access_password_right(setting->access, "192.0.2.1", "anna", "secret", generation, NOW, &late),
        -ESTALE);
    assert_null(late);
    /* The same document again: the passwords themselves may be new. */
    assert_int_equal(set_document(setting, other_tokens), 0);
    assert_int_equal(judge(setting, .authorization = ANNA_SECRET, .address = "192.0.2.1"),
                     ACCESS_ASK_PASSWORD);
    generation = access_generation(setting->access);
    visitor_unref(visitor);
    assert_int_equal(
        access_password_right(setting->access, "192.0.2.1", "anna", "secret", generation, NOW, &visitor), 0);
    assert_int_equal(set_document(setting, other_users), 0);
    assert_int_equal(judge(setting, .authorization = ANNA_SECRET, .address = "192.0.2.1"),
                     ACCESS_ASK_PASSWORD);
    assert_int_equal(access_still_valid(setting->access, visitor, NOW), VISITOR_VALID);
    assert_int_equal(set_document(setting, "{" REST ",\"users\":[{\"name\":\"anna\",\"role\":\"viewer\","
                                           "\"cameras\":[\"*\"],\"since\":1700000001}]}"),
                     0);
    assert_int_equal(access_still_valid(setting->access, visitor, NOW), VISITOR_REVOKED);
    visitor_unref(visitor);
}

/* ---- Static tokens ---- */

static void a_token_gets_in_by_each_way(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(judge(setting, .authorization = "Bearer " TOKEN), ACCESS_GRANTED);
    assert_int_equal(judge(setting, .subprotocols = "ringcast, ringcast.token." TOKEN), ACCESS_GRANTED);
    assert_int_equal(judge(setting, .query = "stream=sub&token=" TOKEN), ACCESS_GRANTED);
    assert_int_equal(judge(setting, .cookie = "ringcast_token=" TOKEN), ACCESS_GRANTED);
    assert_int_equal(setting->visitor->via, VISITOR_TOKEN);
    assert_string_equal(setting->visitor->token, "0a1b2c3d");
    assert_string_equal(setting->visitor->name, "tablet");
    assert_string_equal(sees(setting), "f");
    static const char *const wrong[] = {
        "rct_0a1b2c3d_abd", "rct_0a1b2c3d_ab", "rct_0a1b2c3d_abcd", "rct_", "x",
        "RCT_0a1b2c3d_abc", TOKEN_HASH};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(judge_bearer(setting, wrong[i], NOW), ACCESS_REFUSED);
    }
}

static void a_token_ends(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(judge_bearer(setting, TOKEN, NOW + 99), ACCESS_GRANTED);
    assert_int_equal(setting->visitor->expires, NOW + 100);
    assert_int_equal(still_at(setting, NOW + 99), VISITOR_VALID);
    assert_int_equal(still_at(setting, NOW + 100), VISITOR_EXPIRED);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW + 100), ACCESS_REFUSED);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_GRANTED);
    assert_int_equal(set_document(setting, "{" REST "," USERS "}"), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_REFUSED);
}

static void a_token_may_be_used_once(void **state)
{
    struct setting *setting = *state;
    bool used = false;

    /* Looking does not use it up. */
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_GRANTED);
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_GRANTED);
    struct visitor *late = visitor_ref(setting->visitor);
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_GRANTED);
    assert_int_equal(access_use_once(setting->access, setting->visitor, &used), 0);
    assert_true(used);
    assert_int_equal(access_use_once(setting->access, setting->visitor, &used), 0); /* the same visitor */
    assert_false(used);
    assert_int_equal(access_use_once(setting->access, late, &used), -EALREADY);
    struct visitor *first = visitor_ref(setting->visitor);
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_REFUSED);
    /* It leaves the table, and its one visitor stays until it expires. */
    assert_int_equal(set_document(setting, "{" REST "," USERS "}"), 0);
    assert_int_equal(access_still_valid(setting->access, first, NOW), VISITOR_VALID);
    assert_true(visitor_may_watch(first, "yard"));
    assert_int_equal(access_still_valid(setting->access, late, NOW), VISITOR_REVOKED);
    assert_int_equal(access_still_valid(setting->access, first, NOW + 100), VISITOR_EXPIRED);
    visitor_unref(first);
    visitor_unref(late);
    /* Other ways in have no such limit. */
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_GRANTED);
    assert_int_equal(access_use_once(setting->access, setting->visitor, &used), 0);
    assert_false(used);
    assert_int_equal(access_use_once(setting->access, setting->visitor, NULL), 0);
}

struct race {
    struct token_page page;
    _Atomic int ready, won;
};

static void *run_for_it(void *context)
{
    struct race *race = context;

    atomic_fetch_add(&race->ready, 1);
    while (atomic_load(&race->ready) < 4) {
        sched_yield();
    }
    atomic_fetch_add(&race->won, token_page_use(&race->page, 7));
    return NULL;
}

static void of_many_one_uses_it(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct race race = {.ready = 0};
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, run_for_it, &race), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(race.won, 1);
    }
    struct race race = {.ready = 0};
    assert_false(token_page_use(&race.page, -1) || token_page_use(&race.page, TABLE_ONCE_SLOTS) ||
                 token_page_use(NULL, 7));
}

/* Two fan-outs with one page. */
static void what_one_has_used_another_refuses(void **state)
{
    struct setting *setting = *state;
    struct setting other = {.access = access_new()};
    int document = document_file(DOCUMENT);
    int page = once_page();

    assert_int_equal(access_take(setting->access, document, page), 0);
    assert_int_equal(access_take(other.access, document, page), 0);
    close(document);
    close(page);
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_GRANTED);
    assert_int_equal(judge_bearer(&other, ONCE, NOW), ACCESS_GRANTED);
    assert_int_equal(access_use_once(setting->access, setting->visitor, NULL), 0);
    assert_int_equal(access_use_once(other.access, other.visitor, NULL), -EALREADY);
    assert_int_equal(judge_bearer(&other, ONCE, NOW), ACCESS_REFUSED);
    access_free(other.access);
    rights_prepare(); /* it is one for all of them, and the other has settled it */
}

/* A fan-out that cannot see who has used it cannot let anybody use it. */
static void without_the_page_nothing_is_used_once(void **state)
{
    struct setting *setting = *state;

    access_free(setting->access);
    setting->access = access_new();
    assert_int_equal(set_document(setting, DOCUMENT), 0);
    assert_int_equal(judge_bearer(setting, ONCE, NOW), ACCESS_REFUSED);
    assert_int_equal(judge_bearer(setting, TOKEN, NOW), ACCESS_GRANTED);
}

/* ---- JWTs ---- */

static void a_jwt_gets_in_by_each_way(void **state)
{
    struct setting *setting = *state;
    char token[1024], text[2048];

    strcpy(token, token_make("{\"sub\":\"mail@idp\",\"exp\":1700000100,\"cameras\":[\"front\",\"yard\"]}"));
    assert_int_equal(judge_bearer(setting, token, NOW), ACCESS_GRANTED);
    assert_int_equal(setting->visitor->via, VISITOR_JWT);
    assert_string_equal(setting->visitor->name, "mail@idp");
    assert_int_equal(setting->visitor->expires, NOW + 160);
    assert_string_equal(sees(setting), "fy");
    snprintf(text, sizeof(text), "ringcast, ringcast.token.%s", token);
    assert_int_equal(judge(setting, .subprotocols = text), ACCESS_GRANTED);
    snprintf(text, sizeof(text), "token=%s", token);
    assert_int_equal(judge(setting, .query = text), ACCESS_GRANTED);
    snprintf(text, sizeof(text), "ringcast_token=%s", token);
    assert_int_equal(judge(setting, .cookie = text), ACCESS_GRANTED);
    assert_int_equal(still_at(setting, NOW + 159), VISITOR_VALID);
    assert_int_equal(still_at(setting, NOW + 160), VISITOR_EXPIRED);
    assert_int_equal(judge_bearer(setting, token, NOW + 160), ACCESS_REFUSED);
}

static void a_jwt_has_the_rights_that_it_claims(void **state)
{
    struct setting *setting = *state;
    static const struct {
        const char *claims;
        enum access_verdict verdict;
        const char *sees;
    } cases[] = {
        {"", ACCESS_REFUSED, ""},
        {",\"sub\":\"bert\"", ACCESS_REFUSED, ""},
        {",\"sub\":\"anna\"", ACCESS_GRANTED, "fg"},
        {",\"sub\":\"otto\"", ACCESS_GRANTED, "fgysO"},
        {",\"sub\":\"otto\",\"cameras\":[\"side\"]", ACCESS_GRANTED, "s"}, /* and not an operator */
        {",\"sub\":\"otto\",\"cameras\":[]", ACCESS_GRANTED, ""},
        {",\"cameras\":\"side\"", ACCESS_GRANTED, "s"},
        {",\"cameras\":\"side yard\"", ACCESS_GRANTED, "ys"},
        {",\"cameras\":[\"*\"]", ACCESS_GRANTED, "fgys"},
        {",\"cameras\":[\"\"]", ACCESS_REFUSED, ""},
        {",\"groups\":[\"staff\"]", ACCESS_GRANTED, "yO"},
        {",\"groups\":\"staff other\"", ACCESS_GRANTED, "yO"},
        {",\"groups\":[\"other\"]", ACCESS_REFUSED, ""},
        {",\"sub\":\"anna\",\"groups\":[\"staff\"]", ACCESS_GRANTED, "fgyO"},
        {",\"sub\":\"anna\",\"groups\":[\"staff\"],\"cameras\":[\"side\"]", ACCESS_GRANTED, "ysO"},
        {",\"sub\":\"a\\nb\",\"cameras\":[\"*\"]", ACCESS_REFUSED, ""},
        {",\"sub\":5,\"cameras\":[\"*\"]", ACCESS_REFUSED, ""},
    };
    char payload[512];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload), "{\"exp\":1700000100%s}", cases[i].claims);
        if (judge_bearer(setting, token_make(payload), NOW) != cases[i].verdict) {
            fail_msg("%s", payload);
        }
        if (setting->visitor) {
            assert_string_equal(sees(setting), cases[i].sees);
            assert_int_equal(still_at(setting, NOW), VISITOR_VALID);
            assert_string_equal(sees(setting), cases[i].sees);
        }
    }
    char name[VISITOR_NAME_MAX + 2];
    memset(name, 'a', sizeof(name));
    name[VISITOR_NAME_MAX + 1] = '\0';
    snprintf(payload, sizeof(payload), "{\"exp\":1700000100,\"cameras\":\"*\",\"sub\":\"%s\"}", name);
    assert_int_equal(judge_bearer(setting, token_make(payload), NOW), ACCESS_REFUSED);
}

static void a_jwt_ends_with_its_issuer(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(judge_bearer(setting, token_make("{\"sub\":\"anna\",\"exp\":1700000100}"), NOW),
                     ACCESS_GRANTED);
    struct visitor *anna = visitor_ref(setting->visitor);
    assert_int_equal(judge_bearer(setting, token_make("{\"cameras\":\"*\",\"exp\":1700000100}"), NOW),
                     ACCESS_GRANTED);
    struct visitor *claims = visitor_ref(setting->visitor);
    /* The user goes: only what the token itself claims stays. */
    assert_int_equal(set_document(setting, "{" REST "," JWT "}"), 0);
    assert_int_equal(access_still_valid(setting->access, anna, NOW), VISITOR_REVOKED);
    assert_int_equal(access_still_valid(setting->access, claims, NOW), VISITOR_VALID);
    /* The same key for an audience now. */
    assert_int_equal(set_document(setting, "{" REST "," USERS ",\"jwt\":[{\"algorithm\":\"HS256\",\"key\":"
                                           "\"" TOKEN_MAKER_SECRET "\",\"audience\":\"x\"}]}"),
                     0);
    assert_int_equal(access_still_valid(setting->access, anna, NOW), VISITOR_REVOKED);
    assert_int_equal(access_still_valid(setting->access, claims, NOW), VISITOR_REVOKED);
    visitor_unref(anna);
    visitor_unref(claims);
}

/* `ringcastctl user logout` at NOW - 50, for tokens that say when they were issued, and for streams of the others. */
static void a_jwt_ends_with_the_sessions_of_its_user(void **state)
{
    static const char ended[] =
        "{" REST
        ",\"users\":[{\"name\":\"anna\",\"role\":\"viewer\",\"cameras\":[\"front\"],\"since\":1699999950}]"
        "," JWT "}";
    struct setting *setting = *state;
    struct visitor *before, *silent;

    assert_int_equal(
        judge_bearer(setting, token_make("{\"sub\":\"anna\",\"iat\":1699999949.9,\"exp\":1700000100}"), NOW),
        ACCESS_GRANTED);
    before = visitor_ref(setting->visitor);
    assert_int_equal(judge_bearer(setting, token_make("{\"sub\":\"anna\",\"exp\":1700000100}"), NOW - 60),
                     ACCESS_GRANTED);
    silent = visitor_ref(setting->visitor);
    assert_int_equal(set_document(setting, ended), 0);
    assert_int_equal(access_still_valid(setting->access, before, NOW), VISITOR_REVOKED);
    assert_int_equal(access_still_valid(setting->access, silent, NOW), VISITOR_REVOKED);
    visitor_unref(before);
    visitor_unref(silent);

    static const struct {
        enum access_verdict verdict;
        const char *payload;
    } cases[] = {
        {ACCESS_REFUSED, "{\"sub\":\"anna\",\"iat\":1699999949,\"exp\":1700000100}"},
        {ACCESS_REFUSED, "{\"sub\":\"anna\",\"iat\":1,\"cameras\":\"*\",\"exp\":1700000100}"},
        {ACCESS_REFUSED, "{\"sub\":\"anna\",\"iat\":\"1699999999\",\"exp\":1700000100}"},
        {ACCESS_GRANTED, "{\"sub\":\"anna\",\"iat\":1699999950,\"exp\":1700000100}"},
        {ACCESS_GRANTED, "{\"sub\":\"anna\",\"exp\":1700000100}"},
        {ACCESS_GRANTED, "{\"sub\":\"jane\",\"iat\":1,\"cameras\":\"*\",\"exp\":1700000100}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (judge_bearer(setting, token_make(cases[i].payload), NOW) != cases[i].verdict) {
            fail_msg("%s", cases[i].payload);
        }
    }
}

/* ---- Proxies ---- */

static void a_proxy_says_who_it_is(void **state)
{
    struct setting *setting = *state;

    assert_string_equal(access_proxy_user_header(setting->access), "remote-user");
    assert_string_equal(access_proxy_groups_header(setting->access), "remote-groups");
    assert_int_equal(judge(setting, .proxy_user = "anna"), ACCESS_GRANTED);
    assert_int_equal(setting->visitor->via, VISITOR_PROXY);
    assert_string_equal(sees(setting), "fg");
    assert_int_equal(judge(setting, .proxy_user = "anna", .proxy_groups = "x, staff"), ACCESS_GRANTED);
    assert_string_equal(sees(setting), "fgyO");
    assert_int_equal(judge(setting, .proxy_user = "bert", .proxy_groups = "x|staff |y"), ACCESS_GRANTED);
    assert_string_equal(sees(setting), "yO");
    assert_string_equal(setting->visitor->name, "bert");
    assert_int_equal(judge(setting, .proxy_user = "bert", .proxy_groups = "x"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .proxy_user = "bert"), ACCESS_REFUSED);
    assert_int_equal(judge(setting, .proxy_groups = "staff"), ACCESS_NONE);
    /* A table that does not believe proxies any more. */
    assert_int_equal(judge(setting, .proxy_user = "bert", .proxy_groups = "staff,\xff"), ACCESS_GRANTED);
    assert_int_equal(still_at(setting, NOW), VISITOR_VALID);
    assert_int_equal(set_document(setting, "{" REST "," USERS "," PROXY "}"), 0);
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge(setting, .proxy_user = "anna"), ACCESS_GRANTED);
    assert_int_equal(set_document(setting, "{" REST "," USERS "}"), 0);
    assert_null(access_proxy_user_header(setting->access));
    assert_int_equal(still_at(setting, NOW), VISITOR_REVOKED);
    assert_int_equal(judge(setting, .proxy_user = "anna"), ACCESS_REFUSED);
}

/* ---- For logs ---- */

static const char *description(const struct setting *setting)
{
    static char out[VISITOR_DESCRIPTION_SIZE];

    return visitor_describe(setting->visitor, out);
}

static void visitors_are_described_without_what_they_showed(void **state)
{
    struct setting *setting = *state;
    char cookie[256];

    log_in(setting, "anna", cookie);
    assert_string_equal(description(setting), "anna (session)");
    judge_bearer(setting, TOKEN, NOW);
    assert_string_equal(description(setting), "token 0a1b2c3d for tablet");
    judge_bearer(setting, ONCE, NOW);
    assert_string_equal(description(setting), "token 1a1b2c3d");
    judge_bearer(setting, token_make("{\"cameras\":\"*\",\"exp\":1700000100}"), NOW);
    assert_string_equal(description(setting), "nobody by name (jwt)");
    judge_bearer(setting, token_make("{\"sub\":\"a\\u202eb\",\"cameras\":\"*\",\"exp\":1700000100}"), NOW);
    assert_string_equal(description(setting), "a\\u202eb (jwt)");
    judge(setting, .proxy_user = "otto");
    assert_string_equal(description(setting), "otto (proxy)");
    assert_int_equal(set_document(setting, "{\"on\":false}"), 0);
    judge(setting, .cookie = NULL);
    assert_string_equal(description(setting), "nobody by name (anonymous)");
    assert_string_equal(visitor_via_name(VISITOR_BASIC), "basic");
    assert_null(visitor_state_reason(VISITOR_VALID));
    assert_string_equal(visitor_state_reason(VISITOR_EXPIRED), "log in again: expired");
    assert_string_equal(visitor_state_reason(VISITOR_REVOKED), "log in again: revoked");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(without_a_table_nobody_gets_in),
        TEST(without_log_in_everybody_may),
        TEST(a_bad_document_changes_nothing),
        TEST(nothing_is_none_and_something_wrong_is_refused),
        TEST(a_log_in_begins_a_session),
        TEST(a_session_is_not_begun_for_what_is_not_there),
        TEST(a_log_out_ends_it_here_and_everywhere),
        TEST(changed_users_change_their_sessions),
        TEST(an_old_cookie_does_not_keep_a_new_one_out),
        TEST(a_password_is_asked_for_once),
        TEST(a_new_table_forgets_passwords),
        TEST(a_token_gets_in_by_each_way),
        TEST(a_token_ends),
        TEST(a_token_may_be_used_once),
        TEST(of_many_one_uses_it),
        TEST(what_one_has_used_another_refuses),
        TEST(without_the_page_nothing_is_used_once),
        TEST(a_jwt_gets_in_by_each_way),
        TEST(a_jwt_has_the_rights_that_it_claims),
        TEST(a_jwt_ends_with_its_issuer),
        TEST(a_jwt_ends_with_the_sessions_of_its_user),
        TEST(a_proxy_says_who_it_is),
        TEST(visitors_are_described_without_what_they_showed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
