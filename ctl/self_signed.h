/* `ringcastctl tls self-signed`: a certificate for the time until there is one of an authority. One thread. */
#ifndef CTL_SELF_SIGNED_H
#define CTL_SELF_SIGNED_H

#include "ctl/options.h"

/*
 * Makes a private key (P-256) and a certificate that it signs itself (X.509, RFC 5280), for the host names and addresses
 * that are OPTIONS' arguments, or without them for those of this machine; writes them to two new files in the directory
 * --output, or in the current one, and prints where they are and what to write into the configuration. Files that exist are
 * not touched.
 */
enum exit_code self_signed_make(const struct options *options);

#endif
