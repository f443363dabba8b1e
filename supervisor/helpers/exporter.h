/* SPDX-License-Identifier: MIT */
/*
 * The exporter: `ringcast-exporter`, which serves metrics and health over HTTP at the admin address. It asks
 * for the status over its channel and gets it in a memory file. No other process depends on it. Supervisor's
 * main thread only.
 */
#ifndef SUPERVISOR_HELPERS_EXPORTER_H
#define SUPERVISOR_HELPERS_EXPORTER_H

#include "common/config/config.h"
#include "common/log/log.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/service.h"

struct exporter;
struct supervisor;

struct exporter_config {
    const char *program; /* path of ringcast-exporter */
    const struct config_address *address;
    enum log_level log_level;
};

/*
 * Creates the exporter and its listening socket, which is that of a ringcastd that was killed if STORE has
 * one for the address. 0 or negative errno; errors of the address are logged.
 */
int exporter_create(struct children *children, struct fd_store *store, const struct exporter_config *config,
                    struct supervisor *supervisor, struct exporter **exporter);
void exporter_destroy(struct exporter *exporter);

/* The address with the port that it got. */
const char *exporter_url(const struct exporter *exporter);

struct service *exporter_service(struct exporter *exporter);

/* --- What the exporter asks for; status.c has this ------------------------------------------------------ */

/* The reply to `status` (docs/reference/control.md), for json_decref; NULL: out of memory. */
json_t *status_for_exporter(struct supervisor *supervisor);

/* --- What the supervisor learns; supervisor.c has this -------------------------------------------------- */

/* The process has ended. Another one follows unless the exporter was ended for good. */
void supervisor_exporter_gone(struct supervisor *supervisor);

#endif
