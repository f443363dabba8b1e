/* SPDX-License-Identifier: MIT */
/*
 * Messages that a process does not take at once. They wait, in order and at most OUTBOX_MAX, until its
 * channel takes more. A process that takes nothing for OUTBOX_STUCK_MS is reported. Owned by a child
 * (child.h); supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_OUTBOX_H
#define SUPERVISOR_PROCESS_OUTBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

/* A process that takes no message for this long hangs. The daemon tests are built with less. */
#ifndef OUTBOX_STUCK_MS
#define OUTBOX_STUCK_MS 5000
#endif

/* Most messages that wait for one process: several times two for each of 1000 cameras. */
#define OUTBOX_MAX 8192

struct outbox_entry;

struct outbox {
    STAILQ_HEAD(, outbox_entry) entries;
    size_t length;
    sd_event *event;
    int channel;
    sd_event_source *source;      /* of the channel: waits for room while there are entries; borrowed */
    sd_event_source *stuck_timer; /* armed while there are entries */
    void (*stuck)(void *data);
    void *data;
};

/* Begins empty and without a channel. STUCK is called when the process has stopped taking messages. */
void outbox_init(struct outbox *outbox, sd_event *event, void (*stuck)(void *data), void *data);

/* Sends to CHANNEL, which SOURCE watches. Both stay the caller's and must outlive the entries. */
void outbox_open(struct outbox *outbox, int channel, sd_event_source *source);

/*
 * Sends BODY (not consumed) with FDS now, or keeps copies of them until the channel takes them. 0, also if
 * the far end is closed; -EMSGSIZE; -ENOMEM; -EMFILE; -ENOBUFS: too many messages wait.
 */
int outbox_send(struct outbox *outbox, const json_t *body, const int *fds, int fd_count);

/*
 * The same for a message of which only the newest matters: it replaces one that waits under the same KEY. FDS
 * are not copied: they must stay open until the next message under KEY is sent, which may have none.
 */
int outbox_send_newest(struct outbox *outbox, const char *key, const json_t *body, const int *fds,
                       int fd_count);

/* True while messages wait. */
bool outbox_waits(const struct outbox *outbox);

/* Sends what the channel takes now. Negative errno: one message was dropped; the later ones still wait. */
int outbox_flush(struct outbox *outbox);

/* Drops all messages that wait. */
void outbox_clear(struct outbox *outbox);

#endif
