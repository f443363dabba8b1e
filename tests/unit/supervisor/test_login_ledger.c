/* SPDX-License-Identifier: MIT */
/* When log-ins may be tried, by a clock that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "supervisor/camera/login_ledger.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/* The machine has been up for so long. */
#define START (1000 * SECOND)

static const struct login_key wrong = {.host = "10.0.0.5", .user = "admin", .fingerprint = 1};
static const struct login_key right = {.host = "10.0.0.5", .user = "admin", .fingerprint = 2};
static const struct login_key elsewhere = {.host = "10.0.0.6", .user = "admin", .fingerprint = 1};

static int set_up(void **state)
{
    *state = login_ledger_create();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    login_ledger_destroy(*state);
    return 0;
}

static void assert_granted(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                           int64_t now)
{
    assert_int_equal(login_ledger_ask(ledger, key, stream, now).verdict, LOGIN_GRANTED);
}

static void assert_held(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                        int64_t now, int64_t wait_ms, bool capped)
{
    struct login_answer answer = login_ledger_ask(ledger, key, stream, now);

    assert_int_equal(answer.verdict, LOGIN_HELD);
    assert_int_equal(answer.wait_ms, wait_ms);
    assert_int_equal(answer.capped, capped);
}

static void refuse(struct login_ledger *ledger, const struct login_key *key, const char *stream, int64_t now)
{
    assert_granted(ledger, key, stream, now);
    login_ledger_refused(ledger, key, stream, false, now);
}

static void accept(struct login_ledger *ledger, const struct login_key *key, const char *stream, int64_t now)
{
    assert_granted(ledger, key, stream, now);
    login_ledger_accepted(ledger, key, stream, now);
}

/* Through a file into another ledger, which is returned. The machine was restarted if ITS_TIME is less than before. */
static struct login_ledger *restart(struct login_ledger *ledger, int64_t now, int64_t its_time)
{
    json_t *json = login_ledger_to_json(ledger, now);
    struct login_ledger *next = login_ledger_create();

    assert_non_null(json);
    assert_int_equal(login_ledger_from_json(next, json, its_time), 0);
    json_decref(json);
    login_ledger_destroy(ledger);
    return next;
}

static void wrong_credentials_are_tried_rarely(void **state)
{
    static const int64_t minutes[] = {5, 10, 20, 40, 60, 60, 60};
    struct login_ledger *ledger = *state;
    int64_t now = START;

    refuse(ledger, &wrong, "front", now);
    assert_held(ledger, &wrong, "front", now, 30 * SECOND, false);
    now += 30 * SECOND;
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        refuse(ledger, &wrong, "front", now);
        assert_held(ledger, &wrong, "front", now, minutes[i] * MINUTE, false);
        now += minutes[i] * MINUTE;
    }
    struct login_answer answer = login_ledger_look(ledger, &wrong, "front", now - 1);
    assert_int_equal(answer.refused, 8);
    assert_int_equal(answer.refused_ms, now - 1 - START);
}

static void streams_of_a_host_share_what_they_know(void **state)
{
    struct login_ledger *ledger = *state;

    assert_granted(ledger, &wrong, "front", START);
    /* Ten streams with a wrong password cost one log-in. */
    for (char stream[] = "0"; stream[0] <= '9'; stream[0]++) {
        assert_int_equal(login_ledger_ask(ledger, &wrong, stream, START + 1).verdict, LOGIN_QUEUED);
    }
    login_ledger_refused(ledger, &wrong, "front", false, START + 2);
    for (char stream[] = "0"; stream[0] <= '9'; stream[0]++) {
        assert_held(ledger, &wrong, stream, START + 2, 30 * SECOND, false);
    }
    assert_granted(ledger, &elsewhere, "yard", START + 3);
    /* Other credentials wait for their turn, too, and are not held. */
    assert_granted(ledger, &right, "front", START + 4);
    login_ledger_accepted(ledger, &right, "front", START + 5);
    for (char stream[] = "0"; stream[0] <= '2'; stream[0]++) {
        assert_granted(ledger, &right, stream, START + 6); /* they have worked: several at a time */
    }
}

