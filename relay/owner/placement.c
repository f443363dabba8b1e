/* SPDX-License-Identifier: MIT */
#include "relay/owner/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What nodes are ordered by, the smallest first. `tier` is 0 in the heaps, whose nodes are all alike in that. */
struct rank {
    bool full;
    uint32_t tier;
    uint64_t load;
    uint64_t tie;
};

struct placement_place {
    struct rank
        rank; /* as it was when it was last looked at: a load only grows, so the true one is not smaller */
    uint32_t node;
};

struct placement_site {
    struct placement_place *heap;
    uint32_t count;
};

uint64_t placement_load(const struct placement_node *node, uint32_t kbps)
{
    uint64_t cameras = (uint64_t)node->cameras + node->expected;
    uint64_t mean = node->kbps > 0 ? node->kbps : PLACEMENT_CAMERA_KBPS;
    uint64_t load = cameras * (mean + PLACEMENT_CAMERA_BASE_KBPS) +
                    (kbps > 0 ? kbps : PLACEMENT_CAMERA_KBPS) + PLACEMENT_CAMERA_BASE_KBPS;
    uint64_t cpu = node->cpu < 1000 ? node->cpu : 1000;

    return load * (1000 + cpu) / (node->weight > 0 ? node->weight : PLACEMENT_WEIGHT);
}

static uint64_t mix(uint64_t node, uint64_t camera)
{
    uint64_t hash = (node ^ camera) * UINT64_C(0xff51afd7ed558ccd);

    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

static struct rank rank_of(const struct placement_node *node, uint32_t tier, uint32_t kbps, uint64_t camera)
{
    return (struct rank){.full = node->cpu >= PLACEMENT_CPU_FULL,
                         .tier = tier,
                         .load = placement_load(node, kbps),
                         .tie = mix(node->hash, camera)};
}

static bool before(const struct rank *a, const struct rank *b)
{
    if (a->full != b->full) {
        return b->full;
    }
    if (a->tier != b->tier) {
        return a->tier < b->tier;
    }
    return a->load != b->load ? a->load < b->load : a->tie < b->tie;
}

static bool is_open(const struct placement_node *node)
{
    return node->open && (node->limit == 0 || node->cameras + (uint64_t)node->expected < node->limit);
}

uint32_t placement_tier(const struct placement_wish *wish, const struct placement_node *nodes, uint32_t node)
{
    bool near = wish->site == PLACEMENT_NONE || nodes[node].site == wish->site;
    uint32_t far = near ? 0 : 1;

    if (!near && wish->site_only) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < wish->count; i++) {
        if (wish->nodes[i].node == node) {
            uint32_t tier = wish->nodes[i].tier < UINT32_MAX / 4 ? wish->nodes[i].tier : UINT32_MAX / 4;
            return 2 * tier + far;
        }
    }
    return wish->count == 0 ? far : UINT32_MAX;
}

/* --- Heaps ---------------------------------------------------------------------------------------------- */

