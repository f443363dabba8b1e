/* SPDX-License-Identifier: MIT */
/*
 * The keys of `auth.jwt`: read from their files, and checked so that no key can be taken for one of another kind. The
 * supervisor's main thread, and `ringcastd --check`.
 */
#ifndef SUPERVISOR_HELPERS_JWT_KEY_H
#define SUPERVISOR_HELPERS_JWT_KEY_H

#include "common/config/config.h"

/* Bytes of what is wrong, with the NUL. */
#define JWT_KEY_WHY_SIZE 5120

/*
 * Reads the key of CONFIG->auth.jwt[INDEX]: the secret of HS256 without a line feed at its end, or a public key in PEM form.
 * 0: *text belongs to the caller, who overwrites it (secret_free). -EINVAL: it cannot be used, and WHY says
 * "FILE:LINE: FIELD: PATH: what is wrong; what to do".
 */
int jwt_key_read(const struct config *config, size_t index, char **text, char why[JWT_KEY_WHY_SIZE]);

/* The same for all keys, which are only checked. */
int jwt_keys_check(const struct config *config, char why[JWT_KEY_WHY_SIZE]);

#endif
