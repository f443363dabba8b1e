/* Sleeping until the writer publishes: a futex in the read-only mapping, which FUTEX_WAIT does not mind. */
#include "common/ring/ring_reader.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Sleeps while the futex word is VALUE. DEADLINE_NS: CLOCK_MONOTONIC, or -1. 0 or negative errno. */
static int sleep_while(const _Atomic uint32_t *word, uint32_t value, int64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = deadline_ns / NS_PER_SECOND,
                                .tv_nsec = deadline_ns % NS_PER_SECOND};

    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, deadline_ns < 0 ? NULL : &deadline, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    return result < 0 ? -errno : 0;
}

/* 1, -EPIPE, or 0: nothing yet, and *word is the futex's value from before the look. */
static int look(const ringcast_reader *reader, const ringcast_cursor *cursor, uint32_t *word)
{
    const struct ring_header *header = ring_reader_header(reader);

    *word = atomic_load_explicit(&header->wake, memory_order_acquire);
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    if (ring_reader_gone(reader)) {
        return -EPIPE;
    }
    if (head != cursor->position) { /* also a place that only ringcast_read can explain */
        return 1;
    }
    return state == RING_RETIRED ? -EPIPE : 0;
}

int ringcast_wait(const ringcast_reader *reader, const ringcast_cursor *cursor, int timeout_ms)
{
    int64_t deadline_ns = timeout_ms < 0 ? -1 : monotonic_ns() + timeout_ms * NS_PER_MS;

    for (;;) {
        uint32_t word;
        int result = look(reader, cursor, &word);
        if (result != 0) {
            return result;
        }
        /* The clock, and not only the futex, ends the loop: a hostile writer can change the word all the
         * time. */
        if (timeout_ms == 0 || (deadline_ns >= 0 && monotonic_ns() >= deadline_ns)) {
            return 0;
        }
        result = sleep_while(&ring_reader_header(reader)->wake, word, deadline_ns);
        if (result == -EINTR) {
            return -EINTR;
        }
        if (result == -EFAULT) { /* the object was cut off: there is no page behind the word any more */
            return -EPIPE;
        }
    }
}
