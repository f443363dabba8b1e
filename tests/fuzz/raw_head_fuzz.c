/* SPDX-License-Identifier: MIT */
/* Bytes of a connection, in which the heads of requests are found one after the other, whole and cut off anywhere. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/http/raw_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void look_into(const char *head, size_t length)
{
    static const char *const names[] = {"Upgrade", "Authorization", "X-Forwarded-For"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *value = raw_head_value(head, length, names[i], ", ");
        unsigned count = raw_head_count(head, length, names[i]);
        require(!value || (count > 0 && !strchr(value, '\n')));
        require(value || count <= 1); /* an only value may be empty */
        free(value);
    }
}

/* What a head is does not depend on what follows it, and no beginning of it is one. */
static size_t take(const char *text, size_t length)
{
    size_t head = raw_head_length(text, length);

    require(head <= length);
    if (head > 0) {
        require(text[head - 1] == '\n');
        require(raw_head_length(text, head) == head);
        require(raw_head_length(text, head - 1) == 0);
        look_into(text, head);
    }
    return head;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* so that what reads beyond is seen */
    size_t at = 0, head;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    if (raw_head_may_be_get(text, size)) {
        require(memchr(text, 'G', size));
    }
    while ((head = take(text + at, size - at)) > 0) {
        at += head;
    }
    look_into(text + at, size - at);
    free(text);
    return 0;
}
