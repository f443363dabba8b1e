/* SPDX-License-Identifier: MIT */
/* Sound beside the pictures: whether there is a track for it, where its units belong, and what is a unit of it. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/codec/aac_check.h"
#include "ingest/codec/opus.h"
#include "ingest/publish/sound_clock.h"
#include "ingest/publish/sound_gate.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

/* --- Whether there is a track --------------------------------------------------------------------------- */

/* Pictures 25 times a second from *now on, and units as often if there is SOUND. How often the track came or went. */
static unsigned live(struct sound_gate *gate, int64_t *now, int64_t length, bool sound)
{
    unsigned changes = 0;

    for (int64_t end = *now + length; *now < end; *now += 40 * MS) {
        bool before = gate->state == SOUND_PLAYING;
        sound_gate_picture(gate, *now);
        if (sound) {
            sound_gate_unit(gate, true, *now);
        }
        changes += before != (gate->state == SOUND_PLAYING);
    }
    return changes;
}

static void the_first_good_unit_opens_the_track(void **state)
{
    struct sound_gate gate = {0};
    int64_t now = SECOND;

    (void)state;
    sound_gate_begin(&gate, SOUND_WAITING);
    live(&gate, &now, MINUTE, false);
    assert_int_equal(gate.state, SOUND_WAITING);
    sound_gate_unit(&gate, true, now);
    assert_int_equal(gate.state, SOUND_PLAYING);
    sound_gate_begin(&gate, SOUND_NONE);
    sound_gate_unit(&gate, true, now);
    assert_int_equal(gate.state, SOUND_NONE);
}

static void sound_that_stays_away_has_ended(void **state)
{
    struct sound_gate gate = {0};
    int64_t now = SECOND;

    (void)state;
    sound_gate_begin(&gate, SOUND_WAITING);
    live(&gate, &now, 10 * SECOND, true);
    live(&gate, &now, SOUND_GATE_END_NS - 2 * SECOND, false);
    assert_int_equal(gate.state, SOUND_PLAYING);
    now += 30 * SECOND; /* the camera was away altogether: pictures, too */
    live(&gate, &now, 40 * MS, false);
    live(&gate, &now, 20 * SECOND, true);
    assert_int_equal(gate.state, SOUND_PLAYING);
    live(&gate, &now, SOUND_GATE_END_NS + 80 * MS, false);
    assert_int_equal(gate.state, SOUND_ENDED);
    /* It comes back, but not at once. */
    assert_int_equal(live(&gate, &now, SOUND_GATE_HOLD_FIRST_NS - SECOND, true), 0);
    assert_int_equal(live(&gate, &now, 2 * SECOND, true), 1);
}

/* Some seconds with, some without, for an hour: each time costs two generations. */
static void sound_that_comes_and_goes_is_let_in_less_and_less(void **state)
{
    (void)state;
    for (int64_t with = SECOND; with <= 64 * SECOND; with *= 2) {
        struct sound_gate gate = {0};
        int64_t now = SECOND;
        unsigned worst = 0;
        unsigned total = 0;
        sound_gate_begin(&gate, SOUND_WAITING);
        for (int64_t minute = 1; minute <= 60; minute++) {
            unsigned changes = 0;
            while (now < minute * MINUTE) {
                changes += live(&gate, &now, with, true);
                changes += live(&gate, &now, SOUND_GATE_END_NS + SECOND, false);
            }
            worst = changes > worst ? changes : worst;
            total += changes;
        }
        assert_in_range(worst, 2, 6);
        assert_in_range(total, 2, 40);
    }
}

static void sound_with_a_past_is_forgiven(void **state)
{
    struct sound_gate gate = {0};
    int64_t now = SECOND;

    (void)state;
    sound_gate_begin(&gate, SOUND_WAITING);
    for (int i = 0; i < 8; i++) {
        live(&gate, &now, MINUTE, true);
        live(&gate, &now, 6 * SECOND, false);
    }
    assert_true(gate.ends > 1);
    live(&gate, &now, SOUND_GATE_HOLD_LAST_NS + SOUND_GATE_HEALTHY_NS + MINUTE, true);
    assert_int_equal(gate.state, SOUND_PLAYING);
    live(&gate, &now, 6 * SECOND, false);
    assert_int_equal(gate.ends, 1);
}

