/* SPDX-License-Identifier: MIT */
#include "common/visitor/access.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/ipc/memory_file.h"
#include "common/log/log.h"
#include "common/visitor/known_signatures.h"
#include "common/visitor/token.h"
#include "common/visitor/verified.h"
#include "common/visitor/web_token.h"

/* Sessions that were ended here and that ringcastd has not confirmed by a document yet: the newest. */
#define ENDED_MAX 256

/* What separates the groups in a proxy's header: commas, and authentik's bars. */
#define GROUP_SEPARATORS ",|"
#define BLANKS " \t"

#define PROBLEM_SIZE 256

struct access {
    struct table *table; /* NULL: there was no document yet */
    uint64_t generation;
    struct token_page *page; /* NULL: there was none yet */
    struct verified verified;
    struct known_signatures known;
    uint8_t ended[ENDED_MAX][TABLE_SESSION_ID_SIZE]; /* a ring */
    size_t ended_count, ended_next;
};

struct access *access_new(void)
{
    struct access *access = calloc(1, sizeof(*access));

    rights_prepare();
    /* OpenSSL reads its configuration at its first use, which may be after the sandbox was entered. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    if (access && verified_init(&access->verified) < 0) {
        free(access);
        return NULL;
    }
    return access;
}

void access_free(struct access *access)
{
    if (access) {
        table_free(access->table);
        token_page_unmap(access->page);
        secret_wipe(access, sizeof(*access));
        free(access);
        rights_settle();
    }
}

/* ---- The document ---- */

/* Whether NEW leaves the passwords as they were with OLD. */
static bool passwords_stay(const struct table *old, const struct table *new)
{
    /* The same document again came because of what it does not show: another password in the users file. */
    return old && memcmp(old->print_of_rest, new->print_of_rest, TABLE_HASH_SIZE) == 0 &&
           memcmp(old->print, new->print, TABLE_HASH_SIZE) != 0;
}

/* DOCUMENT is taken over; NULL: there is none. */
static int set_document(struct access *access, json_t *document)
{
    char why[PROBLEM_SIZE] = "no JSON object, or too large";
    struct table *table = NULL;
    int result = json_is_object(document) ? table_read(document, &table, why, sizeof(why)) : -EBADMSG;

    json_decref(document);
    if (result < 0) {
        log_error("who may watch what stays as it was: the new access document cannot be used: %s", why);
        return result;
    }
    if (!passwords_stay(access->table, table) && verified_forget(&access->verified) < 0) {
        log_error("no random numbers: passwords are checked anew with each request");
    }
    known_signatures_forget(&access->known);
    table_free(access->table);
    access->table = table;
    access->generation++;
    return 0;
}

int access_set(struct access *access, const char *text, size_t length)
{
    return set_document(access, json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL));
}

int access_take(struct access *access, int document, int once)
{
    struct token_page *page = once >= 0 ? token_page_map(once) : NULL;

    if (once >= 0 && !page) {
        log_error("who may watch what stays as it was: there is no page of used tokens");
        return -EBADMSG;
    }
    int result = set_document(access, memory_file_read_json(document));
    if (result < 0) {
        token_page_unmap(page);
        return result;
    }
    if (page) {
        token_page_unmap(access->page);
        access->page = page;
    }
    return 0;
}

const struct table *access_table(const struct access *access)
{
    return access->table;
}

uint64_t access_generation(const struct access *access)
{
    return access->generation;
}

bool access_is_on(const struct access *access)
{
    return !access->table || access->table->on;
}

