/* SPDX-License-Identifier: MIT */
/* What a worker makes of another node's pieces: sequences, timelines, lateness, outages. No clock: times are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/remote/remote_stream.h"

#define FRAME_NS (40 * NS_PER_MS)

/* The clock of the other node is an hour behind. */
#define SKEW_NS (3600 * NS_PER_SECOND)

static const struct camera_remote url = {.node = "a", .stream = "front"};

struct rig {
    struct remote_stream stream;
    int64_t now_ns;
    int64_t transit_ns;
    uint64_t origin, fence;
    uint32_t generation;
    char text[REMOTE_ERROR_SIZE];
};

static struct piece piece_of(const struct rig *rig, enum piece_kind kind, uint64_t sequence, uint32_t flags)
{
    static const uint8_t body[] = {PIECE_STREAMING};

    return (struct piece){
        .kind = kind,
        .flags = flags,
        .length = 1,
        .generation = rig->generation,
        .origin = rig->origin,
        .sequence = sequence,
        .fence = rig->fence,
        .timescale = 90000,
        .sent_ns = rig->now_ns - rig->transit_ns - SKEW_NS,
        .data = body,
        .size = 1,
    };
}

static enum remote_verdict put(struct rig *rig, const struct piece *piece)
{
    return remote_stream_admit(&rig->stream, piece, rig->now_ns)
               ? remote_stream_put(&rig->stream, piece, rig->now_ns)
               : REMOTE_DROP;
}

/* True: it goes on, and is published. */
static bool fragment(struct rig *rig, uint64_t sequence, bool keyframe)
{
    struct piece piece = piece_of(rig, PIECE_FRAGMENT, sequence, keyframe ? RINGCAST_KEYFRAME : 0);
    bool taken = put(rig, &piece) == REMOTE_FRAGMENT;

    if (taken) {
        remote_stream_published(&rig->stream, &piece, rig->now_ns);
    }
    return taken;
}

static void describe(struct rig *rig)
{
    struct piece piece = piece_of(rig, PIECE_GENERATION, 0, 0);

    assert_int_equal(put(rig, &piece), REMOTE_GENERATION);
    remote_stream_described(&rig->stream, &piece);
}

static void beat(struct rig *rig, uint64_t sequence, enum piece_state state, const char *text)
{
    struct piece_beat what = {.state = state};
    uint8_t body[PIECE_BEAT_MAX];
    struct piece piece = piece_of(rig, PIECE_BEAT, sequence, 0);

    strcpy(what.text, text);
    piece.size = piece_write_beat(body, &what);
    piece.length = (uint32_t)piece.size;
    piece.data = body;
    assert_int_equal(put(rig, &piece), REMOTE_DROP);
}

static unsigned due(struct rig *rig)
{
    return remote_stream_due(&rig->stream, rig->now_ns);
}

static enum remote_state state_of(struct rig *rig)
{
    return remote_stream_state(&rig->stream, rig->now_ns, rig->text);
}

/* A worker that has a socket, with NATS behind it. */
static void begin(struct rig *rig)
{
    *rig = (struct rig){.now_ns = 1000 * NS_PER_SECOND, .origin = 7, .generation = 1};
    remote_stream_init(&rig->stream, &url, rig->now_ns);
    assert_int_equal(due(rig), REMOTE_WANT);
    remote_stream_attached(&rig->stream, rig->now_ns);
    assert_int_equal(due(rig), 0);
    remote_stream_up(&rig->stream, rig->now_ns);
    assert_int_equal(due(rig), REMOTE_JOIN);
}

/* One that streams: the newest fragment is COUNT, the only keyframe 1. */
static void begin_streaming(struct rig *rig, uint64_t count)
{
    begin(rig);
    describe(rig);
    for (uint64_t sequence = 1; sequence <= count; sequence++) {
        rig->now_ns += FRAME_NS;
        assert_true(fragment(rig, sequence, sequence == 1));
    }
    assert_int_equal(state_of(rig), REMOTE_STREAMING);
    assert_int_equal(due(rig), 0);
}

