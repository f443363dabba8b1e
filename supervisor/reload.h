/*
 * Another configuration while ringcastd runs: the file read again (`reload`, SIGHUP), or a camera changed by
 * a command (`camera-add` and the like, overrides.h). Everything is checked before anything is touched; then
 * the difference is applied, and what is the same is left alone. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <jansson.h>

struct supervisor;

/* Reads the file again. A new message: `reloaded`, or an error. */
json_t *reload_file(struct supervisor *supervisor);

/* Makes OVERRIDES (consumed) what is changed at run time. A new message: `ok`, or an error. */
json_t *reload_overrides(struct supervisor *supervisor, json_t *overrides);

/* What is changed at run time now; a new copy. */
json_t *reload_copy_overrides(const struct supervisor *supervisor);

#endif
