/*
 * What ringcastctl may ask for (docs/reference/control.md): one request in, one reply out, at once or, if the
 * fan-outs must be asked first, later (control_defer). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_COMMANDS_H
#define SUPERVISOR_COMMANDS_H

#include <jansson.h>

struct supervisor;

/* The reply to REQUEST (a checked message), a new reference. NULL: out of memory, or it follows later. */
json_t *commands_answer(struct supervisor *supervisor, const json_t *request);

#endif
