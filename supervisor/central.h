/* SPDX-License-Identifier: MIT */
/*
 * The cameras of the whole cluster (`ringcastctl cluster apply`), beside those of this node's file. ringcast-relay shows what the cluster's bucket
 * has; a new version is checked as a reload is, kept in the state directory, and applied; one that cannot be taken is refused in words, and the one before stays.
 * The sealed text is kept, never what is in it; and the highest version that this node has had, below which it does not go again.
 * Supervisor's main thread only.
 *
 *              it can be opened, is newer, and fits the file          it is kept on the disk
 *   shown ──────────────────────────────────────────────────▶ next ───────────────────────────▶ in force
 *     │                                                        │
 *     └──────────────▶ refused ◀───────────────────────────────┘
 */
#ifndef SUPERVISOR_CENTRAL_H
#define SUPERVISOR_CENTRAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config/cluster_cameras.h"
#include "common/config/config.h"
#include "common/ipc/channel.h"

/* Bytes of what is wrong, with the NUL. */
#define CENTRAL_WHY_SIZE 1024

struct central;
struct supervisor;

/* What a configuration makes of it, before that is in force. All zero: nothing. */
struct central_next {
    bool wanted; /* this node has the cameras of the whole cluster */
    bool has_key;
    uint8_t key[CLUSTER_KEY_SIZE];
    bool reopened;                 /* `opened` is to be in force */
    struct cluster_cameras opened; /* with the new key */
    const json_t *cameras;         /* those in force then; borrowed from `opened` or the present ones */
};

/* At the start: FILE is the configuration without these cameras. 0; negative errno, logged: it cannot start. */
int central_open(struct supervisor *supervisor, const struct config *file);
void central_close(struct supervisor *supervisor);

/* The cameras in force, for config_interpret; NULL: none. Borrowed. */
const json_t *central_cameras(const struct supervisor *supervisor);

/* At the start: they do not fit the file, and are not in force (logged by the caller). */
void central_leave_out(struct supervisor *supervisor, const char *why);

/* For `ringcastd --check`: reads the key that CONFIG names. 0; -EINVAL: WHY says "FILE:LINE: FIELD: what is wrong; what to do". */
int central_check(const struct config *config, char why[CENTRAL_WHY_SIZE]);

/*
 * A reload, in which CONFIG is to be the configuration: as central_check; *NEXT is to be given to central_use or central_discard.
 * Nothing has changed.
 */
int central_prepare(const struct supervisor *supervisor, const struct config *config,
                    struct central_next *next, char why[CENTRAL_WHY_SIZE]);
void central_use(struct supervisor *supervisor, struct central_next *next);
void central_discard(struct central_next *next);

/* ringcast-relay has said MESSAGE. False: it is about something else. */
bool central_said(struct supervisor *supervisor, const struct channel_message *message);

/* ringcast-relay has ended, or joins another cluster: what the bucket has is not known. */
void central_forget(struct supervisor *supervisor);

/* For ringcast-relay: {version, refused}. A new reference. */
json_t *central_state(const struct supervisor *supervisor);

/* For the reply to `cluster`: what is in force; null: this node has no such cameras. A new reference. */
json_t *central_status(const struct supervisor *supervisor);

/* The replies to `cluster-config` and `cluster-apply` (docs/reference/control.md). New references; NULL: it is answered later. */
json_t *central_answer(const struct supervisor *supervisor);
json_t *central_answer_apply(struct supervisor *supervisor, const json_t *request);

#endif
