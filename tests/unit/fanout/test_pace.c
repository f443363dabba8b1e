/* SPDX-License-Identifier: MIT */
/*
 * How quickly a viewer takes what is sent to it. A reader is played here: what it is given waits in its receive buffer, of which
 * it reads so many bytes a second; the time is the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/clock.h"
#include "fanout/feed/pace.h"

#define BUFFER 65536u
#define STEP_NS (10 * NS_PER_MS)

/* A reader, and how old what it reads is. */
struct reader {
    struct pace pace;
    int64_t now_ns, ack_ns;
    double rate;          /* bytes a second that it reads */
    uint64_t given, read; /* bytes */
    uint64_t asked_at;    /* a ping lies here; 0: none */
    uint32_t asked;       /* its number */
    int64_t far_ns;       /* so long its answers take beyond a proxy, of which the kernel knows nothing */
    int64_t answer_ns;    /* when an answer comes; 0: none is on its way */
    int64_t greeted_ns;   /* when the answer to the first ping comes; 0: there is none */
    uint32_t greeting;    /* its number */
    bool answers;
    uint32_t offered; /* window in the last acknowledgement */
    uint32_t lost;    /* of the buffer: it offers so much less than it did */
    double worst;     /* s: what it has read waited at most so long */
};

static uint64_t unread(const struct reader *reader)
{
    return reader->given - reader->read;
}

static struct pace_sample sample_of(const struct reader *reader)
{
    uint64_t queued = unread(reader) > BUFFER ? unread(reader) - BUFFER : 0;

    return (struct pace_sample){
        .now_ns = reader->now_ns,
        .ack_ns = reader->ack_ns,
        .acked = reader->given - queued,
        .queued = queued,
        .window = reader->offered,
    };
}

/* What is acknowledged says how much room there is now. */
static void acknowledge(struct reader *reader)
{
    uint64_t taken = unread(reader) + reader->lost;

    reader->ack_ns = reader->now_ns;
    reader->offered = taken < BUFFER ? BUFFER - (uint32_t)taken : 0;
}

static void give(struct reader *reader, uint64_t bytes)
{
    reader->given += bytes;
    acknowledge(reader);
}

static void begin(struct reader *reader, double rate, bool answers)
{
    *reader = (struct reader){.now_ns = NS_PER_SECOND, .rate = rate, .answers = answers, .offered = BUFFER};
    struct pace_sample sample = sample_of(reader);
    pace_begin(&reader->pace, &sample, BUFFER);
}

/* Time goes on by a step: the reader reads, and answers a ping that it comes to. */
static void pass(struct reader *reader)
{
    uint64_t may = (uint64_t)(reader->rate * 0.01);
    bool full = unread(reader) > BUFFER;

    reader->read += unread(reader) < may ? unread(reader) : may;
    reader->now_ns += STEP_NS;
    if (full) {
        acknowledge(reader);
    }
    if (reader->greeted_ns && reader->now_ns >= reader->greeted_ns) {
        reader->greeted_ns = 0;
        pace_answered(&reader->pace, reader->greeting, reader->now_ns);
    }
    if (reader->asked_at && reader->answer_ns == 0 && reader->read >= reader->asked_at) {
        reader->answer_ns = reader->now_ns + reader->far_ns;
    }
    if (reader->answer_ns && reader->now_ns >= reader->answer_ns) {
        reader->answer_ns = 0;
        reader->asked_at = 0;
        pace_answered(&reader->pace, reader->asked, reader->now_ns);
    }
}

static void look(struct reader *reader)
{
    struct pace_sample sample = sample_of(reader);

    pace_note(&reader->pace, &sample);
    uint32_t number = pace_ask(&reader->pace, reader->now_ns);
    if (number && reader->answers) {
        reader->asked = number;
        reader->asked_at = reader->given;
    }
}

