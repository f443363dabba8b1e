/* SPDX-License-Identifier: MIT */
/*
 * What one node knows of its cluster: the nodes, the cameras, and which of them is to be looked at. The state behind owner.h, with the questions
 * that its parts have in common; only they include this. Owned by the relay; one thread.
 *
 * Each camera has its claim, which says what to do. What an event changes is put on a list (view_touch), and owner_poll asks the claims on it, so
 * an event never does more than note what has become of what. Free cameras are on a second list, which turns.h is about.
 */
#ifndef RELAY_OWNER_VIEW_H
#define RELAY_OWNER_VIEW_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "relay/owner/claim.h"
#include "relay/owner/due.h"
#include "relay/owner/lease.h"
#include "relay/owner/names.h"
#include "relay/owner/owner.h"
#include "relay/owner/placement.h"

static_assert(NAMES_NONE == CLAIM_NOBODY && NAMES_NONE == PLACEMENT_NONE,
              "indices of names are used everywhere");

LIST_HEAD(camera_list, camera);
TAILQ_HEAD(camera_queue, camera);

enum peer_state {
    PEER_ABSENT, /* it has no key, as far as is known */
    PEER_LIVE,
    PEER_DRAINING,
    PEER_GONE,
    PEER_BURIED,
};

/* A node. What placement has to know of it is in `places`, with the same index. */
struct peer {
    enum peer_state state;
    uint64_t incarnation;
    uint64_t revision;          /* of its key; 0: none was ever seen */
    uint64_t shown;             /* the newest of them that it has said it had been shown */
    uint64_t seen_ms;           /* since when it is silent */
    struct camera_list cameras; /* whose keys name it as the owner, with whatever incarnation */
    /* What is said between nodes about burying it (votes.h). */
    uint32_t index;
    uint64_t held_until_ms; /* this node has promised not to have it buried before */
    uint64_t agreed; /* the latest revision of its key with which this node has agreed to that; 0: none */
    uint64_t ballot; /* the revision with which it is to be buried by this node */
    uint64_t agree[OWNER_NODES_MAX / 64]; /* those who agree to that, by index */
    uint64_t promised_ms; /* when this node asked for what that one has promised; 0: nothing */
    uint32_t counted;     /* the nodes that it counted when it did */
    uint64_t heard_ms;    /* when it last answered anything */
    bool is_asking;       /* others are being asked about it */
    uint32_t asked;       /* nodes below this have been */
    STAILQ_ENTRY(peer) asking;
};

struct camera {
    uint32_t index;
    struct claim claim;
    bool deleted; /* the key was: it has no value */
    bool wanted;  /* it is configured */
    struct placement_wish wish;
    struct placement_choice *choices; /* of the wish; owned */
    bool one_session;
    bool well;
    uint64_t away_ms; /* not well: when a better place is looked for */
    uint32_t target;  /* where it is to be moved; counts as expected there */
    bool by_hand;     /* that was told, and not planned */
    bool in_plan;     /* owner_plan_moves has a move for it */
    LIST_ENTRY(camera) of_owner;
    /* On the list of those that claim_step is to be asked about. */
    bool is_touched;
    TAILQ_ENTRY(camera) touched;
    /* Free: on the list of those. */
    bool is_free, is_planned;
    TAILQ_ENTRY(camera) free;
    uint64_t free_ms;       /* when it was planned */
    uint32_t first, second; /* who is to take it; NAMES_NONE: nobody can */
};

struct owner {
    struct names node_names, site_names, camera_names;
    struct peer **peers;           /* by index */
    struct placement_node *places; /* by index */
    uint32_t peer_capacity;
    struct camera **cameras; /* by index; NULL: not used */
    uint32_t camera_capacity;
    uint32_t *open_at; /* open nodes of each site */
    uint32_t open, site_capacity;
    struct due peers_due, cameras_due;
    struct camera_queue touched, free;

    uint32_t me;
    struct owner_options options; /* without names */
    struct owner_load load;
    struct lease lease;
    uint64_t newest; /* revision of any key */
    bool has_snapshot;
    bool was_held, was_renewed;
    /* What this node has asked the others: votes.h. */
    STAILQ_HEAD(, peer) asking;
    uint64_t joined_incarnation, joined_revision,
        joined_ms; /* the first write of this process that was seen */
    uint64_t hold_number, hold_ms, hold_sent_ms[LEASE_SENT_MAX];
    uint64_t hold_first_ms; /* since the bucket is silent, or was the last time */
    uint32_t holds;         /* how often it asked then */
    uint64_t settled_ms;    /* takes no cameras before this; 0: has never held a lease */
    bool is_settled;
    bool draining, leaving;
    bool looking;    /* writes nothing: see owner_set_looking */
    bool must_plan;  /* a free camera is not planned */
    bool must_move;  /* own cameras are to be looked through for those that have to be handed over */
    uint32_t moving; /* own cameras with a target */
    uint32_t busy;   /* cameras that are fetched, prepared or being stopped */
    uint32_t made;   /* claims so far */
};

/* --- Making --------------------------------------------------------------------------------------------- */

/* The index of the node called NAME, which need not have been seen; -EINVAL, -ENOSPC, -ENOMEM. */
int64_t view_add_peer(struct owner *owner, const char *name);

/* The index of the site called NAME; "": NAMES_NONE; -EINVAL, -ENOSPC, -ENOMEM. */
int64_t view_add_site(struct owner *owner, const char *name);

/* The camera called NAME into *FOUND. 0, -EINVAL, -ENOSPC, -ENOMEM. */
int view_add_camera(struct owner *owner, const char *name, struct camera **found);

/* NULL: it is not known. */
struct camera *view_find_camera(const struct owner *owner, const char *name);

/* --- Asking --------------------------------------------------------------------------------------------- */

uint64_t view_camera_hash(const struct owner *owner, const struct camera *camera);

/* Whether INCARNATION of NODE, which may be NAMES_NONE, is neither gone nor buried. */
bool view_incarnation_lives(const struct owner *owner, uint32_t node, uint64_t incarnation);

/* Whether this node may not take a camera with ENTRY. */
bool view_owner_lives(const struct owner *owner, const struct claim_entry *entry);

/* Whether this node has no lease and wants none. */
bool view_only_looks(const struct owner *owner);

/* Whether CAMERA's key names this node, with its present incarnation. */
bool view_is_own(const struct owner *owner, const struct camera *camera);

/* Whether NODE takes cameras, as far as this one knows. */
bool view_is_open(const struct owner *owner, uint32_t node);

/* Whether CAMERA is configured, and so that NODE may have it. */
bool view_may_have(const struct owner *owner, const struct camera *camera, uint32_t node);

/* Whether no other node than this one may have CAMERA. */
bool view_is_sole(const struct owner *owner, const struct camera *camera);

/* CAMERA's wish, with its bit rate as configured, or as those of the node that had it were in the mean. */
struct placement_wish view_wish(const struct owner *owner, const struct camera *camera);

/* "": none. */
const char *view_node_text(const struct owner *owner, uint32_t node);

/* --- Noting --------------------------------------------------------------------------------------------- */

/* CAMERA's claim is to be asked. */
void view_touch(struct owner *owner, struct camera *camera);

/* Those of all cameras whose keys name this node. */
void view_touch_own(struct owner *owner);

#endif
