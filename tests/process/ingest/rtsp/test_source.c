/* The source that speaks RTSP: what it does beside handing out units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/source/source.h"
#include "tests/process/ingest/rtsp/script_server.h"

/* Receiver reports go to channel 1, and hold no sender's, so that they are 32 bytes long (RFC 3550, 6.4.2). */
static const char report_head[] = "$\1\0\40\x81\xc9";

/* Two reports, each 5 s after the one before, take longer than this. */
#define TWO_REPORTS_MS 9000

static struct script_server server;

static void one_packet(struct script_server *camera, const char *request)
{
    script_camera(camera, request, false);
    if (script_is(request, "PLAY")) {
        script_send_packet(camera, 0, 1);
    }
}

static bool enough(void *context)
{
    (void)context;
    return script_count(&server, report_head) >= 2;
}

/* Some cameras end a session that has had no report for 5 s. */
static void reports_are_sent_in_time(void **state)
{
    struct camera_task task = {.transport = CAMERA_TRANSPORT_TCP};
    const struct source_options options = {.task = &task, .interrupted = enough, .attention = -1};
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;
    struct source *source;
    char url[64];

    (void)state;
    script_start(&server, one_packet, NULL);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/live", server.port);
    task.url = url;
    assert_int_equal(source_open(&options, &source, error), 0);
    int64_t begin = clock_now_ns();
    assert_int_equal(source_read(source, &unit, error), -ECANCELED);
    assert_in_range((clock_now_ns() - begin) / NS_PER_MS, 0, TWO_REPORTS_MS);
    source_close(source);
    script_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_sent_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
