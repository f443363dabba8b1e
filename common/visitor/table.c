/* SPDX-License-Identifier: MIT */
#include "common/visitor/table.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/log/log.h"

/* Ten years: what is longer is no length of a session. */
#define SESSION_SECONDS_MAX INT64_C(315360000)

/* JWTs are tried with each issuer of their algorithm, so there may be few. */
#define ISSUERS_MAX 32

/* Groups of one visitor that count: each brings its patterns. */
#define MATCHED_MAX 64

/* RFC 9110, 5.6.2, in small letters. */
#define HEADER_SYMBOLS "!#$%&'*+-.^_`|~"

/* The document while it is read, and what is wrong with it. */
struct reading {
    struct table *table;
    char *why;
    size_t size;
    int result;
};

static bool fail(struct reading *reading, const char *list, const char *what)
{
    if (reading->result == 0) {
        reading->result = -EBADMSG;
        snprintf(reading->why, reading->size, "%s: %s", list, what);
    }
    return false;
}

static bool fail_memory(struct reading *reading)
{
    reading->result = -ENOMEM;
    snprintf(reading->why, reading->size, "no memory");
    return false;
}

/* ---- Members ---- */

static bool read_hex(uint8_t *out, size_t size, const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || json_string_length(value) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = text_hex_digit(text[2 * i]);
        int low = text_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_name(char out[TABLE_NAME_MAX + 1], const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || strlen(text) > TABLE_NAME_MAX || text_has_control(text)) {
        return false;
    }
    strcpy(out, text);
    return true;
}

static bool read_id(char out[TABLE_TOKEN_ID_MAX + 1], const json_t *value)
{
    const char *text = json_string_value(value);
    size_t length = text ? strlen(text) : 0;

    if (length == 0 || length > TABLE_TOKEN_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i])) {
            return false;
        }
    }
    strcpy(out, text);
    return true;
}

/* Missing or null: FALLBACK. */
static bool read_integer(int64_t *out, const json_t *value, int64_t fallback, int64_t min, int64_t max)
{
    bool given = value && !json_is_null(value);

    *out = given ? json_integer_value(value) : fallback;
    return !given || (json_is_integer(value) && *out >= min && *out <= max);
}

static struct rights *read_rights(struct reading *reading, const char *list, const json_t *row)
{
    const char *why = NULL;
    const char *name = json_string_value(json_object_get(row, "role"));
    int role = name ? access_role_find(name) : -1;

    if (role < 0) {
        fail(reading, list, "an unknown role");
        return NULL;
    }
    struct rights *rights = rights_from_json((enum access_role)role, json_object_get(row, "cameras"), &why);
    if (!rights) {
        fail(reading, list, why);
    }
    return rights;
}

/* ---- Lists ---- */

/*
 * Room for the rows of member NAME, SIZE bytes each. No such member: none. False: it is no list, or it is
 * too long.
 */
static bool begin_list(struct reading *reading, const json_t *document, const char *name, size_t max,
                       size_t size, const json_t **list, void *rows)
{
    void *memory = NULL;

    *list = json_object_get(document, name);
    if (!*list || json_is_null(*list)) {
        *list = NULL;
        return true;
    }
    if (!json_is_array(*list) || json_array_size(*list) > max) {
        return fail(reading, name, "no list, or too long");
    }
    memory = calloc(json_array_size(*list) + 1, size);
    if (!memory) {
        return fail_memory(reading);
    }
    memcpy(rows, &memory, sizeof(memory));
    return true;
}

static int compare_users(const void *a, const void *b)
{
    return strcmp(((const struct table_user *)a)->name, ((const struct table_user *)b)->name);
}

static bool read_users(struct reading *reading, const json_t *document, const char *name,
                       struct table_user **users, size_t *count)
{
    const json_t *list;
    size_t index;
    json_t *row;

