/* SPDX-License-Identifier: MIT */
/* Registers every credential of the configuration with the log, so that no line of ringcastd shows one. */
#ifndef SUPERVISOR_SECRETS_H
#define SUPERVISOR_SECRETS_H

#include "common/config/config.h"

/* Hides passwords, and what stands before '@' in URLs, both as written there and decoded. */
void secrets_hide(const struct config *config);

#endif
