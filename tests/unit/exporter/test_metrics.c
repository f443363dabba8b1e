/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exporter/metrics.h"
#include "exporter/usage.h"

static char *write_text(const char *json)
{
    json_t *status = json_loads(json, 0, NULL);
    size_t size = 0;

    assert_non_null(status);
    char *text = metrics_write(status, &size);
    json_decref(status);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    return text;
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", line, text);
    }
}

static void cameras_have_their_numbers_in_base_units(void **state)
{
    char *text = write_text(
        "{\"version\":\"1.2\",\"uptime_s\":61.25,\"cameras\":["
        "{\"name\":\"front\",\"state\":\"streaming\",\"fps\":25.0,\"bitrate\":2034000,\"jitter_ms\":1.5,"
        "\"restarts\":3,\"viewers\":2,\"codecs\":\"avc1.64001F\",\"width\":1280,\"height\":null},"
        "{\"name\":\"yard\",\"state\":\"backoff\",\"fps\":0.0,\"codecs\":null}]}");

    (void)state;
    assert_has(text, "# TYPE ringcast_uptime_seconds gauge\nringcast_uptime_seconds 61.25\n");
    assert_has(text, "ringcast_info{version=\"1.2\"} 1\n");
    assert_has(text, "ringcast_camera_frames_per_second{camera=\"front\"} 25\n"
                     "ringcast_camera_frames_per_second{camera=\"yard\"} 0\n");
    assert_has(text, "ringcast_camera_bits_per_second{camera=\"front\"} 2034000\n");
    assert_has(text, "ringcast_camera_jitter_seconds{camera=\"front\"} 0.0015\n");
    assert_has(text, "# TYPE ringcast_camera_restarts_total counter\n"
                     "ringcast_camera_restarts_total{camera=\"front\"} 3\n# ");
    assert_has(text, "ringcast_camera_state{camera=\"front\",state=\"streaming\"} 1\n");
    assert_has(text, "ringcast_camera_state{camera=\"front\",state=\"backoff\"} 0\n");
    assert_has(text, "ringcast_cameras{state=\"streaming\"} 1\n");
    assert_has(text, "ringcast_cameras{state=\"failed\"} 0\n");
    assert_has(text, "ringcast_camera_info{camera=\"front\",codecs=\"avc1.64001F\"} 1\n");
    assert_has(text, "ringcast_camera_width_pixels{camera=\"front\"} 1280\n");
    assert_null(strstr(text, "height_pixels{"));
    free(text);
}

static void label_values_are_escaped(void **state)
{
    char *text =
        write_text("{\"cameras\":[{\"name\":\"a\\\"b\\\\c\\nd\",\"state\":\"idle\",\"viewers\":1}]}");

    (void)state;
    assert_has(text, "ringcast_camera_viewers{camera=\"a\\\"b\\\\c\\nd\"} 1\n");
    free(text);
}

static void histograms_are_cumulative(void **state)
{
    char *text = write_text(
        "{\"cameras\":[{\"name\":\"front\",\"state\":\"streaming\",\"latency\":{\"le_s\":[0.001,0.01],"
        "\"counts\":[5,3,2],\"sum_s\":0.5}}]}");

    (void)state;
    assert_has(text, "# TYPE ringcast_camera_latency_seconds histogram\n"
                     "ringcast_camera_latency_seconds_bucket{camera=\"front\",le=\"0.001\"} 5\n"
                     "ringcast_camera_latency_seconds_bucket{camera=\"front\",le=\"0.01\"} 8\n"
                     "ringcast_camera_latency_seconds_bucket{camera=\"front\",le=\"+Inf\"} 10\n"
                     "ringcast_camera_latency_seconds_sum{camera=\"front\"} 0.5\n"
                     "ringcast_camera_latency_seconds_count{camera=\"front\"} 10\n");
    free(text);
}

static void what_the_relay_is_now_is_no_count_of_what_it_did(void **state)
{
    char *text = write_text("{\"programs\":{\"relay\":{\"state\":\"running\",\"counts\":{\"connected\":1,"
                            "\"streams_sent\":3,\"jumps\":2,\"reconnects\":4}},\"hls\":null}}");

    (void)state;
    assert_has(text, "ringcast_program_done_total{program=\"relay\",what=\"jumps\"} 2\n");
    assert_has(text, "ringcast_program_done_total{program=\"relay\",what=\"reconnects\"} 4\n");
    assert_null(strstr(text, "what=\"connected\""));
    assert_null(strstr(text, "what=\"streams_sent\""));
    assert_has(text, "# TYPE ringcast_relay_connected gauge\nringcast_relay_connected 1\n");
    assert_has(text, "# TYPE ringcast_relay_streams_sent gauge\nringcast_relay_streams_sent 3\n");
    free(text);

    /* What a dead one has said last is not so any more; and where there is none, nothing is said. */
    text = write_text("{\"programs\":{\"relay\":{\"state\":\"backoff\",\"counts\":{\"connected\":1}}}}");
    assert_has(text, "ringcast_relay_connected 0\n");
    free(text);
    text = write_text("{\"programs\":{\"relay\":null}}");
    assert_null(strstr(text, "ringcast_relay_connected"));
    free(text);
}