/* SECONDS in which fragments of BYTES are always at hand, and are given when there is room. Bytes that were read in them. */
static uint64_t serve(struct reader *reader, double seconds, uint64_t bytes)
{
    uint64_t before = reader->read;
    int64_t end_ns = reader->now_ns + (int64_t)(seconds * (double)NS_PER_SECOND);

    while (reader->now_ns < end_ns) {
        look(reader);
        for (int i = 0; i < 4 && pace_has_room(&reader->pace, reader->now_ns); i++) {
            give(reader, bytes);
            look(reader);
        }
        double waits = (double)unread(reader) / reader->rate;
        reader->worst = waits > reader->worst ? waits : reader->worst;
        pass(reader);
    }
    return reader->read - before;
}

static void be_slow(struct reader *reader)
{
    while (pace_judge(&reader->pace, true, reader->now_ns) == 0) {
        give(reader, 1000);
        look(reader);
        pass(reader);
    }
    assert_true(reader->pace.active);
}

static void check_slow_reader(double rate, uint64_t fragment, bool answers)
{
    struct reader reader;

    begin(&reader, rate, answers);
    be_slow(&reader);
    serve(&reader, 10, fragment); /* what came before is read */
    reader.worst = 0;
    uint64_t taken = serve(&reader, 20, fragment);
    if ((double)taken < rate * 20 * 0.8 || reader.worst > 1.2 + 2 * (double)fragment / rate) {
        fail_msg("%.0f bytes/s, fragments of %lu: %.0f %% of it is used, and what is read has waited %.2f s",
                 rate, (unsigned long)fragment, (double)taken / rate / 20 * 100, reader.worst);
    }
}

static void a_slow_reader_is_kept_busy_and_what_it_reads_is_fresh(void **state)
{
    static const double rates[] = {7500, 30000, 100000, 400000};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        check_slow_reader(rates[i], (uint64_t)(rates[i] / 20), true);
        check_slow_reader(rates[i], (uint64_t)(rates[i] / 20), false);
        check_slow_reader(rates[i], (uint64_t)(rates[i] / 2), true);
    }
}

static void a_link_that_is_quick_again_is_used(void **state)
{
    struct reader reader;
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        begin(&reader, 20000, answers != 0);
        be_slow(&reader);
        serve(&reader, 10, 2000);
        reader.rate = 1000000;
        serve(&reader, 3, 2000);
        assert_true(serve(&reader, 5, 2000) > 5 * 200000);
    }
}

static void a_buffer_that_offers_less_although_it_is_empty_starves_nobody(void **state)
{
    struct reader reader;
    (void)state;
    begin(&reader, 1000000, false);
    be_slow(&reader);
    serve(&reader, 2, 2000);
    reader.lost = 12000;
    serve(&reader, 3, 2000);
    assert_true(serve(&reader, 5, 2000) > 5 * 100000);
}

static void who_reads_nothing_gets_next_to_nothing(void **state)
{
    struct reader reader;
    (void)state;
    begin(&reader, 50000, true);
    be_slow(&reader);
    serve(&reader, 5, 2000);
    reader.rate = 0.001;
    uint64_t before = reader.given;
    serve(&reader, 30, 2000);
    assert_true(reader.given - before <= 20000);
}

/* A reader of which nothing is known, and which is given BURST bytes at first, with a ping behind them. */
static void begin_new(struct reader *reader, double rate, bool answers, uint32_t burst)
{
    begin(reader, rate, answers);
    reader->pace.burst = burst;
    assert_true(pace_is_unproven(&reader->pace, reader->now_ns));
    give(reader, burst);
    look(reader);
}

static void the_first_burst_is_bounded_until_it_is_read(void **state)
{
    struct reader reader;
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        begin_new(&reader, 10000, answers != 0, 20000);
        serve(&reader, 0.3, 4000);
        assert_in_range(reader.given, 20000, 28000);
    }
    reader.pace.burst = 0;
    assert_true(pace_has_room(&reader.pace, reader.now_ns));
    assert_false(pace_is_unproven(&reader.pace, reader.now_ns));
}

