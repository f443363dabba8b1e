/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/status_table.h"
#include "ctl/table.h"

#define HEAD                                                                                                 \
    "{\"v\":1,\"type\":\"status\",\"version\":\"0.1.0\",\"pid\":812,\"instance\":\"default\","               \
    "\"address\":\"http://127.0.0.1:8080/\",\"uptime_s\":3661.2,\"cameras\":["

static json_t *parse(const char *text)
{
    json_t *status = json_loads(text, 0, NULL);

    assert_non_null(status);
    return status;
}

static void assert_table(const char *text, const char *expected)
{
    char *table = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&table, &size);
    json_t *status = parse(text);

    assert_null(status_table_check(status));
    status_table_print_head(status, stream);
    status_table_print_cameras(json_object_get(status, "cameras"), stream);
    fclose(stream);
    assert_string_equal(table, expected);
    free(table);
    json_decref(status);
}

static void columns_are_aligned(void **state)
{
    (void)state;
    assert_table(
        HEAD
        "{\"name\":\"front\",\"state\":\"streaming\",\"pid\":815,\"since_s\":60.9,\"restarts\":0,"
        "\"codecs\":\"avc1.64001F,mp4a.40.2\",\"width\":1280,\"height\":720,\"fps\":25.0,\"bitrate\":2034000,"
        "\"viewers\":2,\"error\":null,\"uptime_s\":61.5,\"audio\":\"ended\","
        "\"audio_error\":\"the camera no longer sends its aac\","
        "\"latency\":{\"le_s\":[0.0001,0.0005,1],\"counts\":[70,30,0,0],\"sum_s\":1}},"
        "{\"name\":\"Haustür\",\"state\":\"backoff\",\"pid\":null,\"since_s\":7,\"restarts\":12,\"codecs\":"
        "null,"
        "\"width\":null,\"height\":null,\"fps\":0,\"bitrate\":0,\"viewers\":0,\"source\":\"changed\","
        "\"error\":\"refused\"},"
        "{\"name\":\"門\",\"state\":\"stalled\",\"pid\":1,\"since_s\":200000,\"bitrate\":812345.6,"
        "\"latency\":{\"le_s\":[0.0001,1],\"counts\":[1,2,9]}}]}",
        "ringcastd 0.1.0, pid 812, instance default, http://127.0.0.1:8080/, up 1h 01m\n"
        "\n"
        "NAME     STATE         FOR  PID      UP  CODECS                 AUDIO  SIZE       FPS      BITRATE  "
        "  LATENCY  VIEWERS  RESTARTS  SOURCE   ERROR\n"
        "front    streaming  1m 00s  815  1m 01s  avc1.64001F,mp4a.40.2  ended  1280x720  25.0  2.03 Mbit/s  "
        "   0.4 ms        2         0  -        no sound: the camera no longer sends its aac\n"
        "Haustür  backoff        7s    -       -  -                      -      -          0.0     0 kbit/s  "
        "        -        0        12  changed  refused\n"
        "門       stalled    2d 07h    1       -  -                      -      -            -   812 kbit/s  "
        "1000.0 ms        -         -  -        -\n");
}

static void the_node_is_shown_where_a_camera_is_another_nodes(void **state)
{
    (void)state;
    assert_table(
        HEAD "{\"name\":\"own\",\"state\":\"idle\",\"pid\":null,\"node\":null},"
             "{\"name\":\"far\",\"state\":\"idle\",\"pid\":null,\"node\":\"north\"}]}",
        "ringcastd 0.1.0, pid 812, instance default, http://127.0.0.1:8080/, up 1h 01m\n"
        "\n"
        "NAME  NODE   STATE  FOR  PID  UP  CODECS  AUDIO  SIZE  FPS  BITRATE  LATENCY  VIEWERS  RESTARTS  "
        "SOURCE  ERROR\n"
        "own   -      idle     -    -   -  -       -      -       -        -        -        -         -  "
        "-       -\n"
        "far   north  idle     -    -   -  -       -      -       -        -        -        -         -  "
        "-       -\n");
}

static void what_was_received_cannot_move_the_cursor(void **state)
{
    (void)state;
    assert_table(HEAD
                 "{\"name\":\"a\\u001b[2J\\n\",\"state\":\"s\\u009b\",\"pid\":null,\"error\":\"x\\u007f\"}]}",
                 "ringcastd 0.1.0, pid 812, instance default, http://127.0.0.1:8080/, up 1h 01m\n"
                 "\n"
                 "NAME        STATE      FOR  PID  UP  CODECS  AUDIO  SIZE  FPS  BITRATE  LATENCY  VIEWERS  "
                 "RESTARTS  SOURCE  ERROR\n"
                 "a\\x1b[2J\\n  s\\xc2\\x9b    -    -   -  -       -      -       -        -        -        "
                 "-         -  -       "
                 "x\\x7f\n");
}

