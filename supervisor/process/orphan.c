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

struct leftover {
    LIST_ENTRY(leftover) next;
    struct child *child;
};

struct leftovers {
    LIST_HEAD(, leftover) list;
};

static void forget(struct leftover *leftover)
{
    LIST_REMOVE(leftover, next);
    child_destroy(leftover->child);
    free(leftover);
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
static void end_one(struct leftovers *leftovers, struct children *children, const char *name,
                    struct keep_record *record)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    struct leftover *leftover = calloc(1, sizeof(*leftover));
    char old_name[NAME_SIZE];

    snprintf(old_name, sizeof(old_name), "old %.100s", name);
    if (leftover == NULL ||
        child_take(children, old_name, &handlers, leftover, record, &leftover->child) < 0) {
        if (leftover == NULL) {
            keep_record_finish(record);
        }
        free(leftover);
        return;
    }
    log_info("%s: not needed any more", old_name);
    LIST_INSERT_HEAD(&leftovers->list, leftover, next);
    if (child_is_nameless(leftover->child)) {
        forget(leftover);
    } else if (strcmp(name, TEMPLATE_NAME) == 0) {
        child_kill(leftover->child,
                   "another one is started"); /* it has nothing to clear up, and channels to let go */
    } else {
        child_end(leftover->child);
    }
}

struct leftovers *leftovers_end(struct children *children)
{
    struct leftovers *leftovers = calloc(1, sizeof(*leftovers));
    struct keep_record record;
    char *name;

    if (leftovers == NULL) {
        return NULL;
    }
    LIST_INIT(&leftovers->list);
    while (keep_take_any(children_keep(children), KEEP_PROCESS, "", &name, &record)) {
        end_one(leftovers, children, name, &record);
        free(name);
    }
    return leftovers;
}

bool leftovers_any(const struct leftovers *leftovers)
{
    return leftovers != NULL && !LIST_EMPTY(&leftovers->list);
}

void leftovers_destroy(struct leftovers *leftovers)
{
    if (leftovers == NULL) {
        return;
    }
    for (struct leftover *leftover = LIST_FIRST(&leftovers->list), *next; leftover != NULL; leftover = next) {
        next = LIST_NEXT(leftover, next);
        forget(leftover);
    }
    free(leftovers);
}
