/* SPDX-License-Identifier: MIT */
/*
 * The black box: what a child writes is there for its parent, and a hostile child only spoils its own lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/own_usage.h"
#include "common/ipc/blackbox.h"
#include "common/log/log.h"

struct pair {
    struct blackbox *box;
    int fd;
};

static int set_up(void **state)
{
    static struct pair pair;

    assert_int_equal(blackbox_create(&pair.box, &pair.fd), 0);
    assert_int_equal(blackbox_carry(fcntl(pair.fd, F_DUPFD_CLOEXEC, 0)), 0);
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    blackbox_drop();
    blackbox_close(pair->box);
    close(pair->fd);
    log_close();
    return 0;
}

static const char *last_line(const json_t *lines)
{
    const char *line = json_string_value(json_array_get(lines, json_array_size(lines) - 1));

    return line == NULL ? "" : line;
}

static void a_heartbeat_is_a_promise(void **state)
{
    const struct pair *pair = *state;

    assert_int_equal(blackbox_due_ms(pair->box), 0);
    blackbox_beat(1000);
    uint64_t first = blackbox_due_ms(pair->box);
    assert_true(first > 0);
    blackbox_beat(60000);
    assert_true(blackbox_due_ms(pair->box) >= first + 59000);
}

static void a_process_tells_what_it_uses(void **state)
{
    const struct pair *pair = *state;

    json_t *usage = blackbox_usage(pair->box);
    assert_true(json_is_null(usage));
    json_decref(usage);
    own_usage_open();
    blackbox_beat(1000);
    usage = blackbox_usage(pair->box);
    assert_true(json_integer_value(json_object_get(usage, "descriptors")) >= 3);
    assert_true(json_integer_value(json_object_get(usage, "pss")) > 50000);
    json_decref(usage);
}

static void the_last_lines_are_there(void **state)
{
    const struct pair *pair = *state;

    json_t *none = blackbox_lines(pair->box, 8);
    assert_int_equal(json_array_size(none), 0);
    json_decref(none);
    for (int i = 0; i < 1000; i++) {
        log_error("line %d of many", i);
    }
    json_t *lines = blackbox_lines(pair->box, 3);
    assert_int_equal(json_array_size(lines), 3);
    assert_non_null(strstr(last_line(lines), "line 999 of many"));
    assert_non_null(strstr(json_string_value(json_array_get(lines, 0)), "line 997 of many"));
    json_decref(lines);
    lines = blackbox_lines(pair->box, SIZE_MAX);
    assert_true(json_array_size(lines) > 50);                                         /* 8 KiB of them */
    assert_non_null(strstr(json_string_value(json_array_get(lines, 0)), " of many")); /* none is torn */
    json_decref(lines);
}

static void secrets_are_not_told(void **state)
{
    const struct pair *pair = *state;

    log_error("the word is c4nary-7");
    log_add_secret("c4nary-7"); /* the parent knows of it; this child had not said so */
    json_t *lines = blackbox_lines(pair->box, 1);
    assert_null(strstr(last_line(lines), "c4nary"));
    json_decref(lines);
}

/* Whatever bytes are there: lines are valid JSON strings, and nothing is read outside. */
static void noise_is_cleaned(void **state)
{
    const struct pair *pair = *state;
    uint8_t *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, pair->fd, 0);
    uint32_t random = 1;

    assert_ptr_not_equal(map, MAP_FAILED);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 8; i < 8192; i++) {
            random = random * 1664525u + 1013904223u;
            map[i] = (uint8_t)(random >> 24);
        }
        json_t *lines = blackbox_lines(pair->box, round % 2 == 0 ? 8 : SIZE_MAX);
        char *text = json_dumps(lines, 0);
        assert_non_null(text);
        free(text);
        json_decref(lines);
    }
    munmap(map, 8192);
}

static void only_a_sealed_object_is_opened(void **state)
{
    struct blackbox *box;
    int fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(ftruncate(fd, 8192), 0);
    assert_true(blackbox_open(fd, &box) < 0); /* it could be cut off under us */
    close(fd);
    const struct pair *pair = *state;
    assert_int_equal(ftruncate(pair->fd, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heartbeat_is_a_promise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_tells_what_it_uses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_lines_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_are_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(noise_is_cleaned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_a_sealed_object_is_opened, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