static void a_stream_begins_with_a_keyframe(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig);
    assert_int_equal(state_of(&rig), REMOTE_STARTING);
    assert_false(fragment(&rig, 9, true)); /* nothing describes it */
    describe(&rig);
    assert_false(fragment(&rig, 10, false));
    assert_true(fragment(&rig, 5, true)); /* the group of pictures so far is older than what came live */
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_string_equal(rig.text, "");
    for (uint64_t sequence = 6; sequence <= 11; sequence++) {
        assert_true(fragment(&rig, sequence, sequence == 9));
    }
    assert_int_equal(rig.stream.counts.missed, 0);
    assert_int_equal(due(&rig), 0);
}

static void doubles_are_dropped(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 5);
    for (uint64_t sequence = 1; sequence <= 5; sequence++) {
        assert_false(fragment(&rig, sequence, sequence == 1));
    }
    assert_int_equal(rig.stream.counts.doubles, 5);
    assert_true(fragment(&rig, 6, false));
    assert_int_equal(due(&rig), 0);
}

static void a_gap_is_filled_by_the_group_so_far(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50); /* the last JOIN is two seconds old */
    assert_false(fragment(&rig, 52, false));
    assert_int_equal(due(&rig), REMOTE_JOIN);
    assert_false(fragment(&rig, 53, false));
    assert_int_equal(due(&rig), 0); /* not twice within a second */
    for (uint64_t sequence = 1; sequence <= 54; sequence++) {
        assert_int_equal(fragment(&rig, sequence, sequence == 1), sequence > 50);
    }
    assert_int_equal(rig.stream.counts.missed, 0);
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_int_equal(due(&rig), 0);
}

static void a_gap_that_is_not_filled_is_asked_for_each_second(void **state)
{
    struct rig rig;
    unsigned joins = 0;

    (void)state;
    begin_streaming(&rig, 50);
    for (uint64_t sequence = 52; sequence < 152; sequence++) {
        rig.now_ns += FRAME_NS;
        assert_false(fragment(&rig, sequence, false));
        joins += (due(&rig) & REMOTE_JOIN) != 0;
    }
    assert_in_range(joins, 3, 5); /* in four seconds */
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_non_null(strstr(rig.text, "no keyframe"));
    assert_true(fragment(&rig, 160, true));
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_int_equal(rig.stream.counts.missed, 109);
    assert_int_equal(due(&rig), 0);
}

static void a_generation_must_have_come(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    rig.generation = 2;
    assert_false(fragment(&rig, 51, true)); /* its description was lost */
    assert_int_equal(due(&rig), REMOTE_JOIN);
    describe(&rig);
    assert_true(fragment(&rig, 51, true));
    rig.generation = 1;
    assert_false(fragment(&rig, 52, false));
}

static void a_beat_tells_of_what_is_missing(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    beat(&rig, 50, PIECE_STREAMING, "");
    assert_int_equal(due(&rig), 0);
    beat(&rig, 51, PIECE_STREAMING, "");
    assert_int_equal(due(&rig), REMOTE_JOIN);
    rig.now_ns += NS_PER_SECOND;
    beat(&rig, 51, PIECE_STREAMING, "");
    assert_int_equal(due(&rig), REMOTE_JOIN);
    assert_true(fragment(&rig, 51, false));
    rig.now_ns += NS_PER_SECOND;
    beat(&rig, 51, PIECE_STREAMING, "");
    assert_int_equal(due(&rig), 0);
}

static void a_camera_that_has_sent_nothing_is_not_asked_for_again(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig);
    for (int i = 0; i < 5; i++) {
        rig.now_ns += NS_PER_SECOND;
        beat(&rig, 0, PIECE_STARTING, "the camera refuses the connection");
        assert_int_equal(due(&rig), 0);
        assert_int_equal(state_of(&rig), REMOTE_STARTING);
        assert_string_equal(rig.text, "at node a: the camera refuses the connection");
    }
}

/* --- The worker before ---------------------------------------------------------------------------------- */

/* A worker whose ring has fragments of the other one, up to SEQUENCE. */
static void begin_resumed(struct rig *rig, uint64_t sequence)
{
    *rig = (struct rig){.now_ns = 1000 * NS_PER_SECOND, .origin = 7, .fence = 3, .generation = 1};
    const struct remote_mark mark = {.origin = rig->origin, .fence = rig->fence, .sequence = sequence};
    remote_stream_init(&rig->stream, &url, rig->now_ns);
    remote_stream_resume(&rig->stream, &mark);
    remote_stream_attached(&rig->stream, rig->now_ns);
    remote_stream_up(&rig->stream, rig->now_ns);
    assert_true(due(rig) & REMOTE_JOIN);
}

