/* SPDX-License-Identifier: MIT */
/* What the fan-outs and ringcast-password are told follows from the configuration and the users file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/ipc/message.h"
#include "supervisor/helpers/access_document.h"

static const char users_text[] = "{'users': [{'name': 'anna', 'hash': '$6$a', 'role': 'viewer', 'cameras': "
                                 "['x*'], 'groups': [], 'since': 17},"
                                 " {'name': 'bert', 'hash': '$6$b', 'role': 'operator', 'cameras': ['gate'], "
                                 "'groups': ['yard', 'none'], 'since': 0}],"
                                 " 'tokens': [{'id': '0000000a', 'hash': 'ff', 'name': 'door', 'role': "
                                 "'viewer', 'cameras': [], 'groups': ['yard'],"
                                 " 'expires': 99, 'once': true, 'created': 1}]}";

static const char auth[] =
    "groups = ( { name = \"yard\"; cameras = ( \"front*\", \"gate\" ); } );\n"
    "auth = { session_hours = 2; token_in_query = false;\n"
    "  users = ( { name = \"anna\"; role = \"operator\"; cameras = ( \"own\" ); groups = ( \"yard\" ); },\n"
    "            { name = \"carl\"; role = \"viewer\"; cameras = ( \"*\" ); } );\n"
    "  user_groups = ( { name = \"family\"; role = \"viewer\"; groups = ( \"yard\" ); } );\n"
    "  jwt = ( { algorithm = \"RS256\"; key = \"/key.pem\"; audience = \"ringcast\"; } );\n"
    "  proxy = { user = \"Remote-User\"; groups = \"Remote-Groups\"; }; };\n"
    "trusted_proxies = ( \"127.0.0.1\" );\n";

static struct config *load(const char *text)
{
    char path[] = "/tmp/ringcast-access-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    assert_non_null(file);
    fprintf(file, "cameras = ();\n%s", text);
    fclose(file);
    struct config *config = config_load(path, stderr);
    assert_non_null(config);
    unlink(path);
    return config;
}

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    char *copy = strdup(text);

    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(copy);
    return value;
}

static void assert_member(const json_t *document, const char *name, const char *expected)
{
    json_t *value = parse(expected), *found = json_object_get(document, name);

    if (!json_equal(value, found)) {
        fail_msg("%s: %s, expected %s", name, json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT), expected);
    }
    json_decref(value);
}

static void all_of_it_is_told(void **state)
{
    struct config *config = load(auth);
    json_t *users = parse(users_text), *document = access_document_make(config, users);

    (void)state;
    assert_member(document, "on", "true");
    assert_member(document, "digest", "false");
    assert_member(document, "session_seconds", "7200");
    assert_member(document, "token_in_query", "false");
    /* Of a user in both, the configuration says the rights and the file since when sessions count. */
    assert_member(document, "users",
                  "[{'name': 'anna', 'role': 'operator', 'cameras': ['own', 'front*', 'gate'], 'since': 17},"
                  " {'name': 'carl', 'role': 'viewer', 'cameras': ['*'], 'since': 0},"
                  " {'name': 'bert', 'role': 'operator', 'cameras': ['gate', 'front*'], 'since': 0}]");
    assert_member(document, "user_groups",
                  "[{'name': 'family', 'role': 'viewer', 'cameras': ['front*', 'gate'], 'since': 0}]");
    assert_member(
        document, "tokens",
        "[{'id': '0000000a', 'hash': 'ff', 'name': 'door', 'role': 'viewer', 'cameras': ['front*', 'gate'],"
        " 'expires': 99, 'once': true}]");
    assert_member(document, "jwt",
                  "[{'algorithm': 'RS256', 'audience': 'ringcast', 'issuer': null, 'user_claim': 'sub',"
                  " 'cameras_claim': 'cameras', 'groups_claim': 'groups'}]");
    assert_member(document, "proxy", "{'user': 'Remote-User', 'groups': 'Remote-Groups'}");
    char *text = json_dumps(document, 0);
    assert_null(strstr(text, "$6$")); /* no fan-out has a password's hash */
    free(text);
    json_decref(document);
    json_decref(users);
    config_free(config);
}

static void passwords_are_those_of_the_file(void **state)
{
    json_t *users = parse(users_text), *passwords = access_document_passwords(users);

    (void)state;
    assert_member(passwords, "users", "[{'name': 'anna', 'hash': '$6$a'}, {'name': 'bert', 'hash': '$6$b'}]");
    json_decref(passwords);
    json_decref(users);
}

static void without_auth_nothing_is_told(void **state)
{
    struct config *config = load("");
    json_t *document = access_document_make(config, NULL), *passwords = access_document_passwords(NULL);
    json_t *expected = parse("{'on': false}");

    (void)state;
    assert_true(json_equal(document, expected));
    assert_member(passwords, "users", "[]");
    json_decref(expected);
    json_decref(document);
    json_decref(passwords);
    config_free(config);
}

static void assert_changes(const char *before, const char *passwords_before, const char *after,
                           const char *passwords_after, const char *expected)
{
    json_t *all[] = {parse(before), parse(passwords_before), parse(after), parse(passwords_after),
                     parse(expected)};
    json_t *changes = access_document_changes(all[0], all[1], all[2], all[3]);

    if (!json_equal(changes, all[4])) {
        fail_msg("%s, expected %s", json_dumps(changes, JSON_COMPACT), expected);
    }
    json_decref(changes);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        json_decref(all[i]);
    }
}

static void changes_are_told_user_by_user(void **state)
{
#define ANNA(cameras, since)                                                                                 \
    "{'users': [{'name': 'anna', 'role': 'viewer', 'cameras': [" cameras "], 'since': " since "}]}"
#define PASSWORD(hash) "{'users': [{'name': 'anna', 'hash': '" hash "'}]}"
#define NONE "{'users': []}"
    (void)state;
    assert_changes(NONE, NONE, ANNA("'a'", "0"), PASSWORD("x"), "[{'user': 'anna', 'change': 'added'}]");
    assert_changes(ANNA("'a'", "0"), PASSWORD("x"), NONE, NONE, "[{'user': 'anna', 'change': 'removed'}]");
    assert_changes(ANNA("'a'", "0"), PASSWORD("x"), ANNA("'a'", "0"), PASSWORD("x"), "[]");
    assert_changes(ANNA("'a'", "0"), PASSWORD("x"), ANNA("'b'", "0"), PASSWORD("x"),
                   "[{'user': 'anna', 'change': 'rights'}]");
    assert_changes(ANNA("'a'", "0"), PASSWORD("x"), ANNA("'a'", "9"), PASSWORD("y"),
                   "[{'user': 'anna', 'change': 'password'}]");
    assert_changes(ANNA("'a'", "0"), PASSWORD("x"), ANNA("'a'", "9"), PASSWORD("x"),
                   "[{'user': 'anna', 'change': 'sessions'}]");
    /* A user of the configuration gets a password. */
    assert_changes(ANNA("'a'", "0"), NONE, ANNA("'a'", "0"), PASSWORD("x"),
                   "[{'user': 'anna', 'change': 'password'}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_told),
        cmocka_unit_test(passwords_are_those_of_the_file),
        cmocka_unit_test(without_auth_nothing_is_told),
        cmocka_unit_test(changes_are_told_user_by_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