/* PERCENT of the units are bad. */
static void put_damaged(struct sound_gate *gate, int64_t *now, int64_t length, unsigned percent)
{
    unsigned sum = 0;

    for (int64_t end = *now + length; *now < end; *now += 20 * MS) {
        sum += percent;
        bool bad = sum >= 100;
        sum -= bad ? 100 : 0;
        sound_gate_unit(gate, !bad, *now);
        sound_gate_picture(gate, *now);
    }
}

static void damaged_sound_is_no_sound(void **state)
{
    (void)state;
    for (unsigned percent = 0; percent <= 100; percent += 10) {
        struct sound_gate gate = {0};
        int64_t now = SECOND;
        sound_gate_begin(&gate, SOUND_WAITING);
        put_damaged(&gate, &now, 20 * SECOND, percent);
        if (percent <= 30) {
            assert_int_equal(gate.state, SOUND_PLAYING);
        } else if (percent >= 40) {
            assert_int_equal(gate.state, SOUND_DAMAGED);
        }
        if (percent == 100) {
            assert_int_equal(gate.ends, 0); /* there never was a track */
        }
    }
    struct sound_gate gate = {0};
    int64_t now = SECOND;
    sound_gate_begin(&gate, SOUND_WAITING);
    put_damaged(&gate, &now, 20 * SECOND, 100);
    put_damaged(&gate, &now, 20 * SECOND, 0);
    assert_int_equal(gate.state, SOUND_PLAYING);
}

/* A configuration that changes costs a generation: once at any time, then as if the sound came and went. */
static void kinds_that_change_are_bounded(void **state)
{
    struct sound_gate gate = {0};
    int64_t now = SECOND;
    unsigned changes = 0;

    (void)state;
    sound_gate_begin(&gate, SOUND_WAITING);
    live(&gate, &now, SECOND, true);
    sound_gate_change(&gate, now, true);
    assert_int_equal(gate.state, SOUND_WAITING);
    live(&gate, &now, 40 * MS, true);
    assert_int_equal(gate.state, SOUND_PLAYING);
    for (int i = 0; i < 600; i++) {
        sound_gate_change(&gate, now, gate.state == SOUND_PLAYING);
        changes += live(&gate, &now, SECOND, true);
    }
    assert_in_range(changes, 1, 10);
}

/* --- Where it belongs ----------------------------------------------------------------------------------- */

/* What a camera's sound does. Times in ms; DRIFT: how much longer than it lasts a unit takes to come. */
struct habit {
    int64_t unit_ns; /* what a unit holds */
    double drift;
    double stamps;    /* steps of its stamps ÷ what a unit holds; 0: it has none */
    double jitter_ms; /* of the network */
    double jump_ms;   /* of its stamps, after 20 s */
    double gap_ms;    /* in the sound, after 20 s */
    double burst_ms;  /* everything is held up for so long, after 20 s */
    double synced_ms; /* by the camera's word it is so far from where it arrives; 0: it says nothing */
};

static uint32_t random_seed = 1;

static double random_part(void)
{
    random_seed = random_seed * 1664525u + 1013904223u;
    return random_seed / 4294967296.0;
}

struct figures {
    double worst_ms,
        last_ms;    /* how far the sound was from its pictures after the first 10 s, and at the end */
    double back_ms; /* how far its place went back */
};

/* A minute and more of pictures and sound that are made at the same time. */
static struct figures play(const struct habit *habit, int64_t length)
{
    struct sound_clock clock = {0};
    struct figures figures = {0};
    const int64_t lead = 37 * MS; /* of the pictures' timeline */
    double made = 0;              /* when the next unit is made */
    double stamp = 5000;
    int64_t picture = 0;
    int64_t end = INT64_MIN;
    bool bent = false;

