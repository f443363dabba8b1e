/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access/user_file.h"

#define HASH "$y$j9T$0123456789abcdefghijk.$CANARYCANARYCANARYCANARYCANARYCANARYCANARY1"
#define USER(name, more) "{\"name\":\"" name "\",\"hash\":\"" HASH "\"" more "}"
#define USERS(users) "{\"version\":1,\"users\":[" users "],\"tokens\":[]}"
#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TOKEN(id, more) "{\"id\":\"" id "\",\"hash\":\"" DIGEST "\",\"expires\":0" more "}"
#define TOKENS(tokens) "{\"version\":1,\"users\":[],\"tokens\":[" tokens "]}"

struct fixture {
    char directory[64];
    char path[80];
};

static int enter(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    strcpy(fixture->directory, "/tmp/ringcast-users-XXXXXX");
    *state = fixture;
    if (!mkdtemp(fixture->directory)) {
        return -1;
    }
    snprintf(fixture->path, sizeof(fixture->path), "%s/users.json", fixture->directory);
    return chdir(fixture->directory);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int leave(void **state)
{
    struct fixture *fixture = *state;
    int failed = chdir("/");

    failed |= nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return failed;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static char *get(const char *name)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(name, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

static json_t *read_good(const char *path)
{
    char why[USER_FILE_WHY_SIZE] = "";
    json_t *document = NULL;

    if (user_file_read(path, &document, why) < 0) {
        fail_msg("%s", why);
    }
    return document;
}

static struct user_file *open_good(const char *path)
{
    char why[USER_FILE_WHY_SIZE] = "";
    struct user_file *file = NULL;

    if (user_file_open(path, 0, &file, why) < 0) {
        fail_msg("%s", why);
    }
    return file;
}

static void commit(struct user_file *file)
{
    char why[USER_FILE_WHY_SIZE] = "";

    if (user_file_commit(file, why) < 0) {
        fail_msg("%s", why);
    }
    user_file_close(file);
}

static void assert_json(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
}

/* PATH is refused with "PATH: PROBLEM", and nothing secret is in it. */
static void assert_refused(const char *path, const char *problem)
{
    char why[USER_FILE_WHY_SIZE] = "", expected[USER_FILE_WHY_SIZE];
    json_t *document = NULL;

    assert_true(user_file_read(path, &document, why) < 0);
    assert_null(document);
    snprintf(expected, sizeof(expected), "%s: %s", path, problem);
    assert_string_equal(why, expected);
    assert_null(strstr(why, "CANARY"));
}

static void without_a_file_there_is_nobody(void **state)
{
    const struct fixture *fixture = *state;
    json_t *document = read_good(fixture->path);

    assert_json(document, "{\"version\":1,\"users\":[],\"tokens\":[]}");
    json_decref(document);
    assert_int_equal(access(fixture->path, F_OK), -1);
    document = read_good("/nowhere/at/all/users.json");
    assert_json(document, "{\"version\":1,\"users\":[],\"tokens\":[]}");
    json_decref(document);
}

static void what_is_read_has_every_member(void **state)
{
    const struct fixture *fixture = *state;

    put("users.json",
        "{\"version\":1,\"users\":[" USER("anna", "") "],\"tokens\":[" TOKEN("0123abcd", "") "]}", 0600);
    json_t *document = read_good(fixture->path);
    size_t index = 9;
    json_t *user = user_file_find_user(document, "anna", &index);
    assert_non_null(user);
    assert_int_equal(index, 0);
    assert_json(user,
                "{\"name\":\"anna\",\"hash\":\"" HASH "\",\"role\":\"viewer\",\"cameras\":[],\"groups\":[],"
                "\"since\":0}");
    assert_json(user_file_find_token(document, "0123abcd", &index),
                "{\"id\":\"0123abcd\",\"hash\":\"" DIGEST
                "\",\"expires\":0,\"name\":\"\",\"role\":\"viewer\",\"cameras\":[],"
                "\"groups\":[],\"once\":false,\"created\":0}");
    assert_null(user_file_find_user(document, "ann", &index));
    assert_null(user_file_find_token(document, "anna", &index));
    json_decref(document);
}

static void a_change_is_there_as_a_whole(void **state)
{
    const struct fixture *fixture = *state;
    struct user_file *file = open_good(fixture->path);
    json_t *users = json_object_get(user_file_document(file), "users");
    struct stat status;

    json_array_append_new(users,
                          json_pack("{s:s, s:s, s:[s]}", "name", "Zoë", "hash", HASH, "cameras", "front*"));
    assert_int_equal(access(fixture->path, F_OK), -1);
    commit(file);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(access("users.json.new", F_OK), -1);
    json_t *document = read_good(fixture->path);
    size_t index;
    assert_non_null(user_file_find_user(document, "Zoë", &index));
    json_decref(document);
    /* What is not committed, and what is wrong, leaves it as it was. */
    char *before = get("users.json");
    file = open_good(fixture->path);
    json_array_clear(json_object_get(user_file_document(file), "users"));
    user_file_close(file);
    char why[USER_FILE_WHY_SIZE];
    file = open_good(fixture->path);
    json_object_set_new(json_array_get(json_object_get(user_file_document(file), "users"), 0), "role",
                        json_string("king"));
    assert_int_equal(user_file_commit(file, why), -EINVAL);
    user_file_close(file);
    char *after = get("users.json");
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void it_is_made_with_its_directory(void **state)
{
    const struct fixture *fixture = *state;
    char path[160];
    struct stat status;

    snprintf(path, sizeof(path), "%s/a/b/users.json", fixture->directory);
    commit(open_good(path));
    assert_int_equal(stat("a/b", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(access("a/b/users.json", R_OK), 0);
}

static void one_process_changes_it_at_a_time(void **state)
{
    const struct fixture *fixture = *state;
    char why[USER_FILE_WHY_SIZE] = "", expected[160];
    struct user_file *first = open_good(fixture->path), *second = NULL;

    assert_int_equal(user_file_open(fixture->path, 0, &second, why), -EAGAIN);
    assert_int_equal(user_file_open(fixture->path, 50, &second, why), -EAGAIN);
    snprintf(expected, sizeof(expected), "%s: another process is changing it; try again", fixture->path);
    assert_string_equal(why, expected);
    commit(first);
    user_file_close(open_good(fixture->path));
}

/* Root writes into another user's directory, and that user can go on with the file. */
static void it_belongs_to_the_owner_of_its_directory(void **state)
{
    const struct fixture *fixture = *state;
    struct stat status;

    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(fixture->directory, 12345, 23456), 0);
    commit(open_good(fixture->path));
    static const char *const files[] = {"users.json", "users.json.lock"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lstat(files[i], &status), 0);
        assert_int_equal(status.st_uid, 12345);
        assert_int_equal(status.st_gid, 23456);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
    /* A file that belongs to root already stays root's. */
    assert_int_equal(chown("users.json", 0, 0), 0);
    commit(open_good(fixture->path));
    assert_int_equal(lstat("users.json", &status), 0);
    assert_int_equal(status.st_uid, 0);
    /* A third user's file is not believed. */
    char problem[256];
    assert_int_equal(chown("users.json", 777, 777), 0);
    snprintf(problem, sizeof(problem), "belongs to user 777; `chown 12345 %s`, or remove it", fixture->path);
    assert_refused(fixture->path, problem);
}

/* The other user cannot make root's ringcastctl give away, or write into, another file. */
static void links_are_not_followed(void **state)
{
    const struct fixture *fixture = *state;
    char why[USER_FILE_WHY_SIZE] = "";
    struct user_file *file = NULL;
    struct stat status;

    put("precious", USERS(""), 0600);
    assert_int_equal(symlink("precious", "users.json"), 0);
    assert_refused(fixture->path, "a symbolic link; name the file itself with auth.passwords");
    assert_int_equal(unlink("users.json"), 0);
    unlink("users.json.lock");
    assert_int_equal(symlink("precious", "users.json.lock"), 0);
    assert_int_equal(user_file_open(fixture->path, 0, &file, why), -ELOOP);
    assert_int_equal(unlink("users.json.lock"), 0);
    assert_int_equal(symlink("precious", "users.json.new"), 0);
    commit(open_good(fixture->path));
    char *text = get("precious");
    assert_string_equal(text, USERS(""));
    free(text);
    if (geteuid() == 0) {
        assert_int_equal(chown(fixture->directory, 12345, 23456), 0);
        assert_int_equal(unlink("users.json.lock"), 0);
        assert_int_equal(link("precious", "users.json.lock"), 0);
        assert_int_equal(user_file_open(fixture->path, 0, &file, why), -EPERM);
        assert_int_equal(lstat("precious", &status), 0);
        assert_int_equal(status.st_uid, 0);
    }
}

static void a_file_that_others_may_use_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const mode_t modes[] = {0644, 0640, 0606, 0610};
    char problem[256], why[USER_FILE_WHY_SIZE] = "";
    struct user_file *file = NULL;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        put("users.json", USERS(""), modes[i]);
        snprintf(problem, sizeof(problem), "other users may read or change it (mode %03o); `chmod 600 %s`",
                 (unsigned)modes[i], fixture->path);
        assert_refused(fixture->path, problem);
    }
    put("users.json", USERS(""), 0600);
    assert_int_equal(chmod(fixture->directory, 0770), 0);
    assert_int_equal(user_file_open(fixture->path, 0, &file, why), -EPERM);
    snprintf(problem, sizeof(problem), "%s: others may write into its directory (mode 0770); `chmod go-w %s`",
             fixture->path, fixture->directory);
    assert_string_equal(why, problem);
    assert_int_equal(chmod(fixture->directory, 0700), 0);
    assert_int_equal(unlink("users.json"), 0);
    assert_int_equal(mkfifo("users.json", 0600), 0);
    assert_refused(fixture->path, "not a file; remove it, or name another with auth.passwords");
}

static void wrong_files_are_refused_in_clear_words(void **state)
{
#define AGAIN "restore it, or remove it and add the users again"
#define NO_HASH "not a hash of crypt(5); set the password again with `ringcastctl user passwd`"
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "line 1 is not valid JSON; restore the file, or remove it and add the users again"},
        {"{\n \"version\": CANARY }",
         "line 2 is not valid JSON; restore the file, or remove it and add the users again"},
        {"[]", "not a users file; " AGAIN},
        {"{\"users\":[]}", "not a users file; " AGAIN},
        {"{\"version\":2}",
         "its version is 2, and this ringcast knows version 1; install the ringcast that wrote it"},
        {"{\"version\":1,\"user\":[]}", "user: unknown; remove it, or correct its name"},
        {"{\"version\":1,\"users\":{}}", "users: expected an array; restore the file, or remove it"},
        {USERS("5"), "users[0]: expected an object; correct it, or remove it"},
        {USERS("{\"hash\":\"" HASH "\"}"), "users[0].name: missing; add it, or remove users[0]"},
        {USERS("{\"name\":\"a\"}"), "users[0].hash: missing; add it, or remove users[0]"},
        {USERS("{\"name\":\"a\",\"hash\":\"CANARY\"}"), "users[0].hash: " NO_HASH},
        {USERS("{\"name\":\"a\",\"hash\":\"$y$CANARY \"}"), "users[0].hash: " NO_HASH},
        {USERS("{\"name\":\"a\",\"hash\":\"\"}"), "users[0].hash: " NO_HASH},
        {USERS("{\"name\":\"a\",\"hash\":7}"),
         "users[0].hash: expected a string; correct it, or remove users[0]"},
        {USERS(USER("a:b", "")),
         "users[0].name: \":\" cannot be in a user's name, which HTTP ends there; use another character"},
        {USERS(USER("a", ",\"role\":\"king\"")),
         "users[0].role: not a role; write \"viewer\" or \"operator\""},
        {USERS(USER("a", ",\"cameras\":\"*\"")),
         "users[0].cameras: expected an array of strings; correct it, or remove users[0]"},
        {USERS(USER("a", ",\"cameras\":[\"*\",5]")),
         "users[0].cameras[1]: expected a string; put it in quotes"},
        {USERS(USER("a", ",\"cameras\":[\"a[\"]")),
         "users[0].cameras[0]: a \"[\" without its \"]\"; close it, or write \"\\[\" for the character"},
        {USERS(USER("a", ",\"groups\":[\"a,b\"]")), "users[0].groups[0]: \",\" cannot be in a group's name, "
                                                    "since lists of groups have commas; use \"-\""},
        {USERS(USER("a", ",\"since\":-1")), "users[0].since: not a time; write seconds since 1970"},
        {USERS(USER("a", ",\"camera\":[]")), "users[0].camera: unknown; remove it, or correct its name"},
        {USERS(USER("b", "") "," USER("a", "") "," USER("a", "")),
         "users[2].name: the same as of users[1]; remove one"},
        {TOKENS(TOKEN("0123abcD", "")), "tokens[0].id: not the id of a token; remove the token"},
        {TOKENS("{\"id\":\"0123abcd\",\"hash\":\"CANARY\",\"expires\":0}"),
         "tokens[0].hash: not the hash of a token; remove the token"},
        {TOKENS("{\"id\":\"0123abcd\",\"hash\":\"" DIGEST "\"}"),
         "tokens[0].expires: missing; add it, or remove tokens[0]"},
        {TOKENS(TOKEN("0123abcd", ",\"once\":1")),
         "tokens[0].once: expected true or false; correct it, or remove tokens[0]"},
        {TOKENS(TOKEN("0123abcd", "") "," TOKEN("0123abcd", "")),
         "tokens[1].id: the same as of tokens[0]; remove one"},
    };
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put("users.json", cases[i].text, 0600);
        assert_refused(fixture->path, cases[i].problem);
    }
    put("users.json", USERS(USER("a", ",\"name\":\"b\"")), 0600);
    assert_refused(fixture->path,
                   "line 1 is not valid JSON; restore the file, or remove it and add the users again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_file_there_is_nobody, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_read_has_every_member, enter, leave),
        cmocka_unit_test_setup_teardown(a_change_is_there_as_a_whole, enter, leave),
        cmocka_unit_test_setup_teardown(it_is_made_with_its_directory, enter, leave),
        cmocka_unit_test_setup_teardown(one_process_changes_it_at_a_time, enter, leave),
        cmocka_unit_test_setup_teardown(it_belongs_to_the_owner_of_its_directory, enter, leave),
        cmocka_unit_test_setup_teardown(links_are_not_followed, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_use_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(wrong_files_are_refused_in_clear_words, enter, leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
