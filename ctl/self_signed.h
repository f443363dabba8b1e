/* SPDX-License-Identifier: MIT */
/* The command `tls self-signed`: a certificate to use until there is one of an authority. One thread. */
#ifndef CTL_SELF_SIGNED_H
#define CTL_SELF_SIGNED_H

#include "ctl/options.h"

/*
 * Makes a private key (P-256) and a certificate signed with it (X.509, RFC 5280) for the host names and
 * addresses in OPTIONS' arguments, or without arguments for those of this machine. Writes them to two new
 * files in the directory --output, or in the current one, and prints where they are and what to write into
 * the configuration. Existing files are not changed.
 */
enum exit_code self_signed_make(const struct options *options);

#endif