static void a_worker_goes_on_where_the_one_before_ended(void **state)
{
    struct rig rig;

    (void)state;
    begin_resumed(&rig, 50);
    assert_int_equal(state_of(&rig), REMOTE_STARTING);
    describe(&rig);
    for (uint64_t sequence = 41; sequence <= 53; sequence++) {
        assert_int_equal(fragment(&rig, sequence, sequence == 41), sequence > 50);
    }
    assert_false(rig.stream.joint);
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_int_equal(rig.stream.counts.doubles, 10);
    assert_int_equal(rig.stream.counts.missed, 0);
}

/* It slept for a while. */
static void a_worker_goes_on_with_a_later_keyframe(void **state)
{
    struct rig rig;

    (void)state;
    begin_resumed(&rig, 50);
    describe(&rig);
    assert_false(fragment(&rig, 999, false));
    assert_true(fragment(&rig, 1000, true));
    assert_true(fragment(&rig, 1001, false));
    assert_int_equal(rig.stream.counts.missed, 0); /* nobody has waited for them */
}

static void a_worker_tells_another_origin_from_the_ring_s(void **state)
{
    struct rig rig;

    (void)state;
    begin_resumed(&rig, 50);
    rig.origin = 8;
    describe(&rig);
    assert_true(rig.stream.joint);
    assert_true(fragment(&rig, 3, true));
}

/* What the ring says, or what damage has made up, must not keep the camera away for good. */
static void a_last_sequence_that_was_never_sent_is_forgotten(void **state)
{
    struct rig rig;

    (void)state;
    begin_resumed(&rig, UINT64_MAX);
    describe(&rig);
    for (int joins = 0; joins < 3; joins++) { /* of the same group, each time a little more of it */
        assert_false(fragment(&rig, 41, true));
        assert_false(fragment(&rig, 42, false));
    }
    assert_false(fragment(&rig, 50, false));
    assert_true(fragment(&rig, 51, true));
    assert_true(fragment(&rig, 52, false));
}

/* --- Timelines ------------------------------------------------------------------------------------------ */

/* Two answers to two questions, by another subject than the live pieces, which are ahead of both by now. */
static void groups_that_come_late_are_doubles(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    for (uint64_t sequence = 51; sequence < 75; sequence++) {
        rig.now_ns += NS_PER_MS; /* in a burst */
        assert_true(fragment(&rig, sequence, sequence == 60 || sequence == 70));
    }
    uint64_t doubles = rig.stream.counts.doubles;
    for (uint64_t sequence = 60; sequence < 65; sequence++) {
        assert_false(fragment(&rig, sequence, sequence == 60));
    }
    for (uint64_t sequence = 70; sequence < 75; sequence++) {
        assert_false(fragment(&rig, sequence, sequence == 70));
    }
    assert_int_equal(rig.stream.counts.doubles - doubles, 10);
    assert_true(fragment(&rig, 75, false));
}

static void another_origin_is_another_timeline(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    assert_false(rig.stream.joint);
    rig.origin = 8;
    assert_false(fragment(&rig, 51, false)); /* it only looks as if it went on */
    assert_int_equal(due(&rig), REMOTE_JOIN);
    assert_false(fragment(&rig, 3, true)); /* no description of this timeline has come */
    describe(&rig);
    assert_true(rig.stream.joint);
    assert_true(fragment(&rig, 3, true));
    assert_false(rig.stream.joint);
    assert_true(fragment(&rig, 4, false));
    assert_int_equal(rig.stream.counts.missed, 0);
}

/* The camera's node has another relay, which has not read the ring yet. */
static void a_beat_without_an_origin_begins_nothing(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    uint64_t origin = rig.origin;
    rig.origin = 0;
    beat(&rig, 0, PIECE_STARTING, "");
    rig.origin = origin;
    describe(&rig);
    assert_false(fragment(&rig, 41, true)); /* the group so far, which was shown before */
    assert_false(fragment(&rig, 50, false));
    assert_true(fragment(&rig, 51, false));
    assert_int_equal(rig.stream.counts.doubles, 2);
}

