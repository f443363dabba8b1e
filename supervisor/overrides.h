/* SPDX-License-Identifier: MIT */
/*
 * The changes made at run time (config_overlay.h), in a file that survives restarts:
 * <state_dir>/<instance>.json, mode 0600, because a camera's password may be in it. Supervisor's main thread
 * only.
 */
#ifndef SUPERVISOR_OVERRIDES_H
#define SUPERVISOR_OVERRIDES_H

#include <jansson.h>

struct overrides;

/*
 * Reads the file. One that cannot be understood is put aside, so that nothing of it is lost, and logged. 0;
 * -EPERM: the directory is another user's or can be written by others; other negative errno, logged but for
 * -ENOMEM.
 */
int overrides_open(const char *state_dir, const char *instance, struct overrides **overrides);

/*
 * The changes in the file, without a running ringcastd's or any change of the file. A new reference; NULL: there are none, or they
 * cannot be read.
 */
json_t *overrides_look(const char *state_dir, const char *instance);

/* NULL is allowed. */
void overrides_close(struct overrides *overrides);

/* The present changes; borrowed. */
const json_t *overrides_now(const struct overrides *overrides);

/*
 * Replaces the changes by NEXT (consumed). It is written to the disk first, so that the file always holds
 * either the old changes or the new ones. 0; negative errno, logged: nothing has changed.
 */
int overrides_commit(struct overrides *overrides, json_t *next);

#endif
