/*
 * What ringcastctl may ask for (docs/reference/control.md): one request in, one reply out, at once or, if the
 * fan-outs must be asked first, later (control_defer). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CONTROL_COMMANDS_H
#define SUPERVISOR_CONTROL_COMMANDS_H

#include <jansson.h>

#include "supervisor/supervisor.h"

/* The reply to `status`, a new reference. NULL: out of memory. */
json_t *commands_status(struct supervisor *supervisor);

/* The reply to REQUEST (a checked message), a new reference. NULL: out of memory, or it follows later. */
json_t *commands_answer(struct supervisor *supervisor, const json_t *request);

#endif
