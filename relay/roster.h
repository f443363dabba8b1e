/* SPDX-License-Identifier: MIT */
/*
 * The nodes of the cluster as the bucket shows them, for ringcastd to tell of: not more often than people can read, and who has become silent. Owned by
 * ownership.h; one thread.
 */
#ifndef RELAY_ROSTER_H
#define RELAY_ROSTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/cluster/subject.h"
#include "common/program/program.h"
#include "relay/owner/owner.h"
#include "relay/value.h"

/* A node, as the bucket shows it. */
struct roster_node {
    TAILQ_ENTRY(roster_node) link;
    char name[SUBJECT_NODE_MAX + 1];
    char site[VALUE_SITE_MAX];
    enum owner_node_status status;
    struct owner_load load;
    json_int_t version; /* of the whole cluster's cameras, 0: none */
    bool refused;       /* and it cannot take the newest */
    uint64_t seen_ms;
    bool silent; /* as ringcastd is told */
};

struct roster {
    TAILQ_HEAD(, roster_node) peers;
    bool due;         /* what ringcastd was told of the nodes is not so any more */
    bool loads_due;   /* the same of what they have to do */
    uint64_t told_ms; /* when it was told last */
};

void roster_init(struct roster *roster);
void roster_finish(struct roster *roster);

/* The bucket shows node NAME, of which VALUE says more. Returns whether it is new, or is not what it was: live, draining, gone or buried. */
bool roster_note(struct roster *roster, const char *name, const struct owner_node *node, const json_t *value);

/* Its key was deleted. */
void roster_forget(struct roster *roster, const char *name);

/* Tells ringcastd, if that is due. WATCHED: the bucket is. Returns when something is to be told again. */
uint64_t roster_tell(struct roster *roster, struct program *program, bool watched, uint64_t now_ms);

/* ringcastd is another process. */
void roster_tell_again(struct roster *roster);

#endif
