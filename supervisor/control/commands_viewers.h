/* Commands about viewers, which the fan-outs answer. Part of commands.c; supervisor's main thread only. */
#ifndef SUPERVISOR_CONTROL_COMMANDS_VIEWERS_H
#define SUPERVISOR_CONTROL_COMMANDS_VIEWERS_H

#include <jansson.h>

#include "supervisor/supervisor.h"

/* Each: the reply to REQUEST, a new reference. NULL: out of memory, or it follows later. */
json_t *commands_viewers(struct supervisor *supervisor, const json_t *request);
json_t *commands_kick(struct supervisor *supervisor, const json_t *request);

#endif
