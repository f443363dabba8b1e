/* SPDX-License-Identifier: MIT */
#include "fanout/loop/rates.h"

#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "fanout/loop/connections.h"

void rates_init(struct rates *rates)
{
    memset(rates, 0, sizeof(*rates));
    if (getrandom(&rates->seed, sizeof(rates->seed), 0) < 0) {
        rates->seed = (uint64_t)clock_now_ns();
    }
}

bool rate_allow(int64_t *until, unsigned per_second, int64_t now_ns)
{
    if (per_second == 0) {
        return true;
    }
    int64_t step = NS_PER_SECOND / per_second;
    int64_t from = *until > now_ns ? *until : now_ns;
    if (from - now_ns > NS_PER_SECOND - step) {
        return false;
    }
    *until = from + step;
    return true;
}

static int64_t busy_until(const struct rate_place *place)
{
    int64_t latest = place->until[0];

    for (int i = 1; i < RATE_KINDS; i++) {
        latest = place->until[i] > latest ? place->until[i] : latest;
    }
    return latest;
}

/* The place of ADDRESS, which it may just have been given. */
static struct rate_place *find_place(struct rates *rates, const uint8_t address[16])
{
    uint64_t hash = hash_add(hash_add(HASH_START, &rates->seed, sizeof(rates->seed)), address, 16);
    struct rate_place *set = rates->places[(hash ^ hash >> 32) % RATES_SETS];
    struct rate_place *quietest = &set[0];

    for (unsigned i = 0; i < RATES_WAYS; i++) {
        if (memcmp(set[i].address, address, sizeof(set[i].address)) == 0) {
            return &set[i];
        }
        quietest = busy_until(&set[i]) < busy_until(quietest) ? &set[i] : quietest;
    }
    *quietest = (struct rate_place){0};
    memcpy(quietest->address, address, sizeof(quietest->address));
    return quietest;
}

bool rates_allow(struct rates *rates, enum rate_kind kind, const struct in6_addr *address,
                 unsigned per_second, int64_t now_ns)
{
    uint8_t client[16];

    if (per_second == 0) {
        return true;
    }
    connections_client_address(address, client);
    return rate_allow(&find_place(rates, client)->until[kind], per_second, now_ns);
}
