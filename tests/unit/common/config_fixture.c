/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/config_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char directory[64];
    int open_before;
};

static int count_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

int config_fixture_enter(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->open_before = count_open();
    strcpy(fixture->directory, "/tmp/ringcast-config-XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->directory) == NULL || chdir(fixture->directory) < 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int config_fixture_leave(void **state)
{
    struct fixture *fixture = *state;
    int failed = chdir("/");

    failed |= nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    failed |= count_open() != fixture->open_before;
    free(fixture);
    log_close();
    return failed;
}

void config_fixture_write(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

struct config *config_fixture_load(const char *name, char **errors)
{
    size_t size = 0;
    FILE *stream = open_memstream(errors, &size);
    struct config *config = config_load(name, stream);

    fclose(stream);
    return config;
}

void config_fixture_assert_errors(const char *name, const char *expected)
{
    char *errors = NULL;
    struct config *config = config_fixture_load(name, &errors);

    assert_string_equal(errors, expected);
    assert_null(config);
    free(errors);
}