    sound_clock_begin(&clock);
    while ((int64_t)made < length) {
        int64_t held = 20 * SECOND + (int64_t)(habit->burst_ms * MS);
        for (; picture <= (int64_t)made; picture += 40 * MS) {
            int64_t arrival = picture + (int64_t)(random_part() * habit->jitter_ms * MS);
            arrival = arrival > 20 * SECOND && arrival < held ? held : arrival;
            sound_clock_picture(&clock, picture + lead, arrival);
        }
        if (made > 19.9 * SECOND && !bent) {
            bent = true;
            stamp += habit->jump_ms * MS;
            stamp += habit->gap_ms * MS;
            made += habit->gap_ms * MS;
            continue;
        }
        int64_t arrival = (int64_t)made + (int64_t)(random_part() * habit->jitter_ms * MS);
        arrival = arrival > 20 * SECOND && arrival < held ? held : arrival;
        double should = made + lead + habit->synced_ms * MS;
        struct sound_clock_unit unit = {
            .stamp_ns = habit->stamps > 0 ? (int64_t)stamp : SOUND_CLOCK_UNKNOWN,
            .synced_ns = habit->synced_ms != 0 ? (int64_t)should : SOUND_CLOCK_UNKNOWN,
            .arrival_ns = arrival,
            .duration_ns = habit->unit_ns,
        };
        int64_t place = sound_clock_place(&clock, &unit);
        double off = fabs((double)place - should) / MS;
        bool settled = made > 10.0 * SECOND && (!bent || made > 25.0 * SECOND);
        figures.worst_ms = settled ? fmax(figures.worst_ms, off) : figures.worst_ms;
        figures.last_ms = off;
        if (end != INT64_MIN) {
            figures.back_ms = fmax(figures.back_ms, (double)(end - place) / MS);
        }
        end = place + habit->unit_ns;
        made += (double)habit->unit_ns * (1 + habit->drift);
        stamp += (double)habit->unit_ns * habit->stamps;
    }
    return figures;
}

static void assert_stays(const struct habit *habit, double most_ms)
{
    struct figures figures = play(habit, 120 * SECOND);

    if (figures.worst_ms > most_ms || figures.last_ms > 50) {
        fail_msg("unit %d ms, drift %g, stamps %g, jitter %g, jump %g, gap %g, burst %g: up to %.1f ms off, "
                 "%.1f at the end",
                 (int)(habit->unit_ns / MS), habit->drift, habit->stamps, habit->jitter_ms, habit->jump_ms,
                 habit->gap_ms, habit->burst_ms, figures.worst_ms, figures.last_ms);
    }
}

static void sound_stays_with_its_pictures_whatever_its_clock_does(void **state)
{
    static const double drifts[] = {-0.12, -0.05, -0.02, -0.001, 0, 0.0001, 0.01, 0.05, 0.08, 0.12};
    static const int64_t units[] = {10 * MS, 20 * MS, 64 * MS, 128 * MS};
    static const double stamps[] = {0, 1, 0.95, 1.05, 2, 0.5};
    static const double jitters[] = {0, 10, 40};

    (void)state;
    for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
        for (size_t j = 0; j < sizeof(units) / sizeof(units[0]); j++) {
            for (size_t k = 0; k < sizeof(stamps) / sizeof(stamps[0]); k++) {
                for (size_t l = 0; l < sizeof(jitters) / sizeof(jitters[0]); l++) {
                    assert_stays(&(struct habit){.unit_ns = units[j],
                                                 .drift = drifts[i],
                                                 .stamps = stamps[k],
                                                 .jitter_ms = jitters[l]},
                                 (fabs(drifts[i]) > 0.08 ? 95 : 55) + jitters[l] / 2);
                }
            }
        }
    }
}

/* A camera that sends twice, or half, of what it announces. */
static void wrong_rates_are_found_out(void **state)
{
    static const double drifts[] = {-0.5, -0.3, 0.3, 1, 3};

    (void)state;
    for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
        for (double stamps = 0; stamps <= 2; stamps += 0.5) {
            assert_stays(
                &(struct habit){.unit_ns = 20 * MS, .drift = drifts[i], .stamps = stamps, .jitter_ms = 5},
                75);
        }
    }
}

