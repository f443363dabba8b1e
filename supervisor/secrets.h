/*
 * Makes every credential of the configuration known to the log, so that no line of ringcastd shows one.
 */
#ifndef SUPERVISOR_SECRETS_H
#define SUPERVISOR_SECRETS_H

#include "common/config/config.h"

/* Passwords, and what stands before '@' in URLs, as written there and decoded. */
void secrets_hide(const struct config *config);

#endif
