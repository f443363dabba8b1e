/* SPDX-License-Identifier: MIT */
/*
 * Times as NTP writes them (RFC 5905, 6): 32 bits of seconds since 1900 and 32 of fraction. RTCP and the box `prft` have them. The seconds begin again in
 * February 2036. Any process, any thread.
 */
#ifndef COMMON_BASE_NTP_H
#define COMMON_BASE_NTP_H

#include <stdint.h>

#include "common/base/clock.h"

/* From the epoch of NTP, 1900, to that of Unix, 1970. */
#define NTP_UNIX_OFFSET_S INT64_C(2208988800)

/* UNIX_NS, nanoseconds since 1970; a time before that counts as 1970. */
static inline uint64_t ntp_from_unix_ns(int64_t unix_ns)
{
    uint64_t ns = unix_ns > 0 ? (uint64_t)unix_ns : 0;

    return (ns / NS_PER_SECOND + NTP_UNIX_OFFSET_S) << 32 | (ns % NS_PER_SECOND << 32) / NS_PER_SECOND;
}

/* Nanoseconds since 1970. Seconds that would be before 1970 are those after February 2036 (RFC 2030, 3), so times from 1970 to 2106 have a form. */
static inline int64_t ntp_unix_ns(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32) - NTP_UNIX_OFFSET_S;
    int64_t fraction_ns = (int64_t)((ntp & UINT32_MAX) * (uint64_t)NS_PER_SECOND >> 32);

    if (seconds < 0) {
        seconds += INT64_C(1) << 32;
    }
    return seconds * NS_PER_SECOND + fraction_ns;
}

#endif
