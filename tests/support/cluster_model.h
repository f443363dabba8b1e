/* SPDX-License-Identifier: MIT */
/*
 * A cluster without machines: nodes with relay/owner, one bucket with compare-and-set, and between them a network that delays, loses and keeps
 * messages. Time is simulated, in steps of a millisecond or more, and a seed repeats everything. Each node's clock begins somewhere else and runs
 * a little faster or slower. Owned by one test or benchmark.
 *
 * After every step the model checks, for each node and camera, also of nodes that are paused or cut off: a node may publish a camera
 * (owner_may_fetch) only if the bucket's key names it as the owner, with the same fence. So there is never more than one, and the
 * fence of each owner is greater than that of all before it. (A node to which a camera is bound goes on with its old fence until it sees that it
 * has a new one.)
 */
#ifndef TESTS_SUPPORT_CLUSTER_MODEL_H
#define TESTS_SUPPORT_CLUSTER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/owner/owner.h"

struct cluster_options {
    uint32_t nodes, cameras;
    uint32_t sites; /* nodes are spread over so many; 0: they have none */
    uint64_t seed;
    uint32_t step_ms;                        /* 0: 1 */
    uint32_t latency_min_ms, latency_max_ms; /* of a message one way */
    uint32_t lost;                           /* thousandths of all requests and answers */
    uint32_t kept;                           /* thousandths of requests that arrive up to 10 s later */
    bool forgetful;       /* the watch leaves out what was overwritten before it was sent */
    uint32_t clock_drift; /* thousandths by which clocks run wrong at most */
    uint32_t ready_ms;    /* a camera that is prepared is ready after so long; 0: never */
    uint32_t
        check_ms; /* all nodes are checked so often, and in between the owners only; 0: all at every step */
    uint32_t stop_ms; /* what is fetched stops after so long at most */
};

struct cluster_figures {
    uint64_t writes, lost_writes; /* compare-and-sets that arrived, and of those that failed */
    uint64_t renewals, burials;   /* of those that won */
    uint64_t moves;               /* cameras whose owner has changed to another node */
    uint64_t fetches, stops;      /* told to the nodes */
    uint64_t questions;           /* from node to node */
    uint64_t polls;
};

struct cluster;

/* All nodes are configured with all cameras, and stopped. Cameras "c0" …, nodes "n0" …, sites "s0" …. It fails the test without memory. */
struct cluster *cluster_create(const struct cluster_options *options);
void cluster_destroy(struct cluster *cluster);

/* Configures CAMERA on all nodes, also on those that start later. Names in WISH must stay valid. */
void cluster_set_wish(struct cluster *cluster, uint32_t camera, const struct owner_wish *wish);

/* --- What is done to it --------------------------------------------------------------------------------- */

/* Starts NODE; RESUME: it goes on with the incarnation of its last process. */
void cluster_start(struct cluster *cluster, uint32_t node, bool resume);
void cluster_kill(struct cluster *cluster, uint32_t node);
bool cluster_runs(const struct cluster *cluster, uint32_t node);

/* For so long NODE does nothing, and its messages wait, as after SIGSTOP. */
void cluster_pause(struct cluster *cluster, uint32_t node, uint32_t ms);

/* Cuts what NODE sends, what it gets, or both, or nothing any more. KEEPS: what it sends meanwhile arrives when the cut ends. */
void cluster_cut(struct cluster *cluster, uint32_t node, bool out, bool in, bool keeps);

/* NODE is of PART: it and nodes of another part hear nothing of each other, but of the bucket they do. All are of part 0 at first. */
void cluster_part(struct cluster *cluster, uint32_t node, uint32_t part);

/* NODE and the bucket hear nothing of each other, but it hears the other nodes; or not any more. */
void cluster_bar(struct cluster *cluster, uint32_t node, bool barred);

/* The bucket answers nobody, or does again. */
void cluster_stop_bucket(struct cluster *cluster, bool stopped);

/* From now on no message is lost or kept. */
void cluster_calm(struct cluster *cluster);

void cluster_run(struct cluster *cluster, uint32_t ms);

/* --- What is to be seen --------------------------------------------------------------------------------- */

/* Simulated milliseconds since the beginning. */
uint64_t cluster_now_ms(const struct cluster *cluster);
uint64_t cluster_node_ms(const struct cluster *cluster, uint32_t node);
struct owner *cluster_owner(struct cluster *cluster, uint32_t node);

/* The node that publishes CAMERA now; CLAIM_NOBODY: none. */
uint32_t cluster_publisher(const struct cluster *cluster, uint32_t camera);

/* When the present publisher of CAMERA, or its lack, began; simulated milliseconds. */
uint64_t cluster_since_ms(const struct cluster *cluster, uint32_t camera);

/* The longest time in which nobody published CAMERA, since this was last asked; ms. */
uint64_t cluster_gap_ms(struct cluster *cluster, uint32_t camera);

/* The first thing that must not be; NULL: nothing. */
const char *cluster_violation(const struct cluster *cluster);

const struct cluster_figures *cluster_figures(const struct cluster *cluster);

/* A random number below BELOW, of the cluster's seed. */
uint64_t cluster_random(struct cluster *cluster, uint64_t below);

#endif
