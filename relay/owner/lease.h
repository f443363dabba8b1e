/* SPDX-License-Identifier: MIT */
/*
 * This node's own lease: its key in the bucket, which it writes again and again, and until when it may fetch cameras. A clock that the caller
 * gives, no input or output. Owned by the view of a node (owner.h); one thread.
 *
 *   E1  Every write of the key is a compare-and-set on the newest revision that is known, so of two processes with the same name one fails.
 *   E2  The lease lasts until LEASE_MS - LEASE_MARGIN_MS after the moment at which the last renewal was sent that has been seen in the bucket,
 *       by the same watch that shows everything else. A node that sees nothing of the bucket thus has no lease, even if its writes arrive.
 *   E3  A renewal that arrives after the lease has run out gives it back, with everything that was owned: only a burial takes that away, and a
 *       burial is a compare-and-set, too, so either the renewal fails or the burial.
 *   E4  A node that was buried registers again with a new incarnation. Nothing that its former incarnation owned is its own any more.
 *   E5  Incarnations of one name grow: each is larger by one than the newest revision of the bucket that was known when it registered.
 *   E6  A node whose renewals are answered but not seen, because its watch has died, stops renewing: it holds no lease, so others must take over.
 *   E7  A node that has said that it is gone never has that lease again.
 *   E8  What others have promised (votes.h) makes the lease longer, but not by more than HOLD_MAX_MS since the last renewal that was seen was sent.
 */
#ifndef RELAY_OWNER_LEASE_H
#define RELAY_OWNER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum lease_state {
    LEASE_UNSEEN, /* not known yet what the key holds */
    LEASE_BARRED, /* another process has this name: it must be silent for LEASE_MS before the name is free */
    LEASE_OPEN,   /* may register, or has tried to */
    LEASE_REGISTERED, /* the key holds this incarnation */
    LEASE_LEFT,       /* has said that it is gone */
};

/* Renewals on their way whose times are remembered. */
#define LEASE_SENT_MAX 8

/* The part of the key's value that the lease is about. */
struct lease_value {
    uint64_t incarnation;
    uint64_t renewal; /* counts the writes of one process */
    bool over;        /* gone or buried */
};

struct lease {
    enum lease_state state;
    uint64_t incarnation; /* 0: none, in LEASE_OPEN before it was tried and in LEASE_BARRED */
    uint64_t resume;      /* an incarnation that may be continued; 0: none */
    uint64_t revision;    /* the newest known of the key, 0: there is none */
    uint64_t seen;        /* the newest that the watch has shown */
    uint64_t renewal;     /* of the last write */
    uint64_t first;       /* the first renewal of this process in this incarnation */
    uint64_t sent_ms[LEASE_SENT_MAX];
    uint64_t renewed_ms; /* when the last renewal that was seen was sent; 0: none was */
    uint64_t until_ms;   /* the lease is held before this; 0: not */
    uint64_t next_ms;    /* when the key is to be written; UINT64_MAX: not */
    uint64_t
        unseen_ms; /* since when there is a won revision that the watch has not shown; 0: there is none */
    bool gone;     /* a write that says so has been sent */
};

/* RESUME: an incarnation of a process of this node that is certain to have ended, whose cameras this one goes on with; 0: none. */
void lease_init(struct lease *lease, uint64_t resume);

/* All keys have been seen. If this one was not among them there is none. */
void lease_snapshot_done(struct lease *lease, uint64_t now_ms);

/* The watch shows REVISION of the key; VALUE NULL: it was deleted. */
void lease_seen(struct lease *lease, const struct lease_value *value, uint64_t revision, uint64_t now_ms);

/* A write of VALUE has won REVISION. */
void lease_written(struct lease *lease, const struct lease_value *value, uint64_t revision, uint64_t now_ms);

/*
 * Whether the key is to be written at NOW_MS, and then what: it must be sent at once, expecting revision `*expected`. NEWEST: the newest revision
 * that is known of any key. GONE: nothing is fetched any more, and this is the last word (E7).
 */
bool lease_write(struct lease *lease, uint64_t newest, bool gone, struct lease_value *value,
                 uint64_t *expected, uint64_t now_ms);

/* The key is to be written now: something in its value has changed. */
void lease_hurry(struct lease *lease, uint64_t now_ms);

/* At SENT_MS this node asked for promises, and it has been promised by enough others that nobody buries it for LEASE_MS from then on. */
void lease_hold(struct lease *lease, uint64_t sent_ms);

/* Whether the bucket has shown a renewal that gives the lease at NOW_MS, without what others have promised. */
bool lease_renewed(const struct lease *lease, uint64_t now_ms);

/* Whether cameras may be fetched at NOW_MS. */
bool lease_held(const struct lease *lease, uint64_t now_ms);

#endif