static void the_cap_holds_whatever_is_lifted(void **state)
{
    struct login_ledger *ledger = *state;
    struct login_key key = wrong;
    int64_t now = START;

    for (int i = 0; i < LOGIN_REFUSALS_UNPROVEN_MAX; i++) {
        refuse(ledger, &key, "front", now);
        now += SECOND;
        login_ledger_lift(ledger, &key);
        key.fingerprint++; /* another password does not help either */
    }
    assert_held(ledger, &key, "front", now, LOGIN_WINDOW_MS - 4 * SECOND, true);
    now = START + LOGIN_WINDOW_MS;
    assert_held(ledger, &key, "front", now - 1, 1, true);
    assert_granted(ledger, &key, "front", now);
    assert_int_equal(login_ledger_ask(ledger, &wrong, "back", now).verdict, LOGIN_QUEUED);
}

static void lifting_ends_the_hold(void **state)
{
    struct login_ledger *ledger = *state;

    refuse(ledger, &wrong, "front", START);
    refuse(ledger, &wrong, "front", START + 30 * SECOND);
    login_ledger_lift(ledger, &wrong);
    refuse(ledger, &wrong, "front/sub", START + 31 * SECOND);
    assert_held(ledger, &wrong, "front", START + 31 * SECOND, 30 * SECOND, false);
}

static void a_stream_that_works_goes_on(void **state)
{
    struct login_ledger *ledger = *state;
    int64_t now = START;

    accept(ledger, &right, "front", now);
    refuse(ledger, &right, "front/sub", now); /* this user may not see it */
    assert_held(ledger, &right, "front/sub", now, 30 * SECOND, false);
    accept(ledger, &right, "front", now + 1);
    assert_held(ledger, &right, "front/sub", now + 1, 30 * SECOND - 1, false); /* that was known */
    for (int i = 0; i < 3; i++) {
        login_ledger_lift(ledger, &right);
        refuse(ledger, &right, "front/sub", now + 2);
    }
    login_ledger_lift(ledger, &right);
    assert_held(ledger, &right, "front/sub", now + 3, LOGIN_WINDOW_MS - 3, true);
    accept(ledger, &right, "front", now + 3); /* the fifth try is for those that have worked */
    refuse(ledger, &right, "front", now + 4);
    assert_held(ledger, &right, "front", now + 5, LOGIN_WINDOW_MS - 3, true);
}

/* When one of several streams that play is refused, the others find out whether that is all, one after the other. */
static void streams_that_play_find_out(void **state)
{
    struct login_ledger *ledger = *state;
    int64_t now = START;

    accept(ledger, &right, "a", now);
    accept(ledger, &right, "b", now);
    login_ledger_refused(ledger, &right, "a", false, now); /* its keepalive, which did not ask */
    assert_held(ledger, &right, "b", now, SECOND, false);
    assert_int_equal(login_ledger_ask_playing(ledger, &right, "b", now).verdict, LOGIN_GRANTED);
    assert_int_equal(login_ledger_ask_playing(ledger, &right, "c", now).verdict, LOGIN_QUEUED);
    login_ledger_accepted(ledger, &right, "b", now); /* only "a" has lost its rights */
    assert_true(login_ledger_proven(ledger, &right, "b"));
    assert_false(login_ledger_proven(ledger, &right, "a"));

    login_ledger_refused(ledger, &right, "b", true, now); /* now the password is another one */
    assert_granted(ledger, &right, "b", now);
    login_ledger_refused(ledger, &right, "b", false, now);
    assert_int_equal(login_ledger_ask_playing(ledger, &right, "c", now).verdict, LOGIN_GRANTED);
    login_ledger_refused(ledger, &right, "c", false, now);
    struct login_answer answer =
        login_ledger_ask_playing(ledger, &right, "d", now); /* which is known by now */
    assert_int_equal(answer.verdict, LOGIN_HELD);
    assert_int_equal(answer.host_count, 4);
}

static void what_worked_is_tried_again_soon(void **state)
{
    static const int64_t seconds[] = {1, 10, 60};
    struct login_ledger *ledger = *state;
    int64_t now = START;

    accept(ledger, &right, "front", now);
    accept(ledger, &right, "front/sub", now);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        refuse(ledger, &right, i % 2 == 0 ? "front" : "front/sub", now);
        assert_false(login_ledger_proven(ledger, &right, "front"));
        assert_held(ledger, &right, "front", now, seconds[i] * SECOND, false);
        assert_held(ledger, &right, "front/sub", now, seconds[i] * SECOND, false);
        now += seconds[i] * SECOND;
    }
    accept(ledger, &right, "front", now);
    assert_true(login_ledger_proven(ledger, &right, "front"));
    assert_int_equal(login_ledger_look(ledger, &right, "front/sub", now).verdict, LOGIN_GRANTED);
}

