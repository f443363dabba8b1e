/* Commands that change the configuration while ringcastd runs. Part of commands.c; supervisor's main thread
 * only. */
#ifndef SUPERVISOR_CONTROL_COMMANDS_CHANGE_H
#define SUPERVISOR_CONTROL_COMMANDS_CHANGE_H

#include <jansson.h>

#include "supervisor/supervisor.h"

/* Each: the reply to REQUEST, a new reference. NULL: out of memory. */
json_t *commands_reload(struct supervisor *supervisor, const json_t *request);
json_t *commands_camera_add(struct supervisor *supervisor, const json_t *request);
json_t *commands_camera_set(struct supervisor *supervisor, const json_t *request);
json_t *commands_camera_remove(struct supervisor *supervisor, const json_t *request);
json_t *commands_camera_enable(struct supervisor *supervisor, const json_t *request);
json_t *commands_camera_disable(struct supervisor *supervisor, const json_t *request);

/* commands.c: the error for a camera that is not there, with the nearest one that is. */
json_t *commands_no_such_camera(const struct supervisor *supervisor, const char *name);

#endif