static void steps_gaps_and_bursts_are_survived(void **state)
{
    static const double jumps[] = {-3600e3, -500, -30, 30, 500, 3600e3};
    static const double gaps[] = {30, 100, 700, 3000, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        assert_stays(&(struct habit){.unit_ns = 20 * MS, .stamps = 1, .jitter_ms = 5, .jump_ms = jumps[i]},
                     50);
    }
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        for (double stamps = 0; stamps <= 1; stamps++) {
            struct habit gap = {.unit_ns = 20 * MS, .stamps = stamps, .jitter_ms = 5, .gap_ms = gaps[i]};
            struct habit burst = {
                .unit_ns = 20 * MS, .stamps = stamps, .jitter_ms = 5, .burst_ms = gaps[i] / 2};
            assert_stays(&gap, 60);
            if (stamps > 0 || burst.burst_ms < 2000) {
                assert_stays(&burst, 60);
            }
        }
    }
}

/* Sound with a clock like the pictures' is not touched at all: it follows without a nanosecond. */
static void a_good_clock_is_left_alone(void **state)
{
    struct habit habit = {.unit_ns = 20 * MS, .stamps = 1, .jitter_ms = 6};

    (void)state;
    assert_true(play(&habit, 600 * SECOND).back_ms <= 0);
}

static void the_cameras_word_counts_within_bounds(void **state)
{
    static const double apart[] = {-400, -100, 60, 300};

    (void)state;
    for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
        assert_stays(&(struct habit){.unit_ns = 20 * MS, .stamps = 1, .jitter_ms = 5, .synced_ms = apart[i]},
                     50);
        assert_stays(
            &(struct habit){
                .unit_ns = 20 * MS, .drift = 0.03, .stamps = 1, .jitter_ms = 5, .synced_ms = apart[i]},
            60);
    }
    struct habit lie = {.unit_ns = 20 * MS, .stamps = 1, .jitter_ms = 5, .synced_ms = 1500};
    assert_in_range(play(&lie, 60 * SECOND).last_ms, 1440, 1560); /* it stays where it arrives */
}

/* --- What is a unit of it ------------------------------------------------------------------------------- */

static const uint8_t mono_48k[] = {0x11, 0x88};

static size_t count_good(struct aac_check *check, const uint8_t *data, size_t size)
{
    struct aac_frame frames[AAC_CHECK_FRAMES_MAX];
    size_t count = aac_check_split(check, data, size, frames);
    size_t good = 0;

    for (size_t i = 0; i < count; i++) {
        good += frames[i].good;
    }
    return good;
}

static void silence_is_aac(void **state)
{
    static const uint8_t stereo_48k[] = {0x11, 0x90};
    uint8_t unit[AAC_SILENCE_SIZE];

    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        struct aac_check *check;
        assert_int_equal(aac_check_create(channels == 1 ? mono_48k : stereo_48k, 2, &check), 0);
        size_t size = aac_silence(channels, unit);
        for (int i = 0; i < 5000; i++) {
            assert_int_equal(count_good(check, unit, size), 1);
        }
        aac_check_destroy(check);
    }
    assert_int_equal(aac_silence(6, unit), 0);
}

static void adts_is_taken_off(void **state)
{
    /* Two frames of AAC-LC, 48 kHz, mono, of 4 bytes each. */
    static const uint8_t unit[] = {0xff, 0xf1, 0x4c, 0x40, 0x01, 0x7f, 0xfc, 0, 0, 0, 7,
                                   0xff, 0xf1, 0x4c, 0x40, 0x01, 0x7f, 0xfc, 0, 0, 0, 7};
    struct aac_frame frames[AAC_CHECK_FRAMES_MAX];
    struct aac_check *check;

    (void)state;
    assert_int_equal(aac_check_create(mono_48k, 2, &check), 0);
    assert_int_equal(aac_check_split(check, unit, sizeof(unit), frames), 2);
    for (int i = 0; i < 2; i++) {
        assert_ptr_equal(frames[i].data, unit + 7 + 11 * i);
        assert_int_equal(frames[i].size, 4);
        assert_true(frames[i].good);
    }
    assert_int_equal(aac_check_split(check, unit + 11, 11, frames), 1);
    assert_int_equal(frames[0].size, 4);
    aac_check_destroy(check);
}