static void many_that_worked_are_refused_five_times_at_most(void **state)
{
    struct login_ledger *ledger = *state;
    unsigned refused = 0;

    for (char stream[] = "a"; stream[0] <= 'p'; stream[0]++) {
        accept(ledger, &right, stream, START);
    }
    for (char stream[] = "a"; stream[0] <= 'p'; stream[0]++) {
        refused += login_ledger_ask(ledger, &right, stream, START + SECOND).verdict == LOGIN_GRANTED;
    }
    assert_int_equal(refused, LOGIN_REFUSALS_MAX);
    for (char stream[] = "a"; stream[0] < 'a' + LOGIN_REFUSALS_MAX; stream[0]++) {
        login_ledger_refused(ledger, &right, stream, false, START + SECOND);
    }
    for (char stream[] = "a"; stream[0] <= 'p'; stream[0]++) {
        assert_int_equal(login_ledger_ask(ledger, &right, stream, START + MINUTE).verdict, LOGIN_HELD);
    }
}

static void a_round_tries_the_next_challenge(void **state)
{
    struct login_ledger *ledger = *state;

    assert_granted(ledger, &right, "front", START);
    login_ledger_refused(ledger, &right, "front", true, START);
    assert_int_equal(login_ledger_ask(ledger, &right, "front/sub", START).verdict, LOGIN_QUEUED);
    assert_granted(ledger, &right, "front", START);
    login_ledger_accepted(ledger, &right, "front", START);
    /* What the camera refused was the algorithm. */
    assert_int_equal(login_ledger_look(ledger, &right, "front", START).host_count, 0);
    assert_int_equal(login_ledger_look(ledger, &right, "front", START).refused, 0);

    /* All challenges count, and one hold follows. */
    assert_granted(ledger, &wrong, "front", START);
    login_ledger_refused(ledger, &wrong, "front", true, START);
    assert_granted(ledger, &wrong, "front", START);
    login_ledger_refused(ledger, &wrong, "front", false, START);
    assert_int_equal(login_ledger_look(ledger, &wrong, "front", START).host_count, 2);
    assert_held(ledger, &wrong, "front", START, 30 * SECOND, false);

    /* A camera that ends the connection with the refusal has refused, too. */
    assert_granted(ledger, &wrong, "front", START + 30 * SECOND);
    login_ledger_refused(ledger, &wrong, "front", true, START + 30 * SECOND);
    login_ledger_unanswered(ledger, &wrong, "front", START + 30 * SECOND);
    assert_held(ledger, &wrong, "front", START + 30 * SECOND, 5 * MINUTE, false);
}

static void fresh_nonces_are_no_refusals(void **state)
{
    struct login_ledger *ledger = *state;

    accept(ledger, &right, "front", START);
    for (int i = 1; i <= 50; i++) {
        login_ledger_refused(ledger, &right, "front", true, START + i * SECOND);
        accept(ledger, &right, "front", START + i * SECOND);
    }
    struct login_answer answer = login_ledger_look(ledger, &right, "front", START + 51 * SECOND);
    assert_int_equal(answer.verdict, LOGIN_GRANTED);
    assert_int_equal(answer.host_count, 0);
    assert_int_equal(answer.refused, 0);
    assert_true(login_ledger_proven(ledger, &right, "front"));
}

static void no_answer_is_no_refusal(void **state)
{
    struct login_ledger *ledger = *state;

    for (int i = 0; i < 20; i++) {
        assert_granted(ledger, &right, "front", START + i);
        login_ledger_unanswered(ledger, &right, "front", START + i);
    }
    /* A worker that died may have been refused; no worker reports that it was. */
    for (int i = 0; i < LOGIN_REFUSALS_UNPROVEN_MAX; i++) {
        assert_granted(ledger, &right, "front", START + MINUTE);
        login_ledger_lost(ledger, &right, "front", START + MINUTE);
    }
    assert_held(ledger, &right, "front", START + MINUTE, LOGIN_WINDOW_MS, true);
    assert_int_equal(login_ledger_look(ledger, &right, "front", START + MINUTE).refused, 0);
}

