/* SPDX-License-Identifier: MIT */
/*
 * Which node should have a camera. Pure functions of what the bucket shows, so nodes that have seen the same revisions choose alike without
 * talking. Memory of the caller, apart from a plan's heaps; one thread.
 *
 * Candidates are the nodes that may take the camera, that live, do not drain, and are below their limit of cameras. They come in this order:
 *
 *   1. those whose CPU is not almost used up;
 *   2. those that the camera prefers: the lowest tier of its list of nodes, then those of its site;
 *   3. the one with the smallest load if it took the camera: bit rate, and a megabit per second for each camera, more where the CPU is busy, less on
 *      a machine that is said to be larger;
 *   4. by rendezvous hashing (Thaler and Ravishankar, 1998): the smallest hash of the node and the camera, in a plan of the plan's first camera.
 *
 * Cameras count from the moment at which the bucket or the plan gives them to a node, and not when the node next tells of its load: so the cameras
 * of a dead node spread over the others in one go.
 */
#ifndef RELAY_OWNER_PLACEMENT_H
#define RELAY_OWNER_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No node, no site: indices of names.h. */
#define PLACEMENT_NONE UINT32_MAX

/* kbit/s of a camera of which nothing is known: a main stream in H.264. */
#define PLACEMENT_CAMERA_KBPS 4000

/* What each camera costs besides its bit rate, as kbit/s: a process, a connection. */
#define PLACEMENT_CAMERA_BASE_KBPS 1000

/* Thousandths of all of a machine's CPUs from which on others go first. */
#define PLACEMENT_CPU_FULL 900

/* The weight of an ordinary machine. One with twice as much gets twice the load. */
#define PLACEMENT_WEIGHT 1000

struct placement_node {
    bool open; /* lives and does not drain */
    uint32_t site;
    uint32_t cameras;  /* that are its own by the bucket */
    uint32_t expected; /* that it is expected to take */
    uint32_t limit;    /* cameras at most; 0: no limit */
    uint32_t kbps;     /* of a camera on this node, in the mean; 0: not known */
    uint32_t cpu;      /* in use, thousandths of all; values above 1000 count as that */
    uint32_t weight;   /* 0: PLACEMENT_WEIGHT */
    uint64_t hash;     /* of its name */
};

struct placement_choice {
    uint32_t node;
    uint32_t tier; /* nodes of lower tiers are preferred */
};

/* What a camera asks for. */
struct placement_wish {
    uint32_t site;  /* preferred; PLACEMENT_NONE: none is */
    bool site_only; /* no node of another site may take it */
    uint32_t kbps;  /* of the camera; 0: not known */
    uint32_t count; /* of nodes; 0: any node may take it */
    const struct placement_choice *nodes;
};

/* Nodes that are left out of a choice. PLACEMENT_NONE: nothing. */
struct placement_skip {
    uint32_t one, other;
};

/* A number that nodes can be compared by: the load of NODE if it took a camera of KBPS (0: not known). */
uint64_t placement_load(const struct placement_node *node, uint32_t kbps);

/* How much less than the best place NODE is for a camera, 0: none is better; UINT32_MAX: it may not have it. Loads do not matter. */
uint32_t placement_tier(const struct placement_wish *wish, const struct placement_node *nodes, uint32_t node);

/*
 * A plan: choices among the same nodes, one after the other. Loads of nodes may grow in the meantime, and nodes may close; nothing else may
 * change.
 */
struct placement {
    const struct placement_node *nodes;
    uint64_t salt;
    struct placement_place *places; /* a heap of all nodes, and one of each site */
    uint32_t all;                   /* how many nodes the first of them has */
    struct placement_site *sites;
    uint32_t site_count;
};

/*
 * Begins a plan for cameras of which the first has a name with hash FIRST. NODES: COUNT of them, with sites below SITES or PLACEMENT_NONE; the
 * caller's. O(COUNT). 0 or -ENOMEM.
 */
int placement_begin(struct placement *plan, const struct placement_node *nodes, uint32_t count,
                    uint32_t sites, uint64_t first);

/*
 * The best candidate for a camera with WISH and a name with hash CAMERA; PLACEMENT_NONE: there is none. O(log of nodes), or O(its list of nodes).
 * The caller adds it to the node's `expected`.
 */
uint32_t placement_pick(struct placement *plan, const struct placement_wish *wish, uint64_t camera,
                        struct placement_skip skip);

void placement_end(struct placement *plan);

#endif
