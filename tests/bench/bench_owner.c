/* SPDX-License-Identifier: MIT */
/*
 * Who has which camera, in a cluster of many nodes: relay/owner itself, over a bucket and a network in simulated time
 * (tests/support/cluster_model.h). Prints the rows of the table in docs/design/cluster.md. It fails if anybody but a camera's owner could publish
 * it, or if a camera that others may have is nobody's for more than 4 s (5 s without the second that a camera takes to start).
 *
 *   bench_owner [NODES [CAMERAS]]       200 nodes with 10,000 cameras take 1.5 GB and some minutes
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/support/cluster_model.h"

#define GAP_MAX_MS 4000

static uint32_t nodes = 20, cameras = 400;
static int failures;

static double seconds(uint64_t ms)
{
    return (double)ms / MS_PER_SECOND;
}

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return one < other ? -1 : one > other;
}

static uint32_t without_publisher(const struct cluster *cluster)
{
    uint32_t count = 0;

    for (uint32_t camera = 0; camera < cameras; camera++) {
        count += cluster_publisher(cluster, camera) == CLAIM_NOBODY;
    }
    return count;
}

/* Runs until every camera has a publisher; how long that took, at most MOST_MS. */
static uint64_t settle(struct cluster *cluster, uint64_t most_ms)
{
    uint64_t begin_ms = cluster_now_ms(cluster);

    while (without_publisher(cluster) > 0 && cluster_now_ms(cluster) - begin_ms < most_ms) {
        cluster_run(cluster, 20);
    }
    return cluster_now_ms(cluster) - begin_ms;
}

static void print_spread(const struct cluster *cluster)
{
    uint32_t *counts = calloc(nodes, sizeof(*counts)), least = UINT32_MAX, most = 0;

    for (uint32_t camera = 0; counts && camera < cameras; camera++) {
        uint32_t node = cluster_publisher(cluster, camera);
        if (node != CLAIM_NOBODY) {
            counts[node]++;
        }
    }
    for (uint32_t node = 0; counts && node < nodes; node++) {
        if (cluster_runs(cluster, node)) {
            least = counts[node] < least ? counts[node] : least;
            most = counts[node] > most ? counts[node] : most;
        }
    }
    printf(" %u to %u |", least, most);
    free(counts);
}

/* A row of the table: what has happened since the figures of BEFORE were taken at BEGAN_MS. */
static void print_row(struct cluster *cluster, const char *what, const struct cluster_figures *before,
                      uint64_t began_ms, uint64_t most_ms)
{
    const struct cluster_figures *after = cluster_figures(cluster);
    uint64_t *gaps = calloc(cameras, sizeof(*gaps)), passed_ms = cluster_now_ms(cluster) - began_ms;
    uint32_t count = 0;

    for (uint32_t camera = 0; gaps && camera < cameras; camera++) {
        gaps[count] = cluster_gap_ms(cluster, camera);
        count += gaps[count] > 0;
    }
    if (count > 0) {
        qsort(gaps, count, sizeof(*gaps), compare);
    }
    printf("| %s | %u |", what, count);
    if (count > 0) {
        printf(" %.2f s | %.2f s |", seconds(gaps[count * 95 / 100]), seconds(gaps[count - 1]));
    } else {
        printf(" | |");
    }
    printf(" %llu | %llu | %llu |", (unsigned long long)(after->moves - before->moves),
           (unsigned long long)(after->burials - before->burials),
           (unsigned long long)((after->writes - before->writes) * MS_PER_SECOND /
                                (passed_ms > 0 ? passed_ms : 1)));
    printf(" %llu |", (unsigned long long)(after->lost_writes - before->lost_writes));
    print_spread(cluster);
    printf("\n");
    failures += without_publisher(cluster) > 0 || (count > 0 && gaps[count - 1] > most_ms);
    free(gaps);
}

struct row {
    const char *what;
    void (*harm)(struct cluster *cluster);
    uint32_t ms;
    uint64_t most_ms;
};

static void nothing(struct cluster *cluster)
{
    (void)cluster;
}

static void kill_one(struct cluster *cluster)
{
    cluster_kill(cluster, 3);
}

static void kill_tenth(struct cluster *cluster)
{
    for (uint32_t node = 4; node < 4 + nodes / 10; node++) {
        cluster_kill(cluster, node);
    }
}

static void start_all(struct cluster *cluster)
{
    for (uint32_t node = 0; node < nodes; node++) {
        if (!cluster_runs(cluster, node)) {
            cluster_start(cluster, node, false);
        }
    }
}

