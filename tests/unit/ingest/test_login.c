/* SPDX-License-Identifier: MIT */
/* The worker's side of log-ins, with the test in the place of ringcastd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "ingest/login.h"

/* What ringcastd says, one answer for each wait. */
struct bench {
    struct login login;
    const char *answers[4]; /* verdicts; NULL: nothing */
    size_t next;
    int waits;
    json_t *said; /* the last message to ringcastd */
    int results;  /* how many outcomes were told */
    bool ending, deaf;
};

static struct bench bench;

static int take(void *context, json_t *message)
{
    (void)context;
    json_decref(bench.said);
    bench.said = message;
    bench.results += message_is(message, "login-result");
    return bench.deaf ? -EAGAIN : 0;
}

static void answer(json_int_t id, const char *verdict)
{
    json_t *message = message_pack("login-answer", "{s:I, s:s, s:i, s:s}", "id", id, "verdict", verdict,
                                   "wait_ms", 60000, "error", "10.0.0.5: refused");

    assert_true(login_take(&bench.login, message));
    json_decref(message);
}

static void wait_for_it(void *context, int64_t timeout_ms)
{
    (void)context;
    assert_in_range(timeout_ms, 1, 5001);
    bench.waits++;
    const char *verdict = bench.next < 4 ? bench.answers[bench.next++] : NULL;
    if (verdict) {
        bool news = bench.said && message_is(bench.said, "login-result");
        answer(news ? 0 : bench.login.id, verdict);
    } else {
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    }
}

static bool ends(void *context)
{
    (void)context;
    return bench.ending;
}

static void begin(bool proven)
{
    const struct login_callbacks callbacks = {.send = take, .wait = wait_for_it, .ending = ends};
    json_t *task = json_pack("{s:b, s:i}", "proven", proven, "wait_ms", 0);

    json_decref(bench.said);
    bench = (struct bench){0};
    login_init(&bench.login, &callbacks, task);
    json_decref(task);
}

static int finish(void **state)
{
    (void)state;
    json_decref(bench.said);
    bench = (struct bench){0};
    return 0;
}

static int ask(bool briefly)
{
    char error[LOGIN_ERROR_SIZE] = "";
    struct login_gate gate = login_gate(&bench.login);
    int result = gate.ask(gate.context, briefly, error);

    assert_true((result == 0) == (error[0] == '\0'));
    return result;
}

static void tell(enum login_result result)
{
    struct login_gate gate = login_gate(&bench.login);

    gate.tell(gate.context, result);
}

static bool held(void)
{
    return login_held_ns(&bench.login, clock_now_ns()) > 0;
}

static void what_is_granted_is_tried(void **state)
{
    (void)state;
    begin(false);
    bench.answers[0] = "granted";
    assert_int_equal(ask(false), 0);
    assert_false(bench.login.proven);
    tell(LOGIN_ACCEPTED);
    assert_true(bench.login.proven);
    assert_string_equal(message_string(bench.said, "result", ""), "accepted");
    assert_int_equal(message_integer(bench.said, "id", 0), 1);
    login_settle(&bench.login); /* nothing more is to come */
    assert_int_equal(bench.waits, 1);
}

static void what_is_held_is_not(void **state)
{
    (void)state;
    begin(true);
    bench.answers[0] = "held";
    assert_int_equal(ask(false), -EACCES);
    assert_true(held());
    assert_string_equal(bench.login.error, "10.0.0.5: refused");
    answer(0, "granted"); /* the operator wants it */
    assert_false(held());
}

static void a_turn_is_waited_for(void **state)
{
    (void)state;
    begin(false);
    bench.answers[0] = "queued";
    bench.answers[2] = "granted";
    assert_int_equal(ask(true), 0);
    assert_int_equal(bench.waits, 3);
}

static void without_ringcastd_only_proven_credentials_are_tried(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(ask(true), -EBUSY);
    begin(true);
    assert_int_equal(ask(true), 0);
    begin(true);
    bench.deaf = true;
    assert_int_equal(ask(true), 0);
    assert_int_equal(bench.waits, 0);
    tell(LOGIN_REFUSED);
    assert_int_equal(ask(true), -EBUSY);
}

static void a_late_answer_is_declined(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(ask(true), -EBUSY);
    answer(1, "granted");
    assert_int_equal(bench.results, 1);
    assert_string_equal(message_string(bench.said, "result", ""), "unanswered");
    assert_int_equal(ask(true), -EBUSY);
}

static void what_comes_of_a_refusal_is_waited_for(void **state)
{
    (void)state;
    begin(false);
    bench.answers[0] = "granted";
    bench.answers[2] = "held";
    assert_int_equal(ask(false), 0);
    tell(LOGIN_REFUSED);
    assert_false(held());
    login_settle(&bench.login);
    assert_true(held());
    assert_int_equal(bench.waits, 3);
}

