/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/owner/names.h"
#include "relay/owner/placement.h"

#define NODES 12u
#define SITES 3u

static const struct placement_skip none = {PLACEMENT_NONE, PLACEMENT_NONE};
static const struct placement_wish anywhere = {.site = PLACEMENT_NONE};

/* Open nodes without cameras, node i at site i % SITES. */
static void make(struct placement_node nodes[NODES])
{
    char name[16];

    for (uint32_t i = 0; i < NODES; i++) {
        snprintf(name, sizeof(name), "node%u", i);
        nodes[i] = (struct placement_node){.open = true, .site = i % SITES, .hash = names_hash_text(name)};
    }
}

static uint32_t pick(const struct placement_node *nodes, const struct placement_wish *wish, uint64_t camera,
                     struct placement_skip skip)
{
    struct placement plan;

    assert_int_equal(placement_begin(&plan, nodes, NODES, SITES, camera), 0);
    uint32_t node = placement_pick(&plan, wish, camera, skip);
    placement_end(&plan);
    return node;
}

static void the_least_loaded_is_first(void **state)
{
    struct placement_node nodes[NODES];

    (void)state;
    make(nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].cameras = 5;
    }
    nodes[7].cameras = 4;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 7);
    /* Bit rates count, */
    nodes[7].kbps = 8000;
    nodes[3].kbps = 1000;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 3);
    /* a busy CPU does, */
    nodes[3].cpu = 899;
    nodes[5].kbps = 1500;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 5);
    /* and how large the machine is. */
    nodes[9].weight = 4 * PLACEMENT_WEIGHT;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 9);
    /* What is expected counts as what is there. */
    nodes[9].expected = 50;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 5);
}

static void the_closed_and_the_full_get_nothing(void **state)
{
    struct placement_node nodes[NODES];

    (void)state;
    make(nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].open = i == 2 || i == 4;
        nodes[i].limit = 3;
    }
    nodes[2].cameras = 2;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 4);
    nodes[4].cameras = 2;
    nodes[4].expected = 1;
    assert_int_equal(pick(nodes, &anywhere, 1, none), 2);
    nodes[2].cameras = 3;
    assert_int_equal(pick(nodes, &anywhere, 1, none), PLACEMENT_NONE);
}

static void a_used_up_cpu_comes_last(void **state)
{
    struct placement_node nodes[NODES];
    const struct placement_wish site = {.site = 1}, only = {.site = 1, .site_only = true};

    (void)state;
    make(nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].cpu = i % SITES == 1 ? PLACEMENT_CPU_FULL : 0;
        nodes[i].cameras = i % SITES == 1 ? 0 : 100;
    }
    assert_true(pick(nodes, &site, 1, none) % SITES != 1);
    assert_true(pick(nodes, &only, 1, none) % SITES == 1);
}

static void a_site_is_preferred_or_demanded(void **state)
{
    struct placement_node nodes[NODES];
    const struct placement_wish site = {.site = 2}, only = {.site = 2, .site_only = true};

    (void)state;
    make(nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].cameras = i % SITES == 2 ? 100 : 0;
    }
    assert_true(pick(nodes, &site, 1, none) % SITES == 2);
    assert_true(pick(nodes, &only, 1, none) % SITES == 2);
    for (uint32_t i = 2; i < NODES; i += SITES) {
        nodes[i].open = false;
    }
    assert_true(pick(nodes, &site, 1, none) != PLACEMENT_NONE);
    assert_int_equal(pick(nodes, &only, 1, none), PLACEMENT_NONE);
}

