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

enum keep_kind { KEEP_CAMERA, KEEP_RING, KEEP_PROCESS, KEEP_LISTENER };

/* One entry that was found; its descriptors are the holder's. */
struct keep_record {
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* -1: none, or taken */
};

int keep_record_take_fd(struct keep_record *record, int index);

/* Closes and frees what was not taken. */
void keep_record_finish(struct keep_record *record);

struct keep;

/* Tells the keeper. 0 or negative errno. */
typedef int (*keep_send)(void *data, const json_t *message, const int *fds, int fd_count);

/* NULL: out of memory. */
struct keep *keep_create(keep_send send, void *data);

/* Forgets all; what was found and not taken is closed. The keeper hears nothing of it. NULL is allowed. */
void keep_destroy(struct keep *keep);

/*
 * Keeps BODY (consumed; not NULL) with descriptors FDS, which stay the caller's and must stay open until the
 * entry is replaced or dropped. An entry of the same KIND and NAME is replaced.
 */
void keep_store(struct keep *keep, enum keep_kind kind, const char *name, json_t *body, const int *fds,
                int fd_count);

/* Replaces the entry's body (consumed) and leaves its descriptors. The entry must be there. */
void keep_note(struct keep *keep, enum keep_kind kind, const char *name, json_t *body);

/* Nothing happens if there is no such entry. */
void keep_drop(struct keep *keep, enum keep_kind kind, const char *name);

/* A keeper begins with nothing: tells it of every entry. */
void keep_send_all(struct keep *keep);

/* Takes in a `record` message of the keeper's. False: not one. */
bool keep_found(struct keep *keep, struct channel_message *message);

/* Takes what a killed ringcastd kept under KIND and NAME; false: nothing. */
bool keep_take(struct keep *keep, enum keep_kind kind, const char *name, struct keep_record *record);

/* Takes any found entry of KIND whose name begins with PREFIX; *NAME is to be freed. False: none is left. */
bool keep_take_any(struct keep *keep, enum keep_kind kind, const char *prefix, char **name,
                   struct keep_record *record);

#endif