static void a_lower_fence_is_not_heard_while_the_higher_one_is(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    rig.fence = 9; /* another node has the camera */
    rig.origin = 8;
    describe(&rig);
    assert_true(fragment(&rig, 1, true));
    rig.fence = 8;
    rig.origin = 7;
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_false(fragment(&rig, 51, true));
    rig.fence = 0;
    rig.origin = 3;
    assert_false(fragment(&rig, 2, false));
    assert_int_equal(rig.stream.counts.fenced, 2);
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_int_equal(state_of(&rig), REMOTE_STALLED); /* and it is no sign of life */
    rig.fence = 9;
    rig.origin = 8;
    assert_true(fragment(&rig, 2, false));
}

/* The camera was taken from its node and given back, and the node's ring went on meanwhile. */
static void an_origin_goes_on_under_another_fence(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    rig.fence = 9;
    assert_false(fragment(&rig, 41, true));
    assert_int_equal(due(&rig), REMOTE_JOIN); /* something may be missing */
    assert_false(fragment(&rig, 50, false));
    assert_true(fragment(&rig, 51, false));
    assert_false(rig.stream.joint);
    assert_int_equal(rig.stream.counts.doubles, 2);
}

static void a_fence_that_damage_has_made_up_ends_with_silence(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    uint64_t fence = rig.fence;
    rig.fence = UINT64_MAX;
    describe(&rig);
    rig.fence = fence;
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_false(fragment(&rig, 51, true));
    rig.now_ns += 2 * NS_PER_SECOND;
    describe(&rig);
    assert_true(fragment(&rig, 52, true));
}

static void what_is_left_out_takes_its_group_with_it(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    struct piece piece = piece_of(&rig, PIECE_FRAGMENT, 51, 0);
    piece.length = 123456;
    assert_int_equal(put(&rig, &piece), REMOTE_FRAGMENT);
    remote_stream_left_out(&rig.stream, &piece, true, rig.now_ns);
    for (uint64_t sequence = 52; sequence < 152; sequence++) {
        rig.now_ns += FRAME_NS;
        assert_false(fragment(&rig, sequence, false));
        beat(&rig, sequence, PIECE_STREAMING, "");
        assert_int_equal(due(&rig), 0); /* asking again would bring it again */
    }
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(
        rig.text,
        "a picture of 123456 bytes does not fit the ring; set a larger ring_size, or ring_size_max");
    assert_true(fragment(&rig, 152, true));
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
}

/* --- Lateness ------------------------------------------------------------------------------------------- */

static void clocks_that_drift_are_not_late(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 10);
    for (uint64_t sequence = 11; sequence < 11 + 25 * 600; sequence++) {
        rig.now_ns += FRAME_NS;
        rig.transit_ns += FRAME_NS / 5000; /* 200 ppm for ten minutes: 120 ms */
        assert_true(fragment(&rig, sequence, false));
    }
    assert_int_equal(rig.stream.counts.jumps, 0);
    for (int i = 0; i < 36; i++) { /* a longer way, for good, within an hour: other people's business */
        rig.transit_ns += 30 * NS_PER_MS;
        rig.now_ns += 100 * NS_PER_SECOND;
        beat(&rig, rig.stream.last, PIECE_STREAMING, "");
    }
    assert_int_equal(rig.stream.counts.jumps, 0);
}

static void late_pictures_are_jumped_over(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    rig.transit_ns = 900 * NS_PER_MS;
    for (uint64_t sequence = 51; sequence <= 60; sequence++) {
        assert_true(fragment(&rig, sequence, false));
    }
    rig.transit_ns = 1100 * NS_PER_MS;
    assert_true(fragment(&rig, 61, false));
    assert_true(fragment(&rig, 62, false)); /* two may be an accident */
    assert_int_equal(due(&rig), 0);
    assert_false(fragment(&rig, 63, false));
    assert_int_equal(due(&rig), REMOTE_JUMP);
    assert_int_equal(due(&rig), 0);
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_string_equal(rig.text, "the link to node a is slower than the camera; pictures were left out");
    for (uint64_t sequence = 64; sequence <= 90; sequence++) { /* what was on its way drains, keyframes too */
        rig.now_ns += FRAME_NS;
        assert_false(fragment(&rig, sequence, sequence == 70));
        assert_int_equal(due(&rig), 0);
    }
    rig.transit_ns = 0;
    assert_false(fragment(&rig, 121, false));
    assert_int_equal(due(&rig), 0); /* the relay joins by itself */
    assert_true(fragment(&rig, 110, true));
    assert_true(fragment(&rig, 111, false));
    assert_int_equal(rig.stream.counts.jumps, 1);
    assert_int_equal(rig.stream.counts.missed, 47);
    state_of(&rig);
    assert_string_not_equal(rig.text, "");
    rig.now_ns += 10 * NS_PER_SECOND;
    beat(&rig, 111, PIECE_STREAMING, "");
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_string_equal(rig.text, "");
}

