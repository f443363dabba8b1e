/* SPDX-License-Identifier: MIT */
/*
 * Who has which camera, as one node of a cluster sees it: from what a bucket of JetStream holds to what this node writes, fetches and
 * stops. It has no input, output or clock. Owned by ringcast-relay; one thread.
 *
 * The caller watches the whole bucket with one ordered watch and tells each entry, asks owner_poll for what to do whenever something has happened
 * or owner_next_ms has come, does it, and tells the answers. Times are milliseconds of CLOCK_MONOTONIC, and never go back. The bucket has two
 * kinds of keys, and every write is a compare-and-set on the revision of its key (0: it has none yet; the marker of a deleted
 * key has one):
 *
 *   `node.NAME`    struct owner_node    that it lives; written by the node every LEASE_RENEW_MS, or by another one that buries it
 *   `camera.NAME`  struct owner_camera  whose it is; written when that changes
 *
 *   O1  A node is buried by a compare-and-set on its key, by a node whose own renewals are seen and which has seen no new revision of that key for LEASE_MS,
 *       and with which enough other nodes agree (votes.h).
 *       So of a burial and a renewal one fails, and whoever is deaf buries nobody who lives. Burial is in the bucket: all nodes see the same.
 *   O2  A camera may be taken if its owner is buried or gone, or has a later incarnation; it is not a question of time.
 *   O3  Whoever may take a camera first is chosen as soon as its owner's burial is seen, from what the bucket held at that revision; so nodes agree. After
 *       TURN_MS the second may, and after each further one twice as many.
 *   O4  A camera that is well is moved only if its node drains, may not have it any more, or is told to.
 *   O5  A camera that only one node may have is bound to it: it is fetched without a lease and never taken by others, until its node unbinds it.
 *   O6  The work for an event is that of what it changes: a renewal O(log of nodes), a death its cameras, a lost lease the own cameras.
 *
 * The proof is in docs/design/cluster.md, "Who has which camera"; that of a single claim in claim.h, of the lease in lease.h, and which node is
 * chosen in placement.h.
 */
#ifndef RELAY_OWNER_OWNER_H
#define RELAY_OWNER_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/owner/claim.h"
#include "relay/owner/names.h"

/* Names that are remembered at most; more are refused. */
#define OWNER_NODES_MAX 1024
#define OWNER_CAMERAS_MAX 131072

/* Nodes that a camera may list. */
#define OWNER_WISH_NODES_MAX 64

enum owner_node_status { OWNER_LIVE, OWNER_DRAINING, OWNER_GONE, OWNER_BURIED };

struct owner_load {
    uint32_t cameras; /* that it fetches */
    uint32_t kbps;    /* of all of them, kbit/s */
    uint32_t cpu;     /* in use, thousandths of all CPUs */
};

/* The value of `node.NAME`. */
struct owner_node {
    uint64_t incarnation; /* > 0; grows with each registration */
    uint64_t renewal;     /* counts the writes of one process */
    uint64_t seen; /* the newest revision of this key that it had been shown when it wrote this; 0: none */
    enum owner_node_status status;
    const char *site; /* "": none */
    uint32_t weight;  /* of the machine; 1000: an ordinary one, 0: the same */
    uint32_t limit;   /* cameras at most; 0: no limit */
    struct owner_load load;
};

/* The value of `camera.NAME`. */
struct owner_camera {
    const char *node; /* the owner; "": none */
    uint64_t incarnation;
    uint64_t fence;   /* revision by which it became the owner; 0: that of this value */
    const char *next; /* the node that is to have it next; "": none */
    uint64_t next_incarnation;
    bool ready; /* the next one is */
    bool bound; /* no other node may take it */
};

struct owner_options {
    const char *node; /* this one's name */
    const char *site; /* "": none */
    uint32_t weight;
    uint32_t limit;
    /* An incarnation of a process of this node that is certain to have ended, whose cameras this one goes on with; 0: none. */
    uint64_t resume;
};

struct owner_choice {
    const char *node;
    uint32_t tier; /* nodes of lower tiers are preferred */
};

