/* SPDX-License-Identifier: MIT */
/*
 * Carries out the requests of ringcastctl (docs/reference/control.md). Each request gets one reply: at once,
 * or later if the fan-outs must be asked first (control_defer). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_COMMANDS_H
#define SUPERVISOR_COMMANDS_H

#include <jansson.h>

struct supervisor;

/*
 * The reply to REQUEST, a checked message; a new reference. NULL: out of memory, or the reply follows later.
 */
json_t *commands_answer(struct supervisor *supervisor, const json_t *request);

#endif
