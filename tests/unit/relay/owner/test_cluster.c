/* SPDX-License-Identifier: MIT */
/* One thing at a time that happens to a cluster, and how long it takes; what happens at random is test_faults.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/owner/times.h"
#include "tests/support/cluster_model.h"

#define NODES 4u
#define CAMERAS 40u
#define BEGUN_MS 6000

static struct cluster *begin_with(const struct owner_wish *wish)
{
    const struct cluster_options options = {.nodes = NODES,
                                            .cameras = CAMERAS,
                                            .sites = 2,
                                            .step_ms = 5,
                                            .latency_min_ms = 1,
                                            .latency_max_ms = 10,
                                            .ready_ms = 600,
                                            .stop_ms = 50};
    struct cluster *cluster = cluster_create(&options);

    for (uint32_t camera = 0; wish && camera < CAMERAS; camera++) {
        cluster_set_wish(cluster, camera, wish);
    }
    for (uint32_t node = 0; node < NODES; node++) {
        cluster_start(cluster, node, false);
    }
    cluster_run(cluster, BEGUN_MS);
    for (uint32_t camera = 0; camera < CAMERAS; camera++) {
        cluster_gap_ms(cluster, camera);
    }
    return cluster;
}

static void finish(struct cluster *cluster)
{
    if (cluster_violation(cluster)) {
        fail_msg("%s", cluster_violation(cluster));
    }
    cluster_destroy(cluster);
}

static unsigned published_by(const struct cluster *cluster, uint32_t node)
{
    unsigned count = 0;

    for (uint32_t camera = 0; camera < CAMERAS; camera++) {
        count += cluster_publisher(cluster, camera) == node;
    }
    return count;
}

static uint64_t longest_gap(struct cluster *cluster)
{
    uint64_t longest = 0;

    for (uint32_t camera = 0; camera < CAMERAS; camera++) {
        uint64_t gap_ms = cluster_gap_ms(cluster, camera);
        longest = gap_ms > longest ? gap_ms : longest;
    }
    return longest;
}

static void cameras_spread_when_nodes_begin_together(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    for (uint32_t node = 0; node < NODES; node++) {
        assert_int_equal(published_by(cluster, node), CAMERAS / NODES);
    }
    finish(cluster);
}

static void the_dead_are_replaced(void **state)
{
    struct cluster *cluster = begin_with(NULL);
    uint64_t moves = cluster_figures(cluster)->moves, burials = cluster_figures(cluster)->burials;

    (void)state;
    cluster_kill(cluster, 2);
    cluster_run(cluster, 5000);
    assert_int_equal(cluster_figures(cluster)->moves - moves, CAMERAS / NODES);
    assert_int_equal(cluster_figures(cluster)->burials - burials, 1);
    assert_in_range(longest_gap(cluster), LEASE_MS - LEASE_RENEW_MS - 100, LEASE_MS + BURY_SPREAD_MS + 200);
    for (uint32_t node = 0; node < NODES; node++) {
        assert_in_range(published_by(cluster, node), node == 2 ? 0 : 13, node == 2 ? 0 : 14);
    }
    /* It comes back: nothing is moved that is well. */
    cluster_start(cluster, 2, false);
    cluster_run(cluster, 8000);
    assert_int_equal(cluster_figures(cluster)->moves - moves, CAMERAS / NODES);
    finish(cluster);
}

static void who_leaves_is_replaced_at_once(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    owner_leave(cluster_owner(cluster, 1), cluster_node_ms(cluster, 1));
    cluster_run(cluster, 1000);
    assert_true(owner_has_left(cluster_owner(cluster, 1)));
    assert_in_range(longest_gap(cluster), 0, 300);
    assert_int_equal(published_by(cluster, 1), 0);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    finish(cluster);
}

