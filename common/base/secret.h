/* SPDX-License-Identifier: MIT */
/*
 * Memory that held a password: it is overwritten before it is given back, so that no core file and no later
 * allocation shows it. Any process, any thread.
 */
#ifndef COMMON_BASE_SECRET_H
#define COMMON_BASE_SECRET_H

#include <stddef.h>

/* Overwrites SIZE bytes at MEMORY; the compiler cannot leave this out. */
void secret_wipe(void *memory, size_t size);

/* Overwrites a malloc'ed string, up to its NUL, and frees it. NULL is allowed. */
void secret_free(char *secret);

/* Overwrites all that malloc gave out as MEMORY and frees it, in place of free in a program whose every object may be secret. */
void secret_release(void *memory);

#endif
