/* SPDX-License-Identifier: MIT */
/*
 * Addresses and networks of IPv4 and IPv6, "10.0.0.0/8" or "::1" (RFC 4632, RFC 4291). An IPv4 address is the same as its
 * IPv4-mapped form (RFC 4291, section 2.5.5.2), which a socket for both families reports. Pure functions: any process, any
 * thread.
 */
#ifndef COMMON_BASE_NETWORK_H
#define COMMON_BASE_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct network {
    struct in6_addr address; /* of IPv4: mapped */
    unsigned prefix;         /* bits, 0…128; of IPv4: 96 more than written */
};

/* Bytes of a network as text, with the NUL. */
#define NETWORK_TEXT_SIZE (INET6_ADDRSTRLEN + 4)

/*
 * From "address" or "address/prefix". 0; -EINVAL: not that; -ERANGE: the prefix has more bits than the address; -EDOM:
 * bits behind the prefix are set, and *network has them cleared.
 */
int network_parse(const char *text, struct network *network);

/* As network_parse takes it, without the prefix if it is the whole address. */
void network_format(const struct network *network, char text[NETWORK_TEXT_SIZE]);

/* ADDRESS is one of NETWORK. Anything but IPv4 and IPv6 is in no network. */
bool network_has(const struct network *network, const struct sockaddr *address);

/* The same for the numeric address TEXT; false if it is none. A zone ("%eth0") is ignored. */
bool network_has_text(const struct network *network, const char *text);

#endif