static void who_drains_hands_over_without_a_gap(void **state)
{
    struct cluster *cluster = begin_with(NULL);
    struct owner_totals totals;

    (void)state;
    owner_set_draining(cluster_owner(cluster, 0), true, cluster_node_ms(cluster, 0));
    cluster_run(cluster, 4000);
    assert_int_equal(published_by(cluster, 0), 0);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_in_range(longest_gap(cluster), 0, 150); /* until it has stopped, and a message */
    owner_totals(cluster_owner(cluster, 3), &totals);
    assert_int_equal(totals.nodes, NODES);
    assert_int_equal(totals.draining, 1);
    finish(cluster);
}

/* One that was bound to it, one that may only be at its site, whose other node is dead. */
static void what_nobody_else_may_have_stays(void **state)
{
    static const struct owner_choice alone = {.node = "n0"};
    static const struct owner_wish bound = {.site = "", .count = 1, .nodes = &alone},
                                   here = {.site = "s0", .site_only = true};
    struct cluster *cluster = begin_with(&here);
    struct owner_totals totals;

    (void)state;
    cluster_set_wish(cluster, 0, &bound);
    cluster_run(cluster, 4000);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 5000);
    assert_int_equal(published_by(cluster, 0), CAMERAS - (cluster_publisher(cluster, 0) != 0));
    owner_set_draining(cluster_owner(cluster, 0), true, cluster_node_ms(cluster, 0));
    cluster_run(cluster, 3000);
    owner_totals(cluster_owner(cluster, 0), &totals);
    assert_int_equal(totals.stuck, totals.own - (cluster_publisher(cluster, 0) == 0));
    cluster_start(cluster, 2, false);
    cluster_run(cluster, 10000);
    assert_in_range(published_by(cluster, 2), CAMERAS - 1, CAMERAS);
    finish(cluster);
}

static void what_can_be_nowhere_waits(void **state)
{
    static const struct owner_wish here = {.site = "s1", .site_only = true};
    struct cluster *cluster = begin_with(&here);
    struct owner_place place;

    (void)state;
    cluster_kill(cluster, 1);
    cluster_kill(cluster, 3);
    cluster_run(cluster, 6000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), CAMERAS);
    assert_int_equal(owner_where(cluster_owner(cluster, 0), "c7", &place), 0);
    assert_int_equal(place.state, CLAIM_FREE);
    assert_true(place.waits);
    cluster_start(cluster, 3, false);
    cluster_run(cluster, SETTLE_MS + 1000);
    assert_int_equal(published_by(cluster, 3), CAMERAS);
    finish(cluster);
}

/* JetStream chooses another leader meanwhile. */
static void a_bucket_without_a_leader_stops_nobody(void **state)
{
    struct cluster *cluster = begin_with(NULL);
    uint64_t moves = cluster_figures(cluster)->moves, questions = cluster_figures(cluster)->questions;

    (void)state;
    cluster_run(cluster, 3000);
    assert_int_equal(cluster_figures(cluster)->questions, questions); /* while all is well nobody asks */
    for (unsigned round = 0; round < 3; round++) {
        cluster_stop_bucket(cluster, true);
        cluster_run(cluster, 9000);
        cluster_stop_bucket(cluster, false);
        cluster_run(cluster, 4000);
    }
    assert_int_equal(longest_gap(cluster), 0);
    assert_int_equal(cluster_figures(cluster)->moves, moves);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    finish(cluster);
}

/* The machine of the bucket's leader dies, and a node with it. */
static void who_dies_with_the_leader_is_replaced_as_soon_as_there_is_another(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_stop_bucket(cluster, true);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 8000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), CAMERAS / NODES);
    cluster_stop_bucket(cluster, false);
    cluster_run(cluster, 2500);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_in_range(longest_gap(cluster), 8000, 8000 + LEASE_RENEW_MS + BURY_SPREAD_MS + 100);
    finish(cluster);
}

