/* SPDX-License-Identifier: MIT */
/* Events that ask for attention: what may be in one, how many there may be, and which are in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/attention_list.h"

static json_t *read_text(const char *text, char why[ATTENTION_WHY_SIZE])
{
    json_t *given = json_loads(text, 0, NULL);
    json_t *event = attention_read(given, why);

    json_decref(given);
    return event;
}

static void what_is_not_given_has_its_usual_value(void **state)
{
    char why[ATTENTION_WHY_SIZE];
    json_t *event = read_text("{\"camera\":\"front\"}", why);
    json_t *expected = json_pack("{s:s, s:s, s:f, s:b, s:b, s:b}", "camera", "front", "text", "", "for", 20.0,
                                 "large", 0, "first", 0, "sound", 0);

    (void)state;
    assert_true(json_equal(event, expected));
    json_decref(event);
    json_decref(expected);
    event = read_text("{\"camera\":\"\u00fc\",\"text\":\"\u4eba\",\"for\":0,\"large\":true}", why);
    assert_non_null(event);
    assert_true(json_is_true(json_object_get(event, "large")));
    assert_true(json_number_value(json_object_get(event, "for")) <= 0);
    json_decref(event);
}

static void everything_else_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{}", "camera"},
        {"[]", "camera"},
        {"{\"camera\":1}", "camera"},
        {"{\"camera\":\"a\",\"text\":5}", "text"},
        {"{\"camera\":\"a\",\"text\":\"a\\nb\"}", "text"},
        {"{\"camera\":\"a\",\"for\":-1}", "for"},
        {"{\"camera\":\"a\",\"for\":3601}", "for"},
        {"{\"camera\":\"a\",\"for\":\"20s\"}", "for"},
        {"{\"camera\":\"a\",\"sound\":1}", "sound"},
        {"{\"camera\":\"a\",\"colour\":\"red\"}", "an event has"},
    };
    char why[ATTENTION_WHY_SIZE], long_text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(read_text(cases[i].text, why));
        assert_ptr_equal(strstr(why, cases[i].why), why);
    }
    snprintf(long_text, sizeof(long_text), "{\"camera\":\"a\",\"text\":\"%0*d\"}", ATTENTION_TEXT_MAX, 0);
    json_t *event = read_text(long_text, why);
    assert_non_null(event);
    json_decref(event);
    snprintf(long_text, sizeof(long_text), "{\"camera\":\"a\",\"text\":\"%0*d\"}", ATTENTION_TEXT_MAX + 1, 0);
    assert_null(read_text(long_text, why));
}

static void a_burst_is_spent_and_comes_back(void **state)
{
    struct attention_budget budget = {0};
    int64_t now_ns = 5 * NS_PER_SECOND;
    unsigned got = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        got += attention_spend(&budget, now_ns);
    }
    assert_int_equal(got, ATTENTION_BURST);
    assert_false(attention_spend(&budget, now_ns + NS_PER_SECOND / ATTENTION_PER_SECOND / 2));
    got = 0;
    for (unsigned i = 0; i < 1000; i++) {
        got += attention_spend(&budget, now_ns + NS_PER_SECOND);
    }
    assert_int_equal(got, ATTENTION_PER_SECOND);
    got = 0;
    for (unsigned i = 0; i < 1000; i++) {
        got += attention_spend(&budget, now_ns + 1000 * NS_PER_SECOND);
    }
    assert_int_equal(got, ATTENTION_BURST);
}

static void add(struct attention_list *list, const char *camera, double seconds, int64_t now_ns, int expected)
{
    json_t *event = json_pack("{s:s, s:s, s:f}", "camera", camera, "text", "", "for", seconds);

    assert_int_equal(attention_list_add(list, event, now_ns), expected);
    json_decref(event);
}

static void a_camera_has_one_event_and_those_that_are_over_make_room(void **state)
{
    struct attention_list list;
    int64_t now_ns = NS_PER_SECOND;
    char name[16];

    (void)state;
    attention_list_init(&list);
    add(&list, "a", 10, now_ns, 0);
    add(&list, "b", 10, now_ns, 0);
    add(&list, "a", 0, now_ns + NS_PER_SECOND, 0);
    assert_int_equal(list.count, 2);
    const struct attention *last = TAILQ_LAST(&list.queue, attention_queue);
    assert_string_equal(last->camera, "a");
    assert_int_equal(last->number, 3);
    json_t *at = attention_at(TAILQ_FIRST(&list.queue), now_ns + 4 * NS_PER_SECOND);
    assert_true(json_number_value(json_object_get(at, "for")) > 5.99 &&
                json_number_value(json_object_get(at, "for")) < 6.01);
    json_decref(at);
    for (unsigned i = 0; list.count < ATTENTION_MOST; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        add(&list, name, 10, now_ns, 0);
    }
    add(&list, "one too many", 10, now_ns, -ENOSPC);
    add(&list, "c0", 10, now_ns, 0);
    add(&list, "later", 10, now_ns + 3600 * NS_PER_SECOND, 0);
    assert_int_equal(list.count, 1);
    attention_list_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_usual_value),
        cmocka_unit_test(everything_else_is_refused_with_the_reason),
        cmocka_unit_test(a_burst_is_spent_and_comes_back),
        cmocka_unit_test(a_camera_has_one_event_and_those_that_are_over_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
