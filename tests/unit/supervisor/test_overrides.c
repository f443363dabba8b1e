/* The state file: whole or not at all, private, and put aside when it cannot be understood. */
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

#include "supervisor/overrides.h"

struct place {
    char root[64], dir[96], file[128];
};

static int set_up(void **state)
{
    static struct place place;

    snprintf(place.root, sizeof(place.root), "/tmp/ringcast-changes-XXXXXX");
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

static json_t *one_removed(void)
{
    return json_pack("{s:{s:b}}", "front", "removed", 1);
}

static void what_is_committed_lasts(void **state)
{
    const struct place *place = *state;
    struct stat status;
    struct overrides *changes = overrides_open(place->dir, "unit");

    assert_int_equal(json_object_size(overrides_now(changes)), 0);
    assert_int_equal(access(place->dir, F_OK), -1); /* nothing is made before there is something to keep */
    assert_int_equal(overrides_commit(changes, one_removed()), 0);
    assert_int_equal(stat(place->file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(place->dir, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    overrides_close(changes);
    changes = overrides_open(place->dir, "unit");
    json_t *expected = one_removed();
    assert_true(json_equal(overrides_now(changes), expected));
    json_decref(expected);
    overrides_close(changes);
    changes = overrides_open(place->dir, "other");
    assert_int_equal(json_object_size(overrides_now(changes)), 0);
    overrides_close(changes);
}

static void what_cannot_be_written_does_not_hold(void **state)
{
    const struct place *place = *state;
    char aside[160];
    struct overrides *changes = overrides_open(place->dir, "unit");

    assert_int_equal(overrides_commit(changes, one_removed()), 0);
    /* A directory in the place of the new file: it cannot be opened, for root neither. */
    snprintf(aside, sizeof(aside), "%s.new", place->file);
    assert_int_equal(mkdir(aside, 0700), 0);
    assert_true(overrides_commit(changes, json_object()) < 0);
    assert_int_equal(json_object_size(overrides_now(changes)), 1);
    overrides_close(changes);
    assert_int_equal(rmdir(aside), 0);
    changes = overrides_open(place->dir, "unit");
    assert_int_equal(json_object_size(overrides_now(changes)), 1);
    overrides_close(changes);
}

static void what_is_damaged_is_put_aside(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{\"v\":2,\"cameras\":{}}", "{\"v\":1}", "{\"v\":1,\"cameras\":[]}"};
    const struct place *place = *state;
    char aside[160];

    snprintf(aside, sizeof(aside), "%s.bad", place->file);
    struct overrides *changes = overrides_open(place->dir, "unit");
    assert_int_equal(overrides_commit(changes, one_removed()), 0);
    overrides_close(changes);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FILE *file = fopen(place->file, "we");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        changes = overrides_open(place->dir, "unit");
        assert_int_equal(json_object_size(overrides_now(changes)), 0);
        overrides_close(changes);
        assert_int_equal(access(place->file, F_OK), -1);
        assert_int_equal(unlink(aside), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_committed_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_does_not_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_put_aside, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