/* Without the bucket a node that the others do not hear is held by nobody: they may have a bucket. */
static void who_is_alone_stops(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_part(cluster, 1, 1);
    cluster_stop_bucket(cluster, true);
    cluster_run(cluster, LEASE_MS);
    assert_int_equal(published_by(cluster, 1), 0);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), CAMERAS / NODES);
    cluster_run(cluster, 5000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), CAMERAS / NODES);
    cluster_stop_bucket(cluster, false);
    cluster_run(cluster, 4000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    finish(cluster);
}

/* Half of the nodes hear each other and have no bucket: the other half has one, and takes over. */
static void who_has_no_bucket_is_not_held_by_half(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    for (uint32_t node = 0; node < NODES; node++) {
        cluster_part(cluster, node, node % 2);
        cluster_bar(cluster, node, node % 2);
    }
    cluster_run(cluster, 6000);
    assert_int_equal(published_by(cluster, 1) + published_by(cluster, 3), 0);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_in_range(longest_gap(cluster), 0, LEASE_MS + BURY_SPREAD_MS + TURN_MS + 400);
    finish(cluster);
}

/* Whom the dead had promised something, and what, is not known: so long nobody may be held any more. */
static void who_is_left_of_many_waits(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    for (uint32_t node = 1; node < NODES; node++) {
        cluster_kill(cluster, node);
    }
    cluster_run(cluster, HOLD_OVER_MS - LEASE_RENEW_MS - 100);
    assert_int_equal(published_by(cluster, 0), CAMERAS / NODES);
    cluster_run(cluster, 3000);
    assert_int_equal(published_by(cluster, 0), CAMERAS);
    finish(cluster);
}

/* A bucket that is away takes the lease of all in the end; nobody is buried for that, and what is bound goes on. */
static void a_bucket_that_is_away_moves_nothing(void **state)
{
    static const struct owner_choice alone = {.node = "n3"};
    static const struct owner_wish bound = {.site = "", .count = 1, .nodes = &alone};
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_set_wish(cluster, 5, &bound);
    cluster_run(cluster, 3000);
    assert_int_equal(cluster_publisher(cluster, 5), 3);
    uint64_t moves = cluster_figures(cluster)->moves, burials = cluster_figures(cluster)->burials;
    cluster_stop_bucket(cluster, true);
    cluster_run(cluster, 20000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), CAMERAS - 1);
    assert_int_equal(cluster_publisher(cluster, 5), 3);
    cluster_stop_bucket(cluster, false);
    cluster_run(cluster, 2000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_int_equal(cluster_figures(cluster)->moves, moves);
    assert_int_equal(cluster_figures(cluster)->burials, burials);
    finish(cluster);
}