static void processes_are_those_of_the_status(void **state)
{
    char json[512];

    (void)state;
    snprintf(json, sizeof(json),
             "{\"pid\":%d,\"fanouts\":[{\"pid\":%d,\"viewers\":7,\"restarts\":1},{\"pid\":null}],"
             "\"cameras\":[{\"name\":\"front\",\"state\":\"streaming\",\"pid\":%d,"
             "\"usage\":{\"pss\":700000,\"descriptors\":9}}]}",
             (int)getpid(), (int)getpid(), (int)getpid());
    char *text = write_text(json);
    assert_has(text, "ringcast_process_resident_memory_bytes{process=\"ringcastd\",name=\"\"} ");
    assert_has(text, "ringcast_process_cpu_seconds_total{process=\"fanout\",name=\"0\"} ");
    assert_has(text,
               "ringcast_process_proportional_memory_bytes{process=\"ingest\",name=\"front\"} 700000\n");
    assert_has(text, "ringcast_process_open_fds{process=\"ingest\",name=\"front\"} 9\n");
    assert_null(strstr(text, "ringcast_process_open_fds{process=\"ringcastd\""));
    assert_has(text, "ringcast_fanout_viewers{name=\"0\"} 7\nringcast_fanout_viewers{name=\"1\"} 0\n");
    assert_null(strstr(text, "process=\"fanout\",name=\"1\""));
    assert_null(strstr(text, "process=\"template\""));
    free(text);
}

static void usage_is_what_the_process_uses(void **state)
{
    struct usage before, after;
    size_t size = 32 << 20;

    (void)state;
    assert_false(usage_read(0x7ffffff0, &before));
    assert_true(usage_read(getpid(), &before));
    char *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 1, size);
    assert_true(usage_read(getpid(), &after));
    assert_true(after.resident_bytes >= before.resident_bytes + size / 2);
    assert_false(after.has_share || after.has_descriptors);
    free(memory);
}

static void the_rest_is_what_the_process_tells(void **state)
{
    struct usage usage = {0};
    json_t *told = json_pack("{s:I, s:i}", "pss", (json_int_t)5000000000, "descriptors", 12);

    (void)state;
    usage_take(&usage, told);
    assert_true(usage.has_share && usage.share_bytes == 5000000000 && usage.has_descriptors &&
                usage.descriptors == 12);
    json_object_set_new(told, "pss", json_null());
    usage_take(&usage, told);
    assert_true(!usage.has_share && usage.has_descriptors);
    json_decref(told);
    usage_take(&usage, NULL);
    assert_true(!usage.has_share && !usage.has_descriptors);
}

static void passwords_are_counted_if_there_is_log_in(void **state)
{
    char *text = write_text("{\"password\":{\"pid\":null,\"state\":\"running\",\"restarts\":2,"
                            "\"checks\":{\"right\":3,\"wrong\":4,\"slowed\":50,\"hashed\":5}}}");

    (void)state;
    assert_has(text, "ringcast_password_up 1\n");
    assert_has(text, "# TYPE ringcast_password_restarts_total counter\nringcast_password_restarts_total 2\n");
    assert_has(text, "ringcast_password_answers_total{result=\"right\"} 3\n"
                     "ringcast_password_answers_total{result=\"wrong\"} 4\n"
                     "ringcast_password_answers_total{result=\"slowed\"} 50\n");
    assert_has(text, "ringcast_password_hashes_total 5\n");
    free(text);
    text = write_text("{\"password\":{\"state\":\"backoff\",\"checks\":{}}}");
    assert_has(text, "ringcast_password_up 0\n");
    free(text);
    text = write_text("{\"password\":null}");
    assert_null(strstr(text, "ringcast_password"));
    free(text);
}

static void readiness_wants_a_fanout_and_the_fork_server(void **state)
{
    static const struct {
        const char *status;
        bool ready;
    } cases[] = {
        {"{\"fanouts\":[{\"state\":\"running\"}],\"template\":{\"state\":\"running\"}}", true},
        {"{\"fanouts\":[{\"state\":\"backoff\"},{\"state\":\"running\"}],\"template\":{\"state\":\"running\"}"
         "}",
         true},
        {"{\"fanouts\":[{\"state\":\"backoff\"}],\"template\":{\"state\":\"running\"}}", false},
        {"{\"fanouts\":[{\"state\":\"running\"}],\"template\":{\"state\":\"starting\"}}", false},
        {"{}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[64] = "";
        json_t *status = json_loads(cases[i].status, 0, NULL);
        assert_int_equal(metrics_is_ready(status, why, sizeof(why)), cases[i].ready);
        assert_true(strlen(why) > 1);
        json_decref(status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cameras_have_their_numbers_in_base_units),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(what_the_relay_is_now_is_no_count_of_what_it_did),
        cmocka_unit_test(processes_are_those_of_the_status),
        cmocka_unit_test(usage_is_what_the_process_uses),
        cmocka_unit_test(the_rest_is_what_the_process_tells),
        cmocka_unit_test(passwords_are_counted_if_there_is_log_in),
        cmocka_unit_test(readiness_wants_a_fanout_and_the_fork_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
