/* SPDX-License-Identifier: MIT */
/*
 * The times by which nodes share the cameras, in milliseconds of each node's own monotonic clock. No node ever compares its clock with that of
 * another one: each measures lengths only, and the margin covers how differently clocks run.
 *
 * A node that dies just after a renewal is found LEASE_MS later, after another BURY_SPREAD_MS at most its cameras are free, and a message later the
 * first candidate has them: 3.3 s. That leaves 1.7 s of 5 s for a candidate that does not act, and for the camera to start.
 */
#ifndef RELAY_OWNER_TIMES_H
#define RELAY_OWNER_TIMES_H

#include <assert.h>

/* Others may bury a node whose key has had no new revision for so long. */
#define LEASE_MS 3000

/*
 * A node gives up this much earlier, counted from when it sent the renewal: for stopping all cameras, and for clocks that differ in speed by up
 * to a fifth (quartz: a ten-thousandth).
 */
#define LEASE_MARGIN_MS 700

/* Between two renewals. A lost one leaves time for two more before the node gives up. */
#define LEASE_RENEW_MS 700

static_assert(3 * LEASE_RENEW_MS < LEASE_MS - LEASE_MARGIN_MS, "two renewals in a row may be lost");

/*
 * While the bucket answers nobody, nodes hold each other's leases (votes.h): a node asks for that when its last renewal that was seen is so old, again and
 * again, and for so long in all. Others promise it when their own last renewals are older than renewals are while the bucket answers.
 */
#define HOLD_AFTER_MS 1200
#define HOLD_AGAIN_MS 350
#define HOLD_MAX_MS 12000
#define HOLD_QUIET_MS 900

static_assert(HOLD_AFTER_MS + 2 * HOLD_AGAIN_MS < LEASE_MS - LEASE_MARGIN_MS &&
                  HOLD_QUIET_MS + LEASE_RENEW_MS < HOLD_AFTER_MS + 2 * HOLD_AGAIN_MS,
              "the third question is in time, and finds that nobody sees the bucket");

/*
 * A node that has been silent for so long is held by nobody any more, and is buried without asking. The same after a node has come: what it, or the process
 * before it, did not know or has forgotten is of no account then.
 */
#define HOLD_OVER_MS 15000

static_assert(HOLD_MAX_MS * 6 / 5 < HOLD_OVER_MS, "clocks may differ in speed by up to a fifth");

/* After the bucket was away, a node that was silent meanwhile has so long to write before others may bury it. */
#define LEASE_REGAIN_MS 1500

static_assert(2 * LEASE_RENEW_MS < LEASE_REGAIN_MS && LEASE_REGAIN_MS < LEASE_MS,
              "the first renewal may be lost");

/* Nodes try to bury a dead one at different times within this, so that not all of them write at once; fewer nodes within less. */
#define BURY_SPREAD_MS 300
#define BURY_SPREAD_NODE_MS 20

/* Until a burial that was not answered is tried again. */
#define BURY_RETRY_MS 500

/* A candidate has so long before the next ones follow: seeing that a camera is free, and writing its key, over a slow link. */
#define TURN_MS 400

/* A node that has just come waits so long before it takes cameras: others may be coming at the same time. */
#define SETTLE_MS 2000

/* Until a write of a camera's key that was not answered, or that lost against one that has not been seen yet, is tried again. */
#define WRITE_RETRY_MS 1000

/* The next owner of a camera that is handed over has so long to get ready; then another one is asked. */
#define OFFER_MS 8000

/* A camera whose next owners did not get ready so many times is handed over to one that is not. */
#define OFFERS_MAX 2

/* A camera that has been away for so long at its node may go to a site that it prefers; asked again as often. */
#define AWAY_MOVE_MS 10000

/* Cameras that a node hands over at a time: the others begin when one of them is done. */
#define MOVES_AT_ONCE 16

#endif
