/* SPDX-License-Identifier: MIT */
/*
 * The cameras of the whole cluster, between the cluster's bucket and ringcastd (docs/reference/control.md, "ringcast-relay"): what the bucket has is shown
 * to ringcastd, and what ringcastd has sealed is written there. Nothing in here can be read by this process, which has no key. Part of ownership.c;
 * one thread.
 */
#ifndef RELAY_CENTRAL_H
#define RELAY_CENTRAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/program/program.h"
#include "relay/bucket.h"

/* Of all writes to them; relay/owner/ uses no such ticket. */
#define CENTRAL_TICKET 1

struct central {
    bool known; /* the bucket has shown all that it has */
    bool told;  /* to ringcastd, as it is now */
    bool there;
    uint64_t revision;
    char *text;         /* NULL: nothing is there, or no memory */
    json_int_t writing; /* ringcastd's number for the write that has no answer yet; 0: none */
    json_t *answer;     /* that ringcastd has not read yet; NULL: none */
};

void central_finish(struct central *central);

/* The bucket begins to show all that it has. */
void central_begin(struct central *central);

/* That was all. */
void central_shown(struct central *central);

/* The bucket shows ENTRY, of BUCKET_CAMERAS_KEY. */
void central_see(struct central *central, const struct bucket_entry *entry);

/* ringcastd has sent MESSAGE, `central-write`. */
void central_write(struct central *central, struct bucket *bucket, const struct channel_message *message);

/* The answer to the write; the rest is as with bucket_handlers. */
void central_written(struct central *central, int result, uint64_t revision);

/* Tells ringcastd what it does not know. False: it reads nothing now, and is to be told again. */
bool central_tell(struct central *central, struct program *program);

#endif
