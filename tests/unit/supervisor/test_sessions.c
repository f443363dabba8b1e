/* SPDX-License-Identifier: MIT */
/* What outlives ringcastd of log-ins: the key, sessions that have ended, tokens that were used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/helpers/sessions.h"

#define NOW INT64_C(1795000000)
#define DAY 86400

static char dir[64], file[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ringcast-sessions-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/unit.sessions.json", dir);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct sessions *open_at(int64_t now)
{
    struct sessions *sessions = NULL;

    assert_int_equal(sessions_open(dir, "unit", now, &sessions), 0);
    return sessions;
}

/* Another ringcastd reads what this one has written. */
static struct sessions *reopen(struct sessions *sessions, int64_t now)
{
    sessions_close(sessions);
    return open_at(now);
}

static const char *id_of(unsigned number)
{
    static char id[33];

    snprintf(id, sizeof(id), "%032x", number);
    return id;
}

static bool has_ended(const struct sessions *sessions, const char *id, int64_t now)
{
    json_t *list = sessions_ended(sessions, now), *entry;
    size_t index;
    bool found = false;

    json_array_foreach(list, index, entry) {
        found = found || strcmp(message_string(entry, "id", ""), id) == 0;
    }
    json_decref(list);
    return found;
}

static void the_key_is_made_once_and_is_private(void **state)
{
    struct sessions *sessions = open_at(NOW);
    struct stat status;
    char key[65];

    (void)state;
    assert_int_equal(strlen(sessions_key(sessions)), 64);
    strcpy(key, sessions_key(sessions));
    sessions = reopen(sessions, NOW);
    assert_string_equal(sessions_key(sessions), key);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(unlink(file), 0);
    sessions = reopen(sessions, NOW);
    assert_string_not_equal(sessions_key(sessions), key);
    sessions_close(sessions);
}

static void ended_sessions_outlive_ringcastd(void **state)
{
    struct sessions *sessions = open_at(NOW);

    (void)state;
    assert_true(sessions_end(sessions, id_of(1), NOW + DAY, "anna", 30 * DAY, NOW));
    assert_false(sessions_end(sessions, id_of(1), NOW + DAY, "anna", 30 * DAY, NOW));
    assert_true(sessions_write(sessions, NOW));
    sessions = reopen(sessions, NOW);
    assert_true(has_ended(sessions, id_of(1), NOW));
    assert_false(has_ended(sessions, id_of(2), NOW));
    /* It would have ended by itself. */
    assert_false(has_ended(sessions, id_of(1), NOW + DAY));
    sessions = reopen(sessions, NOW + DAY);
    assert_true(sessions_write(sessions, NOW + DAY));
    sessions = reopen(sessions, NOW);
    assert_false(has_ended(sessions, id_of(1), NOW));
    sessions_close(sessions);
}

/* What a fan-out says may be anything. */
static void nonsense_is_not_kept(void **state)
{
    struct sessions *sessions = open_at(NOW);
    char long_name[200];

    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_false(sessions_end(sessions, NULL, NOW + DAY, "anna", DAY, NOW));
    assert_false(sessions_end(sessions, "", NOW + DAY, "anna", DAY, NOW));
    assert_false(sessions_end(sessions, "0123456789abcdef0123456789abcdeg", NOW + DAY, "anna", DAY, NOW));
    assert_false(sessions_end(sessions, id_of(1), NOW, "anna", DAY, NOW));
    assert_false(sessions_end(sessions, id_of(1), -1, "anna", DAY, NOW));
    assert_true(sessions_end(sessions, id_of(2), INT64_MAX, long_name, DAY, NOW));
    assert_true(has_ended(sessions, id_of(2), NOW + DAY));
    assert_false(has_ended(sessions, id_of(2), NOW + 2 * DAY)); /* none lasts that long */
    assert_true(sessions_end(sessions, id_of(3), NOW + DAY, NULL, DAY, NOW));
    assert_false(sessions_use_token(sessions, NULL));
    assert_false(sessions_use_token(sessions, ""));
    assert_false(sessions_use_token(sessions, long_name));
    assert_false(sessions_use_token(sessions, "a\nb"));
    sessions_close(sessions);
}

