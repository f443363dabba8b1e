/* SPDX-License-Identifier: MIT */
#include "fanout/http/said.h"

#include <stdlib.h>
#include <string.h>

struct said {
    size_t length;
    char text[];
};

/* In the place of a message that is not kept, until it ends: to know that needs no memory. */
static struct said lost;

static void keep(struct said **said, const void *data, size_t length, size_t most)
{
    size_t before = *said ? (*said)->length : 0;

    if (*said == &lost || length == 0) {
        return;
    }
    struct said *longer = length <= most - before ? realloc(*said, sizeof(*longer) + before + length) : NULL;
    if (!longer) {
        said_forget(said);
        *said = &lost;
        return;
    }
    memcpy(longer->text + before, data, length);
    longer->length = before + length;
    *said = longer;
}

enum said_result said_add(struct said **said, const void *data, size_t length, bool last, size_t most,
                          const char **text, size_t *text_length)
{
    if (last && !*said && length <= most) {
        *text = length > 0 ? data : "";
        *text_length = length;
        return SAID_WHOLE;
    }
    keep(said, data, length, most);
    if (!last) {
        return SAID_IN_PART;
    }
    if (*said == &lost) {
        return SAID_LOST;
    }
    *text = (*said)->text;
    *text_length = (*said)->length;
    return SAID_WHOLE;
}

void said_forget(struct said **said)
{
    if (*said != &lost) {
        free(*said);
    }
    *said = NULL;
}
