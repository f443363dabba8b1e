/*
 * What the keeper keeps: entries of a kind, a name, a description and descriptors. ringcast-keeper's only
 * thread.
 */
#ifndef KEEPER_FD_STORE_H
#define KEEPER_FD_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/ipc/channel.h"

/* Three for each of 1000 cameras, some processes, and as many again. */
#define STORE_ENTRIES_MAX 8192u

struct store_entry {
    STAILQ_ENTRY(store_entry) next;
    char *kind, *name;
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* owned */
    int fd_count;
    bool stale; /* of a ringcastd that was killed, and not claimed by the present one yet */
};

STAILQ_HEAD(store, store_entry);

/* Obeys a `keep`, `note` or `drop` message. 0; -EBADMSG: not a complete one; -ENOSPC: too many; -ENOMEM. */
int store_obey(struct store *store, struct channel_message *message);

/* Another ringcastd has come: everything is stale until it is kept again. */
void store_make_stale(struct store *store);

/* That ringcastd has claimed what it wants: drops what is stale. */
void store_drop_stale(struct store *store);

void store_finish(struct store *store);

#endif
