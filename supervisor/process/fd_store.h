/*
 * What a next ringcastd needs if this one is killed: descriptors and a description of each camera, each
 * process and the listening socket, kept by a process of its own (ringcast-keeper,
 * docs/design/supervision.md). Here is ringcastd's side: a list of what is kept now, sent to the keeper entry
 * by entry and again whenever a new keeper begins; and what the keeper of a killed ringcastd had, until it is
 * taken. Owned by the supervisor; its main thread only.
 */
#ifndef SUPERVISOR_PROCESS_FD_STORE_H
#define SUPERVISOR_PROCESS_FD_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/ipc/channel.h"

enum fd_store_kind { FD_STORE_CAMERA, FD_STORE_RING, FD_STORE_PROCESS, FD_STORE_LISTENER };

/* One entry that was found; its descriptors are the holder's. */
struct fd_record {
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* -1: none, or taken */
};

int fd_record_take_fd(struct fd_record *record, int index);

/* Closes and frees what was not taken. */
void fd_record_finish(struct fd_record *record);

struct fd_store;

/* How the keeper is told. */
struct fd_store_callbacks {
    void *data;
    /*
     * MESSAGE takes the place of one that still waits under KEY; FDS stay open until the next one under KEY.
     * 0 or negative errno.
     */
    int (*send)(void *data, const char *key, const json_t *message, const int *fds, int fd_count);
    /* True while messages wait for the keeper to take them. */
    bool (*behind)(void *data);
};

/* CALLBACKS is copied. NULL: out of memory. */
struct fd_store *fd_store_create(const struct fd_store_callbacks *callbacks);

/* Forgets all; what was found and not taken is closed. The keeper is not told. NULL is allowed. */
void fd_store_destroy(struct fd_store *store);

/*
 * While the store is silent the keeper is not told of what is put, noted and dropped, and so keeps what it
 * has. When the silence ends it is told of every entry.
 */
void fd_store_set_silent(struct fd_store *store, bool silent);

/*
 * In each of these STORE may be NULL: nothing is kept. Keeps BODY (consumed; NULL: out of memory, and nothing
 * is kept) with descriptors FDS, which stay the caller's and must stay open until the
 * entry is replaced or dropped. An entry of the same KIND and NAME is replaced.
 */
void fd_store_put(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body,
                  const int *fds, int fd_count);

/* Replaces the body (consumed) of an entry and leaves its descriptors. Nothing happens if there is none. */
void fd_store_note(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body);

/* Nothing happens if there is no such entry. */
void fd_store_drop(struct fd_store *store, enum fd_store_kind kind, const char *name);

/* A keeper begins with nothing: tells it of every entry. */
void fd_store_send_all(struct fd_store *store);

/* Takes in a `record` message of the keeper's. False: not one. */
bool fd_store_found(struct fd_store *store, struct channel_message *message);

/* Takes what a killed ringcastd kept under KIND and NAME; false: nothing. */
bool fd_store_take(struct fd_store *store, enum fd_store_kind kind, const char *name,
                   struct fd_record *record);

/* Takes any found entry of KIND whose name begins with PREFIX; *NAME is to be freed. False: none is left. */
bool fd_store_take_any(struct fd_store *store, enum fd_store_kind kind, const char *prefix, char **name,
                       struct fd_record *record);

#endif
