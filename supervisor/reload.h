/* SPDX-License-Identifier: MIT */
/*
 * Changes the configuration while ringcastd runs: reads the file again (`reload`, SIGHUP), or takes a
 * command's change to a camera (`camera-add` and the like, overrides.h). The new configuration is checked as
 * a whole before anything is applied. Then only the differences are applied. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <jansson.h>

struct supervisor;

/* Reads the file again and applies it. The reply, a new message: `reloaded`, or an error. */
json_t *reload_file(struct supervisor *supervisor);

/*
 * Replaces the changes made at run time by OVERRIDES (consumed). The reply, a new message: `ok`, or an error.
 */
json_t *reload_overrides(struct supervisor *supervisor, json_t *overrides);

/* A new copy of the changes made at run time. */
json_t *reload_copy_overrides(const struct supervisor *supervisor);

/*
 * The configuration as it would be with CAMERAS (cluster_cameras.h) as those of the whole cluster, for reload_use or config_free. NULL: *WHY, malloc'ed, is
 * the first thing that is wrong; NULL: no memory. Nothing has changed.
 */
struct config *reload_interpret_central(struct supervisor *supervisor, const json_t *cameras, char **why);

/* Makes NEXT (consumed) the configuration: only its cameras are others. What became of these, a new reference. */
json_t *reload_use(struct supervisor *supervisor, struct config *next);

#endif
