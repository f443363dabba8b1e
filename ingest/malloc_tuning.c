/* SPDX-License-Identifier: MIT */
#include "ingest/malloc_tuning.h"

#include <malloc.h>

/* Bytes. A block of this size or more is a mapping of its own, and gone when it is freed: what is needed
 * once, to make an init segment or for a long description, must not leave a hole that the heap grows around.
 * Setting it also keeps glibc from raising it to the size of the largest block freed so far. */
#define MAPPED_FROM 65536

/* Bytes that may be free at the end of the heap, and by how much more than is needed the heap grows. glibc's
 * own 128 KiB each are a tenth of what a worker has. */
#define SPARE 16384

void malloc_tuning_keep_small(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, SPARE);
    mallopt(M_TOP_PAD, SPARE / 4);
}
