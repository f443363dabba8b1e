/* SPDX-License-Identifier: MIT */
/* The commands `token …`: short-lived and lasting tokens, in the users file (user_file.h). One thread. */
#ifndef CTL_TOKENS_H
#define CTL_TOKENS_H

#include "ctl/options.h"

/* Prints a new token, which is shown this once. */
enum exit_code tokens_add(const struct options *options);

enum exit_code tokens_list(const struct options *options);

/* A token that is no longer good; streams that it opened end. */
enum exit_code tokens_revoke(const struct options *options);

#endif
