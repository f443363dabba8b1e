/* SPDX-License-Identifier: MIT */
/*
 * The cluster's key-value bucket in JetStream: "ringcast-CLUSTER". It is watched, listened to and written in threads of its own, so that pictures never
 * wait for it; what they have to say is handed over in the caller's thread, by bucket_turn. What is seen comes in the order of its revisions.
 *
 * The watch shows all that there is when it begins, and what is written from then on. JetStream publishes what is written as well (the stream's
 * `republish`; a bucket of an older ringcast has none), and that goes on without the server of NATS at which the watch lives. Of both the first counts.
 *
 *            a watch begins                  it has shown all               it fails, or shows nothing for BUCKET_SILENCE_MS
 *   away ───────────────────▶ beginning ──────────────────────▶ watched ──────────────────────────────────────────────▶ away
 *                                                                  ◀──────────────────────────────────────────────
 *                                                                   the same watch shows something again
 *
 * One for the process, on the process's link, which must outlive it.
 */
#ifndef RELAY_BUCKET_H
#define RELAY_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/link.h"

/* Longest value that is read or written, in bytes; what is longer is taken for damage. */
#define BUCKET_VALUE_MAX 4096

/* The key with the cameras of the whole cluster, which may be longer (cluster_cameras.h). */
#define BUCKET_CAMERAS_KEY "config"

/*
 * Who watches and writes sees what it writes. A watch that shows nothing for this long, though the bucket is written, is dead, and is begun anew; if it is
 * not written, because JetStream has no leader or there is no connection, the same watch goes on afterwards.
 */
#define BUCKET_SILENCE_MS 2500

/* The same for one that only reads, which sees what others write. (The library finds most dead watches by itself.) */
#define BUCKET_SILENCE_READER_MS 60000

/* Why the bucket is away, if there is no connection to anything. */
#define BUCKET_NO_LINK "there is no connection"

struct bucket;

enum bucket_state {
    BUCKET_AWAY,
    BUCKET_BEGINNING, /* all entries that there are follow */
    BUCKET_WATCHED,   /* those were all; changes follow */
};

/* Valid during the call. */
struct bucket_entry {
    const char *key;
    uint64_t revision;
    const char *value; /* terminated; NULL: the key was deleted */
    size_t size;
};

struct bucket_handlers {
    void *context;
    /* WHY is for BUCKET_AWAY. */
    void (*state)(void *context, enum bucket_state state, const char *why);
    void (*entry)(void *context, const struct bucket_entry *entry);
    /* The answer to a write. 0: it has REVISION now; -EEXIST: another revision than expected is there; -EIO: no answer, so it is not known. */
    void (*written)(void *context, uint64_t ticket, int result, uint64_t revision);
};

/* Begins to look for the bucket, and makes it if there is none, in COPIES, unless it is only read (bucket_set_reader). 0 or negative errno. */
int bucket_create(struct link *link, const char *cluster, unsigned copies,
                  const struct bucket_handlers *handlers, struct bucket **made);

/* The bucket is only read, and not made; or not any more. At first it is only read. */
void bucket_set_reader(struct bucket *bucket, bool reader);

/* Ends the threads, which may take a second. NULL is allowed. */
void bucket_destroy(struct bucket *bucket);

/* The link has another connection, which is used from now on. What is on its way by the one before is still answered. */
void bucket_use_link(struct bucket *bucket, struct link *link);

/* To be waited for: it is readable when bucket_turn has something to do. */
int bucket_fd(const struct bucket *bucket);
void bucket_turn(struct bucket *bucket);

/*
 * Writes KEY if its revision is EXPECTED, 0: if there is none. But for BUCKET_CAMERAS_KEY, it takes the place of an earlier write of KEY that still waits,
 * which is told -EIO. 0; -ENOMEM; -E2BIG.
 */
int bucket_write(struct bucket *bucket, uint64_t ticket, const char *key, const char *value,
                 uint64_t expected);

#endif