/* OUT, IN: what of node 1 is cut; for so long. */
static void cut_for(bool out, bool in, bool keeps, uint32_t ms, bool moves_all)
{
    struct cluster *cluster = begin_with(NULL);

    cluster_cut(cluster, 1, out, in, keeps);
    cluster_run(cluster, ms);
    assert_int_equal(published_by(cluster, 1), moves_all ? 0 : CAMERAS / NODES);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_in_range(longest_gap(cluster), 0, moves_all ? LEASE_MS + BURY_SPREAD_MS + 200 : 0);
    cluster_cut(cluster, 1, false, false, false);
    cluster_run(cluster, 12000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_int_equal(longest_gap(cluster), 0);
    finish(cluster);
}

static void cuts_of_a_second_cost_nothing(void **state)
{
    (void)state;
    cut_for(true, true, false, 1000, false);
    cut_for(true, false, true, 1000, false);
    cut_for(false, true, false, 1000, false);
}

static void longer_cuts_move_its_cameras(void **state)
{
    (void)state;
    cut_for(true, true, false, 6000, true);
    cut_for(true, true, true, 30000, true);
    cut_for(true, false, false, 6000, true);
    cut_for(false, true, false, 6000, true);
}

static void a_node_that_was_stopped_has_lost_its_cameras(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_pause(cluster, 1, 60000);
    cluster_run(cluster, 6000);
    assert_int_equal(published_by(cluster, 1), 0);
    assert_in_range(longest_gap(cluster), 0, LEASE_MS + BURY_SPREAD_MS + 200);
    cluster_run(cluster, 60000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_int_equal(longest_gap(cluster), 0);
    finish(cluster);
}

/* Two at once, one of which is the first candidate of the other one's cameras. */
static void candidates_that_are_dead_are_passed_over(void **state)
{
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_kill(cluster, 1);
    cluster_run(cluster, 400);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 6000);
    assert_int_equal(published_by(cluster, CLAIM_NOBODY), 0);
    assert_in_range(longest_gap(cluster), 0, LEASE_MS + BURY_SPREAD_MS + TURN_MS + 400);
    assert_in_range(published_by(cluster, 0), 16, 24);
    finish(cluster);
}

static void moves_by_hand_are_bounded_and_even(void **state)
{
    struct owner_transfer moves[CAMERAS];
    struct cluster *cluster = begin_with(NULL);

    (void)state;
    cluster_kill(cluster, 2);
    cluster_run(cluster, 6000);
    cluster_start(cluster, 2, false);
    cluster_run(cluster, 4000);
    struct owner *owner = cluster_owner(cluster, 0);
    assert_int_equal(owner_plan_moves(owner, moves, 4), 4);
    size_t count = owner_plan_moves(owner, moves, CAMERAS);
    assert_in_range(count, 8, 10);
    for (size_t i = 0; i < count; i++) {
        uint32_t from = (uint32_t)moves[i].from[1] - '0';
        assert_string_equal(moves[i].to, "n2");
        assert_int_equal(owner_move(cluster_owner(cluster, from), moves[i].camera, moves[i].to), 0);
    }
    assert_int_equal(owner_move(owner, "c999", "n2"), -ENOENT);
    cluster_run(cluster, 4000);
    assert_int_equal(published_by(cluster, 2), count);
    assert_in_range(longest_gap(cluster), 0, LEASE_MS + BURY_SPREAD_MS + 200);
    assert_int_equal(owner_plan_moves(cluster_owner(cluster, 1), moves, CAMERAS), 0);
    finish(cluster);
}

static void preferred_sites_get_cameras_back_when_they_are_down(void **state)
{
    static const struct owner_wish near = {.site = "s0"};
    struct owner_transfer moves[CAMERAS];
    struct cluster *cluster = begin_with(&near);

    (void)state;
    assert_int_equal(published_by(cluster, 0) + published_by(cluster, 2), CAMERAS);
    cluster_kill(cluster, 0);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 6000);
    assert_int_equal(published_by(cluster, 1) + published_by(cluster, 3), CAMERAS);
    cluster_start(cluster, 0, false);
    cluster_run(cluster, 15000);
    assert_int_equal(published_by(cluster, 0), 0);
    for (uint32_t camera = 0; camera < CAMERAS; camera++) {
        if (cluster_publisher(cluster, camera) == 1) {
            char name[16];
            snprintf(name, sizeof(name), "c%u", camera);
            owner_set_well(cluster_owner(cluster, 1), name, false, cluster_node_ms(cluster, 1));
        }
    }
    cluster_run(cluster, AWAY_MOVE_MS - 1000);
    assert_int_equal(published_by(cluster, 0), 0);
    cluster_run(cluster, 3000);
    assert_int_equal(published_by(cluster, 1), 0);
    assert_int_equal(published_by(cluster, 0) + published_by(cluster, 3), CAMERAS);
    /* The others could be moved by hand. */
    assert_int_equal(owner_plan_moves(cluster_owner(cluster, 0), moves, CAMERAS), published_by(cluster, 3));
    finish(cluster);
}

/* --- One node, entry by entry --------------------------------------------------------------------------- */

static struct owner *alone(void)
{
    const struct owner_options options = {.node = "me", .site = ""};
    const struct owner_wish anywhere = {.site = ""};
    struct owner *owner = owner_create(&options);
    struct owner_action action;