static void a_worker_that_worked_may_die_often(void **state)
{
    struct login_ledger *ledger = *state;

    accept(ledger, &right, "front", START);
    for (int i = 1; i < 100; i++) {
        accept(ledger, &right, "front", START + i);
        login_ledger_lost(ledger, &right, "front", START + i);
    }
    /* In the middle of log-ins, which the camera may have refused. */
    for (int i = 0; i < LOGIN_REFUSALS_MAX - 1; i++) {
        assert_granted(ledger, &right, "front", START + SECOND);
        login_ledger_lost(ledger, &right, "front", START + SECOND);
    }
    accept(ledger, &right, "front", START + SECOND);
}

/* Without any word from the worker: its successor asks, or another stream does a minute later. */
static void nothing_waits_for_ever(void **state)
{
    struct login_ledger *ledger = *state;

    assert_granted(ledger, &wrong, "front", START);
    assert_granted(ledger, &wrong, "front", START + 1);
    assert_int_equal(login_ledger_look(ledger, &wrong, "front", START + 1).host_count, 1);
    assert_int_equal(login_ledger_ask(ledger, &wrong, "front/sub", START + LOGIN_ROUND_MAX_MS).verdict,
                     LOGIN_QUEUED);
    assert_granted(ledger, &wrong, "front/sub", START + 1 + LOGIN_ROUND_MAX_MS);
}

static void a_locked_account_may_be_told_with_403(void **state)
{
    struct login_ledger *ledger = *state;

    assert_granted(ledger, &right, "front", START);
    login_ledger_forbidden(ledger, &right, "front", START);
    assert_held(ledger, &right, "front", START, 30 * SECOND, false);
    assert_true(login_ledger_look(ledger, &right, "front", START).forbidden);
    login_ledger_lift(ledger, &right);
    accept(ledger, &right, "front", START + 1);
    assert_granted(ledger, &right, "front/sub", START + 2);
    login_ledger_forbidden(ledger, &right, "front/sub",
                           START + 2); /* the user may see the one and not the other */
    assert_granted(ledger, &right, "front/sub", START + 3);
    assert_int_equal(login_ledger_look(ledger, &right, "front", START + 3).host_count, 1);
}

static void it_survives_restarts(void **state)
{
    struct login_ledger *ledger = *state;

    accept(ledger, &elsewhere, "yard", START);
    refuse(ledger, &wrong, "front", START);
    refuse(ledger, &wrong, "front", START + 30 * SECOND);
    ledger = restart(ledger, START + 31 * SECOND, START + 40 * SECOND);
    assert_held(ledger, &wrong, "front", START + 40 * SECOND, 290 * SECOND, false);
    assert_int_equal(login_ledger_look(ledger, &wrong, "front", START + 40 * SECOND).refused, 2);
    assert_int_equal(login_ledger_look(ledger, &wrong, "front", START + 40 * SECOND).host_count, 2);
    assert_true(login_ledger_proven(ledger, &elsewhere, "yard"));
    /* Under way when ringcastd was killed: it may have been refused. */
    assert_granted(ledger, &right, "front", START + 41 * SECOND);
    ledger = restart(ledger, START + 41 * SECOND, START + 42 * SECOND);
    assert_int_equal(login_ledger_look(ledger, &right, "front", START + 42 * SECOND).host_count, 3);
    /* The machine was restarted and is up for 20 s. */
    ledger = restart(ledger, START + 43 * SECOND, 20 * SECOND);
    assert_held(ledger, &wrong, "front", 20 * SECOND, 267 * SECOND, false);
    assert_int_equal(login_ledger_look(ledger, &wrong, "front", 20 * SECOND).host_count, 3);
    *state = ledger;
}

static void changes_are_known(void **state)
{
    struct login_ledger *ledger = *state;

    assert_false(login_ledger_changed(ledger));
    assert_granted(ledger, &right, "front", START);
    assert_true(login_ledger_changed(ledger)); /* a ringcastd that is killed now must leave a word of it */
    login_ledger_accepted(ledger, &right, "front", START);
    assert_true(login_ledger_changed(ledger));
    for (int i = 1; i < 10; i++) {
        accept(ledger, &right, "front", START + i);
        assert_false(login_ledger_changed(ledger)); /* a camera that works costs no disk */
    }
    refuse(ledger, &right, "front", START + 10);
    assert_true(login_ledger_changed(ledger));
}

