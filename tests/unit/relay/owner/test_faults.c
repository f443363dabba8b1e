/* SPDX-License-Identifier: MIT */
/*
 * A small cluster to which everything happens at random: nodes are killed, started again, stopped and cut off, from the bucket or from each other, messages
 * are lost, late and out of order, and the bucket stops. At every step nobody publishes a camera but its owner by the bucket (tests/support/cluster_model.h); at the
 * end, when nothing more happens, every camera has a publisher again.
 *
 * More seeds: RINGCAST_SEEDS=500 RINGCAST_FIRST_SEED=100 build/dev/tests/relay_owner_faults
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/cluster_model.h"

#define SEEDS 12
#define NODES 5u
#define CAMERAS 12u
#define FAULTS 60

/* The lease, the burial, the settling of who was just started, some turns, and a clock that is slow. */
#define HEALED_MS 15000

static void harm(struct cluster *cluster, uint32_t node)
{
    static const struct owner_choice alone = {.node = "n1"};
    static const struct owner_wish bound = {.site = "", .count = 1, .nodes = &alone}, anywhere = {.site = ""};
    uint64_t now_ms = cluster_node_ms(cluster, node);

    switch (cluster_random(cluster, 15)) {
    case 0:
        if (cluster_runs(cluster, node)) {
            cluster_kill(cluster, node);
        }
        break;
    case 1:
    case 2:
        if (!cluster_runs(cluster, node)) {
            cluster_start(cluster, node, cluster_random(cluster, 2));
        }
        break;
    case 3:
        cluster_pause(cluster, node, (uint32_t)cluster_random(cluster, 8000));
        break;
    case 4:
        cluster_cut(cluster, node, cluster_random(cluster, 2), cluster_random(cluster, 2),
                    cluster_random(cluster, 2));
        break;
    case 5:
        cluster_cut(cluster, node, false, false, false);
        break;
    case 6:
        if (cluster_runs(cluster, node)) {
            owner_set_draining(cluster_owner(cluster, node), cluster_random(cluster, 2), now_ms);
        }
        break;
    case 7:
        cluster_stop_bucket(cluster, cluster_random(cluster, 4) == 0);
        break;
    case 8:
        cluster_set_wish(cluster, 0, cluster_random(cluster, 2) ? &bound : &anywhere);
        break;
    case 9:
        if (cluster_runs(cluster, node)) {
            owner_set_well(cluster_owner(cluster, node), "c3", cluster_random(cluster, 2), now_ms);
        }
        break;
    case 10:
    case 11:
        cluster_bar(cluster, node, cluster_random(cluster, 2));
        break;
    case 12:
    case 13:
        cluster_part(cluster, node, (uint32_t)cluster_random(cluster, 2));
        break;
    default:
        if (cluster_runs(cluster, node)) {
            owner_move(cluster_owner(cluster, node), "c4", cluster_random(cluster, 2) ? "n0" : "n2");
        }
        break;
    }
}

static void heal(struct cluster *cluster)
{
    cluster_calm(cluster);
    cluster_stop_bucket(cluster, false);
    for (uint32_t node = 0; node < NODES; node++) {
        cluster_cut(cluster, node, false, false, false);
        cluster_part(cluster, node, 0);
        cluster_bar(cluster, node, false);
        cluster_pause(cluster, node, 0);
        if (!cluster_runs(cluster, node)) {
            cluster_start(cluster, node, false);
        }
        owner_set_draining(cluster_owner(cluster, node), false, cluster_node_ms(cluster, node));
    }
}

static void run_with(uint64_t seed)
{
    const struct cluster_options options = {
        .nodes = NODES,
        .cameras = CAMERAS,
        .seed = seed,
        .step_ms = 5,
        .latency_min_ms = 1,
        .latency_max_ms = 40,
        .lost = 30,
        .kept = 10,
        .forgetful = seed % 2,
        .clock_drift = 50,
        .ready_ms = seed % 3 ? 600 : 0,
        .stop_ms = 150,
    };
    struct cluster *cluster = cluster_create(&options);

    for (uint32_t node = 0; node < NODES; node++) {
        cluster_start(cluster, node, false);
    }
    for (unsigned fault = 0; fault < FAULTS; fault++) {
        harm(cluster, (uint32_t)cluster_random(cluster, NODES));
        cluster_run(cluster, (uint32_t)cluster_random(cluster, 3000));
    }
    heal(cluster);
    cluster_run(cluster, HEALED_MS);
    if (cluster_violation(cluster)) {
        fail_msg("%s", cluster_violation(cluster));
    }
    for (uint32_t camera = 0; camera < CAMERAS; camera++) {
        if (cluster_publisher(cluster, camera) == CLAIM_NOBODY) {
            fail_msg("seed %llu: c%u has no publisher", (unsigned long long)seed, camera);
        }
    }
    cluster_destroy(cluster);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void nobody_publishes_but_the_owner(void **state)
{
    uint64_t first = number_of("RINGCAST_FIRST_SEED", 0), seeds = number_of("RINGCAST_SEEDS", SEEDS);

    (void)state;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        run_with(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_publishes_but_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