    assert_non_null(owner);
    assert_int_equal(owner_set_camera(owner, "front", &anywhere), 0);
    owner_snapshot_begin(owner);
    owner_snapshot_done(owner, 1000);
    assert_true(owner_poll(owner, &action, 1000));
    assert_int_equal(action.kind, OWNER_WRITE_NODE);
    assert_int_equal(owner_see_node(owner, "me", &action.node, 10, 1010), 0);
    return owner;
}

/* Renews until UNTIL, and returns whether the camera was written meanwhile. */
static bool writes_camera(struct owner *owner, uint64_t *revision, uint64_t until)
{
    struct owner_action action;
    bool written = false;

    for (uint64_t now = 1010; now < until; now += 10) {
        while (owner_poll(owner, &action, now)) {
            if (action.kind == OWNER_WRITE_NODE && strcmp(action.name, "me") == 0) {
                owner_see_node(owner, "me", &action.node, ++*revision, now);
            }
            written = written || action.kind == OWNER_WRITE_CAMERA;
        }
    }
    return written;
}

/* The next thing that OWNER does apart from renewing, which succeeds. False: nothing. */
static bool next_of(struct owner *owner, struct owner_action *action, uint64_t *revision, uint64_t now)
{
    while (owner_poll(owner, action, now)) {
        if (action->kind != OWNER_WRITE_NODE) {
            return true;
        }
        owner_see_node(owner, "me", &action->node, ++*revision, now);
    }
    return false;
}

static void who_only_looks_writes_nothing(void **state)
{
    const struct owner_options options = {.node = "me", .site = ""};
    const struct owner_choice others[] = {{"other", 0}};
    const struct owner_wish elsewhere = {.site = "", .count = 1, .nodes = others};
    const struct owner_camera entry = {.node = "other", .incarnation = 11, .next = ""};
    struct owner_node other = {.incarnation = 11, .site = ""};
    struct owner *owner = owner_create(&options);
    struct owner_action action;
    struct owner_place place;

    (void)state;
    assert_non_null(owner);
    assert_int_equal(owner_set_camera(owner, "front", &elsewhere), 0);
    owner_set_looking(owner, true, 1000);
    owner_snapshot_begin(owner);
    assert_int_equal(owner_see_node(owner, "other", &other, 20, 1000), 0);
    assert_int_equal(owner_see_camera(owner, "front", &entry, 30, 1000), 0);
    owner_snapshot_done(owner, 1000);
    for (uint64_t now = 1000; now < 9000; now += 10) {
        assert_false(owner_poll(owner, &action, now)); /* the other one is silent, and is not buried */
        assert_true(owner_next_ms(owner) > now);
    }
    assert_int_equal(owner_where(owner, "front", &place), 0);
    assert_string_equal(place.node, "other");
    assert_int_equal(place.state, CLAIM_FOREIGN);
    /* It is to have a camera now. */
    owner_set_looking(owner, false, 9000);
    assert_true(owner_next_ms(owner) <= 9000);
    assert_true(owner_poll(owner, &action, 9000));
    assert_int_equal(action.kind, OWNER_WRITE_NODE);
    assert_string_equal(action.name, "me");
    owner_destroy(owner);
}

static void a_later_incarnation_lives(void **state)
{
    const struct owner_camera entry = {.node = "other", .incarnation = 31, .next = ""};
    struct owner_node before = {.incarnation = 11, .site = ""};
    struct owner *owner = alone();
    uint64_t revision = 40;

    (void)state;
    /* What is known of the other node is older than its camera: it has registered since. */
    assert_int_equal(owner_see_node(owner, "other", &before, 30, 1010), 0);
    assert_int_equal(owner_see_camera(owner, "front", &entry, 40, 1010), 0);
    assert_false(writes_camera(owner, &revision, 3900));
    owner_destroy(owner);
}

