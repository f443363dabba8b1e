#include "supervisor/process/fd_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"

struct entry {
    STAILQ_ENTRY(entry) next;
    enum keep_kind kind;
    char *name;
    json_t *body;
    int fds[CHANNEL_FDS_MAX]; /* of a kept entry borrowed, of a found one owned */
    int fd_count;
};

STAILQ_HEAD(entries, entry);

struct keep {
    keep_send send;
    void *data;
    struct entries kept, found;
};

static const char *const kinds[] = {
    [KEEP_CAMERA] = "camera", [KEEP_RING] = "ring", [KEEP_PROCESS] = "process", [KEEP_LISTENER] = "listener"};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int keep_record_take_fd(struct keep_record *record, int index)
{
    int fd = record->fds[index];

    record->fds[index] = -1;
    return fd;
}

void keep_record_finish(struct keep_record *record)
{
    for (int i = 0; i < CHANNEL_FDS_MAX; i++) {
        if (record->fds[i] >= 0) {
            close(record->fds[i]);
        }
    }
    json_decref(record->body);
    *record = (struct keep_record){.fds = {-1, -1, -1, -1}};
}

static void entry_destroy(struct entry *entry)
{
    json_decref(entry->body);
    free(entry->name);
    free(entry);
}

static struct entry *entry_create(enum keep_kind kind, const char *name)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    entry->kind = kind;
    entry->name = strdup(name);
    if (entry->name == NULL) {
        free(entry);
        return NULL;
    }
    return entry;
}

static struct entry *find(const struct entries *entries, enum keep_kind kind, const char *name)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, entries, next) {
        if (entry->kind == kind && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct keep *keep_create(keep_send send, void *data)
{
    struct keep *keep = calloc(1, sizeof(*keep));

    if (keep == NULL) {
        return NULL;
    }
    keep->send = send;
    keep->data = data;
    STAILQ_INIT(&keep->kept);
    STAILQ_INIT(&keep->found);
    return keep;
}

void keep_destroy(struct keep *keep)
{
    if (keep == NULL) {
        return;
    }
    for (struct entry *entry; (entry = STAILQ_FIRST(&keep->kept)) != NULL;) {
        STAILQ_REMOVE_HEAD(&keep->kept, next);
        entry_destroy(entry);
    }
    for (struct entry *entry; (entry = STAILQ_FIRST(&keep->found)) != NULL;) {
        STAILQ_REMOVE_HEAD(&keep->found, next);
        for (int i = 0; i < entry->fd_count; i++) {
            close(entry->fds[i]);
        }
        entry_destroy(entry);
    }
    free(keep);
}

/* What the keeper is not told it cannot give back: worth a line in the log, but nothing to stop for. */
static void tell(struct keep *keep, const char *type, const struct entry *entry, bool descriptors)
{
    json_t *message = message_new(type);

    json_object_set_new(message, "kind", json_string(kinds[entry->kind]));
    json_object_set_new(message, "name", json_string(entry->name));
    if (entry->body != NULL) {
        json_object_set(message, "body", entry->body);
    }
    int error = message == NULL
                    ? -ENOMEM
                    : keep->send(keep->data, message, entry->fds, descriptors ? entry->fd_count : 0);
    json_decref(message);
    if (error < 0) {
        log_warning("the keeper could not be told of %s %s: %s", kinds[entry->kind], entry->name,
                    strerror(-error));
    }
}

void keep_store(struct keep *keep, enum keep_kind kind, const char *name, json_t *body, const int *fds,
                int fd_count)
{
    struct entry *entry = find(&keep->kept, kind, name);

    if (entry == NULL) {
        entry = entry_create(kind, name);
        if (entry == NULL) {
            json_decref(body);
            return;
        }
        STAILQ_INSERT_TAIL(&keep->kept, entry, next);
    }
    json_decref(entry->body);
    entry->body = body;
    entry->fd_count = fd_count;
    for (int i = 0; i < fd_count; i++) {
        entry->fds[i] = fds[i];
    }
    tell(keep, "keep", entry, true);
}

void keep_note(struct keep *keep, enum keep_kind kind, const char *name, json_t *body)
{
    struct entry *entry = find(&keep->kept, kind, name);

    if (entry == NULL) {
        json_decref(body);
        return;
    }
    json_decref(entry->body);
    entry->body = body;
    tell(keep, "note", entry, false);
}

void keep_drop(struct keep *keep, enum keep_kind kind, const char *name)
{
    struct entry *entry = find(&keep->kept, kind, name);

    if (entry == NULL) {
        return;
    }
    STAILQ_REMOVE(&keep->kept, entry, entry, next);
    json_decref(entry->body);
    entry->body = NULL;
    tell(keep, "drop", entry, false);
    entry_destroy(entry);
}

void keep_send_all(struct keep *keep)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, &keep->kept, next) {
        tell(keep, "keep", entry, true);
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

bool keep_found(struct keep *keep, struct channel_message *message)
{
    int kind = kind_of(message_string(message->body, "kind", ""));
    const char *name = message_string(message->body, "name", "");
    json_t *body = json_object_get(message->body, "body");

    if (!message_is(message->body, "record") || kind < 0 || !json_is_object(body)) {
        return false;
    }
    struct entry *entry = entry_create((enum keep_kind)kind, name);
    if (entry == NULL) {
        return false;
    }
    entry->body = json_incref(body);
    entry->fd_count = message->fd_count;
    for (int i = 0; i < entry->fd_count; i++) {
        entry->fds[i] = channel_message_take_fd(message, i);
    }
    STAILQ_INSERT_TAIL(&keep->found, entry, next);
    return true;
}

static void take(struct keep *keep, struct entry *entry, struct keep_record *record)
{
    *record = (struct keep_record){.body = json_incref(entry->body), .fds = {-1, -1, -1, -1}};
    for (int i = 0; i < entry->fd_count; i++) {
        record->fds[i] = entry->fds[i];
    }
    STAILQ_REMOVE(&keep->found, entry, entry, next);
    entry_destroy(entry);
}

bool keep_take(struct keep *keep, enum keep_kind kind, const char *name, struct keep_record *record)
{
    struct entry *entry = keep == NULL ? NULL : find(&keep->found, kind, name);

    if (entry == NULL) {
        return false;
    }
    take(keep, entry, record);
    return true;
}

bool keep_take_any(struct keep *keep, enum keep_kind kind, const char *prefix, char **name,
                   struct keep_record *record)
{
    struct entry *entry;

    STAILQ_FOREACH(entry, &keep->found, next) {
        if (entry->kind != kind || strncmp(entry->name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        *name = strdup(entry->name);
        take(keep, entry, record);
        return *name != NULL;
    }
    return false;
}
