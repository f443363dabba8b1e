/* SPDX-License-Identifier: MIT */
/*
 * The cluster's key-value bucket in JetStream: "ringcast-CLUSTER". Its answers are waited for in a thread of its own, so that pictures never wait for
 * them; what is written and read is handed over in the caller's thread, by bucket_turn, in the order in which it was asked for.
 *
 *              bound, all entries read                 an answer did not come
 *   away ─────────────────────────────▶ there ─────────────────────────────────▶ away      `news` says each of them
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

struct bucket;

/* Valid during the call. */
struct bucket_entry {
    const char *key;
    uint64_t revision; /* 0: there is no such key */
    const char *value; /* not terminated */
    size_t size;
};

/* What bucket_write expects to find. */
#define BUCKET_ANY UINT64_MAX
#define BUCKET_NOTHING 0

struct bucket_handlers {
    void *context;
    /* The bucket is there and all of it has been handed to `entry`; or it is not, and WHY says so. */
    void (*news)(void *context, bool there, const char *why);
    void (*entry)(void *context, const struct bucket_entry *entry);
    /*
     * The answer to bucket_write with this TAG. 0: it has REVISION now; -EEXIST: another revision than expected is there, which `entry` tells next;
     * -EIO: no answer, so it is not known.
     */
    void (*written)(void *context, uint64_t tag, const char *key, int result, uint64_t revision);
};

/* Begins to look for the bucket, and makes it if there is none. 0 or negative errno. */
int bucket_create(struct link *link, const char *cluster, const struct bucket_handlers *handlers,
                  struct bucket **made);

/* Ends the thread, which may take a second. NULL is allowed. */
void bucket_destroy(struct bucket *bucket);

/* To be waited for: it is readable when bucket_turn has something to do. */
int bucket_fd(const struct bucket *bucket);
void bucket_turn(struct bucket *bucket);

/* What everybody is told of the bucket's writes comes on this subject of NATS, to be subscribed to by the caller. */
void bucket_subject(const struct bucket *bucket, char subject[128]);

/* Such a message: the key is read anew. Its content is not believed, because a write that was refused looks the same. */
void bucket_noticed(struct bucket *bucket, const char *subject);

/* Writes KEY if it is as EXPECTED: a revision, BUCKET_NOTHING or BUCKET_ANY. 0; -ENOMEM; -E2BIG. */
int bucket_write(struct bucket *bucket, uint64_t tag, const char *key, const void *value, size_t size,
                 uint64_t expected);

/* Reads KEY, or everything, again. */
int bucket_read(struct bucket *bucket, const char *key);
int bucket_read_all(struct bucket *bucket);

#endif