/* Where a camera is to be fetched: its configuration. */
struct owner_wish {
    const char *site; /* preferred; "": none is */
    bool site_only;   /* no node of another site may have it */
    bool
        one_session; /* it bears one session only: handed over with a gap instead of two sessions at a time */
    uint32_t kbps;   /* its bit rate; 0: not known */
    size_t count;    /* of nodes; 0: any node may have it */
    const struct owner_choice *nodes;
};

enum owner_kind {
    OWNER_WRITE_NODE, /* write `node` over revision `expected` of `node.NAME`, at once, and tell the answer (owner_answer) */
    OWNER_WRITE_CAMERA, /* the same with `camera` and `camera.NAME` */
    OWNER_FETCH, /* fetch camera NAME; its fragments carry `fence` from now on. If it is prepared or fetched already it goes on */
    OWNER_PREPARE, /* get the stream of camera NAME, keep what has come since the last keyframe, publish nothing; then owner_ready */
    OWNER_STOP,    /* do neither any more; owner_stopped when nothing can be published any more */
    OWNER_ASK,     /* send `question` to node NAME, at once; its answer goes to owner_answered */
};

enum owner_matter {
    OWNER_HOLD = 1, /* that the node that asks is not buried for a while */
    OWNER_BURIAL,   /* that it buries another node */
};

/* What one node asks another one. */
struct owner_question {
    enum owner_matter matter;
    const char *node; /* that is to be held or buried */
    uint64_t incarnation, revision;
    uint64_t number; /* of the question, for OWNER_HOLD */
};

struct owner_action {
    enum owner_kind kind;
    const char *
        name; /* of the node or camera; valid, as all names here, until the next call that changes something */
    uint64_t fence;
    uint64_t expected;
    uint64_t ticket; /* for owner_answer */
    union {
        struct owner_node node;
        struct owner_camera camera;
        struct owner_question question;
    };
};

struct owner;

/* NULL: out of memory, or a name that is empty or too long. */
struct owner *owner_create(const struct owner_options *options);
void owner_destroy(struct owner *owner);

/* --- Configuration -------------------------------------------------------------------------------------- */

/*
 * Camera NAME is configured with WISH (copied), or its wish has changed. 0; -EINVAL: a name is empty or too long, or there are too many nodes;
 * -ENOSPC: too many cameras or nodes; -ENOMEM.
 */
int owner_set_camera(struct owner *owner, const char *name, const struct owner_wish *wish);

/* Camera NAME is not configured any more. If it is this node's it is stopped, and its key is written without an owner. */
void owner_remove_camera(struct owner *owner, const char *name);

/* --- The bucket ----------------------------------------------------------------------------------------- */

/* A watch begins: all keys come again. Until owner_snapshot_done nothing is taken and nobody is buried. */
void owner_snapshot_begin(struct owner *owner);

/* The watch has shown all keys that there were when it began. */
void owner_snapshot_done(struct owner *owner, uint64_t now_ms);

/*
 * The watch shows REVISION of `node.NAME` or `camera.NAME`; VALUE NULL: it was deleted. Entries of one watch come in the order of their revisions. 0;
 * -EBADMSG: a value that no node writes, left out; -ENOSPC, -ENOMEM: it is not known to this node, which stays as it is.
 */
int owner_see_node(struct owner *owner, const char *name, const struct owner_node *value, uint64_t revision,
                   uint64_t now_ms);
int owner_see_camera(struct owner *owner, const char *name, const struct owner_camera *value,
                     uint64_t revision, uint64_t now_ms);

/*
 * The write with TICKET has RESULT; with CLAIM_WON its key has REVISION. No answer need be told twice, and CLAIM_UNKNOWN need not be told: every
 * write that is not answered is tried again.
 */
void owner_answer(struct owner *owner, uint64_t ticket, enum claim_result result, uint64_t revision,
                  uint64_t now_ms);

/* --- Other nodes ---------------------------------------------------------------------------------------- */

/* Node FROM asks QUESTION: whether the answer is yes, which must be sent at once, with *COUNTED. A lost answer does no harm. */
bool owner_asked(struct owner *owner, const char *from, const struct owner_question *question,
                 uint32_t *counted, uint64_t now_ms);

/* Node FROM has answered QUESTION of this node. */
void owner_answered(struct owner *owner, const char *from, const struct owner_question *question, bool yes,
                    uint32_t counted, uint64_t now_ms);

