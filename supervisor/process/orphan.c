/* SPDX-License-Identifier: MIT */
#include "supervisor/process/orphan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/ipc/keeper_protocol.h"
#include "common/log/log.h"
#include "supervisor/process/child.h"
#include "supervisor/process/fd_store.h"

#define NAME_SIZE 128

struct orphan {
    LIST_ENTRY(orphan) next;
    struct child *child;
};

struct orphan_list {
    LIST_HEAD(, orphan) list;
};

static void forget(struct orphan *orphan)
{
    LIST_REMOVE(orphan, next);
    child_destroy(orphan->child);
    free(orphan);
}

static void on_message(void *owner, const struct channel_message *message)
{
    (void)owner, (void)message;
}

static void on_exited(void *owner, const char *reason)
{
    (void)reason;
    forget(owner);
}

/* Under another name, which a process of the present ringcastd may have. */
static void end_one(struct orphan_list *orphans, struct children *children, const char *name,
                    struct fd_record *record)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    struct orphan *orphan = calloc(1, sizeof(*orphan));
    char old_name[NAME_SIZE];

    snprintf(old_name, sizeof(old_name), "old %.100s", name);
    if (!orphan || child_take(children, old_name, &handlers, orphan, record, &orphan->child) < 0) {
        if (!orphan) {
            fd_record_finish(record);
        }
        free(orphan);
        return;
    }
    log_info("%s: no longer needed", old_name);
    LIST_INSERT_HEAD(&orphans->list, orphan, next);
    if (child_is_nameless(orphan->child)) {
        forget(orphan);
    } else if (strcmp(name, FORK_SERVER_NAME) == 0) {
        child_kill(orphan->child,
                   "another one is started"); /* it has nothing to clear up, and channels to let go */
    } else {
        child_end(orphan->child);
    }
}

struct orphan_list *orphan_list_end(struct children *children)
{
    struct orphan_list *orphans = calloc(1, sizeof(*orphans));
    struct fd_record record;
    char *name;

    if (!orphans) {
        return NULL;
    }
    LIST_INIT(&orphans->list);
    while (fd_store_take_any(children_fd_store(children), FD_STORE_PROCESS, "", &name, &record)) {
        end_one(orphans, children, name, &record);
        free(name);
    }
    return orphans;
}

void orphan_list_destroy(struct orphan_list *orphans)
{
    if (!orphans) {
        return;
    }
    for (struct orphan *orphan = LIST_FIRST(&orphans->list), *next; orphan; orphan = next) {
        next = LIST_NEXT(orphan, next);
        forget(orphan);
    }
    free(orphans);
}