static void even_out(struct cluster *cluster)
{
    struct owner_transfer *moves = calloc(cameras, sizeof(*moves));
    size_t count = moves ? owner_plan_moves(cluster_owner(cluster, 0), moves, cameras) : 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t from = (uint32_t)strtoul(moves[i].from + 1, NULL, 10);
        owner_move(cluster_owner(cluster, from), moves[i].camera, moves[i].to);
    }
    free(moves);
}

static void drain_one(struct cluster *cluster)
{
    owner_set_draining(cluster_owner(cluster, 1), true, cluster_node_ms(cluster, 1));
}

static void leave_one(struct cluster *cluster)
{
    owner_leave(cluster_owner(cluster, 2), cluster_node_ms(cluster, 2));
}

static void cut_one(struct cluster *cluster)
{
    cluster_cut(cluster, 5, true, true, false);
}

static void mend(struct cluster *cluster)
{
    cluster_cut(cluster, 5, false, false, false);
}

static void stop_bucket(struct cluster *cluster)
{
    cluster_stop_bucket(cluster, true);
}

static void start_bucket(struct cluster *cluster)
{
    cluster_stop_bucket(cluster, false);
}

static const struct row rows[] = {
    {"nothing, for 10 s", nothing, 10000, 0},
    {"the bucket answers nobody, for 8 s", stop_bucket, 8000, 0},
    {"it answers again", start_bucket, 5000, 0},
    {"a node dies", kill_one, 5000, GAP_MAX_MS},
    {"a tenth of the nodes dies at once", kill_tenth, 6000, GAP_MAX_MS},
    {"they come back", start_all, 6000, 0},
    {"loads are evened out by hand", even_out, 10000, 500},
    {"a node is cut off", cut_one, 5000, GAP_MAX_MS},
    {"the cut ends", mend, 6000, 0},
    {"a node drains", drain_one, 20000, 500},
    {"a node leaves", leave_one, 3000, 1500},
};

static void run_rows(struct cluster *cluster)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cluster_figures before = *cluster_figures(cluster);
        uint64_t began_ms = cluster_now_ms(cluster);
        rows[i].harm(cluster);
        cluster_run(cluster, rows[i].ms);
        print_row(cluster, rows[i].what, &before, began_ms, rows[i].most_ms);
    }
}

int main(int argc, char **argv)
{
    nodes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : nodes;
    cameras = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : cameras;
    if (nodes < 10 || nodes > OWNER_NODES_MAX || cameras < nodes || cameras > OWNER_CAMERAS_MAX) {
        fprintf(stderr,
                "usage: bench_owner [NODES [CAMERAS]]: 10 to %u nodes, and at least as many cameras\n",
                OWNER_NODES_MAX);
        return 2;
    }
    const struct cluster_options options = {.nodes = nodes,
                                            .cameras = cameras,
                                            .sites = nodes / 10,
                                            .seed = 1,
                                            .step_ms = 10,
                                            .latency_min_ms = 5,
                                            .latency_max_ms = 40,
                                            .clock_drift = 1,
                                            .ready_ms = 1000,
                                            .check_ms = 1000,
                                            .stop_ms = 100};
    struct cluster *cluster = cluster_create(&options);
    clock_t began = clock();
    for (uint32_t node = 0; node < nodes; node++) {
        cluster_start(cluster, node, false);
    }
    uint64_t settled_ms = settle(cluster, 30000);
    printf("%u cameras, %u nodes: all have an owner after %.2f s; %llu writes lost of %llu\n\n", cameras,
           nodes, seconds(settled_ms), (unsigned long long)cluster_figures(cluster)->lost_writes,
           (unsigned long long)cluster_figures(cluster)->writes);
    for (uint32_t camera = 0; camera < cameras; camera++) {
        cluster_gap_ms(cluster, camera);
    }
    printf("| what happens | cameras without an owner for a while | p95 | longest | moves | burials | "
           "writes/s | of these lost | cameras a node |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    run_rows(cluster);
    printf("\n%.1f s of CPU time for %.0f s of %u nodes\n", (double)(clock() - began) / CLOCKS_PER_SEC,
           seconds(cluster_now_ms(cluster)), nodes);
    if (cluster_violation(cluster)) {
        printf("%s\n", cluster_violation(cluster));
        failures++;
    }
    cluster_destroy(cluster);
    return failures > 0;
}
