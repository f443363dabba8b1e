/* SPDX-License-Identifier: MIT */
/*
 * Who may watch: what access.h makes of the configuration and the users file reaches the fan-outs and ringcast-password, which are
 * connected with each other. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_VIEWERS_ACCESS_H
#define SUPERVISOR_VIEWERS_ACCESS_H

#include <jansson.h>
#include <stdbool.h>

#include "supervisor/helpers/access.h"

struct supervisor;

/* At the start: with the configuration in force. Errors are logged. 0 or negative errno. */
int viewers_access_open(struct supervisor *supervisor);

/* Starts ringcast-password if viewers must log in, or takes it over; before the fan-outs, which get the connection then. */
void viewers_access_start(struct supervisor *supervisor);

/* From now on the present configuration counts, for which READING (consumed) was read. */
void viewers_access_use(struct supervisor *supervisor, struct access_reading *reading);

/* The command `access-reload`: reads the users file anew. */
json_t *viewers_access_reload(struct supervisor *supervisor);

/* ringcast-password is there, or need not be; and: there is no process of it. */
bool viewers_access_is_ready(const struct supervisor *supervisor);
bool viewers_access_has_ended(const struct supervisor *supervisor);

/* Of ringcast-password, for the status; null if viewers need not log in. */
json_t *viewers_access_status(const struct supervisor *supervisor);

#endif