/* One account cannot push out what others have ended. */
static void too_many_log_outs_void_the_users_sessions(void **state)
{
    struct sessions *sessions = open_at(NOW);

    (void)state;
    assert_true(sessions_end(sessions, id_of(1), NOW + DAY, "anna", DAY, NOW));
    for (unsigned i = 0; i < 3 * SESSIONS_ENDED_MAX; i++) {
        sessions_end(sessions, id_of(1000 + i), NOW + DAY, "mallory", DAY, NOW + 10);
    }
    assert_true(has_ended(sessions, id_of(1), NOW + 10));
    assert_true(sessions_since(sessions, "mallory") > NOW + 10);
    assert_int_equal(sessions_since(sessions, "anna"), 0);
    assert_true(sessions_write(sessions, NOW + 10));
    sessions = reopen(sessions, NOW + 10);
    assert_true(sessions_since(sessions, "mallory") > NOW + 10);
    assert_true(has_ended(sessions, id_of(1), NOW + 10));
    sessions_close(sessions);
}

static void the_table_is_bounded(void **state)
{
    struct sessions *sessions = open_at(NOW);
    char user[32];

    (void)state;
    for (unsigned i = 0; i < SESSIONS_ENDED_MAX + 10; i++) {
        snprintf(user, sizeof(user), "user%u", i / 50);
        assert_true(sessions_end(sessions, id_of(i), NOW + DAY, user, DAY, NOW));
    }
    json_t *list = sessions_ended(sessions, NOW);
    assert_int_equal(json_array_size(list), SESSIONS_ENDED_MAX);
    json_decref(list);
    assert_false(has_ended(sessions, id_of(9), NOW));
    assert_true(has_ended(sessions, id_of(10), NOW));
    sessions_close(sessions);
}

static void used_tokens_are_remembered_while_they_are_in_the_file(void **state)
{
    struct sessions *sessions = open_at(NOW);
    json_t *tokens = json_pack("[{s:s}, {s:s}]", "id", "0000000a", "id", "0000000b");

    (void)state;
    assert_true(sessions_use_token(sessions, "0000000a"));
    assert_false(sessions_use_token(sessions, "0000000a"));
    assert_true(sessions_use_token(sessions, "0000000c"));
    assert_true(sessions_write(sessions, NOW));
    sessions = reopen(sessions, NOW);
    assert_true(sessions_token_used(sessions, "0000000a"));
    assert_false(sessions_token_used(sessions, "0000000b"));
    sessions_keep_tokens(sessions, tokens);
    assert_true(sessions_token_used(sessions, "0000000a"));
    assert_false(sessions_token_used(sessions, "0000000c"));
    json_decref(tokens);
    sessions_close(sessions);
}

static void write_text(const char *text)
{
    FILE *stream = fopen(file, "w");

    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static void a_file_that_is_broken_is_put_aside(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"version\":2,\"key\":\"\"}",
        "{\"version\":1,\"key\":\"00\"}",
        "{\"version\":1,\"key\":\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"ended\":[{\"id\":7}],\"since\":{},\"used\":[]}",
        "{\"version\":1,\"key\":\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"ended\":[],\"since\":[],\"used\":[]}",
    };
    char aside[160];

    (void)state;
    snprintf(aside, sizeof(aside), "%s.bad", file);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(texts[i]);
        struct sessions *sessions = open_at(NOW);
        assert_int_equal(access(aside, F_OK), 0);
        assert_int_equal(unlink(aside), 0);
        assert_int_equal(strlen(sessions_key(sessions)), 64);
        assert_int_not_equal(strspn(sessions_key(sessions), "0"), 64);
        sessions_close(sessions);
        assert_int_equal(unlink(file), 0);
    }
}

/* Sessions then end with this ringcastd, but viewers can log in. */
static void without_a_directory_there_is_a_key_all_the_same(void **state)
{
    struct sessions *sessions = NULL;

    (void)state;
    assert_int_equal(sessions_open("/proc/nowhere", "unit", NOW, &sessions), 0);
    assert_int_equal(strlen(sessions_key(sessions)), 64);
    assert_true(sessions_end(sessions, id_of(1), NOW + DAY, "anna", DAY, NOW));
    assert_false(sessions_write(sessions, NOW));
    assert_true(has_ended(sessions, id_of(1), NOW));
    sessions_close(sessions);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_key_is_made_once_and_is_private),
        TEST(ended_sessions_outlive_ringcastd),
        TEST(nonsense_is_not_kept),
        TEST(too_many_log_outs_void_the_users_sessions),
        TEST(the_table_is_bounded),
        TEST(used_tokens_are_remembered_while_they_are_in_the_file),
        TEST(a_file_that_is_broken_is_put_aside),
        TEST(without_a_directory_there_is_a_key_all_the_same),
    };

    log_open("test", NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
