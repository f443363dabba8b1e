/* SPDX-License-Identifier: MIT */
#include "fanout/http/user_viewers.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/visitor/visitor.h"

/* There are as many as users who watch, and only the configuration makes users. */
struct user_viewers_entry {
    LIST_ENTRY(user_viewers_entry) link;
    unsigned count; /* never 0 */
    char name[VISITOR_NAME_MAX + 1];
};

static const char *name_of(const struct permit *permit)
{
    const struct visitor *visitor = permit ? permit_visitor(permit) : NULL;

    return visitor ? visitor->name : "";
}

static struct user_viewers_bucket *bucket_of(struct user_viewers *viewers, const char *name)
{
    uint64_t hash = hash_add(HASH_START, name, strlen(name));

    return &viewers->buckets[(hash ^ hash >> 32) % USER_VIEWERS_BUCKETS];
}

static struct user_viewers_entry *find(struct user_viewers_bucket *bucket, const char *name)
{
    struct user_viewers_entry *entry;

    LIST_FOREACH(entry, bucket, link) {
        if (strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

bool user_viewers_begin(struct user_viewers *viewers, const struct permit *permit, unsigned most)
{
    const char *name = name_of(permit);
    struct user_viewers_bucket *bucket = bucket_of(viewers, name);
    struct user_viewers_entry *entry = find(bucket, name);

    if (name[0] == '\0') {
        return true;
    }
    if (most > 0 && entry && entry->count >= most) {
        return false;
    }
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry) {
            return false;
        }
        strcpy(entry->name, name);
        LIST_INSERT_HEAD(bucket, entry, link);
    }
    entry->count++;
    return true;
}

void user_viewers_end(struct user_viewers *viewers, const struct permit *permit)
{
    const char *name = name_of(permit);
    struct user_viewers_entry *entry = name[0] ? find(bucket_of(viewers, name), name) : NULL;

    if (entry && --entry->count == 0) {
        LIST_REMOVE(entry, link);
        free(entry);
    }
}