static void damage_is_noticed(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"at_ms\":1}",
        "{\"at_ms\":-1,\"hosts\":[]}",
        "{\"at_ms\":1,\"hosts\":{}}",
        "{\"at_ms\":1,\"hosts\":[7]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[-1],\"credentials\":[]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[\"x\"],\"credentials\":[]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[],\"credentials\":[{}]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[],\"credentials\":[]},"
        "{\"host\":\"a\",\"refusals\":[],\"credentials\":[]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[],\"credentials\":[{\"user\":\"u\","
        "\"fingerprint\":65536,"
        "\"streams\":[],\"refused\":0,\"refused_ms\":0,\"holds\":0,\"hold_ms\":0}]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[],\"credentials\":[{\"user\":\"u\","
        "\"fingerprint\":1,"
        "\"streams\":[1],\"refused\":0,\"refused_ms\":0,\"holds\":0,\"hold_ms\":0}]}]}",
        "{\"at_ms\":1,\"hosts\":[{\"host\":\"a\",\"refusals\":[],\"credentials\":[{\"user\":\"u\","
        "\"fingerprint\":1,"
        "\"streams\":[],\"refused\":0,\"refused_ms\":0,\"holds\":0,\"hold_ms\":3600001}]}]}",
    };
    struct login_ledger *ledger = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        assert_non_null(json);
        assert_int_equal(login_ledger_from_json(ledger, json, START), -EBADMSG);
        json_decref(json);
    }
    assert_granted(ledger, &right, "front", START);
}

static void memory_is_bounded(void **state)
{
    struct login_ledger *ledger = *state;
    char host[16];
    struct login_key key = {.host = host, .user = "admin"};

    for (int i = 0; i < LOGIN_HOSTS_MAX + 50; i++) {
        snprintf(host, sizeof(host), "h%d", i);
        refuse(ledger, &key, "s", START + i);
    }
    assert_int_equal(login_ledger_look(ledger, &key, "s", START + LOGIN_HOSTS_MAX).verdict, LOGIN_HELD);
    for (int i = 0; i < LOGIN_CREDENTIALS_MAX + 50; i++) {
        key.fingerprint = (uint16_t)i;
        login_ledger_refused(ledger, &key, "s", false, START + LOGIN_HOSTS_MAX + i);
    }
    json_t *json = login_ledger_to_json(ledger, START);
    const json_t *hosts = json_object_get(json, "hosts");
    assert_int_equal(json_array_size(hosts), LOGIN_HOSTS_MAX);
    json_decref(json);
}

/* --- Any sequence --------------------------------------------------------------------------------------- */

#define STREAMS 6

/* What is promised, whatever the ledger's own numbers are. */
#define PROMISED 5
#define PROMISED_MS (10 * MINUTE)

#define STEPS 20000

/* A camera that counts, and its streams' workers. */
struct play {
    uint32_t random;
    int64_t now;    /* CLOCK_MONOTONIC */
    int64_t offset; /* of it to the time that passes */
    uint16_t password;
    uint16_t sent[STREAMS]; /* the password under way; 0: none */
    bool goes_on[STREAMS];  /* refused, and another challenge is to be answered */
    int64_t refusals[STEPS];
    size_t refused;
    unsigned accepted;
};

static uint32_t next_random(struct play *play, uint32_t below)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 17;
    play->random ^= play->random << 5;
    return play->random % below;
}

static const char *stream_name(size_t stream)
{
    static const char *const names[STREAMS] = {"a", "a/sub", "b", "b/sub", "c", "d"};

    return names[stream];
}

static void refused_by_camera(struct play *play)
{
    int64_t now = play->now + play->offset;

    play->refusals[play->refused++] = now;
    if (play->refused > PROMISED) {
        assert_true(now - play->refusals[play->refused - 1 - PROMISED] >= PROMISED_MS);
    }
}

/* The camera's answer to STREAM, which may not reach ringcastd. */
static void answer_stream(struct play *play, struct login_ledger *ledger, size_t stream, uint16_t camera)
{
    const struct login_key key = {.host = "h", .user = "u", .fingerprint = play->sent[stream]};
    bool good = play->sent[stream] == camera;
    const char *name = stream_name(stream);
    uint32_t luck = next_random(play, 10);

    play->sent[stream] = 0;
    play->goes_on[stream] = false;
    if (luck == 0) {
        login_ledger_unanswered(ledger, &key, name, play->now);
        return;
    }
    if (!good) {
        refused_by_camera(play);
    }
    if (luck == 1) {
        login_ledger_lost(ledger, &key, name, play->now);
    } else if (good) {
        login_ledger_accepted(ledger, &key, name, play->now);
        play->accepted++;
    } else {
        play->goes_on[stream] = luck == 2;
        login_ledger_refused(ledger, &key, name, luck == 2, play->now);
    }
}