    if (!begin_list(reading, document, name, TABLE_ROWS_MAX, sizeof(**users), &list, users)) {
        return false;
    }
    json_array_foreach(list, index, row) {
        struct table_user *user = &(*users)[(*count)++];
        if (!read_name(user->name, json_object_get(row, "name")) || user->name[0] == '\0') {
            return fail(reading, name, "a name that cannot be one");
        }
        if (!read_integer(&user->since, json_object_get(row, "since"), 0, 0, INT64_MAX)) {
            return fail(reading, name, "\"since\" is no time");
        }
        user->rights = read_rights(reading, name, row);
        if (!user->rights) {
            return false;
        }
    }
    if (*count > 0) {
        qsort(*users, *count, sizeof(**users), compare_users);
    }
    for (size_t i = 1; i < *count; i++) {
        if (compare_users(&(*users)[i - 1], &(*users)[i]) == 0) {
            return fail(reading, name, "a name twice");
        }
    }
    return true;
}

static int compare_tokens(const void *a, const void *b)
{
    return memcmp(((const struct table_token *)a)->hash, ((const struct table_token *)b)->hash,
                  TABLE_HASH_SIZE);
}

static bool read_token(struct reading *reading, const json_t *row, struct table_token *token)
{
    const json_t *name = json_object_get(row, "name");
    int64_t once;

    if (!read_hex(token->hash, sizeof(token->hash), json_object_get(row, "hash")) ||
        !read_id(token->id, json_object_get(row, "id"))) {
        return fail(reading, "tokens", "a hash or id that cannot be one");
    }
    if (name && !json_is_null(name) && !read_name(token->name, name)) {
        return fail(reading, "tokens", "a name that cannot be one");
    }
    if (!read_integer(&token->expires, json_object_get(row, "expires"), 0, 0, INT64_MAX) ||
        !read_integer(&once, json_object_get(row, "once"), -1, -1, TABLE_ONCE_SLOTS - 1)) {
        return fail(reading, "tokens", "\"expires\" or \"once\" out of range");
    }
    token->once = (int)once;
    token->rights = read_rights(reading, "tokens", row);
    return token->rights != NULL;
}

static bool read_tokens(struct reading *reading, const json_t *document)
{
    struct table *table = reading->table;
    const json_t *list;
    size_t index;
    json_t *row;

    if (!begin_list(reading, document, "tokens", TABLE_ROWS_MAX, sizeof(*table->tokens), &list,
                    &table->tokens)) {
        return false;
    }
    json_array_foreach(list, index, row) {
        if (!read_token(reading, row, &table->tokens[table->token_count++])) {
            return false;
        }
    }
    if (table->token_count > 0) {
        qsort(table->tokens, table->token_count, sizeof(*table->tokens), compare_tokens);
    }
    for (size_t i = 1; i < table->token_count; i++) {
        if (compare_tokens(&table->tokens[i - 1], &table->tokens[i]) == 0) {
            return fail(reading, "tokens", "a hash twice");
        }
    }
    return true;
}

static int compare_revoked(const void *a, const void *b)
{
    return memcmp(((const struct table_revoked *)a)->id, ((const struct table_revoked *)b)->id,
                  TABLE_SESSION_ID_SIZE);
}

static bool read_revoked(struct reading *reading, const json_t *document)
{
    struct table *table = reading->table;
    const json_t *list;
    size_t index;
    json_t *row;

    if (!begin_list(reading, document, "revoked", TABLE_ROWS_MAX, sizeof(*table->revoked), &list,
                    &table->revoked)) {
        return false;
    }
    json_array_foreach(list, index, row) {
        struct table_revoked *revoked = &table->revoked[table->revoked_count++];
        if (!read_hex(revoked->id, sizeof(revoked->id), json_object_get(row, "id")) ||
            !read_integer(&revoked->until, json_object_get(row, "until"), 0, 0, INT64_MAX)) {
            return fail(reading, "revoked", "an id or time that cannot be one");
        }
    }
    if (table->revoked_count > 0) {
        qsort(table->revoked, table->revoked_count, sizeof(*table->revoked), compare_revoked);
    }
    return true;
}

