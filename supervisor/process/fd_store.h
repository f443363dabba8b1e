/* SPDX-License-Identifier: MIT */
/*
 * What a next ringcastd needs if this one is killed: descriptors and a description of each camera, each
 * process and the listening socket. A process of its own keeps them (ringcast-keeper,
 * docs/design/supervision.md). This is ringcastd's side: the list of what is kept now, which is sent to the
 * keeper entry by entry and again to every new keeper, and the entries that were found with the keeper of a
 * killed ringcastd, until they are taken. Owned by the supervisor; its main thread only.
 */
#ifndef SUPERVISOR_PROCESS_FD_STORE_H
#define SUPERVISOR_PROCESS_FD_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/ipc/channel.h"

enum fd_store_kind { FD_STORE_CAMERA, FD_STORE_RING, FD_STORE_PROCESS, FD_STORE_LISTENER, FD_STORE_PLACE };

/* One entry that was found. Its descriptors belong to the holder of the record. */
struct fd_record {
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* -1: none, or taken */
};

/* Takes descriptor INDEX out of the record; the caller closes it. -1: there is none. */
int fd_record_take_fd(struct fd_record *record, int index);

/* Closes and frees what was not taken out of RECORD. */
void fd_record_finish(struct fd_record *record);

struct fd_store;

/* How messages reach the keeper. */
struct fd_store_callbacks {
    void *data;
    /*
     * Sends MESSAGE, in place of one that still waits under KEY. FDS stay open until the next one under KEY.
     * 0 or negative errno.
     */
    int (*send)(void *data, const char *key, const json_t *message, const int *fds, int fd_count);
    /* True while messages wait for the keeper to take them. */
    bool (*behind)(void *data);
};

/* CALLBACKS is copied. NULL: out of memory. */
struct fd_store *fd_store_create(const struct fd_store_callbacks *callbacks);

/* Frees the store and closes what was found and not taken. The keeper gets no message. NULL is allowed. */
void fd_store_destroy(struct fd_store *store);

/*
 * While the store is silent, what is put, noted and dropped is not sent to the keeper, which so keeps what it
 * has. When the silence ends, every entry is sent.
 */
void fd_store_set_silent(struct fd_store *store, bool silent);

/*
 * Keeps BODY (consumed; NULL: out of memory, and nothing is kept) with descriptors FDS, which stay the
 * caller's and must stay open until the entry is replaced or dropped. An entry of the same KIND and NAME is
 * replaced. Here and in fd_store_note and fd_store_drop STORE may be NULL: nothing is kept.
 */
void fd_store_put(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body,
                  const int *fds, int fd_count);

/*
 * Replaces the body of an entry by BODY (consumed) and leaves its descriptors. Does nothing if there is none.
 */
void fd_store_note(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body);

/* Drops an entry. Does nothing if there is none. */
void fd_store_drop(struct fd_store *store, enum fd_store_kind kind, const char *name);

/* Sends every entry to a keeper that has just begun and has nothing. */
void fd_store_send_all(struct fd_store *store);

/* Adds what MESSAGE, a `record` of the keeper, holds to the found entries. False: it is another message. */
bool fd_store_found(struct fd_store *store, struct channel_message *message);

/* Takes the found entry of KIND and NAME. False: there is none. */
bool fd_store_take(struct fd_store *store, enum fd_store_kind kind, const char *name,
                   struct fd_record *record);

/*
 * Takes any found entry of KIND whose name begins with PREFIX. The caller frees *NAME. False: none is left.
 */
bool fd_store_take_any(struct fd_store *store, enum fd_store_kind kind, const char *prefix, char **name,
                       struct fd_record *record);

#endif
