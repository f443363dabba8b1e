/* SPDX-License-Identifier: MIT */
/*
 * WS-Discovery (2005/04): asks all of a network by multicast, or one address, which cameras there are, and tells who answers. IPv4. One
 * thread.
 */
#ifndef DISCOVER_SEARCH_H
#define DISCOVER_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/* Networks that are asked at once, and devices that are told. */
#define SEARCH_SOCKETS_MAX 16
#define SEARCH_DEVICES_MAX 256

struct search {
    int sockets[SEARCH_SOCKETS_MAX];
    size_t count;
};

/*
 * Opens a socket for each network of this machine, or for that of INTERFACE alone, or for ADDRESS, a numeric one; either may be NULL. Before the sandbox
 * is entered. 0; -ENODEV: no such network; -EINVAL: ADDRESS is not IPv4; another negative errno.
 */
int search_open(struct search *search, const char *interface, const char *address);

/* Asks for MS milliseconds, and sends `found` over CHANNEL for each device. 0, or a negative errno: the channel has ended. */
int search_run(struct search *search, uint64_t ms, int channel);

void search_close(struct search *search);

#endif