static void random_bytes_are_no_aac(void **state)
{
    struct aac_check *check;
    uint8_t unit[300];
    size_t good = 0;

    (void)state;
    assert_int_equal(aac_check_create(mono_48k, 2, &check), 0);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof(unit); i++) {
            unit[i] = (uint8_t)(random_part() * 256);
        }
        good += count_good(check, unit, 50 + (size_t)round % 250);
    }
    assert_in_range(good, 0, 100);
    aac_check_destroy(check);
}

/* The first damaged unit behind many good ones may pass; those that follow do not. */
static void damage_that_comes_later_is_found(void **state)
{
    struct aac_check *check;
    uint8_t silence[AAC_SILENCE_SIZE];
    size_t size = aac_silence(1, silence);
    size_t good = 0;

    (void)state;
    assert_int_equal(aac_check_create(mono_48k, 2, &check), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(count_good(check, silence, size), 1);
    }
    for (int i = 0; i < 400; i++) {
        uint8_t unit[120];
        for (size_t j = 0; j < sizeof(unit); j++) {
            unit[j] = (uint8_t)(random_part() * 256);
        }
        good += count_good(check, unit, sizeof(unit));
        assert_int_equal(count_good(check, silence, size), 1);
    }
    assert_in_range(good, 0, 25);
    aac_check_destroy(check);
}

static void packets_of_opus_keep_its_rules(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t duration;
    } packets[] = {
        {"\xf8\xff\xfe", 3, 960},        /* 20 ms, one frame */
        {"\x08", 1, 960},                /* an empty frame: nothing is said */
        {"\x18\1\2", 3, 2880},           /* 60 ms */
        {"\xf9\1\2\3\4", 5, 1920},       /* two frames of equal length */
        {"\xf9\1\2\3", 4, 0},            /* which these are not */
        {"\xfa\2\1\1\1", 5, 1920},       /* two frames, the length of the first is told */
        {"\xfa\xf0\1\1", 4, 0},          /* and longer than the packet */
        {"\xfb\3\1\2\3", 5, 2880},       /* three equal frames */
        {"\xfb\0\1\2\3", 5, 0},          /* no frame */
        {"\x1b\3\1\2\3", 5, 0},          /* 180 ms */
        {"\xfb\x83\1\1\1\2\3", 7, 2880}, /* three frames with lengths */
        {"\xfb\x83\x20\1\1\2\3", 7, 0},  /* one of which is too long */
        {"\xfb\x41\2\1\0\0", 6, 960},    /* padding of two bytes */
        {"\xfb\x41\x09\1\0\0", 6, 0},    /* of more than there are */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        assert_int_equal(opus_packet_duration((const uint8_t *)packets[i].bytes, packets[i].size),
                         packets[i].duration);
    }
    assert_int_equal(opus_packet_duration(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_good_unit_opens_the_track),
        cmocka_unit_test(sound_that_stays_away_has_ended),
        cmocka_unit_test(sound_that_comes_and_goes_is_let_in_less_and_less),
        cmocka_unit_test(sound_with_a_past_is_forgiven),
        cmocka_unit_test(damaged_sound_is_no_sound),
        cmocka_unit_test(kinds_that_change_are_bounded),
        cmocka_unit_test(sound_stays_with_its_pictures_whatever_its_clock_does),
        cmocka_unit_test(wrong_rates_are_found_out),
        cmocka_unit_test(steps_gaps_and_bursts_are_survived),
        cmocka_unit_test(a_good_clock_is_left_alone),
        cmocka_unit_test(the_cameras_word_counts_within_bounds),
        cmocka_unit_test(silence_is_aac),
        cmocka_unit_test(adts_is_taken_off),
        cmocka_unit_test(random_bytes_are_no_aac),
        cmocka_unit_test(damage_that_comes_later_is_found),
        cmocka_unit_test(packets_of_opus_keep_its_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
