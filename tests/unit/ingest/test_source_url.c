/* SPDX-License-Identifier: MIT */
/* URLs with credentials of any characters; backoff. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/camera_url.h"
#include "ingest/reconnect_backoff.h"

struct expectation {
    const char *text;
    const char *username, *password, *host, *path;
};

static const struct expectation expectations[] = {
    {"rtsp://10.0.0.1/s", NULL, NULL, "10.0.0.1", "/s"},
    {"RTSP://cam:8554", NULL, NULL, "cam:8554", ""},
    {"rtsp://u:p@10.0.0.1/s", "u", "p", "10.0.0.1", "/s"},
    {"rtsp://u@10.0.0.1/s", "u", NULL, "10.0.0.1", "/s"},
    {"rtsp://u:@10.0.0.1/s", "u", "", "10.0.0.1", "/s"},
    {"rtsp://u:p%40%2f%3A@cam/s", "u", "p@/:", "cam", "/s"},
    {"rtsp://u:100%@cam/s", "u", "100%", "cam", "/s"},
    {"rtsp://u:50%zz%4@cam/s", "u", "50%zz%4", "cam", "/s"},
    {"rtsp://u:a@b:c@10.0.0.1:554/s", "u", "a@b:c", "10.0.0.1:554", "/s"},
    {"rtsp://u:a/b@10.0.0.1/s", "u", "a/b", "10.0.0.1", "/s"},
    {"rtsp://u:a#b?c@10.0.0.1/s", "u", "a#b?c", "10.0.0.1", "/s"},
    {"rtsp://u:a@b/c@10.0.0.1/s", "u", "a@b/c", "10.0.0.1", "/s"},
    {"rtsp://[fe80::1]:554/s", NULL, NULL, "[fe80::1]:554", "/s"},
    {"rtsp://u:p@[::1]/s", "u", "p", "[::1]", "/s"},
    {"rtsp://10.0.0.1/s@2.5?x=a@b.c", NULL, NULL, "10.0.0.1", "/s@2.5?x=a@b.c"},
    {"rtsp://cam/user@10.0.0.1/s", NULL, NULL, "cam", "/user@10.0.0.1/s"},
    {"rtsp://cam?a=b", NULL, NULL, "cam", "?a=b"},
};

static void assert_same(const char *actual, const char *expected)
{
    if (expected == NULL) {
        assert_null(actual);
    } else {
        assert_string_equal(actual, expected);
    }
}

static void urls_are_read_leniently(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expectation *expected = &expectations[i];
        struct camera_url url;
        assert_int_equal(camera_url_parse(expected->text, &url), 0);
        assert_string_equal(url.scheme, "rtsp");
        assert_same(url.username, expected->username);
        assert_same(url.password, expected->password);
        assert_string_equal(url.host, expected->host);
        assert_string_equal(url.path, expected->path);
        camera_url_finish(&url);
    }
}

static void what_is_no_url(void **state)
{
    static const char *const texts[] = {"", "cam", "://x", "rtsp:/x", "rt sp://x/", "rtsp://", "rtsp:///s"};
    struct camera_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(camera_url_parse(texts[i], &url), -EINVAL);
    }
}

/* What is joined is read back as it was. */
static void credentials_survive(void **state)
{
    static const char password[] = " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x7f\xc3\xa4%41%";
    struct camera_url url, again;

    (void)state;
    assert_int_equal(camera_url_parse("rtsp://old:pw@10.0.0.1:554/s?a=b", &url), 0);
    char *text = camera_url_join(&url, "a/b@c d", password);
    assert_non_null(text);
    assert_int_equal(camera_url_parse(text, &again), 0);
    assert_string_equal(again.username, "a/b@c d");
    assert_string_equal(again.password, password);
    assert_string_equal(again.host, "10.0.0.1:554");
    assert_string_equal(again.path, "/s?a=b");
    assert_int_equal(strcspn(strstr(text, "://") + 3, "/?#"),
                     strlen(text) - strlen("/s?a=b") - strlen("rtsp://"));
    camera_url_finish(&again);
    free(text);
    text = camera_url_join(&url, NULL, NULL);
    assert_string_equal(text, "rtsp://10.0.0.1:554/s?a=b");
    free(text);
    camera_url_finish(&url);
}

static void backoff_doubles_to_its_limit(void **state)
{
    struct reconnect_backoff backoff;
    int64_t expected = RECONNECT_FIRST_MS;

    (void)state;
    reconnect_backoff_init(&backoff, 1);
    for (int i = 0; i < 12; i++) {
        int64_t delay = reconnect_backoff_next(&backoff, 0, RECONNECT_FAILED);
        assert_in_range(delay, expected * 3 / 4, expected);
        expected = expected * 2 < RECONNECT_LAST_MS ? expected * 2 : RECONNECT_LAST_MS;
    }
    assert_int_equal(reconnect_backoff_next(&backoff, RECONNECT_HEALTHY_MS, RECONNECT_FAILED), 0);
    assert_in_range(reconnect_backoff_next(&backoff, 0, RECONNECT_FAILED), 187, RECONNECT_FIRST_MS);
}

static void a_stream_that_ended_is_dialled_at_once(void **state)
{
    struct reconnect_backoff backoff;

    (void)state;
    reconnect_backoff_init(&backoff, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reconnect_backoff_next(&backoff, 5000, RECONNECT_CLEAN), 0);
        assert_int_equal(reconnect_backoff_next(&backoff, 5000, RECONNECT_DROPPED), 0);
        assert_int_equal(reconnect_backoff_next(&backoff, RECONNECT_PACE_MS, RECONNECT_CLEAN), 0);
        assert_int_equal(reconnect_backoff_next(&backoff, 1, RECONNECT_CLEAN), RECONNECT_PACE_MS - 1);
    }
    assert_int_equal(reconnect_backoff_next(&backoff, 5000, RECONNECT_FAILED), 0);
    assert_true(reconnect_backoff_next(&backoff, 5000, RECONNECT_FAILED) >
                0); /* once only, until it has been healthy */
    assert_int_equal(reconnect_backoff_next(&backoff, RECONNECT_HEALTHY_MS, RECONNECT_FAILED), 0);
    reconnect_backoff_init(&backoff, 1);
    assert_true(reconnect_backoff_next(&backoff, 0, RECONNECT_CLEAN) > 0);
    assert_true(reconnect_backoff_next(&backoff, 10, RECONNECT_DROPPED) > RECONNECT_PACE_MS);
    assert_true(reconnect_backoff_next(&backoff, 0, RECONNECT_HOPELESS) > RECONNECT_LAST_MS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read_leniently),
        cmocka_unit_test(what_is_no_url),
        cmocka_unit_test(credentials_survive),
        cmocka_unit_test(backoff_doubles_to_its_limit),
        cmocka_unit_test(a_stream_that_ended_is_dialled_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