static void a_way_that_became_longer_for_good_is_jumped_over_once(void **state)
{
    struct rig rig;
    uint64_t sequence = 51;

    (void)state;
    begin_streaming(&rig, 50);
    rig.transit_ns = 5 * NS_PER_SECOND;
    bool streams = false;
    for (; sequence < 51 + 25 * 30; sequence++) {
        rig.now_ns += FRAME_NS;
        streams = fragment(&rig, sequence, sequence % 25 == 0);
        due(&rig);
    }
    assert_true(streams);
    assert_int_equal(rig.stream.counts.jumps, 1);
}

static void a_jump_that_the_relay_forgets_is_followed_by_a_join(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    rig.transit_ns = 2 * NS_PER_SECOND;
    for (uint64_t sequence = 51; sequence <= 53; sequence++) {
        fragment(&rig, sequence, false);
    }
    assert_int_equal(due(&rig), REMOTE_JUMP);
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_int_equal(due(&rig), 0);
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_int_equal(due(&rig), REMOTE_JOIN);
}

static void times_of_a_liar_do_no_harm(void **state)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, INT64_MIN + 1, -1};
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 10);
    for (size_t i = 0; i < 50; i++) {
        struct piece piece = piece_of(&rig, PIECE_FRAGMENT, 11 + i, RINGCAST_KEYFRAME);
        piece.sent_ns = times[i % (sizeof(times) / sizeof(times[0]))];
        rig.now_ns += NS_PER_SECOND;
        put(&rig, &piece);
        due(&rig);
        state_of(&rig);
    }
}

/* --- Outages -------------------------------------------------------------------------------------------- */

static void a_socket_is_asked_for_again_and_less_often(void **state)
{
    static const int64_t waits_ms[] = {250, 500, 1000, 2000, 2000, 2000};
    struct rig rig = {.now_ns = NS_PER_SECOND};

    (void)state;
    remote_stream_init(&rig.stream, &url, rig.now_ns);
    assert_int_equal(due(&rig), REMOTE_WANT);
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        rig.now_ns += waits_ms[i] * NS_PER_MS - 1;
        assert_int_equal(due(&rig), 0);
        rig.now_ns += 1;
        assert_int_equal(due(&rig), REMOTE_WANT);
    }
    assert_int_equal(state_of(&rig), REMOTE_STARTING);
    assert_string_equal(rig.text, "this machine's ringcast-relay is not there");
    remote_stream_attached(&rig.stream, rig.now_ns);
    remote_stream_up(&rig.stream, rig.now_ns);
    assert_int_equal(due(&rig), REMOTE_JOIN);
    remote_stream_detached(&rig.stream, rig.now_ns);
    assert_int_equal(due(&rig), 0);
    rig.now_ns += 250 * NS_PER_MS;
    assert_int_equal(due(&rig), REMOTE_WANT);
}

static void another_socket_goes_on_where_the_first_ended(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    remote_stream_detached(&rig.stream, rig.now_ns);
    assert_int_equal(state_of(&rig), REMOTE_STREAMING); /* a relay that is started again is no outage */
    rig.now_ns += 300 * NS_PER_MS;
    assert_int_equal(due(&rig), REMOTE_WANT);
    remote_stream_attached(&rig.stream, rig.now_ns);
    remote_stream_up(&rig.stream, rig.now_ns);
    assert_int_equal(due(&rig), REMOTE_JOIN);
    for (uint64_t sequence = 1; sequence <= 57; sequence++) {
        assert_int_equal(fragment(&rig, sequence, sequence == 1), sequence > 50);
    }
    assert_int_equal(rig.stream.counts.missed, 0);
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
}

static void a_relay_that_stays_away_is_told(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    remote_stream_detached(&rig.stream, rig.now_ns);
    rig.now_ns += NS_PER_SECOND;
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "this machine's ringcast-relay is not there");
}

