/* SPDX-License-Identifier: MIT */
/* What the other parts that speak to NATS's library need of the link. */
#ifndef RELAY_LINK_PRIVATE_H
#define RELAY_LINK_PRIVATE_H

#include <nats/nats.h>

#include "relay/link.h"

/* The connection, which any thread may use until link_destroy, or LINK_KEPT_MS after link_tend has replaced it. Borrowed. */
#define LINK_KEPT_MS 2000
natsConnection *link_connection(struct link *link);

#endif
