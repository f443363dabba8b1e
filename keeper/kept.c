/* SPDX-License-Identifier: MIT */
#include "keeper/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"

static void close_descriptors(struct kept_entry *entry)
{
    for (int i = 0; i < entry->fd_count; i++) {
        close(entry->fds[i]);
    }
    entry->fd_count = 0;
}

static void entry_destroy(struct kept_entry *entry)
{
    close_descriptors(entry);
    json_decref(entry->body);
    free(entry->kind);
    free(entry->name);
    free(entry);
}

static struct kept_entry *find(struct kept_entries *entries, const char *kind, const char *name)
{
    struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (strcmp(entry->kind, kind) == 0 && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct kept_entry *add(struct kept_entries *entries, const char *kind, const char *name)
{
    struct kept_entry *entry = calloc(1, sizeof(*entry));

    if (!entry) {
        return NULL;
    }
    entry->kind = strdup(kind);
    entry->name = strdup(name);
    if (!entry->kind || !entry->name) {
        entry_destroy(entry);
        return NULL;
    }
    STAILQ_INSERT_TAIL(entries, entry, next);
    return entry;
}

static void remove_entry(struct kept_entries *entries, struct kept_entry *entry)
{
    STAILQ_REMOVE(entries, entry, kept_entry, next);
    entry_destroy(entry);
}

static void set_body(struct kept_entry *entry, json_t *body)
{
    json_incref(body);
    json_decref(entry->body);
    entry->body = body;
}

static size_t count(const struct kept_entries *entries)
{
    const struct kept_entry *entry;
    size_t total = 0;

    STAILQ_FOREACH(entry, entries, next) {
        total++;
    }
    return total;
}

static int keep(struct kept_entries *entries, struct channel_message *message, const char *kind,
                const char *name, json_t *body)
{
    struct kept_entry *entry = find(entries, kind, name);

    if (!entry && count(entries) >= KEPT_ENTRIES_MAX) {
        return -ENOSPC;
    }
    if (!entry) {
        entry = add(entries, kind, name);
    }
    if (!entry) {
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

int kept_obey(struct kept_entries *entries, struct channel_message *message)
{
    const char *kind = message_string(message->body, "kind", NULL);
    const char *name = message_string(message->body, "name", NULL);
    json_t *body = json_object_get(message->body, "body");

    if (!kind || !name) {
        return -EBADMSG;
    }
    struct kept_entry *entry = find(entries, kind, name);
    if (message_is(message->body, "drop")) {
        if (entry) {
            remove_entry(entries, entry);
        }
        return 0;
    }
    if (!json_is_object(body)) {
        return -EBADMSG;
    }
    if (message_is(message->body, "keep")) {
        return keep(entries, message, kind, name, body);
    }
    if (!message_is(message->body, "note")) {
        return -EBADMSG;
    }
    if (entry) {
        set_body(entry, body);
    }
    return 0;
}

void kept_make_stale(struct kept_entries *entries)
{
    struct kept_entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        entry->stale = true;
    }
}

void kept_drop_stale(struct kept_entries *entries)
{
    for (struct kept_entry *entry = STAILQ_FIRST(entries), *next; entry; entry = next) {
        next = STAILQ_NEXT(entry, next);
        if (entry->stale) {
            remove_entry(entries, entry);
        }
    }
}

void kept_finish(struct kept_entries *entries)
{
    for (struct kept_entry *entry; (entry = STAILQ_FIRST(entries));) {
        remove_entry(entries, entry);
    }
}
