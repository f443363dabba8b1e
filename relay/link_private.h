/* SPDX-License-Identifier: MIT */
/* What the other parts that speak to NATS's library need of the link. */
#ifndef RELAY_LINK_PRIVATE_H
#define RELAY_LINK_PRIVATE_H

#include <nats/nats.h>

#include "relay/link.h"

/* The connection, which any thread may use until link_destroy. Borrowed. */
natsConnection *link_connection(struct link *link);

#endif
