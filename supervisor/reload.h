/*
 * Another configuration while ringcastd runs: the file read again (`reload`, SIGHUP), or a camera changed by
 * a command (`camera-add` and the like, overrides.h). Everything is checked before anything is touched; then
 * the difference is applied, and what is the same is left alone. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <jansson.h>

#include "common/config/config.h"

struct supervisor;

/* The camera NAME of CONFIG; NULL: it has none. */
const struct config_camera *reload_find_camera(const struct config *config, const char *name);

/* Makes the cameras what the configuration says; to be called again when one that must end has. */
void reload_reconcile(struct supervisor *supervisor);

/* Reads the file again. A new message: `reloaded`, or an error. */
json_t *reload_file(struct supervisor *supervisor);

/* Makes OVERRIDES (consumed) what is changed at run time. A new message: `ok`, or an error. */
json_t *reload_overrides(struct supervisor *supervisor, json_t *overrides);

/* What is changed at run time now; a new copy. */
json_t *reload_copy_overrides(const struct supervisor *supervisor);

#endif