/* --- This node ------------------------------------------------------------------------------------------ */

/* The load that the next renewal tells. */
void owner_set_load(struct owner *owner, const struct owner_load *load);

/*
 * This node only looks: no camera is one that it may have. It then writes nothing at all, so that the bucket need not trust it: it does not register,
 * and buries nobody. One that has registered stays so until it ends.
 */
void owner_set_looking(struct owner *owner, bool looking, uint64_t now_ms);

/* Hands all cameras over that others may have, and takes none; or not any more. */
void owner_set_draining(struct owner *owner, bool draining, uint64_t now_ms);

/*
 * Stops all cameras, then says that the node is gone, so that others need not wait for its lease to run out. owner_has_left: the bucket says so. That
 * may never be if the bucket cannot be reached; without it the lease runs out. It cannot be taken back.
 */
void owner_leave(struct owner *owner, uint64_t now_ms);
bool owner_has_left(const struct owner *owner);

/* Camera NAME, which this node fetches, sends pictures or not. It counts as well until told otherwise. */
void owner_set_well(struct owner *owner, const char *name, bool well, uint64_t now_ms);

/* What OWNER_PREPARE asked for is there. */
void owner_ready(struct owner *owner, const char *name);

/* One OWNER_STOP of camera NAME has been carried out: nothing of it can be published any more. Or an OWNER_FETCH has come before that. */
void owner_stopped(struct owner *owner, const char *name);

/* --- Doing ---------------------------------------------------------------------------------------------- */

/*
 * The next thing to do, into ACTION. False: nothing; then again when something was told, or at owner_next_ms. What is asked for must be done in this
 * order, and at once: a caller that was held up asks owner_may_fetch before it publishes.
 */
bool owner_poll(struct owner *owner, struct owner_action *action, uint64_t now_ms);

/* When owner_poll has something to do though nothing was told; UINT64_MAX: never. */
uint64_t owner_next_ms(const struct owner *owner);

/* --- Moves by hand -------------------------------------------------------------------------------------- */

/*
 * Hands camera NAME, which is this node's, over to NODE. 0; -ENOENT: it is not this node's; -EHOSTUNREACH: that node may not have it, does not
 * live, or drains.
 */
int owner_move(struct owner *owner, const char *name, const char *node);

/* One move of a plan. The names are valid until the next call that changes something. */
struct owner_transfer {
    const char *camera, *from, *to;
};

/*
 * Plans up to MAX moves by which cameras come to nodes that they prefer, and then loads become more even, as far as a move makes the larger
 * of two loads smaller by more than a tenth. Nothing is moved: each move is for its node's owner_move. Returns how many there are. O(all cameras).
 */
size_t owner_plan_moves(struct owner *owner, struct owner_transfer *moves, size_t max);

/* --- Looking -------------------------------------------------------------------------------------------- */

/* Whether this node may publish fragments of camera NAME at NOW_MS, and with which fence; 0: it may not. */
uint64_t owner_may_fetch(const struct owner *owner, const char *name, uint64_t now_ms);

/* Until when what is fetched may be published without a further renewal: cameras that are not bound end then, whatever happens. 0: no lease. */
uint64_t owner_held_until_ms(const struct owner *owner);

/* The incarnation with which this node is registered, for `resume` of the process after it; 0: it is not. */
uint64_t owner_incarnation(const struct owner *owner);

struct owner_place {
    enum claim_state state;
    const char *node; /* the owner; "": none. Whether it lives: `state` is not CLAIM_FREE or CLAIM_TAKING */
    uint64_t fence;
    const char *next; /* "": none */
    bool waits;       /* free, and no node that may have it can take it */
};

/* Where camera NAME is. 0 or -ENOENT. */
int owner_where(const struct owner *owner, const char *name, struct owner_place *place);

struct owner_totals {
    uint32_t cameras;  /* configured here */
    uint32_t own;      /* this node's */
    uint32_t fetched;  /* of those, by this node, now */
    uint32_t free;     /* configured, and nobody's */
    uint32_t stuck;    /* this node's, to be handed over, and nobody can have them */
    uint32_t nodes;    /* that live */
    uint32_t draining; /* of those */
};

void owner_totals(const struct owner *owner, struct owner_totals *totals);

#endif
