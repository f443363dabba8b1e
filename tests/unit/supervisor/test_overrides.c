/* SPDX-License-Identifier: MIT */
/* The state file: whole or not at all, private, and put aside when it cannot be understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/overrides.h"

struct place {
    char root[64], dir[96], file[128];
};

static int set_up(void **state)
{
    static struct place place;

    snprintf(place.root, sizeof(place.root), "/tmp/ringcast-overrides-XXXXXX");
    assert_non_null(mkdtemp(place.root));
    snprintf(place.dir, sizeof(place.dir), "%s/a/b", place.root);
    snprintf(place.file, sizeof(place.file), "%s/unit.json", place.dir);
    *state = &place;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *place = *state;

    return nftw(place->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct overrides *open_place(const struct place *place, const char *instance)
{
    struct overrides *overrides = NULL;

    assert_int_equal(overrides_open(place->dir, instance, &overrides), 0);
    return overrides;
}

static json_t *one_removed(void)
{
    return json_pack("{s:{s:b}}", "front", "removed", 1);
}

static void what_is_committed_lasts(void **state)
{
    const struct place *place = *state;
    struct stat status;
    struct overrides *overrides = open_place(place, "unit");

    assert_int_equal(json_object_size(overrides_now(overrides)), 0);
    assert_int_equal(access(place->dir, F_OK), -1); /* nothing is made before there is something to keep */
    assert_int_equal(overrides_commit(overrides, one_removed()), 0);
    assert_int_equal(stat(place->file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(place->dir, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    overrides_close(overrides);
    overrides = open_place(place, "unit");
    json_t *expected = one_removed();
    assert_true(json_equal(overrides_now(overrides), expected));
    json_decref(expected);
    overrides_close(overrides);
    overrides = open_place(place, "other");
    assert_int_equal(json_object_size(overrides_now(overrides)), 0);
    overrides_close(overrides);
}

static void what_cannot_be_written_does_not_hold(void **state)
{
    const struct place *place = *state;
    char aside[160];
    struct overrides *overrides = open_place(place, "unit");

    assert_int_equal(overrides_commit(overrides, one_removed()), 0);
    /* A directory in the place of the new file: it cannot be opened, for root neither. */
    snprintf(aside, sizeof(aside), "%s.new", place->file);
    assert_int_equal(mkdir(aside, 0700), 0);
    assert_true(overrides_commit(overrides, json_object()) < 0);
    assert_int_equal(json_object_size(overrides_now(overrides)), 1);
    overrides_close(overrides);
    assert_int_equal(rmdir(aside), 0);
    overrides = open_place(place, "unit");
    assert_int_equal(json_object_size(overrides_now(overrides)), 1);
    overrides_close(overrides);
}

static void what_is_damaged_is_put_aside(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{\"v\":2,\"cameras\":{}}", "{\"v\":1}", "{\"v\":1,\"cameras\":[]}"};
    const struct place *place = *state;
    char aside[160];

    snprintf(aside, sizeof(aside), "%s.bad", place->file);
    struct overrides *overrides = open_place(place, "unit");
    assert_int_equal(overrides_commit(overrides, one_removed()), 0);
    overrides_close(overrides);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FILE *file = fopen(place->file, "we");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        overrides = open_place(place, "unit");
        assert_int_equal(json_object_size(overrides_now(overrides)), 0);
        overrides_close(overrides);
        assert_int_equal(access(place->file, F_OK), -1);
        assert_int_equal(unlink(aside), 0);
    }
}

/* A FIFO would be waited at for ever, whether it is read or written. */
static void a_fifo_holds_nothing_up(void **state)
{
    const struct place *place = *state;
    char next[160], aside[160];
    struct overrides *overrides = open_place(place, "unit");

    assert_int_equal(overrides_commit(overrides, one_removed()), 0);
    snprintf(next, sizeof(next), "%s.new", place->file);
    assert_int_equal(mkfifo(next, 0600), 0);
    assert_int_equal(overrides_commit(overrides, json_object()), 0);
    assert_int_equal(access(next, F_OK), -1);
    overrides_close(overrides);
    assert_int_equal(unlink(place->file), 0);
    assert_int_equal(mkfifo(place->file, 0600), 0);
    overrides = open_place(place, "unit");
    assert_int_equal(json_object_size(overrides_now(overrides)), 0);
    overrides_close(overrides);
    snprintf(aside, sizeof(aside), "%s.bad", place->file);
    assert_int_equal(unlink(aside), 0);
}

/* Nor is a link followed, which may lead anywhere. */
static void a_link_is_not_followed(void **state)
{
    const struct place *place = *state;
    char next[160], target[128];
    struct stat status;
    struct overrides *overrides = open_place(place, "unit");

    assert_int_equal(overrides_commit(overrides, json_object()), 0);
    snprintf(next, sizeof(next), "%s.new", place->file);
    snprintf(target, sizeof(target), "%s/target", place->root);
    assert_int_equal(symlink(target, next), 0);
    assert_int_equal(overrides_commit(overrides, one_removed()), 0);
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(lstat(place->file, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    overrides_close(overrides);
}

static void a_directory_that_others_can_write_is_refused(void **state)
{
    const struct place *place = *state;
    struct overrides *overrides = open_place(place, "unit"), *none = NULL;

    assert_int_equal(overrides_commit(overrides, json_object()), 0);
    for (mode_t bit = 0002; bit <= 0020; bit <<= 3) {
        assert_int_equal(chmod(place->dir, 0700 | bit), 0);
        assert_int_equal(overrides_open(place->dir, "unit", &none), -EPERM);
        assert_int_equal(overrides_commit(overrides, one_removed()), -EPERM);
        assert_int_equal(json_object_size(overrides_now(overrides)), 0);
    }
    assert_int_equal(chmod(place->dir, 0755), 0);
    assert_int_equal(overrides_open(place->dir, "unit", &none), 0);
    overrides_close(none);
    overrides_close(overrides);
    if (geteuid() == 0) {
        assert_int_equal(chown(place->dir, 65534, 65534), 0);
        assert_int_equal(overrides_open(place->dir, "unit", &none), -EPERM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_committed_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_does_not_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_put_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fifo_holds_nothing_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_others_can_write_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
