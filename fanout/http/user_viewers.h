/* SPDX-License-Identifier: MIT */
/*
 * How many streams each user watches, for the limit `viewers_per_user`. Whoever has no name is not counted. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_HTTP_USER_VIEWERS_H
#define FANOUT_HTTP_USER_VIEWERS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "fanout/http/gate.h"

#define USER_VIEWERS_BUCKETS 256u

struct user_viewers_entry;
LIST_HEAD(user_viewers_bucket, user_viewers_entry);

/* All zero: nobody watches. */
struct user_viewers {
    struct user_viewers_bucket buckets[USER_VIEWERS_BUCKETS];
};

/* True, and counted until user_viewers_end: the user that PERMIT is for may watch one more, of at most MOST; 0: any number. */
bool user_viewers_begin(struct user_viewers *viewers, const struct permit *permit, unsigned most);

/* One stream less. */
void user_viewers_end(struct user_viewers *viewers, const struct permit *permit);

#endif
