/*
 * Memory for the configuration. A configuration read in part must never be taken for the whole, so without
 * memory the process ends; workers and fan-outs outlive a ringcastd that does (docs/design/supervision.md).
 * Part of config.c.
 */
#ifndef COMMON_CONFIG_CONFIG_MEMORY_H
#define COMMON_CONFIG_CONFIG_MEMORY_H

#include <stdlib.h>
#include <string.h>

/* MEMORY, which is not NULL. */
static inline void *config_need(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* A copy of TEXT; NULL: there is no text. */
static inline char *config_copy_text(const char *text)
{
    return text == NULL ? NULL : config_need(strdup(text));
}

#endif