static void sink(struct placement_place *heap, uint32_t count, uint32_t place)
{
    struct placement_place moved = heap[place];

    for (uint32_t child = 2 * place + 1; child < count; child = 2 * place + 1) {
        child += child + 1 < count && before(&heap[child + 1].rank, &heap[child].rank);
        if (!before(&heap[child].rank, &moved.rank)) {
            break;
        }
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = moved;
}

static void order(struct placement_place *heap, uint32_t count)
{
    for (uint32_t i = count / 2; i > 0; i--) {
        sink(heap, count, i - 1);
    }
}

static void add_place(struct placement *plan, struct placement_place *place, uint32_t node)
{
    *place = (struct placement_place){.rank = rank_of(&plan->nodes[node], 0, 0, plan->salt), .node = node};
}

static void fill(struct placement *plan, uint32_t count)
{
    struct placement_place *next = plan->places;

    for (uint32_t i = 0; i < count; i++) {
        if (is_open(&plan->nodes[i])) {
            add_place(plan, next++, i);
            plan->sites[plan->nodes[i].site == PLACEMENT_NONE ? plan->site_count : plan->nodes[i].site]
                .count++;
        }
    }
    plan->all = (uint32_t)(next - plan->places);
    for (uint32_t site = 0; site <= plan->site_count; site++) {
        plan->sites[site].heap = next;
        next += plan->sites[site].count;
        plan->sites[site].count = 0;
    }
    for (uint32_t i = 0; i < plan->all; i++) {
        uint32_t at = plan->nodes[plan->places[i].node].site;
        struct placement_site *site = &plan->sites[at == PLACEMENT_NONE ? plan->site_count : at];
        site->heap[site->count++] = plan->places[i];
    }
}

int placement_begin(struct placement *plan, const struct placement_node *nodes, uint32_t count,
                    uint32_t sites, uint64_t first)
{
    *plan = (struct placement){.nodes = nodes, .salt = first, .site_count = sites};
    plan->places = calloc(2 * (size_t)count + 1, sizeof(*plan->places));
    plan->sites = calloc((size_t)sites + 1, sizeof(*plan->sites)); /* the last one: of nodes without a site */
    if (!plan->places || !plan->sites) {
        placement_end(plan);
        return -ENOMEM;
    }
    fill(plan, count);
    order(plan->places, plan->all);
    for (uint32_t site = 0; site < sites; site++) {
        order(plan->sites[site].heap, plan->sites[site].count);
    }
    return 0;
}

void placement_end(struct placement *plan)
{
    free(plan->places);
    free(plan->sites);
    *plan = (struct placement){0};
}

/* Brings the best node of HEAP to its top: nodes that have closed leave, those that have more to do than they had sink. */
static void settle(const struct placement *plan, struct placement_place *heap, uint32_t *count)
{
    while (*count > 0) {
        const struct placement_node *node = &plan->nodes[heap->node];
        struct rank now = rank_of(node, 0, 0, plan->salt);
        if (!is_open(node)) {
            heap[0] = heap[--*count];
        } else if (before(&heap->rank, &now)) {
            heap->rank = now;
        } else {
            return;
        }
        if (*count > 0) {
            sink(heap, *count, 0);
        }
    }
}

/* The best node that is not to be skipped. Only its top is in order: what is skipped steps aside, and returns at the end. */
static uint32_t best_in(const struct placement *plan, struct placement_place *heap, uint32_t *count,
                        struct placement_skip skip)
{
    uint32_t whole = *count, kept = *count, best = PLACEMENT_NONE;
    struct placement_place aside[2];
    unsigned skipped = 0;

    for (;;) {
        settle(plan, heap, &kept);
        if (kept == 0 || (heap->node != skip.one && heap->node != skip.other) || skipped == 2) {
            break;
        }
        aside[skipped++] = heap[0];
        heap[0] = heap[--kept];
        if (kept > 0) {
            sink(heap, kept, 0);
        }
    }
    best = kept > 0 ? heap->node : PLACEMENT_NONE;
    /* Nothing else was put where they were: there is room for them. */
    for (unsigned i = 0; i < skipped && kept < whole; i++) {
        heap[kept++] = aside[i];
        for (uint32_t place = kept - 1; place > 0 && before(&heap[place].rank, &heap[(place - 1) / 2].rank);
             place = (place - 1) / 2) {
            struct placement_place parent = heap[(place - 1) / 2];
            heap[(place - 1) / 2] = heap[place];
            heap[place] = parent;
        }
    }
    *count = kept;
    return best;
}

static uint32_t best_listed(const struct placement *plan, const struct placement_wish *wish, uint64_t camera,
                            struct placement_skip skip)
{
    uint32_t best = PLACEMENT_NONE;
    struct rank first = {0};

    for (uint32_t i = 0; i < wish->count; i++) {
        uint32_t node = wish->nodes[i].node, tier = placement_tier(wish, plan->nodes, node);
        if (tier == UINT32_MAX || node == skip.one || node == skip.other || !is_open(&plan->nodes[node])) {
            continue;
        }
        struct rank rank = rank_of(&plan->nodes[node], tier, wish->kbps, camera);
        if (best == PLACEMENT_NONE || before(&rank, &first)) {
            best = node;
            first = rank;
        }
    }
    return best;
}

uint32_t placement_pick(struct placement *plan, const struct placement_wish *wish, uint64_t camera,
                        struct placement_skip skip)
{
    uint32_t near = PLACEMENT_NONE, any = PLACEMENT_NONE;

    if (wish->count > 0) {
        return best_listed(plan, wish, camera, skip);
    }
    if (wish->site < plan->site_count) {
        struct placement_site *site = &plan->sites[wish->site];
        near = best_in(plan, site->heap, &site->count, skip);
    }
    if (near != PLACEMENT_NONE && plan->nodes[near].cpu < PLACEMENT_CPU_FULL) {
        return near;
    }
    if (wish->site == PLACEMENT_NONE || !wish->site_only) {
        any = best_in(plan, plan->places, &plan->all, skip);
    }
    bool rather = any != PLACEMENT_NONE && plan->nodes[any].cpu < PLACEMENT_CPU_FULL;
    return near != PLACEMENT_NONE && !rather ? near : any;
}
