/* SPDX-License-Identifier: MIT */
#include "common/base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void secret_wipe(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}

void secret_free(char *secret)
{
    if (secret) {
        secret_wipe(secret, strlen(secret));
    }
    free(secret);
}

void secret_release(void *memory)
{
    if (memory) {
        secret_wipe(memory, malloc_usable_size(memory));
    }
    free(memory);
}