static void absurd_values_are_shown_as_unknown(void **state)
{
    (void)state;
    assert_table(
        "{\"type\":\"status\",\"uptime_s\":1e300,\"cameras\":[{\"name\":\"\",\"state\":\"\",\"pid\":null,"
        "\"since_s\":-5,\"fps\":1e300,\"bitrate\":-1,\"width\":-1,\"height\":5,\"viewers\":\"many\","
        "\"uptime_s\":-1,\"latency\":{\"le_s\":[-5,1e300],\"counts\":[-1,\"x\",1e300]},"
        "\"codecs\":[],\"error\":{}}]}",
        "ringcastd -, pid 0, instance -, -, up -\n"
        "\n"
        "NAME  STATE  FOR  PID  UP  CODECS  AUDIO  SIZE  FPS  BITRATE  LATENCY  VIEWERS  RESTARTS  SOURCE  "
        "ERROR\n"
        "               -    -   -  -       -      -       -        -        -        -         -  -       "
        "-\n");
}

static void a_very_long_value_is_cut(void **state)
{
    char text[4096];
    char *table = NULL;
    size_t size = 0;
    char error[2000];

    (void)state;
    memset(error, 'e', sizeof(error));
    error[sizeof(error) - 1] = '\0';
    snprintf(text, sizeof(text), HEAD "{\"name\":\"a\",\"state\":\"b\",\"pid\":null,\"error\":\"%s\"}]}",
             error);
    json_t *status = parse(text);
    FILE *stream = open_memstream(&table, &size);
    status_table_print_head(status, stream);
    status_table_print_cameras(json_object_get(status, "cameras"), stream);
    fclose(stream);
    assert_in_range(size, 500, 1000);
    free(table);
    json_decref(status);
}

static void malformed_replies_are_found(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"{\"type\":\"ok\"}", "not a status"},
        {"{\"type\":\"status\"}", "no cameras"},
        {"{\"type\":\"status\",\"cameras\":{}}", "no cameras"},
        {"{\"type\":\"status\",\"cameras\":[5]}", "a camera is not an object"},
        {"{\"type\":\"status\",\"cameras\":[{\"state\":\"x\",\"pid\":null}]}", "a camera has no name"},
        {"{\"type\":\"status\",\"cameras\":[{\"name\":\"a\",\"pid\":null}]}", "a camera has no state"},
        {"{\"type\":\"status\",\"cameras\":[{\"name\":\"a\",\"state\":\"x\"}]}", "a camera has no pid"},
        {"{\"type\":\"status\",\"cameras\":[{\"name\":\"a\",\"state\":\"x\",\"pid\":1.5}]}",
         "a camera has no pid"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *status = parse(cases[i].text);
        assert_string_equal(status_table_check(status), cases[i].problem);
        json_decref(status);
    }
}

static void assert_order(const json_t *cameras, bool only_bad, const char *expected)
{
    char names[64] = "";
    json_t *sorted = status_table_sorted(cameras, only_bad), *camera;
    size_t index;

    json_array_foreach(sorted, index, camera) {
        strcat(names, json_string_value(json_object_get(camera, "name")));
    }
    assert_string_equal(names, expected);
    json_decref(sorted);
}

static void trouble_comes_first(void **state)
{
    json_t *cameras = parse(
        "[{\"name\":\"a\",\"state\":\"streaming\"},{\"name\":\"b\",\"state\":\"starting\"},"
        "{\"name\":\"c\",\"state\":\"backoff\",\"error\":\"refused\"},{\"name\":\"d\",\"state\":\"idle\"},"
        "{\"name\":\"e\",\"state\":\"streaming\",\"audio_error\":\"no sound\"},"
        "{\"name\":\"f\",\"state\":\"disabled\"},{\"name\":\"g\",\"state\":\"stalled\"},"
        "{\"name\":\"h\",\"state\":\"starting\",\"error\":\"no keyframe\"}]");

    (void)state;
    assert_order(cameras, false, "cghbeadf");
    assert_order(cameras, true, "cghbe");
    json_decref(cameras);
}

static void a_line_is_cut_between_two_characters(void **state)
{
    (void)state;
    assert_int_equal(table_fitting("front", 80), 5);
    assert_int_equal(table_fitting("front", 3), 3);
    assert_int_equal(table_fitting("T\xc3\xbcr", 2), 3);
    assert_int_equal(table_fitting("\xe9\x96\x80\xe9\x96\x80", 3), 3); /* two columns each */
    assert_int_equal(table_fitting("front", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_comes_first),
        cmocka_unit_test(a_line_is_cut_between_two_characters),
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(the_node_is_shown_where_a_camera_is_another_nodes),
        cmocka_unit_test(what_was_received_cannot_move_the_cursor),
        cmocka_unit_test(absurd_values_are_shown_as_unknown),
        cmocka_unit_test(a_very_long_value_is_cut),
        cmocka_unit_test(malformed_replies_are_found),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
