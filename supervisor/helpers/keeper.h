/*
 * The keeper process, `ringcast-keeper`, which outlives a ringcastd that is killed: finding that of the last
 * ringcastd, starting one, and keeping it informed (keep.h). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_KEEPER_H
#define SUPERVISOR_HELPERS_KEEPER_H

#include "common/log/log.h"
#include "supervisor/process/children.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/service.h"

struct keeper;

struct keeper_config {
    const char *program;   /* path of ringcast-keeper */
    const char *directory; /* the run-time directory */
    enum log_level log_level;
};

struct keeper_host {
    void *data;
    void (*ready)(void *data);
    void (*gone)(void *data, const char *reason);
    /* Its process entered a state; REASON may be NULL. */
    void (*changed)(void *data, const char *reason);
};

/* CONFIG's directory must outlive the keeper. Sets the keep of CHILDREN. NULL: out of memory. */
struct keeper *keeper_create(struct children *children, const struct keeper_config *config,
                             const struct keeper_host *host);
void keeper_destroy(struct keeper *keeper);

/*
 * Looks for the keeper of a ringcastd that was killed, and takes in what it has; waits for it, at most
 * LIMIT_TAKEOVER_MS. True: its entries can be taken from keeper_keep, and it need not be started. A keeper
 * that does not answer is killed.
 */
bool keeper_find(struct keeper *keeper);

/* Everything that is wanted of what was found has been taken. */
void keeper_settle(struct keeper *keeper);

struct keep *keeper_keep(struct keeper *keeper);
struct service *keeper_service(struct keeper *keeper);

#endif