static void nats_that_cannot_be_reached_is_told_and_heals(void **state)
{
    static const char text[] = "no servers\x1b[2J \xc3";
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    remote_stream_down(&rig.stream, text, sizeof(text) - 1);
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "NATS cannot be reached: no servers\\x1b[2J ");
    rig.now_ns += 30 * NS_PER_SECOND;
    assert_int_equal(due(&rig), 0); /* there is nobody to ask */
    remote_stream_up(&rig.stream, rig.now_ns);
    assert_int_equal(due(&rig), REMOTE_JOIN);
    for (uint64_t sequence = 700; sequence < 710; sequence++) {
        assert_true(fragment(&rig, sequence, sequence == 700));
    }
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    assert_int_equal(rig.stream.counts.missed, 649);
    remote_stream_down(&rig.stream, "", 0);
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
}

static void a_node_that_falls_silent_is_asked_each_second(void **state)
{
    struct rig rig;
    unsigned joins = 0;

    (void)state;
    begin_streaming(&rig, 50);
    rig.now_ns += 3 * NS_PER_SECOND;
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    for (int i = 0; i < 20; i++) {
        rig.now_ns += 250 * NS_PER_MS;
        joins += (due(&rig) & REMOTE_JOIN) != 0;
    }
    assert_int_equal(joins, 5);
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "node a has not been heard for 3 s");
    remote_stream_absent(&rig.stream);
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "node a is not there, or has no camera front");
    beat(&rig, 50, PIECE_STREAMING, ""); /* a camera that sends a picture a minute has missed nothing */
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
    rig.now_ns += 2 * NS_PER_SECOND;
    assert_int_equal(due(&rig), 0);
}

static void the_cameras_own_trouble_is_told(void **state)
{
    struct rig rig;

    (void)state;
    begin_streaming(&rig, 50);
    beat(&rig, 50, PIECE_STALLED, "no pictures for 5 s");
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "at node a: no pictures for 5 s");
    beat(&rig, 50, PIECE_DOWN, "");
    assert_int_equal(state_of(&rig), REMOTE_STALLED);
    assert_string_equal(rig.text, "at node a: the camera is not there");
    assert_true(fragment(&rig, 51, false));
    assert_int_equal(state_of(&rig), REMOTE_STREAMING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_begins_with_a_keyframe),
        cmocka_unit_test(doubles_are_dropped),
        cmocka_unit_test(a_gap_is_filled_by_the_group_so_far),
        cmocka_unit_test(a_gap_that_is_not_filled_is_asked_for_each_second),
        cmocka_unit_test(a_generation_must_have_come),
        cmocka_unit_test(a_beat_tells_of_what_is_missing),
        cmocka_unit_test(a_camera_that_has_sent_nothing_is_not_asked_for_again),
        cmocka_unit_test(another_origin_is_another_timeline),
        cmocka_unit_test(a_beat_without_an_origin_begins_nothing),
        cmocka_unit_test(a_lower_fence_is_not_heard_while_the_higher_one_is),
        cmocka_unit_test(a_fence_that_damage_has_made_up_ends_with_silence),
        cmocka_unit_test(what_is_left_out_takes_its_group_with_it),
        cmocka_unit_test(clocks_that_drift_are_not_late),
        cmocka_unit_test(late_pictures_are_jumped_over),
        cmocka_unit_test(a_way_that_became_longer_for_good_is_jumped_over_once),
        cmocka_unit_test(a_jump_that_the_relay_forgets_is_followed_by_a_join),
        cmocka_unit_test(times_of_a_liar_do_no_harm),
        cmocka_unit_test(a_socket_is_asked_for_again_and_less_often),
        cmocka_unit_test(another_socket_goes_on_where_the_first_ended),
        cmocka_unit_test(a_relay_that_stays_away_is_told),
        cmocka_unit_test(nats_that_cannot_be_reached_is_told_and_heals),
        cmocka_unit_test(a_node_that_falls_silent_is_asked_each_second),
        cmocka_unit_test(the_cameras_own_trouble_is_told),
        cmocka_unit_test(an_origin_goes_on_under_another_fence),
        cmocka_unit_test(a_worker_goes_on_where_the_one_before_ended),
        cmocka_unit_test(a_worker_goes_on_with_a_later_keyframe),
        cmocka_unit_test(a_worker_tells_another_origin_from_the_ring_s),
        cmocka_unit_test(a_last_sequence_that_was_never_sent_is_forgotten),
        cmocka_unit_test(groups_that_come_late_are_doubles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
