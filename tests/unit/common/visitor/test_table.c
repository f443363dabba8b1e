/* SPDX-License-Identifier: MIT */
/* Which access documents are taken, and what is found in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/visitor/table.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* SHA-256 of "abc" */
#define HASH2 "ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ID "00112233445566778899aabbccddeeff"

static const char whole[] =
    "{\"on\":true,\"session_key\":\"" KEY "\",\"session_seconds\":3600,\"token_in_query\":true,"
    "\"users\":[{\"name\":\"zoe\",\"role\":\"operator\",\"cameras\":[\"*\"],\"since\":5},"
    "{\"name\":\"anna\",\"role\":\"viewer\",\"cameras\":[\"front*\"],\"since\":0}],"
    "\"user_groups\":[{\"name\":\"staff\",\"role\":\"viewer\",\"cameras\":[\"yard\"]},"
    "{\"name\":\"admins\",\"role\":\"operator\",\"cameras\":[]}],"
    "\"tokens\":[{\"id\":\"0a1b2c3d\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[\"front\"],"
    "\"expires\":7,\"once\":1023},"
    "{\"id\":\"1a1b2c3d\",\"hash\":\"" HASH2 "\",\"name\":\"tablet\",\"role\":\"viewer\",\"cameras\":[],"
    "\"expires\":0,\"once\":-1}],"
    "\"revoked\":[{\"id\":\"" ID "\",\"until\":9}],"
    "\"jwt\":[{\"algorithm\":\"HS256\",\"key\":\"0123456789abcdef0123456789abcdef\"}],"
    "\"proxy\":{\"user\":\"Remote-User\",\"groups\":\"Remote-Groups\"}}";

static char why[128];

static struct table *read_text(const char *text)
{
    struct table *table;
    json_t *document = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(document);
    int result = table_read(document, &table, why, sizeof(why));
    assert_true((result == 0) == (table != NULL));
    assert_true(result == 0 || result == -EBADMSG);
    json_decref(document);
    return table;
}

/* The whole document with member NAME as VALUE, JSON text; NULL: without that member. */
static struct table *read_with(const char *name, const char *value)
{
    json_t *document = json_loads(whole, 0, NULL);

    assert_non_null(document);
    if (value) {
        json_t *member = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(member);
        json_object_set_new(document, name, member);
    } else {
        json_object_del(document, name);
    }
    char *text = json_dumps(document, 0);
    struct table *table = read_text(text);
    free(text);
    json_decref(document);
    return table;
}

static void a_whole_document_is_read(void **state)
{
    (void)state;
    uint8_t hash[TABLE_HASH_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                     0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                     0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t id[TABLE_SESSION_ID_SIZE] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                         0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    struct table *table = read_text(whole);

    assert_non_null(table);
    assert_true(table->on && table->token_in_query);
    assert_int_equal(table->session_key[31], 0x1f);
    assert_int_equal(table->session_seconds, 3600);
    const struct table_user *zoe = table_user(table, "zoe");
    assert_non_null(zoe);
    assert_int_equal(zoe->since, 5);
    assert_int_equal(rights_role(zoe->rights), ACCESS_OPERATOR);
    assert_true(rights_allow(table_user(table, "anna")->rights, "front door"));
    assert_null(table_user(table, "staff"));
    assert_null(table_user(table, "ann"));
    assert_null(table_user(table, ""));
    assert_null(table_group(table, "anna"));
    assert_non_null(table_group(table, "staff"));
    const struct table_token *token = table_token(table, hash);
    assert_non_null(token);
    assert_string_equal(token->id, "0a1b2c3d");
    assert_string_equal(token->name, "");
    assert_int_equal(token->expires, 7);
    assert_int_equal(token->once, 1023);
    hash[0] = 0xca;
    assert_string_equal(table_token(table, hash)->name, "tablet");
    assert_int_equal(table_token(table, hash)->once, -1);
    hash[31] ^= 1;
    assert_null(table_token(table, hash));
    assert_string_equal(table_token_by_id(table, "1a1b2c3d")->name, "tablet");
    assert_null(table_token_by_id(table, "2a1b2c3d"));
    assert_true(table_session_revoked(table, id));
    id[15] ^= 1;
    assert_false(table_session_revoked(table, id));
    assert_int_equal(table->issuer_count, 1);
    assert_ptr_equal(table_issuer(table, table->issuers[0].print), &table->issuers[0]);
    assert_string_equal(table->proxy_user, "remote-user");
    assert_string_equal(table->proxy_groups, "remote-groups");
    table_free(table);
}

static void lists_may_be_missing(void **state)
{
    (void)state;
    static const char *const members[] = {"users", "user_groups", "tokens",        "revoked",
                                          "jwt",   "proxy",       "token_in_query"};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct table *table = read_with(members[i], NULL);
        assert_non_null(table);
        table_free(table);
    }
    for (size_t i = 0; i < 6; i++) {
        struct table *table = read_with(members[i], "null");
        assert_non_null(table);
        table_free(table);
    }
    struct table *table = read_text("{\"on\":false}");
    assert_non_null(table);
    assert_false(table->on);
    assert_null(table_user(table, "anna"));
    table_free(table);
    /* Members that a later ringcastd may send. */
    table = read_with("later", "[1,2]");
    assert_non_null(table);
    table_free(table);
}

