/* SPDX-License-Identifier: MIT */
/*
 * What the keeper holds for the next ringcastd: entries with a kind, a name, a description and descriptors.
 * ringcast-keeper's only thread.
 */
#ifndef KEEPER_KEPT_H
#define KEEPER_KEPT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/ipc/channel.h"

/* Three for each of 1000 cameras, some for processes, and as many again in reserve. */
#define KEPT_ENTRIES_MAX 8192u

struct kept_entry {
    STAILQ_ENTRY(kept_entry) next;
    char *kind, *name;
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* owned */
    int fd_count;
    bool stale; /* kept by a ringcastd that was killed, and not again by the present one so far */
};

STAILQ_HEAD(kept_entries, kept_entry);

/*
 * Carries out a `keep`, `note` or `drop` message. 0; -EBADMSG: malformed; -ENOSPC: too many entries; -ENOMEM.
 */
int kept_obey(struct kept_entries *entries, struct channel_message *message);

/* Another ringcastd has connected: marks every entry as stale until that ringcastd keeps it again. */
void kept_make_stale(struct kept_entries *entries);

/* The other ringcastd has kept all that it wants: drops the entries that are still stale. */
void kept_drop_stale(struct kept_entries *entries);

/* Closes and frees every entry. */
void kept_finish(struct kept_entries *entries);

#endif
