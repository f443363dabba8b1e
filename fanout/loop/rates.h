/* SPDX-License-Identifier: MIT */
/*
 * How often something happens for each address, in a table of fixed size: one place for each of so many addresses, and the
 * one that has been quiet for longest gives way. An address may do N things at once and N more in each second (the generic
 * cell rate algorithm, ITU-T I.371, with a second's burst). ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_RATES_H
#define FANOUT_LOOP_RATES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define RATES_SETS 1024u
#define RATES_WAYS 4u

enum rate_kind { RATE_HANDSHAKES, RATE_REQUESTS, RATE_KINDS };

struct rate_place {
    uint8_t address[16]; /* as connections_client_address has it */
    int64_t until
        [RATE_KINDS]; /* CLOCK_MONOTONIC, ns: when all that was let in would be through at an even pace; 0: none */
};

struct rates {
    struct rate_place places[RATES_SETS][RATES_WAYS];
    uint64_t seed; /* of the hash that chooses the set, so that an attacker cannot choose it */
};

void rates_init(struct rates *rates);

/*
 * True, and counted, if ADDRESS may do one more thing of KIND at NOW_NS, of which there may be PER_SECOND; 0: any number.
 */
bool rates_allow(struct rates *rates, enum rate_kind kind, const struct in6_addr *address,
                 unsigned per_second, int64_t now_ns);

/* The same for one rate by itself, *UNTIL, which begins as 0. */
bool rate_allow(int64_t *until, unsigned per_second, int64_t now_ns);

#endif