static void who_answers_at_once_is_sent_all(void **state)
{
    struct reader reader;
    (void)state;
    begin_new(&reader, 10e6, true, 20000);
    serve(&reader, 0.2, 16000);
    assert_true(reader.given >= 500000);
    assert_false(pace_is_unproven(&reader.pace, reader.now_ns));
    assert_int_equal(pace_judge(&reader.pace, false, reader.now_ns), -1);
}

static void who_reads_at_once_and_never_answers_waits_a_moment(void **state)
{
    struct reader reader;
    (void)state;
    begin_new(&reader, 10e6, false, 20000);
    serve(&reader, 0.09, 4000);
    assert_in_range(reader.given, 20000, 28000);
    assert_true(pace_is_unproven(&reader.pace, reader.now_ns));
    for (int i = 0; i < 30; i++) {
        acknowledge(&reader); /* it is pinged when it has been silent */
        serve(&reader, 0.01, 16000);
    }
    assert_true(reader.given >= 500000);
    assert_true(pace_is_unproven(&reader.pace, reader.now_ns)); /* its answer may still come */
    serve(&reader, 3, 4000);
    assert_false(pace_is_unproven(&reader.pace, reader.now_ns));
}

static void begin_file(struct reader *reader, double rate)
{
    begin(reader, rate, false);
    reader->pace.burst = 20000;
    reader->pace.cannot_answer = true;
    give(reader, 22000);
    look(reader);
}

static void a_file_is_given_in_tastes_until_its_window_follows(void **state)
{
    struct reader reader;
    (void)state;
    begin_file(&reader, 10000);
    assert_int_equal(pace_judge(&reader.pace, true, reader.now_ns), 0);
    serve(&reader, 0.5, 1000);
    assert_in_range(reader.given, 25000, 36000);
    assert_false(pace_is_in_time(&reader.pace));
    assert_int_equal(pace_judge(&reader.pace, true, reader.now_ns), 1);
    assert_in_range(reader.pace.rate, 5000, 20000);

    begin_file(&reader, 10e6);
    serve(&reader, 0.4, 1000);
    assert_true(pace_is_in_time(&reader.pace));
    assert_true(reader.given >= 100000);
    assert_true(pace_is_unproven(&reader.pace, reader.now_ns)); /* it is looked at for a while */
    serve(&reader, 3, 1000);
    assert_false(pace_is_unproven(&reader.pace, reader.now_ns));
}

static void a_buffer_that_has_shrunk_is_found_to_be_empty(void **state)
{
    struct reader reader;
    (void)state;
    begin(&reader, 50000, false);
    be_slow(&reader);
    serve(&reader, 2, 1000);
    reader.lost = BUFFER / 2;
    reader.pace.rate = 2048; /* as low as it becomes while nothing is seen to be read */
    for (int i = 0; i < 30; i++) {
        serve(&reader, 0.1, 1000);
        acknowledge(&reader); /* the kernel asks for a sign of life */
    }
    assert_true(reader.pace.window_max <= BUFFER / 2 + 2000);
    assert_true(serve(&reader, 1, 1000) >= 30000);
}

static void a_long_way_is_not_a_slow_link(void **state)
{
    struct reader reader;
    (void)state;
    for (int64_t far_ms = 200; far_ms <= 800; far_ms += 200) {
        begin(&reader, 1e6, true);
        reader.far_ns = far_ms * NS_PER_MS;
        reader.pace.burst = 20000;
        reader.greeting = pace_greet(&reader.pace, reader.now_ns);
        reader.greeted_ns = reader.now_ns + reader.far_ns;
        give(&reader, 20000);
        look(&reader);
        serve(&reader, 3, 4000);
        assert_false(reader.pace.active);
        assert_true(pace_is_in_time(&reader.pace));
        assert_true(reader.given >=
                    20000u << (2500 / far_ms < 6 ? 2500 / far_ms : 6)); /* twice as much each time */
    }
}

static void who_answers_late_has_shown_its_rate(void **state)
{
    struct reader reader;
    (void)state;
    begin_new(&reader, 15000, true, 20000);
    serve(&reader, 1.5, 4000);
    assert_true(reader.pace.active);
    assert_in_range(reader.pace.rate, 7500, 20000);
    reader.worst = 0;
    serve(&reader, 5, 4000);
    assert_true(reader.worst <= 1.0);
    assert_false(pace_is_in_time(&reader.pace)); /* it is paced so that it answers soon */
}

