/* SPDX-License-Identifier: MIT */
/*
 * Making and removing rings: the supervisor's side (invariant R8: only the supervisor has a descriptor that
 * can size a ring; the worker gets one, maps it and closes it).
 */
#ifndef COMMON_RING_RING_CREATE_H
#define COMMON_RING_RING_CREATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest name of a shared-memory object, with the leading slash and the NUL. */
#define RING_NAME_SIZE 256

struct ring_descriptors {
    int writer; /* read-write, for the worker; -1 when none */
    int reader; /* read-only, for fan-outs */
};

/*
 * Writes "/ringcast.<instance>.<camera>" to NAME. Bytes of the camera's name other than [A-Za-z0-9_-] and,
 * after the first, '.', are percent-encoded, so any configured name gives a valid, distinct object name. In
 * the instance '.' is encoded too, so that no instance's names begin with another's.
 *
 * 0; -ENAMETOOLONG.
 */
int ring_name(char name[RING_NAME_SIZE], const char *instance, const char *camera);

/* What ring_create returns for a ring that could not have its name. */
#define RING_UNNAMED 1

/*
 * Makes a ring with CAPACITY bytes of data (rounded up to 64 KiB; at most 1 GiB), mode 0600, its
 * memory reserved (so that a full /dev/shm is an error here and not a SIGBUS in the writer), and holds a
 * shared flock on it through both descriptors. With PAST_S above 0 it also has an index by which keyframes of the last
 * PAST_S seconds are found by their time (`look_back`); the capacity is the caller's affair. EPOCH_NS (CLOCK_MONOTONIC) is the zero of the camera's decode
 * times. The ring gets its name last; root first removes a stale object of another user's that has it.
 *
 * 0; RING_UNNAMED: the ring can be used, but only through its descriptors, because its name belongs to an object that is
 * not a ring of this user's; -EEXIST: a ring of this user's has the name; -ENOSPC: /dev/shm is full; other negative errno.
 * On error nothing is left behind.
 */
int ring_create(const char *name, size_t capacity, unsigned past_s, int64_t epoch_ns,
                struct ring_descriptors *descriptors);

/* The same for a ring that will take the place of ring NAME: it has no name until ring_replace. */
int ring_create_unnamed(const char *name, size_t capacity, unsigned past_s, int64_t epoch_ns,
                        struct ring_descriptors *descriptors);

/*
 * Gives NAME to the ring of this descriptor, atomically: a process that opens NAME gets the old ring or the new one.
 * 0; -EPERM: another user's object has the name and cannot be replaced; other negative errno.
 */
int ring_replace(const char *name, int writer_descriptor);

/* Whether a writer has published anything in the ring of this descriptor. */
bool ring_is_used(int descriptor);

/*
 * Tells readers that nothing more will come (they get -EPIPE). For a ring whose writer is gone. Touches the
 * ring only through the descriptor, so that a ring that was cut off does no harm.
 */
void ring_retire(int writer_descriptor);

/* Removes the name. Mappings stay valid. 0 or negative errno; a name that does not exist is not an error. */
int ring_unlink(const char *name);

/*
 * Removes every ring of INSTANCE that is this user's and that no live process has locked: a killed one has left it.
 * Returns how many were removed, or negative errno; -EBUSY: a ring is in use and stays.
 */
int ring_sweep(const char *instance);

#endif
