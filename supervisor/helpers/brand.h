/* SPDX-License-Identifier: MIT */
/*
 * What the configuration's `wall` says of how the pages look: a title, a logo, a style sheet. The files are read here, because no fan-out can
 * open one. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_BRAND_H
#define SUPERVISOR_HELPERS_BRAND_H

#include <jansson.h>

#include "common/config/config.h"

/*
 * {"title", "logo", "style"}: text, a data: URL of a picture, text; each null if it is not configured. A file that cannot be used is logged, and left
 * out: pages that look otherwise are no reason to serve none. NULL: no memory.
 */
json_t *brand_read(const struct config *config);

#endif