static void a_fresh_nonce_takes_no_trust(void **state)
{
    (void)state;
    begin(true);
    tell(LOGIN_REFUSED_MORE);
    assert_true(bench.login.proven);
    assert_true(message_boolean(bench.said, "more", false));
    tell(LOGIN_REFUSED_MORE);
    assert_false(bench.login.proven);
}

static void an_ending_worker_tells_no_outcome(void **state)
{
    (void)state;
    begin(false);
    bench.answers[0] = "granted";
    assert_int_equal(ask(false), 0);
    bench.ending = true;
    tell(LOGIN_UNANSWERED);
    assert_int_equal(bench.results, 0);
    assert_int_equal(ask(false), -ECANCELED);
}

static void a_task_may_be_held_from_the_beginning(void **state)
{
    const struct login_callbacks callbacks = {.send = take, .wait = wait_for_it, .ending = ends};
    json_t *task = json_pack("{s:b, s:i, s:s}", "proven", 0, "wait_ms", 1000, "error", "why");

    (void)state;
    begin(false);
    login_init(&bench.login, &callbacks, task);
    assert_true(held());
    assert_string_equal(bench.login.error, "why");
    json_decref(task);
    login_init(&bench.login, &callbacks, NULL); /* a task without credentials */
    assert_false(held());
}

static void doubt_is_told(const char *doubt)
{
    json_t *message = message_pack("login-doubt", "{s:s}", "doubt", doubt);

    assert_true(login_take(&bench.login, message));
    json_decref(message);
}

/* Another stream was refused: a session that plays asks, and does not wait for others; the outcome ends the doubt. */
static void doubt_is_kept_until_it_is_settled(void **state)
{
    char error[LOGIN_ERROR_SIZE];

    (void)state;
    begin(true);
    struct login_gate gate = login_gate(&bench.login);
    assert_int_equal(gate.doubt(gate.context), LOGIN_NO_DOUBT);
    doubt_is_told("open");
    assert_int_equal(gate.doubt(gate.context), LOGIN_DOUBTED);
    doubt_is_told("refused");
    assert_int_equal(gate.doubt(gate.context), LOGIN_DENIED_ELSEWHERE);
    doubt_is_told("something new");
    assert_int_equal(gate.doubt(gate.context), LOGIN_DENIED_ELSEWHERE);
    bench.answers[0] = "queued";
    int64_t begun = clock_now_ns();
    assert_int_equal(gate.ask(gate.context, true, error), -EBUSY);
    assert_true(clock_now_ns() - begun < 4 * NS_PER_SECOND); /* and not five */
    bench.next = 0;
    bench.answers[0] = "held";
    assert_int_equal(gate.ask(gate.context, true, error), -EACCES);
    bench.next = 0;
    bench.answers[0] = "granted";
    assert_int_equal(gate.ask(gate.context, true, error), 0);
    assert_int_equal(gate.doubt(gate.context), LOGIN_DENIED_ELSEWHERE);
    gate.tell(gate.context, LOGIN_ACCEPTED);
    assert_int_equal(gate.doubt(gate.context), LOGIN_NO_DOUBT);
    doubt_is_told("open");
    doubt_is_told("none");
    assert_int_equal(gate.doubt(gate.context), LOGIN_NO_DOUBT);
}

/* Credentials that worked, until another stream was refused with them: without an answer nobody knows. */
static void in_doubt_no_answer_is_no_leave(void **state)
{
    char error[LOGIN_ERROR_SIZE];

    (void)state;
    begin(true);
    struct login_gate gate = login_gate(&bench.login);
    doubt_is_told("refused");
    assert_int_equal(gate.ask(gate.context, true, error), -EBUSY);
    doubt_is_told("none");
    assert_int_equal(gate.ask(gate.context, true, error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_granted_is_tried, finish),
        cmocka_unit_test_teardown(what_is_held_is_not, finish),
        cmocka_unit_test_teardown(a_turn_is_waited_for, finish),
        cmocka_unit_test_teardown(without_ringcastd_only_proven_credentials_are_tried, finish),
        cmocka_unit_test_teardown(a_late_answer_is_declined, finish),
        cmocka_unit_test_teardown(what_comes_of_a_refusal_is_waited_for, finish),
        cmocka_unit_test_teardown(a_fresh_nonce_takes_no_trust, finish),
        cmocka_unit_test_teardown(an_ending_worker_tells_no_outcome, finish),
        cmocka_unit_test_teardown(a_task_may_be_held_from_the_beginning, finish),
        cmocka_unit_test_teardown(doubt_is_kept_until_it_is_settled, finish),
        cmocka_unit_test_teardown(in_doubt_no_answer_is_no_leave, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
