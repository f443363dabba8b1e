/* SPDX-License-Identifier: MIT */
/*
 * FNV-1a, 64 bits: tells init segments, versions of a file and configurations apart. It does not resist an
 * attacker who looks for collisions, so nothing may depend on that. Pure functions: any process, any thread.
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of no bytes, to begin with. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

/* The hash of what HASH covers, followed by LENGTH bytes of DATA. */
static inline uint64_t hash_add(uint64_t hash, const void *data, size_t length)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * HASH_PRIME;
    }
    return hash;
}

#endif
