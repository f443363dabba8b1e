#include "keeper/fd_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"

static void close_descriptors(struct store_entry *entry)
{
    for (int i = 0; i < entry->fd_count; i++) {
        close(entry->fds[i]);
    }
    entry->fd_count = 0;
}

static void entry_destroy(struct store_entry *entry)
{
    close_descriptors(entry);
    json_decref(entry->body);
    free(entry->kind);
    free(entry->name);
    free(entry);
}

static struct store_entry *find(struct store *store, const char *kind, const char *name)
{
    struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        if (strcmp(entry->kind, kind) == 0 && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct store_entry *add(struct store *store, const char *kind, const char *name)
{
    struct store_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    entry->kind = strdup(kind);
    entry->name = strdup(name);
    if (entry->kind == NULL || entry->name == NULL) {
        entry_destroy(entry);
        return NULL;
    }
    STAILQ_INSERT_TAIL(store, entry, next);
    return entry;
}

static void remove_entry(struct store *store, struct store_entry *entry)
{
    STAILQ_REMOVE(store, entry, store_entry, next);
    entry_destroy(entry);
}

static void set_body(struct store_entry *entry, json_t *body)
{
    json_incref(body);
    json_decref(entry->body);
    entry->body = body;
}

static size_t count(const struct store *store)
{
    const struct store_entry *entry;
    size_t entries = 0;

    STAILQ_FOREACH(entry, store, next) {
        entries++;
    }
    return entries;
}

static int keep(struct store *store, struct channel_message *message, const char *kind, const char *name,
                json_t *body)
{
    struct store_entry *entry = find(store, kind, name);

    if (entry == NULL && count(store) >= STORE_ENTRIES_MAX) {
        return -ENOSPC;
    }
    if (entry == NULL) {
        entry = add(store, kind, name);
    }
    if (entry == NULL) {
        return -ENOMEM;
    }
    close_descriptors(entry);
    entry->fd_count = message->fd_count;
    for (int i = 0; i < entry->fd_count; i++) {
        entry->fds[i] = channel_message_take_fd(message, i);
    }
    entry->stale = false;
    set_body(entry, body);
    return 0;
}

int store_obey(struct store *store, struct channel_message *message)
{
    const char *kind = message_string(message->body, "kind", NULL);
    const char *name = message_string(message->body, "name", NULL);
    json_t *body = json_object_get(message->body, "body");

    if (kind == NULL || name == NULL) {
        return -EBADMSG;
    }
    struct store_entry *entry = find(store, kind, name);
    if (message_is(message->body, "drop")) {
        if (entry != NULL) {
            remove_entry(store, entry);
        }
        return 0;
    }
    if (!json_is_object(body)) {
        return -EBADMSG;
    }
    if (message_is(message->body, "keep")) {
        return keep(store, message, kind, name, body);
    }
    if (!message_is(message->body, "note")) {
        return -EBADMSG;
    }
    if (entry != NULL) {
        set_body(entry, body);
    }
    return 0;
}

void store_make_stale(struct store *store)
{
    struct store_entry *entry;

    STAILQ_FOREACH(entry, store, next) {
        entry->stale = true;
    }
}

void store_drop_stale(struct store *store)
{
    for (struct store_entry *entry = STAILQ_FIRST(store), *next; entry != NULL; entry = next) {
        next = STAILQ_NEXT(entry, next);
        if (entry->stale) {
            remove_entry(store, entry);
        }
    }
}

void store_finish(struct store *store)
{
    for (struct store_entry *entry; (entry = STAILQ_FIRST(store)) != NULL;) {
        remove_entry(store, entry);
    }
}
