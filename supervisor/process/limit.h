/*
 * The supervisor's time limits and counts, each with its reason. The daemon tests build ringcastd a second
 * time with shorter ones; nothing else may depend on the values. Read by any file of supervisor/.
 */
#ifndef SUPERVISOR_PROCESS_LIMIT_H
#define SUPERVISOR_PROCESS_LIMIT_H

/* A child that was told to end and has not after this time is killed: well inside the 5 s that a stop may
 * take. */
#ifndef LIMIT_END_MS
#define LIMIT_END_MS 2000
#endif

/* Fan-out and template: from exec to `ready`. FFmpeg's 135 libraries load in 0.1 s, under sanitizers on a
 * busy machine in several seconds. */
#ifndef LIMIT_READY_MS
#define LIMIT_READY_MS 30000
#endif

/* The template answers a `spawn` (a fork) in about a millisecond. */
#ifndef LIMIT_SPAWN_MS
#define LIMIT_SPAWN_MS 10000
#endif

/* A child that takes no message for this long does not run its loop any more. */
#ifndef LIMIT_STUCK_MS
#define LIMIT_STUCK_MS 5000
#endif

/* A worker speaks after its start, and once a second while streaming; one that is silent for this long is
 * hung. */
#ifndef LIMIT_SILENCE_MS
#define LIMIT_SILENCE_MS 30000
#endif

/* How long the keeper waits for a next ringcastd before it ends everything. */
#ifndef LIMIT_LEASE_MS
#define LIMIT_LEASE_MS 30000
#endif

/* A child that broke its promise to beat gets SIGABRT, and after this time SIGKILL. */
#ifndef LIMIT_ABORT_MS
#define LIMIT_ABORT_MS 500
#endif

/* After the whole machine stood still: time for everybody to beat again. */
#ifndef LIMIT_GRACE_MS
#define LIMIT_GRACE_MS 2000
#endif

/* How long the children of a supervisor that was killed may take to see it and to let go of rings and
 * address. */
#ifndef LIMIT_TAKEOVER_MS
#define LIMIT_TAKEOVER_MS 5000
#endif

/* A fan-out answers a question about its viewers in a millisecond; ringcastctl waits 5 s. */
#ifndef LIMIT_INQUIRY_MS
#define LIMIT_INQUIRY_MS 2000
#endif

/* Log lines of a process that are kept when it ends. */
#define LIMIT_LAST_WORDS 8

/* Longest time in seconds that a reader may ask a camera to stay awake for; it asks again. Documented. */
#define LIMIT_WANT_S 60

/*
 * Malformed messages that one process may send before it is given up: none is normal, a flood is an attack.
 */
#define LIMIT_BAD_MESSAGES 16

/* Messages taken from one child before the others get their turn. */
#define LIMIT_MESSAGE_BATCH 16

/* Turns a second that one child gets; with the batch above far over what any honest child says. */
#define LIMIT_TURNS_PER_SECOND 1000

/* Messages that wait for a child that is slow: 1000 cameras, each added and described, fit several times. */
#define LIMIT_QUEUE 8192

#endif
