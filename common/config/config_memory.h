/* SPDX-License-Identifier: MIT */
/*
 * Memory for the configuration. Half a configuration must never be taken for the whole, so the process ends
 * when there is no memory; workers and fan-outs outlive that ringcastd (docs/design/supervision.md).
 * Part of config.c.
 */
#ifndef COMMON_CONFIG_CONFIG_MEMORY_H
#define COMMON_CONFIG_CONFIG_MEMORY_H

#include <stdlib.h>
#include <string.h>

/* MEMORY, which is not NULL. */
static inline void *config_need(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

/* A copy of TEXT; NULL if TEXT is NULL. */
static inline char *config_copy_text(const char *text)
{
    return !text ? NULL : config_need(strdup(text));
}

#endif
