/* SPDX-License-Identifier: MIT */
/*
 * One camera, as one node sees it: whose it is by the bucket, and what this node does about it. A state machine without input, output or clock.
 * Memory of the caller; a claim that claim_init has set has seen nothing. Owned by the view of a node (owner.h); one thread.
 *
 * Events are noted by claim_seen, claim_written, claim_stopped and claim_ready; claim_step then says what to do, one thing at a time, until there is
 * nothing more to do. The state follows from what the bucket holds, and from little else:
 *
 *   C1  A node fetches a camera only while the bucket, as it knows it, holds the camera's key with this node and its present incarnation, and the
 *       node's lease is held. A camera that is bound to its node is fetched without a lease, too.
 *   C2  The key of a camera whose owner lives is changed by the owner alone. (A next owner sets `ready`, which changes no owner.)
 *   C3  Before it writes a key that gives a camera away the owner has stopped fetching it, and it does not fetch it again before it
 *       has seen a revision that says that the camera is its own: the write may arrive at any time.
 *   C4  A node writes only over the revision that it knows, so of several writes one wins.
 *   C5  The fence of an owner is the revision by which it became the owner. Fences of one camera strictly increase.
 */
#ifndef RELAY_OWNER_CLAIM_H
#define RELAY_OWNER_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

/* No node: an index of names.h otherwise. */
#define CLAIM_NOBODY UINT32_MAX

enum claim_state {
    CLAIM_FREE,      /* nobody's: no owner, or one that is dead */
    CLAIM_TAKING,    /* nobody's; this node has written that it is its own, and waits for the answer */
    CLAIM_OWNED,     /* this node's, which fetches it */
    CLAIM_FENCED,    /* this node's by the bucket, which must not fetch it now */
    CLAIM_OFFERED,   /* this node's, which fetches it; another one gets ready to have it */
    CLAIM_GIVING,    /* this node's, which has stopped or is stopping, and gives it away */
    CLAIM_PREPARING, /* another node's, which wants this one to get ready */
    CLAIM_FOREIGN,   /* another node's */
};

/* The value of a camera's key. */
struct claim_entry {
    uint32_t node; /* the owner; CLAIM_NOBODY: none */
    uint64_t incarnation;
    uint64_t fence; /* revision by which it became the owner; 0: the revision of this value */
    uint32_t next;  /* the owner wants to hand the camera over to it; CLAIM_NOBODY: it does not */
    uint64_t next_incarnation;
    bool ready; /* the next owner has the stream at hand */
    bool bound; /* no other node may take it, whatever becomes of its owner */
};

enum claim_result {
    CLAIM_WON,     /* the key has the value, with a new revision */
    CLAIM_LOST,    /* it had another revision than was expected */
    CLAIM_UNKNOWN, /* no answer: it may have been written, may still be, or not */
};

/* What the claim does. */
enum claim_mode {
    CLAIM_REST,
    CLAIM_PREPARES, /* has, or seeks, the stream at hand, and publishes nothing */
    CLAIM_FETCHES,
};

struct claim {
    enum claim_state state;
    struct claim_entry entry; /* the fence is filled in */
    uint64_t revision;        /* of the entry; 0: the key has never been written */
    enum claim_mode mode;
    uint64_t fence;    /* with which it fetches */
    uint32_t stopping; /* CLAIM_STOP that claim_stopped has not answered */
    bool is_ready;     /* while preparing: claim_ready was called */
    bool giving;       /* decided: it is given away, to `giving_to` or to nobody */
    uint32_t giving_to;
    uint64_t doubt; /* the revision over which a gift was sent (C3); 0: none */
    uint64_t
        unbound; /* the revision over which it was sent that the camera is not bound any more: it counts as that from then on */
    uint32_t offers;         /* next owners that did not get ready, since the last change of owner */
    uint32_t refused_by;     /* the last of them, until another one is asked */
    uint64_t offer_until_ms; /* in CLAIM_OFFERED */
    /* A write that has not been answered. */
    uint32_t ticket; /* of the last write */
    bool is_written; /* it waits for its answer */
    struct claim_entry written;
    uint64_t written_over;
    uint64_t
        retry_ms; /* no write before this: of the last one there is no answer, or it lost against one that has not been seen */
};

/* What the rest of the node knows. */
struct claim_context {
    uint64_t now_ms;
    uint32_t me;
    uint64_t incarnation; /* 0: not registered */
    bool held;            /* this node's lease */
    bool leaving;         /* this node is about to end: it fetches nothing any more */
    bool owner_lives;     /* the owner in the entry, or it is bound to another node */
    bool next_lives;      /* the next owner in the entry, with its incarnation */
    bool wanted;          /* the camera is configured here */
    bool take;            /* it is this node's turn to take it, if it is free */
    bool sole;            /* no other node may have it: it is to be bound */
    bool one_session;     /* the camera bears one session only: it cannot be prepared */
    bool well;            /* it sends pictures here */
    uint32_t
        target; /* the node that this one wants to hand it over to; CLAIM_NOBODY: it keeps it. It lives. */
    uint64_t target_incarnation;
};

enum claim_kind {
    CLAIM_NOTHING,
    CLAIM_FETCH, /* fetch it with `fence`; if it is being fetched already, or prepared, go on with this fence */
    CLAIM_PREPARE, /* connect to it and keep the pictures since the last keyframe, but publish nothing: claim_ready when they are there */
    CLAIM_STOP,    /* do neither; claim_stopped when nothing comes any more */
    CLAIM_WRITE,   /* write `entry` over revision `expected`; claim_written with `ticket` */
};

struct claim_action {
    enum claim_kind kind;
    uint64_t fence;
    struct claim_entry entry;
    uint64_t expected;
    uint32_t ticket;
};

void claim_init(struct claim *claim);

/*
 * The bucket holds ENTRY at REVISION; ENTRY NULL: the key was deleted. Older revisions than the newest known are left out. False: nothing new.
 */
bool claim_seen(struct claim *claim, const struct claim_entry *entry, uint64_t revision);

/* The write with TICKET has RESULT, and with CLAIM_WON the key has REVISION. Answers to former writes are left out. True: the entry is new. */
bool claim_written(struct claim *claim, uint32_t ticket, enum claim_result result, uint64_t revision);

/* One CLAIM_STOP has been carried out. */
void claim_stopped(struct claim *claim);

/* What CLAIM_PREPARE asked for is there. */
void claim_ready(struct claim *claim);

/* Whether the claim is over: nothing is fetched, being stopped or being written. */
bool claim_is_quiet(const struct claim *claim);

/* Whether the camera is fetched without a lease. */
bool claim_is_bound(const struct claim *claim);

/* The next thing to do, into ACTION, which the caller must do; to be called until it is CLAIM_NOTHING. */
enum claim_kind claim_step(struct claim *claim, const struct claim_context *context,
                           struct claim_action *action);

/* When claim_step is to be called again though nothing has happened; UINT64_MAX: not before. */
uint64_t claim_due_ms(const struct claim *claim);

/* "free", "taking" … for logs and lists. */
const char *claim_state_name(enum claim_state state);

#endif