/* A key that cannot be used is the operator's mistake: its row is left out, and all else is taken. */
static bool read_issuers(struct reading *reading, const json_t *document)
{
    struct table *table = reading->table;
    const json_t *list;
    size_t index;
    json_t *row;

    if (!begin_list(reading, document, "jwt", ISSUERS_MAX, sizeof(*table->issuers), &list, &table->issuers)) {
        return false;
    }
    json_array_foreach(list, index, row) {
        struct web_token_issuer *issuer = &table->issuers[table->issuer_count];
        const char *why = NULL;
        int result = web_token_issuer_read(issuer, row, &why);
        table->issuer_count++;
        if (result == -EKEYREJECTED) {
            log_error("auth.jwt, entry %zu: %s; JWTs are not checked with it", index + 1, why);
            web_token_issuer_clear(issuer);
            table->issuer_count--;
        } else if (result == -ENOMEM) {
            return fail_memory(reading);
        } else if (result < 0) {
            return fail(reading, "jwt", why);
        }
    }
    return true;
}

/* ---- The rest ---- */

static bool read_header(char out[TABLE_NAME_MAX + 1], const json_t *value)
{
    if (!value || json_is_null(value)) {
        return true;
    }
    if (!read_name(out, value)) {
        return false;
    }
    for (char *c = out; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        if (!isalnum((unsigned char)*c) && !strchr(HEADER_SYMBOLS, *c)) {
            return false;
        }
    }
    return true;
}

static bool read_proxy(struct reading *reading, const json_t *document)
{
    const json_t *proxy = json_object_get(document, "proxy");

    if (proxy && !json_is_null(proxy) &&
        (!json_is_object(proxy) || !read_header(reading->table->proxy_user, json_object_get(proxy, "user")) ||
         !read_header(reading->table->proxy_groups, json_object_get(proxy, "groups")))) {
        return fail(reading, "proxy", "no names of headers");
    }
    return true;
}

static bool read_settings(struct reading *reading, const json_t *document)
{
    struct table *table = reading->table;
    const json_t *on = json_object_get(document, "on");
    const json_t *in_query = json_object_get(document, "token_in_query");

    if (!json_is_boolean(on) || (in_query && !json_is_boolean(in_query))) {
        return fail(reading, "on", "neither true nor false");
    }
    table->on = json_is_true(on);
    table->token_in_query = json_is_true(in_query);
    if (!table->on) {
        return true; /* there may be no key yet */
    }
    if (!read_hex(table->session_key, sizeof(table->session_key), json_object_get(document, "session_key"))) {
        return fail(reading, "session_key", "no key of 32 bytes");
    }
    return read_integer(&table->session_seconds, json_object_get(document, "session_seconds"), 0, 1,
                        SESSION_SECONDS_MAX) &&
                   table->session_seconds > 0
               ? true
               : fail(reading, "session_seconds", "no length of time");
}

static bool print(struct reading *reading, const json_t *document, uint8_t out[TABLE_HASH_SIZE])
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text) {
        return fail_memory(reading);
    }
    SHA256((const unsigned char *)text, strlen(text), out);
    secret_free(text);
    return true;
}

static bool print_document(struct reading *reading, const json_t *document)
{
    json_t *rest = json_copy((json_t *)document); /* which does not change it */

    if (!rest) {
        return fail_memory(reading);
    }
    json_object_del(rest, "tokens");
    json_object_del(rest, "revoked");
    bool printed = print(reading, document, reading->table->print) &&
                   print(reading, rest, reading->table->print_of_rest);
    json_decref(rest);
    return printed;
}

int table_read(const json_t *document, struct table **table, char *why, size_t size)
{
    struct reading reading = {.why = why, .size = size, .table = calloc(1, sizeof(**table))};
    struct table *made = reading.table;

    *table = NULL;
    bool complete =
        made ? read_settings(&reading, document) &&
                   read_users(&reading, document, "users", &made->users, &made->user_count) &&
                   read_users(&reading, document, "user_groups", &made->groups, &made->group_count) &&
                   read_tokens(&reading, document) && read_revoked(&reading, document) &&
                   read_issuers(&reading, document) && read_proxy(&reading, document) &&
                   print_document(&reading, document)
             : fail_memory(&reading);
    if (!complete) {
        table_free(made);
        return reading.result;
    }
    *table = made;
    return 0;
}