static void an_earlier_incarnation_does_not(void **state)
{
    const struct owner_camera entry = {.node = "other", .incarnation = 11, .next = ""};
    struct owner_node after = {.incarnation = 31, .site = "", .limit = 1};
    struct owner *owner = alone();
    uint64_t revision = 40;

    (void)state;
    assert_int_equal(owner_see_node(owner, "other", &after, 35, 1010), 0);
    assert_int_equal(owner_see_camera(owner, "front", &entry, 40, 1010), 0);
    assert_true(writes_camera(owner, &revision, 4500));
    owner_destroy(owner);
}

/* What frees a camera may come after the clock was read for what is done next. */
static void a_camera_that_has_just_become_free_is_taken_in_turn(void **state)
{
    const struct owner_choice choices[] = {{"first", 0}, {"other", 1}, {"me", 2}};
    const struct owner_wish wish = {.site = "", .count = 3, .nodes = choices};
    const struct owner_camera entry = {.node = "other", .incarnation = 11, .next = ""};
    struct owner_node first = {.incarnation = 21, .site = ""}, other = {.incarnation = 11, .site = ""};
    struct owner *owner = alone();
    struct owner_action action;
    uint64_t revision = 40, now = 1010;

    (void)state;
    assert_int_equal(owner_set_camera(owner, "front", &wish), 0);
    assert_int_equal(owner_see_camera(owner, "front", &entry, 30, now), 0);
    for (; now < 1010 + 2 * SETTLE_MS; now += LEASE_RENEW_MS / 2) {
        first.renewal++;
        other.renewal++;
        assert_int_equal(owner_see_node(owner, "first", &first, ++revision, now), 0);
        assert_int_equal(owner_see_node(owner, "other", &other, ++revision, now), 0);
        assert_false(next_of(owner, &action, &revision, now));
    }
    other.status = OWNER_GONE;
    assert_int_equal(owner_see_node(owner, "other", &other, ++revision, now + 1), 0);
    assert_false(next_of(owner, &action, &revision, now));
    assert_false(next_of(owner, &action, &revision, now + TURN_MS));
    assert_true(next_of(owner, &action, &revision, now + 1 + TURN_MS));
    assert_int_equal(action.kind, OWNER_WRITE_CAMERA);
    owner_destroy(owner);
}

static void a_node_without_a_key_is_buried_first(void **state)
{
    const struct owner_camera entry = {.node = "ghost", .incarnation = 11, .next = ""};
    struct owner *owner = alone();
    struct owner_action action;
    bool buried = false;

    (void)state;
    assert_int_equal(owner_see_camera(owner, "front", &entry, 20, 1010), 0);
    uint64_t revision = 40;
    for (uint64_t now = 1010; now < 6000 && !buried; now += 10) {
        while (owner_poll(owner, &action, now)) {
            assert_int_equal(action.kind, OWNER_WRITE_NODE);
            if (strcmp(action.name, "me") == 0) {
                owner_see_node(owner, "me", &action.node, ++revision, now);
            } else {
                assert_in_range(now, 1010 + LEASE_MS, 1010 + LEASE_MS + BURY_SPREAD_MS + 10);
                assert_int_equal(action.expected, 0);
                assert_int_equal(action.node.incarnation, 11);
                assert_int_equal(action.node.status, OWNER_BURIED);
                buried = true;
            }
        }
    }
    assert_true(buried);
    owner_destroy(owner);
}

static void damaged_entries_are_left_out(void **state)
{
    char name[NAMES_LENGTH_MAX + 2];
    const struct owner_camera camera = {.node = "other", .incarnation = 0, .next = ""},
                              other = {.node = name, .incarnation = 1, .next = ""};
    const struct owner_node nobody = {.incarnation = 0, .site = ""},
                            odd = {.incarnation = 1, .status = 9, .site = ""};
    struct owner *owner = alone();
    struct owner_place place;

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(owner_see_camera(owner, "front", &camera, 20, 1010), -EBADMSG);
    assert_int_equal(owner_see_camera(owner, "front", &other, 20, 1010), -EINVAL);
    assert_int_equal(owner_see_node(owner, "other", &nobody, 20, 1010), -EBADMSG);
    assert_int_equal(owner_see_node(owner, "other", &odd, 20, 1010), -EBADMSG);
    assert_int_equal(
        owner_see_node(owner, name, &(struct owner_node){.incarnation = 1, .site = ""}, 20, 1010), -EINVAL);
    assert_int_equal(owner_where(owner, "back", &place), -ENOENT);
    assert_int_equal(owner_where(owner, "front", &place), 0);
    assert_string_equal(place.node, "");
    owner_destroy(owner);
}