static void documents_that_are_not_understood_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}", "[]", "null", "5", "{\"on\":1}", "{\"on\":\"true\"}", "{\"on\":null}", "{\"on\":true}"};
    static const char *const members[][2] = {
        {"session_key", "null"},
        {"session_key", "\"\""},
        {"session_key", "\"00\""},
        {"session_key", "\"" KEY "00\""},
        {"session_key", "\"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""},
        {"session_seconds", "null"},
        {"session_seconds", "0"},
        {"session_seconds", "-1"},
        {"session_seconds", "3600.5"},
        {"session_seconds", "\"3600\""},
        {"session_seconds", "9223372036854775807"},
        {"token_in_query", "1"},
        {"users", "{}"},
        {"users", "[5]"},
        {"users", "[{}]"},
        {"users", "[{\"name\":\"\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"users", "[{\"name\":5,\"role\":\"viewer\",\"cameras\":[]}]"},
        {"users", "[{\"name\":\"a\\nb\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"users", "[{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123x\","
                  "\"role\":\"viewer\",\"cameras\":[]}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"admin\",\"cameras\":[]}]"},
        {"users", "[{\"name\":\"a\",\"cameras\":[]}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\"}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":\"*\"}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":[5]}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":[],\"since\":-1}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":[],\"since\":\"now\"}]"},
        {"users", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":[]},"
                  "{\"name\":\"a\",\"role\":\"operator\",\"cameras\":[]}]"},
        {"user_groups", "[{\"name\":\"a\",\"role\":\"viewer\",\"cameras\":5}]"},
        {"tokens", "[{\"id\":\"a\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"00\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"tokens", "[{\"id\":\"\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"tokens", "[{\"id\":\"a b\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"tokens",
         "[{\"id\":\"01234567890123456\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"once\":1024}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"once\":-2}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"once\":true}]"},
        {"tokens",
         "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"expires\":-1}]"},
        {"tokens",
         "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"expires\":1.5}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"name\":5}]"},
        {"tokens", "[{\"id\":\"a\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[]},"
                   "{\"id\":\"b\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[]}]"},
        {"revoked", "[{\"id\":\"00\",\"until\":1}]"},
        {"revoked", "[{\"id\":\"" ID "\",\"until\":\"x\"}]"},
        {"jwt", "5"},
        {"jwt", "[{\"algorithm\":\"none\",\"key\":\"0123456789abcdef0123456789abcdef\"}]"},
        {"jwt", "[{\"algorithm\":\"HS256\"}]"},
        {"proxy", "5"},
        {"proxy", "{\"user\":5}"},
        {"proxy", "{\"user\":\"Remote User\"}"},
        {"proxy", "{\"user\":\"Remote:User\"}"},
        {"proxy", "{\"groups\":\"a\\nb\"}"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(read_text(texts[i]));
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct table *table = read_with(members[i][0], members[i][1]);
        if (table) {
            fail_msg("%s: %s", members[i][0], members[i][1]);
        }
        assert_true(why[0] != '\0');
        assert_null(strstr(why, KEY));
    }
}

/* Whether a list NAME of COUNT rows, which are none, is refused for its length. */
static bool is_too_long(const char *name, size_t count)
{
    char *list = malloc(2 * count + 2);

    assert_non_null(list);
    list[0] = '[';
    for (size_t i = 0; i < count; i++) {
        memcpy(list + 1 + 2 * i, "0,", 2);
    }
    strcpy(list + 2 * count, "]");
    assert_null(read_with(name, list));
    free(list);
    return strstr(why, "too long") != NULL;
}

static void lists_are_limited(void **state)
{
    (void)state;
    static const char *const lists[] = {"users", "user_groups", "tokens", "revoked"};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_false(is_too_long(lists[i], TABLE_ROWS_MAX));
        assert_true(is_too_long(lists[i], TABLE_ROWS_MAX + 1));
    }
    assert_false(is_too_long("jwt", 32));
    assert_true(is_too_long("jwt", 33));
}

/* One key that cannot be used must not keep everybody out. */
static void an_unusable_key_is_left_out(void **state)
{
    (void)state;
    struct table *table = read_with(
        "jwt", "[{\"algorithm\":\"HS256\",\"key\":\"short\"},{\"algorithm\":\"RS256\",\"key\":\"none\"},"
               "{\"algorithm\":\"HS256\",\"key\":\"0123456789abcdef0123456789abcdef\"}]");

    assert_non_null(table);
    assert_int_equal(table->issuer_count, 1);
    table_free(table);
}

/* What is allowed to NAME and GROUPS: 'f'ront, 'y'ard, 'O'perator; "-" without any rights. */
static const char *allowed(const struct table *table, const char *name, const char *groups)
{
    static char out[8];
    json_t *list = groups ? json_loads(groups, 0, NULL) : NULL;
    struct rights *rights = table_rights(table, name, list);

    snprintf(out, sizeof(out), "%s%s%s", rights_allow(rights, "front") ? "f" : "",
             rights_allow(rights, "yard") ? "y" : "", rights_role(rights) == ACCESS_OPERATOR ? "O" : "");
    if (!rights) {
        strcpy(out, "-");
    }
    rights_unref(rights);
    json_decref(list);
    return out;
}

static void rights_of_users_and_groups_add_up(void **state)
{
    (void)state;
    struct table *table = read_text(whole);

    assert_non_null(table);
    assert_string_equal(allowed(table, "anna", NULL), "f");
    assert_string_equal(allowed(table, "anna", "[]"), "f");
    assert_string_equal(allowed(table, "anna", "[\"staff\"]"), "fy");
    assert_string_equal(allowed(table, "anna", "[\"admins\"]"), "fO");
    assert_string_equal(allowed(table, "anna", "[\"x\",5,null,\"staff\",\"admins\",\"staff\"]"), "fyO");
    assert_string_equal(allowed(table, "nobody", "[\"staff\"]"), "y");
    assert_string_equal(allowed(table, "nobody", "[\"Staff\"]"), "-");
    assert_string_equal(allowed(table, "nobody", NULL), "-");
    assert_string_equal(allowed(table, "staff", NULL), "-");
    assert_string_equal(allowed(table, "", "[\"\"]"), "-");
    table_free(table);
}

static void the_prints_show_what_is_new(void **state)
{
    (void)state;
    struct table *table = read_text(whole);
    struct table *tokens = read_with("tokens", "[]");
    struct table *revoked = read_with("revoked", "[]");
    struct table *users = read_with("users", "[]");
    struct table *key = read_with("session_seconds", "3601");

    struct table *same = read_with("later", NULL);

    assert_memory_equal(table->print_of_rest, tokens->print_of_rest, TABLE_HASH_SIZE);
    assert_memory_equal(table->print_of_rest, revoked->print_of_rest, TABLE_HASH_SIZE);
    assert_memory_not_equal(table->print_of_rest, users->print_of_rest, TABLE_HASH_SIZE);
    assert_memory_not_equal(table->print_of_rest, key->print_of_rest, TABLE_HASH_SIZE);
    assert_memory_not_equal(table->print, tokens->print, TABLE_HASH_SIZE);
    assert_memory_equal(table->print, same->print, TABLE_HASH_SIZE);
    table_free(same);
    table_free(table);
    table_free(tokens);
    table_free(revoked);
    table_free(users);
    table_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_document_is_read),
        cmocka_unit_test(lists_may_be_missing),
        cmocka_unit_test(documents_that_are_not_understood_are_refused),
        cmocka_unit_test(lists_are_limited),
        cmocka_unit_test(an_unusable_key_is_left_out),
        cmocka_unit_test(rights_of_users_and_groups_add_up),
        cmocka_unit_test(the_prints_show_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