/* A worker waits for an answer for some seconds only. */
static void pass_time(struct play *play, struct login_ledger *ledger, uint16_t camera)
{
    bool long_time = next_random(play, 4) == 0;

    for (size_t i = 0; i < STREAMS && long_time; i++) {
        if (play->sent[i] != 0) {
            answer_stream(play, ledger, i, camera);
        }
    }
    play->now += long_time ? next_random(play, 120000) : next_random(play, 300);
}

static struct login_ledger *play_restart(struct play *play, struct login_ledger *ledger, uint16_t camera)
{
    int64_t its_time = play->now + next_random(play, 3000);

    bool machine = next_random(play, 4) == 0;
    for (size_t i = 0; i < STREAMS && machine; i++) {
        if (play->sent[i] != 0) {
            answer_stream(play, ledger, i, camera);
        }
    }
    if (machine) { /* which takes its time for it */
        its_time = next_random(play, 60000);
        play->offset += play->now - its_time + (int64_t)its_time + next_random(play, 600000);
    }
    ledger = restart(ledger, play->now, its_time);
    play->now = its_time;
    /* Workers may die meanwhile, so that the outcome is never told. */
    for (size_t i = 0; i < STREAMS; i++) {
        const struct login_key key = {.host = "h", .user = "u", .fingerprint = play->sent[i]};
        if (play->sent[i] == 0) {
            continue;
        }
        if (!login_ledger_proven(ledger, &key, stream_name(i)) && next_random(play, 2) == 0) {
            if (play->sent[i] != camera) {
                refused_by_camera(play);
            }
            play->sent[i] = 0;
        } else {
            login_ledger_resume(ledger, &key, stream_name(i), play->now);
            assert_true(login_ledger_pending(ledger, &key, stream_name(i)));
        }
        play->goes_on[i] = false;
    }
    return ledger;
}

/* A round that a new password ends would take its refusals back. */
static bool in_middle(const struct play *play)
{
    bool middle = false;

    for (size_t i = 0; i < STREAMS; i++) {
        middle = middle || play->goes_on[i];
    }
    return middle;
}

static struct login_answer ask_either(struct play *play, struct login_ledger *ledger,
                                      const struct login_key *key, size_t stream)
{
    return next_random(play, 3) == 0 ? login_ledger_ask_playing(ledger, key, stream_name(stream), play->now)
                                     : login_ledger_ask(ledger, key, stream_name(stream), play->now);
}

static void any_sequence_keeps_the_cap(void **state)
{
    struct login_ledger *ledger = *state;
    static struct play play;
    uint16_t camera = 1;

    for (uint32_t seed = 1; seed <= 40; seed++) {
        play = (struct play){.random = seed * 2654435761u | 1u, .now = START, .password = 2};
        camera = 1;
        login_ledger_destroy(ledger);
        ledger = login_ledger_create();
        for (int step = 0; step < STEPS / 4; step++) {
            size_t stream = next_random(&play, STREAMS);
            struct login_key key = {.host = "h", .user = "u", .fingerprint = play.password};
            pass_time(&play, ledger, camera);
            switch (next_random(&play, 60)) {
            case 0:
                login_ledger_lift(ledger, &key);
                break;
            case 1:
                play.password = (uint16_t)(1 + next_random(&play, 3));
                break;
            case 2:
                if (!in_middle(&play)) {
                    camera = (uint16_t)(1 + next_random(&play, 3));
                }
                break;
            case 3:
                ledger = play_restart(&play, ledger, camera);
                break;
            default:
                if (play.sent[stream] != 0) {
                    answer_stream(&play, ledger, stream, camera);
                } else if (ask_either(&play, ledger, &key, stream).verdict == LOGIN_GRANTED) {
                    play.sent[stream] = play.password;
                }
            }
        }
        assert_true(play.refused > 20);
        assert_true(play.accepted > 20);
    }
    *state = ledger;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_credentials_are_tried_rarely, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_of_a_host_share_what_they_know, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cap_holds_whatever_is_lifted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lifting_ends_the_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_that_works_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_that_play_find_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_worked_is_tried_again_soon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_that_worked_are_refused_five_times_at_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_round_tries_the_next_challenge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fresh_nonces_are_no_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_answer_is_no_refusal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_worker_that_worked_may_die_often, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_waits_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_locked_account_may_be_told_with_403, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_survives_restarts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_are_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_sequence_keeps_the_cap, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
