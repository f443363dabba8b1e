/* SPDX-License-Identifier: MIT */
#include "relay/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "relay/value.h"

/* Until ringcastd is told again what it has not read. */
#define TELL_AGAIN_MS 20

/* Between two messages about the nodes, whose loads change all the time. */
#define VIEW_INTERVAL_MS 1000

/* The same, if nothing is new but how much they have to do. */
#define LOADS_INTERVAL_MS 5000

/* A node that has not renewed its key for so long is told to be silent: two renewals are missing, and it is not buried yet. */
#define SILENT_MS 2000

/* Nodes that one message tells of: as many as fit into it (MESSAGE_CHANNEL_MAX) whatever is in the bucket. */
#define VIEW_NODES_MAX 64

static struct roster_node *find_peer(const struct roster *roster, const char *name)
{
    struct roster_node *peer;

    TAILQ_FOREACH(peer, &roster->peers, link) {
        if (strcmp(peer->name, name) == 0) {
            return peer;
        }
    }
    return NULL;
}

static bool looks_as(const struct roster_node *peer, const struct owner_node *node, const json_t *value)
{
    return peer->status == node->status && strcmp(peer->site, node->site) == 0 &&
           peer->load.cameras == node->load.cameras && !peer->silent &&
           peer->version == message_integer(value, "version", 0) &&
           peer->refused == message_boolean(value, "refused", false);
}

bool roster_note(struct roster *roster, const char *name, const struct owner_node *node, const json_t *value)
{
    struct roster_node *peer = find_peer(roster, name);
    bool news = false;

    if (!peer && (peer = calloc(1, sizeof(*peer)))) {
        snprintf(peer->name, sizeof(peer->name), "%s", name);
        TAILQ_INSERT_TAIL(&roster->peers, peer, link);
        news = true;
        roster->due = true;
    }
    if (peer) {
        news = news || peer->status != node->status;
        roster->due = roster->due || !looks_as(peer, node, value);
        roster->loads_due =
            roster->loads_due || peer->load.kbps != node->load.kbps || peer->load.cpu != node->load.cpu;
        peer->silent = false;
        peer->status = node->status;
        peer->load = node->load;
        peer->version = message_integer(value, "version", 0);
        peer->refused = message_boolean(value, "refused", false);
        peer->seen_ms = clock_now_ms();
        snprintf(peer->site, sizeof(peer->site), "%s", node->site);
    }
    return news;
}

void roster_forget(struct roster *roster, const char *name)
{
    struct roster_node *peer = find_peer(roster, name);

    if (peer) {
        TAILQ_REMOVE(&roster->peers, peer, link);
        free(peer);
        roster->due = true;
    }
}

/* Those that have become silent. Returns when the next one will be, UINT64_MAX: none. */
static uint64_t find_silent(struct roster *roster, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    struct roster_node *peer;

    TAILQ_FOREACH(peer, &roster->peers, link) {
        const uint64_t due_ms = peer->seen_ms + SILENT_MS;
        if (peer->silent || peer->status == OWNER_GONE || peer->status == OWNER_BURIED) {
            continue;
        }
        if (now_ms >= due_ms) {
            peer->silent = true;
            roster->due = true;
        } else if (due_ms < next_ms) {
            next_ms = due_ms;
        }
    }
    return next_ms;
}

static json_t *view_of_nodes(const struct roster *roster)
{
    json_t *nodes = json_array();
    const struct roster_node *peer;

    TAILQ_FOREACH(peer, &roster->peers, link) {
        if (json_array_size(nodes) < VIEW_NODES_MAX) {
            json_array_append_new(nodes, json_pack("{s:s, s:s, s:s, s:I, s:b, s:I, s:I, s:I, s:I}", "name",
                                                   peer->name, "status", value_status(peer->status), "site",
                                                   peer->site, "version", peer->version, "refused",
                                                   peer->refused, "cameras", (json_int_t)peer->load.cameras,
                                                   "kbps", (json_int_t)peer->load.kbps, "cpu",
                                                   (json_int_t)peer->load.cpu, "silent_since_ms",
                                                   peer->silent ? (json_int_t)peer->seen_ms : (json_int_t)0));
        }
    }
    return nodes;
}

uint64_t roster_tell(struct roster *roster, struct program *program, bool watched, uint64_t now_ms)
{
    uint64_t silent_ms = find_silent(roster, now_ms), due_ms = roster->told_ms + VIEW_INTERVAL_MS,
             loads_ms = roster->loads_due ? roster->told_ms + LOADS_INTERVAL_MS : UINT64_MAX;

    if (!roster->due && now_ms < loads_ms) {
        return loads_ms < silent_ms ? loads_ms : silent_ms;
    }
    if (now_ms >= due_ms) {
        due_ms = now_ms + TELL_AGAIN_MS;
        if (program_tell(program, message_pack("cluster-view", "{s:b, s:o}", "watched", watched, "nodes",
                                               view_of_nodes(roster))) == 0) {
            roster->due = false;
            roster->loads_due = false;
            roster->told_ms = now_ms;
            due_ms = UINT64_MAX;
        }
    }
    return due_ms < silent_ms ? due_ms : silent_ms;
}

void roster_init(struct roster *roster)
{
    *roster = (struct roster){.due = true};
    TAILQ_INIT(&roster->peers);
}

void roster_finish(struct roster *roster)
{
    struct roster_node *peer;

    while ((peer = TAILQ_FIRST(&roster->peers))) {
        TAILQ_REMOVE(&roster->peers, peer, link);
        free(peer);
    }
}

void roster_tell_again(struct roster *roster)
{
    roster->due = true;
    roster->told_ms = 0;
}