static void a_list_has_tiers(void **state)
{
    struct placement_node nodes[NODES];
    const struct placement_choice choices[] = {{3, 1}, {5, 0}, {8, 1}, {5, 0}};
    const struct placement_wish wish = {.site = PLACEMENT_NONE, .count = 4, .nodes = choices};
    const struct placement_wish sited = {.site = 2, .count = 4, .nodes = choices};

    (void)state;
    make(nodes);
    nodes[5].cameras = 100;
    nodes[8].cameras = 1;
    assert_int_equal(pick(nodes, &wish, 1, none), 5);
    assert_int_equal(pick(nodes, &wish, 1, (struct placement_skip){5, PLACEMENT_NONE}), 3);
    assert_int_equal(pick(nodes, &wish, 1, (struct placement_skip){5, 3}), 8);
    nodes[5].open = nodes[8].open = nodes[3].open = false;
    assert_int_equal(pick(nodes, &wish, 1, none), PLACEMENT_NONE);
    nodes[8].open = nodes[3].open = true;
    assert_int_equal(pick(nodes, &sited, 1, none), 8); /* it is at that site */
    assert_int_equal(placement_tier(&sited, nodes, 5), 0);
    assert_int_equal(placement_tier(&sited, nodes, 8), 2);
    assert_int_equal(placement_tier(&sited, nodes, 3), 3);
    assert_int_equal(placement_tier(&sited, nodes, 4), UINT32_MAX);
}

static void equals_share_by_hash(void **state)
{
    struct placement_node nodes[NODES];
    unsigned counts[NODES] = {0};
    char name[16];

    (void)state;
    make(nodes);
    for (unsigned i = 0; i < 1200; i++) {
        snprintf(name, sizeof(name), "camera%u", i);
        counts[pick(nodes, &anywhere, names_hash_text(name), none)]++;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        assert_in_range(counts[i], 60, 140);
    }
}

/* The cameras of a node that had many, in one plan. */
static void many_spread_evenly(void **state)
{
    struct placement_node nodes[NODES];
    struct placement plan;

    (void)state;
    make(nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].cameras = i;
    }
    assert_int_equal(placement_begin(&plan, nodes, NODES, SITES, 77), 0);
    for (unsigned i = 0; i < 534; i++) { /* 600 together: 50 each */
        uint32_t node = placement_pick(&plan, &anywhere, i, none);
        assert_in_range(node, 0, NODES - 1);
        nodes[node].expected++;
    }
    placement_end(&plan);
    for (uint32_t i = 0; i < NODES; i++) {
        assert_int_equal(nodes[i].cameras + nodes[i].expected, 50);
    }
}

/* The heaps against looking at every node; loads grow and nodes close in between. */
static void heaps_find_what_a_search_finds(void **state)
{
    uint64_t random = 5;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct placement_node nodes[NODES];
        struct placement plan;
        make(nodes);
        for (uint32_t i = 0; i < NODES; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            nodes[i].cameras = (uint32_t)(random >> 60);
            nodes[i].limit = random >> 59 & 1 ? 20 : 0;
            nodes[i].cpu = (uint32_t)(random >> 40) % 1000;
            nodes[i].open = (random >> 35 & 7) != 0;
        }
        assert_int_equal(placement_begin(&plan, nodes, NODES, SITES, 9), 0);
        for (unsigned turn = 0; turn < 120; turn++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            struct placement_wish wish = {.site =
                                              random >> 62 == 3 ? PLACEMENT_NONE : (uint32_t)(random >> 62),
                                          .site_only = random >> 50 & 1};
            struct placement_skip skip = {(uint32_t)(random >> 32) % NODES, (uint32_t)(random >> 40) % NODES};
            struct placement_choice all[NODES];
            for (uint32_t i = 0; i < NODES; i++) {
                all[i] = (struct placement_choice){i, 0};
            }
            struct placement_wish listed = wish;
            listed.site_only = wish.site_only && wish.site != PLACEMENT_NONE;
            wish.site_only = listed.site_only;
            listed.count = NODES;
            listed.nodes = all;
            uint32_t node = placement_pick(&plan, &wish, 9, skip);
            assert_int_equal(node, placement_pick(&plan, &listed, 9, skip));
            if (node != PLACEMENT_NONE) {
                nodes[node].expected++;
                nodes[node].open = (random >> 20 & 31) != 0;
            }
        }
        placement_end(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_is_first), cmocka_unit_test(the_closed_and_the_full_get_nothing),
        cmocka_unit_test(a_used_up_cpu_comes_last),  cmocka_unit_test(a_site_is_preferred_or_demanded),
        cmocka_unit_test(a_list_has_tiers),          cmocka_unit_test(equals_share_by_hash),
        cmocka_unit_test(many_spread_evenly),        cmocka_unit_test(heaps_find_what_a_search_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
