/* SPDX-License-Identifier: MIT */
/* How many descriptors ringcastd may have, and whether that is enough for its cameras. Any thread. */
#ifndef SUPERVISOR_DESCRIPTORS_H
#define SUPERVISOR_DESCRIPTORS_H

#include <stddef.h>

#include "common/config/config.h"

/*
 * Raises the soft limit to the hard one, once and for all: the children inherit it, the keeper must hold what
 * all cameras have, and a reload may bring many more of them. Nothing here or in the children uses select(2)
 * with ringcastd's descriptors.
 */
void descriptors_raise_limit(void);

/*
 * 0, with a warning in the log if the limit may not be enough for busy cameras. -EMFILE: CONFIG has more
 * cameras than there can be descriptors for; WHY (SIZE bytes) gets the error for people.
 */
int descriptors_check(const struct config *config, char *why, size_t size);

#endif
