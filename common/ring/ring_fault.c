/* SPDX-License-Identifier: MIT */
/*
 * The handler may run in any thread at any instruction, so it takes no lock: it walks a list of fixed blocks
 * that only ever grows. A guard is taken by its `length` becoming non-zero (release, after `start`), given
 * back by `length` becoming zero. A mapping that is being released is not read, so the handler never needs a guard that
 * is changing.
 */
#include "common/ring/ring_fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Rings that one process reads without the list growing. */
#define GUARDS_PER_BLOCK 64

struct ring_fault_guard {
    _Atomic uintptr_t start;
    _Atomic size_t length; /* 0: free */
    atomic_bool hit;
};

struct block {
    struct ring_fault_guard guards[GUARDS_PER_BLOCK];
    _Atomic(struct block *) next;
};

static struct block first_block;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t guards_in_use;
static bool installed; /* stays true if another handler, which may call ours, came on top of it */
static struct sigaction previous;

static struct ring_fault_guard *find_guard(uintptr_t address)
{
    for (struct block *block = &first_block; block; block = atomic_load(&block->next)) {
        for (size_t i = 0; i < GUARDS_PER_BLOCK; i++) {
            struct ring_fault_guard *guard = &block->guards[i];
            size_t length = atomic_load(&guard->length);
            if (length && address - atomic_load(&guard->start) < length) {
                return guard;
            }
        }
    }
    return NULL;
}

static bool replace_with_zeros(struct ring_fault_guard *guard)
{
    void *start = (void *)atomic_load(&guard->start); /* NOLINT(performance-no-int-to-ptr) */

    if (mmap(start, atomic_load(&guard->length), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED) {
        return false;
    }
    atomic_store(&guard->hit, true);
    return true;
}

/* A fault that is not ours: as if this handler were not there. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler == SIG_DFL) {
        /* The default action follows when the instruction, or the signal that was sent, comes again. */
        struct sigaction fallback = {.sa_handler = SIG_DFL};
        sigaction(number, &fallback, NULL);
        if (info->si_code <= 0) {
            raise(number);
        }
    } else if (previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    struct ring_fault_guard *guard = NULL;

    if (info->si_code > 0) { /* raised by the processor, not sent with kill(2) */
        guard = find_guard((uintptr_t)info->si_addr);
    }
    if (!guard || !replace_with_zeros(guard)) {
        pass_on(number, info, context);
    }
    errno = saved;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_sigbus;
}

/* True if this handler cannot call ours: it is not a function, or it was there before ours. */
static bool is_below_ours(const struct sigaction *action)
{
    if (!(action->sa_flags & SA_SIGINFO) &&
        (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)) {
        return true;
    }
    return action->sa_flags == previous.sa_flags && action->sa_handler == previous.sa_handler;
}

/*
 * With every guard, because the program may have put back the handler from before ours. Never over a handler that was
 * installed on top of ours: it may call ours, and the two would call each other for ever.
 */
static int install(void)
{
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    struct sigaction current;

    if (sigaction(SIGBUS, NULL, &current) < 0) {
        return -errno;
    }
    if (is_ours(&current) || (installed && !is_below_ours(&current))) {
        return 0;
    }
    previous = current;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, NULL) < 0) {
        return -errno;
    }
    installed = true;
    return 0;
}

static void uninstall(void)
{
    struct sigaction current;

    if (sigaction(SIGBUS, NULL, &current) < 0) {
        return;
    }
    if (is_ours(&current)) {
        installed = sigaction(SIGBUS, &previous, NULL) < 0;
    } else if (is_below_ours(&current)) {
        installed = false;
    }
}

/* Called with the lock held. Blocks are never given back: the handler may be walking them. */
static struct ring_fault_guard *find_free(void)
{
    struct block *block = &first_block;

    for (;;) {
        for (size_t i = 0; i < GUARDS_PER_BLOCK; i++) {
            if (atomic_load(&block->guards[i].length) == 0) {
                return &block->guards[i];
            }
        }
        struct block *next = atomic_load(&block->next);
        if (!next) {
            next = calloc(1, sizeof(*next));
            if (!next) {
                return NULL;
            }
            atomic_store(&block->next, next);
        }
        block = next;
    }
}

int ring_fault_guard(const void *start, size_t length, struct ring_fault_guard **guard)
{
    int result = 0;

    pthread_mutex_lock(&lock);
    struct ring_fault_guard *found = find_free();
    if (!found) {
        result = -ENOMEM;
    } else {
        result = install();
    }
    if (result == 0) {
        guards_in_use++;
        atomic_store(&found->start, (uintptr_t)start);
        atomic_store(&found->hit, false);
        atomic_store(&found->length, length);
        *guard = found;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void ring_fault_release(struct ring_fault_guard *guard)
{
    if (!guard) {
        return;
    }
    pthread_mutex_lock(&lock);
    atomic_store(&guard->length, 0);
    if (--guards_in_use == 0) {
        uninstall();
    }
    pthread_mutex_unlock(&lock);
}

bool ring_fault_hit(const struct ring_fault_guard *guard)
{
    return guard && atomic_load(&guard->hit);
}
