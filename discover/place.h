/* SPDX-License-Identifier: MIT */
/*
 * Addresses that a device names. A device may only name itself: whatever host stands in what it says is replaced by the one at which it
 * answered. So nobody on the network can send ringcast, with its credentials, to a third machine, and a camera that knows itself
 * under another address than we do (behind NAT, after a move) is reached all the same. Pure functions: any process, any thread.
 */
#ifndef DISCOVER_PLACE_H
#define DISCOVER_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * URL with HOST, a numeric address, in place of its own, without user, password and fragment, in OUT, which holds SIZE
 * bytes. *moved: its own host was another one; NULL: not wanted. 0; -EINVAL: it is none of SCHEMES, a list that ends with NULL, or
 * has characters that no URL has; -ENAMETOOLONG.
 */
int place_own(const char *url, const char *host, const char *const *schemes, char *out, size_t size,
              bool *moved);

#endif
