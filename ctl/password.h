/* SPDX-License-Identifier: MIT */
/* Passwords that a person types or a program hands over: never as an argument, which other users see. One thread. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "common/access/access_value.h"
#include "ctl/options.h"

#define PASSWORD_SIZE (ACCESS_PASSWORD_MAX + 1)

/*
 * A new password for NAME: asked for twice on the terminal without an echo; or with --password-stdin the first line of standard
 * input. On EXIT_CODE_OK the caller overwrites PASSWORD (secret_wipe). Otherwise why is reported.
 */
enum exit_code password_read(const struct options *options, const char *name, char password[PASSWORD_SIZE]);

/* The same for a password that exists: asked for once, or with --password-file the first line of that file. */
enum exit_code password_read_known(const struct options *options, const char *name,
                                   char password[PASSWORD_SIZE]);

#endif
