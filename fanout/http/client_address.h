/* SPDX-License-Identifier: MIT */
/*
 * Whose request it is. A proxy that is trusted says from which address the visitor came to it, and whether over https, in
 * X-Forwarded-For, X-Forwarded-Proto or Forwarded (RFC 7239). Each proxy on the way adds its own neighbour at the end, and
 * the beginning is whatever the visitor sent; so the list is read from its end, up to the first address that is not a
 * trusted proxy. What others send in these headers is ignored. Pure functions.
 */
#ifndef FANOUT_HTTP_CLIENT_ADDRESS_H
#define FANOUT_HTTP_CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/network.h"

/* Proxies on the way to the server; entries before the last so many are not looked at. */
#define CLIENT_ADDRESS_HOPS_MAX 32

/* Networks whose addresses are those of trusted proxies. */
struct trusted_networks {
    struct network *list;
    size_t count;
};

/* True if ADDRESS is one of TRUSTED. */
bool client_address_is_trusted(const struct in6_addr *address, const struct trusted_networks *trusted);

struct client_address {
    struct in6_addr
        address;  /* the visitor's, as far as it is known; IPv4 is mapped (RFC 4291, section 2.5.5.2) */
    bool trusted; /* the connection comes from a trusted proxy: what it says of the visitor is believed */
    bool scheme_known; /* that proxy has said how the visitor came */
    bool secure;       /* over https */
};

/* Values of the headers; several fields of one name are joined by commas (RFC 9110, section 5.3). NULL: not there. */
struct forwarding {
    const char *forwarded_for;   /* X-Forwarded-For */
    const char *forwarded_proto; /* X-Forwarded-Proto */
    const char *forwarded;       /* Forwarded */
};

/*
 * From the connection, which comes from PEER and is encrypted if TLS, and the headers. If X-Forwarded-For and Forwarded name
 * different visitors, one of the two did not come from the proxy, and the address is the proxy's own.
 */
struct client_address client_address_find(const struct in6_addr *peer, bool tls,
                                          const struct trusted_networks *trusted,
                                          const struct forwarding *headers);

/* "192.0.2.7" or "2001:db8::7". */
const char *client_address_format(const struct in6_addr *address, char text[INET6_ADDRSTRLEN]);

#endif
