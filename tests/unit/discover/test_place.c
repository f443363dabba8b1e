/* SPDX-License-Identifier: MIT */
/* A device names only itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discover/place.h"

static const char *const schemes[] = {"rtsp", "rtsps", NULL};

static const char *own(const char *url, const char *host)
{
    static char out[128];

    return place_own(url, host, schemes, out, sizeof(out), NULL) == 0 ? out : NULL;
}

static void the_host_is_the_one_that_answered(void **state)
{
    static const char *const rows[][2] = {
        {"rtsp://10.0.0.9:8554/a/b?c=1&d=2", "rtsp://192.0.2.7:8554/a/b?c=1&d=2"},
        {"rtsp://192.0.2.7/a", "rtsp://192.0.2.7/a"},
        {"rtsps://camera.local/a#x", "rtsps://192.0.2.7/a"},
        {"rtsp://0.0.0.0:0/a", "rtsp://192.0.2.7/a"},
        {"rtsp://admin:12345@192.0.2.7:554/s", "rtsp://192.0.2.7:554/s"},
        {"rtsp://[fe80::1]:554/s", "rtsp://192.0.2.7:554/s"},
        {"rtsp://10.0.0.9:554/user=admin_password=x_channel=1.sdp?real_stream",
         "rtsp://192.0.2.7:554/user=admin_password=x_channel=1.sdp?real_stream"},
        {"rtsp://10.0.0.9/a/../b/./c", "rtsp://192.0.2.7/a/../b/./c"},
    };
    bool moved = false;
    char out[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *result = own(rows[i][0], "192.0.2.7");
        assert_non_null(result);
        assert_string_equal(result, rows[i][1]);
    }
    assert_string_equal(own("rtsp://10.0.0.9:554/s", "2001:db8::7"), "rtsp://[2001:db8::7]:554/s");
    assert_int_equal(place_own("rtsp://192.0.2.7/a", "192.0.2.7", schemes, out, sizeof(out), &moved), 0);
    assert_false(moved);
    assert_int_equal(place_own("rtsp://192.0.2.8/a", "192.0.2.7", schemes, out, sizeof(out), &moved), 0);
    assert_true(moved);
}

static void what_is_no_such_address_is_refused(void **state)
{
    static const char *const urls[] = {
        "",
        "rtsp",
        "/stream1",
        "http://192.0.2.7/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "rtsp://192.0.2.7/a b",
        "rtsp://192.0.2.7/a\nlisten",
        "rtsp://192.0.2.7/\"; url = \"",
        "rtsp://192.0.2.7/a\\",
        "rtsp://192.0.2.7/\xc3\xa4",
        "rtsp://192.0.2.7:99999/a",
    };
    char small[16];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (own(urls[i], "192.0.2.7")) {
            fail_msg("%s is taken", urls[i]);
        }
    }
    assert_int_equal(place_own("rtsp://192.0.2.7/a", "192.0.2.7", schemes, small, sizeof(small), NULL),
                     -ENAMETOOLONG);
}

static void a_door_gives_scheme_and_port(void **state)
{
    char out[128];

    (void)state;
    assert_int_equal(
        place_at_door("http://192.0.2.7:8080/a/b?c", "https://192.0.2.7:8443/onvif", out, sizeof(out)), 0);
    assert_string_equal(out, "https://192.0.2.7:8443/a/b?c");
    assert_int_equal(place_at_door("http://192.0.2.7:8080/a", "http://192.0.2.7/onvif", out, sizeof(out)), 0);
    assert_string_equal(out, "http://192.0.2.7/a");
    assert_int_equal(place_at_door("http://192.0.2.7:8080/a", "", out, sizeof(out)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_is_the_one_that_answered),
        cmocka_unit_test(what_is_no_such_address_is_refused),
        cmocka_unit_test(a_door_gives_scheme_and_port),
    };

    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
