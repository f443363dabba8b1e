/* SPDX-License-Identifier: MIT */
/* The commands `user …`: who may watch, in the users file (user_file.h). One thread. */
#ifndef CTL_USERS_H
#define CTL_USERS_H

#include "ctl/options.h"

/* A new user, with a password that is asked for. */
enum exit_code users_add(const struct options *options);

/* Another role, or other cameras. */
enum exit_code users_set(const struct options *options);

/* Another password, which ends all sessions of the user. */
enum exit_code users_change_password(const struct options *options);

enum exit_code users_remove(const struct options *options);

/* Ends all sessions of a user. */
enum exit_code users_log_out(const struct options *options);

/* Users of the file and of the configuration. */
enum exit_code users_list(const struct options *options);

#endif
