/* SPDX-License-Identifier: MIT */
#include "supervisor/process/fd_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

/* Bytes of an entry's kind and name. */
#define KEY_SIZE 160

struct entry {
    STAILQ_ENTRY(entry) next;
    enum fd_store_kind kind;
    char *name;
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* of a kept entry borrowed, of a found one owned */
    int fd_count;
};

STAILQ_HEAD(entries, entry);

struct fd_store {
    struct fd_store_callbacks callbacks;
    bool silent;
    struct entries kept, found;
};

static const char *const kinds[] = {[FD_STORE_CAMERA] = KEEPER_KIND_CAMERA,
                                    [FD_STORE_RING] = KEEPER_KIND_RING,
                                    [FD_STORE_PROCESS] = KEEPER_KIND_PROCESS,
                                    [FD_STORE_LISTENER] = KEEPER_KIND_LISTENER,
                                    [FD_STORE_PLACE] = KEEPER_KIND_PLACE};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int fd_record_take_fd(struct fd_record *record, int index)
{
    int fd = record->fds[index];

    record->fds[index] = -1;
    return fd;
}

void fd_record_finish(struct fd_record *record)
{
    for (int i = 0; i < CHANNEL_FDS_MAX; i++) {
        if (record->fds[i] >= 0) {
            close(record->fds[i]);
        }
    }
    json_decref(record->body);
    *record = (struct fd_record){.fds = {-1, -1, -1, -1}};
}

static void entry_destroy(struct entry *entry)
{
    json_decref(entry->body);
    free(entry->name);
    free(entry);
}

static struct entry *entry_create(enum fd_store_kind kind, const char *name)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (!entry) {
        return NULL;
    }
    entry->kind = kind;
    entry->name = strdup(name);
    if (!entry->name) {
        free(entry);
        return NULL;
    }
    return entry;
}

static struct entry *find(const struct entries *entries, enum fd_store_kind kind, const char *name)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (entry->kind == kind && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct fd_store *fd_store_create(const struct fd_store_callbacks *callbacks)
{
    struct fd_store *store = calloc(1, sizeof(*store));

    if (!store) {
        return NULL;
    }
    store->callbacks = *callbacks;
    STAILQ_INIT(&store->kept);
    STAILQ_INIT(&store->found);
    return store;
}

void fd_store_destroy(struct fd_store *store)
{
    if (!store) {
        return;
    }
    for (struct entry *entry; (entry = STAILQ_FIRST(&store->kept));) {
        STAILQ_REMOVE_HEAD(&store->kept, next);
        entry_destroy(entry);
    }
    for (struct entry *entry; (entry = STAILQ_FIRST(&store->found));) {
        STAILQ_REMOVE_HEAD(&store->found, next);
        for (int i = 0; i < entry->fd_count; i++) {
            close(entry->fds[i]);
        }
        entry_destroy(entry);
    }
    free(store);
}

/* The keeper cannot give back what it was not sent. That is logged, but ringcastd goes on. */
static void tell(struct fd_store *store, const char *type, const struct entry *entry, bool descriptors)
{
    char key[KEY_SIZE];

    if (store->silent) {
        return;
    }
    snprintf(key, sizeof(key), "%s %s", kinds[entry->kind], entry->name);
    json_t *message = message_pack(type, "{s:s, s:s, s:O*}", "kind", kinds[entry->kind], "name", entry->name,
                                   "body", entry->body);
    int result = message ? store->callbacks.send(store->callbacks.data, key, message, entry->fds,
                                                 descriptors ? entry->fd_count : 0)
                         : -ENOMEM;
    json_decref(message);
    if (result < 0) {
        log_warning("cannot send %s to the keeper: %s", key, strerror(-result));
    }
}

static void set_body(struct entry *entry, json_t *body)
{
    json_decref(entry->body);
    entry->body = body;
}

void fd_store_put(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body,
                  const int *fds, int fd_count)
{
    struct entry *entry = store && body ? find(&store->kept, kind, name) : NULL;

    if (store && body && !entry) {
        entry = entry_create(kind, name);
        if (entry) {
            STAILQ_INSERT_TAIL(&store->kept, entry, next);
        }
    }
    if (!entry) {
        json_decref(body);
        return;
    }
    set_body(entry, body);
    entry->fd_count = fd_count;
    for (int i = 0; i < fd_count; i++) {
        entry->fds[i] = fds[i];
    }
    tell(store, "keep", entry, true);
}

void fd_store_note(struct fd_store *store, enum fd_store_kind kind, const char *name, json_t *body)
{
    struct entry *entry = store && body ? find(&store->kept, kind, name) : NULL;

    if (!entry) {
        json_decref(body);
        return;
    }
    set_body(entry, body);
    /* A `note` would take the place of a `keep` that waits, and so lose its descriptors. */
    bool behind = store->callbacks.behind(store->callbacks.data);
    tell(store, behind ? "keep" : "note", entry, behind);
}

void fd_store_drop(struct fd_store *store, enum fd_store_kind kind, const char *name)
{
    struct entry *entry = store ? find(&store->kept, kind, name) : NULL;

    if (!entry) {
        return;
    }
    STAILQ_REMOVE(&store->kept, entry, entry, next);
    set_body(entry, NULL);
    tell(store, "drop", entry, false);
    entry_destroy(entry);
}

void fd_store_set_silent(struct fd_store *store, bool silent)
{
    bool told = !store->silent;

    store->silent = silent;
    if (!silent && !told) {
        fd_store_send_all(store);
    }
}

void fd_store_send_all(struct fd_store *store)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, &store->kept, next) {
        tell(store, "keep", entry, true);
    }
}

static int kind_of(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool fd_store_found(struct fd_store *store, struct channel_message *message)
{
    int kind = kind_of(message_string(message->body, "kind", ""));
    const char *name = message_string(message->body, "name", "");
    json_t *body = json_object_get(message->body, "body");

    if (!message_is(message->body, "record") || kind < 0 || !json_is_object(body)) {
        return false;
    }
    struct entry *entry = entry_create((enum fd_store_kind)kind, name);
    if (!entry) {
        return false;
    }
    entry->body = json_incref(body);
    entry->fd_count = message->fd_count;
    for (int i = 0; i < entry->fd_count; i++) {
        entry->fds[i] = channel_message_take_fd(message, i);
    }
    STAILQ_INSERT_TAIL(&store->found, entry, next);
    return true;
}

static void take(struct fd_store *store, struct entry *entry, struct fd_record *record)
{
    *record = (struct fd_record){.body = json_incref(entry->body), .fds = {-1, -1, -1, -1}};
    for (int i = 0; i < entry->fd_count; i++) {
        record->fds[i] = entry->fds[i];
    }
    STAILQ_REMOVE(&store->found, entry, entry, next);
    entry_destroy(entry);
}

bool fd_store_take(struct fd_store *store, enum fd_store_kind kind, const char *name,
                   struct fd_record *record)
{
    struct entry *entry = !store ? NULL : find(&store->found, kind, name);

    if (!entry) {
        return false;
    }
    take(store, entry, record);
    return true;
}

bool fd_store_take_any(struct fd_store *store, enum fd_store_kind kind, const char *prefix, char **name,
                       struct fd_record *record)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, &store->found, next) {
        if (entry->kind != kind || strncmp(entry->name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        *name = strdup(entry->name);
        take(store, entry, record);
        return *name;
    }
    return false;
}