static void what_is_removed_is_released_and_forgotten(void **state)
{
    struct owner *owner = alone();
    struct owner_action action;
    uint64_t now = 1010, revision = 10;
    struct owner_place place;

    (void)state;
    while (owner_may_fetch(owner, "front", now) == 0 && now < 10000) {
        now += 10;
        if (next_of(owner, &action, &revision, now) && action.kind == OWNER_WRITE_CAMERA) {
            owner_answer(owner, action.ticket, CLAIM_WON, ++revision, now);
        }
    }
    assert_in_range(now, 1000 + SETTLE_MS, 1100 + SETTLE_MS);
    owner_remove_camera(owner, "front");
    assert_true(next_of(owner, &action, &revision, now));
    assert_int_equal(action.kind, OWNER_STOP);
    assert_false(next_of(owner, &action, &revision, now));
    assert_int_equal(owner_may_fetch(owner, "front", now), 0);
    owner_stopped(owner, "front");
    assert_true(next_of(owner, &action, &revision, now));
    assert_int_equal(action.kind, OWNER_WRITE_CAMERA);
    assert_string_equal(action.camera.node, "");
    owner_answer(owner, action.ticket, CLAIM_WON, ++revision, now);
    assert_false(next_of(owner, &action, &revision, now));
    owner_see_camera(owner, "front", NULL, ++revision, now);
    assert_false(next_of(owner, &action, &revision, now));
    assert_int_equal(owner_where(owner, "front", &place), -ENOENT);
    owner_destroy(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cameras_spread_when_nodes_begin_together),
        cmocka_unit_test(the_dead_are_replaced),
        cmocka_unit_test(who_leaves_is_replaced_at_once),
        cmocka_unit_test(who_drains_hands_over_without_a_gap),
        cmocka_unit_test(what_nobody_else_may_have_stays),
        cmocka_unit_test(what_can_be_nowhere_waits),
        cmocka_unit_test(a_bucket_without_a_leader_stops_nobody),
        cmocka_unit_test(who_dies_with_the_leader_is_replaced_as_soon_as_there_is_another),
        cmocka_unit_test(who_is_alone_stops),
        cmocka_unit_test(who_has_no_bucket_is_not_held_by_half),
        cmocka_unit_test(who_is_left_of_many_waits),
        cmocka_unit_test(a_bucket_that_is_away_moves_nothing),
        cmocka_unit_test(cuts_of_a_second_cost_nothing),
        cmocka_unit_test(longer_cuts_move_its_cameras),
        cmocka_unit_test(a_node_that_was_stopped_has_lost_its_cameras),
        cmocka_unit_test(candidates_that_are_dead_are_passed_over),
        cmocka_unit_test(moves_by_hand_are_bounded_and_even),
        cmocka_unit_test(preferred_sites_get_cameras_back_when_they_are_down),
        cmocka_unit_test(who_only_looks_writes_nothing),
        cmocka_unit_test(a_later_incarnation_lives),
        cmocka_unit_test(an_earlier_incarnation_does_not),
        cmocka_unit_test(a_camera_that_has_just_become_free_is_taken_in_turn),
        cmocka_unit_test(a_node_without_a_key_is_buried_first),
        cmocka_unit_test(damaged_entries_are_left_out),
        cmocka_unit_test(what_is_removed_is_released_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
