/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/runtime_dir.h"

static char parent[64], path[80], lock_path[96];

static int make_parent(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/ringcast-test-XXXXXX");
    if (!mkdtemp(parent)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/run", parent);
    snprintf(lock_path, sizeof(lock_path), "%s/lock", path);
    return 0;
}

/* Fails if a test left anything in it. */
static int remove_parent(void **state)
{
    (void)state;
    return rmdir(parent);
}

static void is_made_and_removed(void **state)
{
    struct runtime_dir *dir;
    struct stat status;

    (void)state;
    assert_int_equal(runtime_dir_open(path, &dir), 0);
    assert_false(runtime_dir_left_behind(dir));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    runtime_dir_close(dir);
    assert_int_equal(access(path, F_OK), -1);
}

static void one_that_was_there_stays(void **state)
{
    struct runtime_dir *dir;

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(runtime_dir_open(path, &dir), 0);
    runtime_dir_close(dir);
    assert_int_equal(rmdir(path), 0);
}

static void a_second_user_is_refused(void **state)
{
    struct runtime_dir *dir, *second = NULL;

    (void)state;
    assert_int_equal(runtime_dir_open(path, &dir), 0);
    assert_int_equal(runtime_dir_open(path, &second), -EBUSY);
    assert_null(second);
    assert_int_equal(access(lock_path, F_OK), 0);
    runtime_dir_close(dir);
}

/* One that was killed leaves lock and directory; the next one knows, and removes both. */
static void a_killed_one_is_noticed(void **state)
{
    struct runtime_dir *dir;
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(runtime_dir_open(path, &dir) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(runtime_dir_open(path, &dir), 0);
    assert_true(runtime_dir_left_behind(dir));
    runtime_dir_close(dir);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_is_open_to_others_is_refused(void **state)
{
    static const mode_t modes[] = {0755, 0770, 0701, 0720};
    struct runtime_dir *dir;

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(runtime_dir_open(path, &dir), -EPERM);
    }
    assert_int_equal(rmdir(path), 0);
}

static void what_belongs_to_others_is_refused(void **state)
{
    struct runtime_dir *dir;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(runtime_dir_open(path, &dir), -EPERM);
    assert_int_equal(rmdir(path), 0);
}

static void what_is_no_directory_is_refused(void **state)
{
    struct runtime_dir *dir;
    char target[80];

    (void)state;
    snprintf(target, sizeof(target), "%s/target", parent);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_true(runtime_dir_open(path, &dir) < 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(target), 0);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(runtime_dir_open(path, &dir), -ENOTDIR);
    assert_int_equal(unlink(path), 0);
    strcat(path, "/deep");
    assert_int_equal(runtime_dir_open(path, &dir), -ENOENT);
}

static void a_lock_that_is_a_link_is_not_followed(void **state)
{
    struct runtime_dir *dir;
    char target[80];

    (void)state;
    snprintf(target, sizeof(target), "%s/target", parent);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(symlink(target, lock_path), 0);
    assert_int_equal(runtime_dir_open(path, &dir), -ELOOP);
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(unlink(lock_path), 0);
    assert_int_equal(rmdir(path), 0);
}

static void files_are_removed(void **state)
{
    struct runtime_dir *dir;
    char file[96];

    (void)state;
    assert_int_equal(runtime_dir_open(path, &dir), 0);
    snprintf(file, sizeof(file), "%s/control.sock", path);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    runtime_dir_remove(dir, "control.sock");
    assert_int_equal(access(file, F_OK), -1);
    runtime_dir_remove(dir, "control.sock");
    runtime_dir_close(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_parent, remove_parent)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_made_and_removed),
        TEST(one_that_was_there_stays),
        TEST(a_second_user_is_refused),
        TEST(a_killed_one_is_noticed),
        TEST(what_is_open_to_others_is_refused),
        TEST(what_belongs_to_others_is_refused),
        TEST(what_is_no_directory_is_refused),
        TEST(a_lock_that_is_a_link_is_not_followed),
        TEST(files_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