/* A client need answer only the newest of the pings that it has read (RFC 6455, 5.5.3), and one that has an answer to send may forget the next. */
static void an_answer_to_a_newer_ping_is_one_to_the_older(void **state)
{
    struct reader reader;
    (void)state;
    begin(&reader, 20000, true);
    be_slow(&reader);
    serve(&reader, 5, 2000);
    while (reader.asked_at == 0) {
        give(&reader, 1000);
        look(&reader);
    }
    reader.asked_at = 0; /* it is never answered */
    serve(&reader, 2, 2000);
    assert_int_equal(serve(&reader, 1, 2000), 0);
    assert_false(pace_has_room(&reader.pace, reader.now_ns));
    const uint32_t number = pace_probe(&reader.pace, reader.now_ns);
    pace_answered(&reader.pace, number - 6000, reader.now_ns); /* an older one shows nothing */
    assert_false(pace_has_room(&reader.pace, reader.now_ns));
    pace_answered(&reader.pace, number, reader.now_ns);
    assert_true(serve(&reader, 3, 2000) >= 30000);
}

static void an_old_ping_that_is_answered_shows_that_it_reads(void **state)
{
    struct pace pace = {0};
    (void)state;
    assert_true(pace_has_read_on(&pace, UINT32_MAX - 2000));
    assert_false(pace_has_read_on(&pace, UINT32_MAX - 2000));
    assert_true(pace_has_read_on(&pace, 1)); /* the time leaves its 32 bits */
    assert_false(pace_has_read_on(&pace, UINT32_MAX));
    assert_true(pace_has_read_on(&pace, 1001));
}

static void pings_alone_make_no_rate_grow(void **state)
{
    struct reader reader;
    (void)state;
    begin_new(&reader, 50000, false, 20000);
    for (int i = 0; i < 100; i++) {
        give(&reader, 2);
        look(&reader);
        pass(&reader);
    }
    assert_true(reader.pace.rate <= 100000);
}

static void slow_and_calm_take_their_time(void **state)
{
    struct pace pace = {0};
    (void)state;
    assert_int_equal(pace_judge(&pace, true, NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, false, NS_PER_SECOND + 1), -1); /* it was only suspected */
    assert_int_equal(pace_judge(&pace, true, 2 * NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, true, 3 * NS_PER_SECOND), 1);
    assert_int_equal(pace_judge(&pace, false, 4 * NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, true, 12 * NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, false, 13 * NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, false, 22 * NS_PER_SECOND), 0);
    assert_int_equal(pace_judge(&pace, false, 23 * NS_PER_SECOND), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_is_kept_busy_and_what_it_reads_is_fresh),
        cmocka_unit_test(a_link_that_is_quick_again_is_used),
        cmocka_unit_test(a_buffer_that_offers_less_although_it_is_empty_starves_nobody),
        cmocka_unit_test(who_reads_nothing_gets_next_to_nothing),
        cmocka_unit_test(the_first_burst_is_bounded_until_it_is_read),
        cmocka_unit_test(who_answers_at_once_is_sent_all),
        cmocka_unit_test(who_reads_at_once_and_never_answers_waits_a_moment),
        cmocka_unit_test(a_file_is_given_in_tastes_until_its_window_follows),
        cmocka_unit_test(a_buffer_that_has_shrunk_is_found_to_be_empty),
        cmocka_unit_test(a_long_way_is_not_a_slow_link),
        cmocka_unit_test(who_answers_late_has_shown_its_rate),
        cmocka_unit_test(an_answer_to_a_newer_ping_is_one_to_the_older),
        cmocka_unit_test(an_old_ping_that_is_answered_shows_that_it_reads),
        cmocka_unit_test(pings_alone_make_no_rate_grow),
        cmocka_unit_test(slow_and_calm_take_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