static void free_users(struct table_user *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rights_unref(users[i].rights);
    }
    free(users);
}

void table_free(struct table *table)
{
    if (!table) {
        return;
    }
    free_users(table->users, table->user_count);
    free_users(table->groups, table->group_count);
    for (size_t i = 0; i < table->token_count; i++) {
        rights_unref(table->tokens[i].rights);
    }
    free(table->tokens);
    free(table->revoked);
    for (size_t i = 0; i < table->issuer_count; i++) {
        web_token_issuer_clear(&table->issuers[i]);
    }
    free(table->issuers);
    secret_wipe(table, sizeof(*table));
    free(table);
}

/* ---- Looking up ---- */

static const struct table_user *find_user(const struct table_user *users, size_t count, const char *name)
{
    struct table_user key;

    if (count == 0 || strlen(name) > TABLE_NAME_MAX) {
        return NULL;
    }
    strcpy(key.name, name);
    return bsearch(&key, users, count, sizeof(key), compare_users);
}

const struct table_user *table_user(const struct table *table, const char *name)
{
    return find_user(table->users, table->user_count, name);
}

const struct table_user *table_group(const struct table *table, const char *name)
{
    return find_user(table->groups, table->group_count, name);
}

/*
 * The search tells by its time how many bits of HASH are those of a token's hash. That helps nobody to find
 * a token: to choose the hash of a text one would have to invert SHA-256. The last comparison takes the same
 * time in any case.
 */
const struct table_token *table_token(const struct table *table, const uint8_t hash[TABLE_HASH_SIZE])
{
    struct table_token key;

    if (table->token_count == 0) {
        return NULL;
    }
    memcpy(key.hash, hash, sizeof(key.hash));
    const struct table_token *token =
        bsearch(&key, table->tokens, table->token_count, sizeof(key), compare_tokens);
    return token && CRYPTO_memcmp(token->hash, hash, TABLE_HASH_SIZE) == 0 ? token : NULL;
}

const struct table_token *table_token_by_id(const struct table *table, const char *id)
{
    for (size_t i = 0; i < table->token_count; i++) {
        if (strcmp(table->tokens[i].id, id) == 0) {
            return &table->tokens[i];
        }
    }
    return NULL;
}

bool table_session_revoked(const struct table *table, const uint8_t id[TABLE_SESSION_ID_SIZE])
{
    struct table_revoked key;

    memcpy(key.id, id, sizeof(key.id));
    return table->revoked_count > 0 &&
           bsearch(&key, table->revoked, table->revoked_count, sizeof(key), compare_revoked);
}

const struct web_token_issuer *table_issuer(const struct table *table, const uint8_t print[TABLE_HASH_SIZE])
{
    for (size_t i = 0; i < table->issuer_count; i++) {
        if (memcmp(table->issuers[i].print, print, TABLE_HASH_SIZE) == 0) {
            return &table->issuers[i];
        }
    }
    return NULL;
}

/* Groups of TABLE that are named in GROUPS, each once and at most MATCHED_MAX. Returns their number. */
static size_t match_groups(const struct table *table, const json_t *groups,
                           const struct table_user *matched[MATCHED_MAX])
{
    size_t count = 0, index;
    json_t *group;

    json_array_foreach(groups, index, group) {
        const struct table_user *row =
            json_is_string(group) ? table_group(table, json_string_value(group)) : NULL;
        size_t known = 0;
        while (known < count && matched[known] != row) {
            known++;
        }
        if (row && known == count && count < MATCHED_MAX) {
            matched[count++] = row;
        }
    }
    return count;
}

struct rights *table_rights(const struct table *table, const char *name, const json_t *groups)
{
    const struct table_user *matched[MATCHED_MAX];
    const struct table_user *user = table_user(table, name);
    struct rights *rights = rights_ref(user ? user->rights : NULL);
    size_t count = match_groups(table, groups, matched);

    for (size_t i = 0; i < count; i++) {
        struct rights *both = rights_union(rights, matched[i]->rights);
        rights_unref(rights);
        if (!both) {
            return NULL;
        }
        rights = both;
    }
    return rights;
}
