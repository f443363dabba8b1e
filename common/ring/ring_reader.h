/* SPDX-License-Identifier: MIT */
/*
 * What is behind a ringcast_reader: private to ring_reader.c, and to tests that lay a reader over memory of their own.
 * Immutable after it is filled in; any thread may use it.
 */
#ifndef COMMON_RING_RING_READER_H
#define COMMON_RING_RING_READER_H

#include "common/ring/ring_fault.h"
#include "common/ring/ring_format.h"

struct ringcast_reader {
    const uint8_t *map;
    struct ring_geometry geometry;
    struct ring_fault_guard *guard; /* NULL: unguarded */
};

#endif