bool access_token_in_query(const struct access *access)
{
    return access->table && access->table->token_in_query;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

const char *access_proxy_user_header(const struct access *access)
{
    return access->table ? text_or_null(access->table->proxy_user) : NULL;
}

const char *access_proxy_groups_header(const struct access *access)
{
    return access->table ? text_or_null(access->table->proxy_groups) : NULL;
}

/* ---- Judging ---- */

static bool was_ended(const struct access *access, const uint8_t id[TABLE_SESSION_ID_SIZE])
{
    for (size_t i = 0; i < access->ended_count; i++) {
        if (memcmp(access->ended[i], id, TABLE_SESSION_ID_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * A visitor by VIA named NAME; RIGHTS is taken over. NULL and *WHY: no memory, no rights, or no name that
 * could be one.
 */
static struct visitor *make_visitor(enum visitor_via via, const char *name, struct rights *rights,
                                    const char **why)
{
    struct visitor *visitor = rights ? visitor_new(via) : NULL;

    *why = rights ? "no memory" : "neither the user nor a group of theirs is configured here";
    if (visitor && !visitor_set_name(visitor, name)) {
        *why = "the user has a name that is too long, not UTF-8 or has control characters";
        visitor_unref(visitor);
        visitor = NULL;
    }
    if (!visitor) {
        rights_unref(rights);
        return NULL;
    }
    visitor->rights = rights;
    *why = NULL;
    return visitor;
}

static struct visitor *judge_session(const struct access *access, const char *cookie, int64_t now,
                                     const char **why)
{
    struct session session;

    *why = "a session that is not signed by this ringcast";
    if (session_verify(&session, access->table, cookie) < 0) {
        return NULL;
    }
    *why = was_ended(access, session.id) ? "the session was ended by a log-out"
                                         : session_void(&session, access->table, now);
    if (*why) {
        return NULL;
    }
    struct visitor *visitor =
        make_visitor(VISITOR_SESSION, session.user, table_rights(access->table, session.user, NULL), why);
    if (visitor) {
        visitor->issued = session.issued;
        visitor->expires = session_end(&session, access->table);
        memcpy(visitor->session, session.id, sizeof(session.id));
    }
    return visitor;
}

static struct visitor *judge_static(const struct access *access, const char *text, int64_t now,
                                    const char **why)
{
    const struct table_token *token = token_find(access->table, access->page, text, now, why);
    struct visitor *visitor =
        token ? make_visitor(VISITOR_TOKEN, token->name, rights_ref(token->rights), why) : NULL;

    if (visitor) {
        visitor->issued = now;
        visitor->expires = token->expires;
        visitor->once = token->once;
        strcpy(visitor->token, token->id);
    }
    return visitor;
}

static struct visitor *make_jwt_visitor(const struct access *access, const struct web_token *token,
                                        int64_t now, const char **why)
{
    const char *name = token->user ? token->user : "";
    int64_t issued = token->issued > 0 ? token->issued : now;
    const struct table_user *user = table_user(access->table, name);
    struct rights *claimed = NULL;

    if (user && issued < user->since) {
        *why = "the token was issued before the sessions of its user were ended";
        return NULL;
    }

    if (token->cameras) {
        claimed = rights_from_json(ACCESS_VIEWER, token->cameras, why);
        if (!claimed) {
            return NULL;
        }
    }
    struct rights *given = table_rights(access->table, claimed ? "" : name, token->groups);
    struct visitor *visitor = make_visitor(VISITOR_JWT, name, rights_union(claimed, given), why);
    rights_unref(given);
    if (!visitor) {
        rights_unref(claimed);
        return NULL;
    }
    visitor->issued = issued;
    visitor->expires = token->expires;
    visitor->claimed = claimed;
    visitor->groups = json_incref(token->groups);
    memcpy(visitor->issuer, token->issuer->print, sizeof(visitor->issuer));
    return visitor;
}

static struct visitor *judge_jwt(struct access *access, const char *text, int64_t now, const char **why)
{
    struct web_token token;
    struct visitor *visitor = NULL;

    if (web_token_check_known(&token, access->table->issuers, access->table->issuer_count, text, now,
                              &access->known, why)) {
        visitor = make_jwt_visitor(access, &token, now, why);
        web_token_clear(&token);
    }
    return visitor;
}

static struct visitor *judge_token(struct access *access, const char *text, int64_t now, const char **why)
{
    if (token_is_static(text)) {
        return judge_static(access, text, now, why);
    }
    if (web_token_has_shape(text)) {
        return judge_jwt(access, text, now, why);
    }
    *why = "an unknown token";
    return NULL;
}

static struct visitor *judge_cookies(struct access *access, const struct credentials *credentials,
                                     int64_t now, const char **why)
{
    struct visitor *visitor =
        credentials->token[0] != '\0' ? judge_token(access, credentials->token, now, why) : NULL;

    for (size_t i = 0; !visitor && i < credentials->session_count; i++) {
        visitor = judge_session(access, credentials->sessions[i], now, why);
    }
    return visitor;
}

/* The names in TEXT as an array of strings. NULL: no memory. */
static json_t *split_groups(const char *text)
{
    json_t *groups = json_array();

    while (groups && *text != '\0') {
        text += strspn(text, GROUP_SEPARATORS BLANKS);
        size_t length = strcspn(text, GROUP_SEPARATORS);
        const char *next = text + length;
        while (length > 0 && strchr(BLANKS, text[length - 1])) {
            length--;
        }
        if (length > 0 && length <= TABLE_NAME_MAX) {
            json_array_append_new(groups, json_stringn(text, length)); /* what is not UTF-8 is no group */
        }
        text = next;
    }
    return groups;
}

static struct visitor *judge_proxy(const struct access *access, const struct credentials *credentials,
                                   int64_t now, const char **why)
{
    if (access->table->proxy_user[0] == '\0') {
        *why = "no proxy is configured to name users";
        return NULL;
    }
    json_t *groups = split_groups(credentials->groups);
    struct rights *rights = table_rights(access->table, credentials->user, groups);
    struct visitor *visitor = make_visitor(VISITOR_PROXY, credentials->user, rights, why);
    if (!visitor) {
        json_decref(groups);
        return NULL;
    }
    visitor->issued = now;
    visitor->groups = groups;
    return visitor;
}

static struct visitor *make_basic_visitor(const struct access *access, const char *user, int64_t checked,
                                          const char **why)
{
    struct visitor *visitor = make_visitor(VISITOR_BASIC, user, table_rights(access->table, user, NULL), why);

    if (visitor) {
        visitor->issued = checked;
    }
    return visitor;
}

/*
 * NULL without *WHY: the password has to be checked. Also for users that are not there, so that nobody
 * learns who is.
 */
static struct visitor *judge_basic(const struct access *access, const struct credentials *credentials,
                                   int64_t now, const char **why)
{
    int64_t checked =
        verified_find(&access->verified, credentials->address, credentials->user, credentials->password, now);
    const struct table_user *user = table_user(access->table, credentials->user);

    *why = NULL;
    return checked != 0 && user && checked >= user->since
               ? make_basic_visitor(access, credentials->user, checked, why)
               : NULL;
}

static struct visitor *judge_anonymous(const char **why)
{
    struct visitor *visitor = visitor_new(VISITOR_ANONYMOUS);

    *why = visitor ? NULL : "no memory";
    return visitor;
}

static struct visitor *judge(struct access *access, const struct credentials *credentials, int64_t now,
                             const char **why)
{
    switch (credentials->kind) {
    case CREDENTIAL_PROXY:
        return judge_proxy(access, credentials, now, why);
    case CREDENTIAL_BASIC:
        return judge_basic(access, credentials, now, why);
    case CREDENTIAL_TOKEN:
        return judge_token(access, credentials->token, now, why);
    case CREDENTIAL_COOKIE:
        return judge_cookies(access, credentials, now, why);
    case CREDENTIAL_BAD:
        *why = credentials->why;
        return NULL;
    case CREDENTIAL_NONE:
        break;
    }
    *why = "nothing to show who asks";
    return NULL;
}

enum access_verdict access_judge(struct access *access, const struct credentials *credentials, int64_t now,
                                 struct visitor **visitor, const char **why)
{
    const char *reason = "it is not known yet who may watch";

    *visitor = NULL;
    if (access->table) {
        *visitor = access->table->on ? judge(access, credentials, now, &reason) : judge_anonymous(&reason);
    }
    if (why) {
        *why = *visitor || reason ? reason : "the password has not been checked yet";
    }
    if (*visitor) {
        return ACCESS_GRANTED;
    }
    if (credentials->kind == CREDENTIAL_NONE) {
        return ACCESS_NONE;
    }
    return reason ? ACCESS_REFUSED : ACCESS_ASK_PASSWORD;
}

/* ---- What follows from a judgement ---- */

static int check_asked(const struct access *access, const char *user, uint64_t generation)
{
    if (!access->table || generation != access->generation) {
        return -ESTALE;
    }
    return table_user(access->table, user) ? 0 : -ENOENT;
}

int access_password_right(struct access *access, const char *address, const char *user, const char *password,
                          uint64_t generation, int64_t now, struct visitor **visitor)
{
    const char *why;
    int result = check_asked(access, user, generation);

    *visitor = result == 0 ? make_basic_visitor(access, user, now, &why) : NULL;
    if (*visitor && password) {
        verified_add(&access->verified, address, user, password, now);
    }
    return result == 0 && !*visitor ? -ENOMEM : result;
}

int access_begin_session(struct access *access, const char *user, uint64_t generation, int64_t now,
                         char cookie[SESSION_COOKIE_SIZE], struct visitor **visitor)
{
    struct session session;
    const char *why;
    int result = check_asked(access, user, generation);

    *visitor = NULL;
    if (result == 0) {
        result = session_begin(&session, access->table, user, now);
    }
    if (result == 0) {
        result = session_sign(&session, access->table, cookie);
    }
    if (result == 0) {
        *visitor = judge_session(access, cookie, now, &why);
        result = *visitor ? 0 : -ENOMEM;
    }
    return result;
}

int access_end_session(struct access *access, const struct visitor *visitor,
                       char id[2 * TABLE_SESSION_ID_SIZE + 1])
{
    if (visitor->via != VISITOR_SESSION) {
        return -EINVAL;
    }
    for (size_t i = 0; i < TABLE_SESSION_ID_SIZE; i++) {
        snprintf(id + 2 * i, 3, "%02x", visitor->session[i]);
    }
    memcpy(access->ended[access->ended_next], visitor->session, TABLE_SESSION_ID_SIZE);
    access->ended_next = (access->ended_next + 1) % ENDED_MAX;
    access->ended_count += access->ended_count < ENDED_MAX;
    return 0;
}

int access_use_once(struct access *access, struct visitor *visitor, bool *used)
{
    bool mine = false;

    if (visitor->via == VISITOR_TOKEN && visitor->once >= 0 && !visitor->used) {
        mine = token_page_use(access->page, visitor->once);
        if (!mine) {
            return -EALREADY;
        }
        visitor->used = true;
    }
    if (used) {
        *used = mine;
    }
    return 0;
}

enum visitor_state access_still_valid(const struct access *access, struct visitor *visitor, int64_t now)
{
    if (!access->table || (visitor->via == VISITOR_SESSION && was_ended(access, visitor->session))) {
        return VISITOR_REVOKED;
    }
    return visitor_still_valid(visitor, access->table, now);
}
