/* SPDX-License-Identifier: MIT */
/*
 * A request for HLS: a line each for the name, `_HLS_msn`, `_HLS_part` and `_HLS_skip`, "-" for one that is not there. Whatever it is, it is judged
 * without a stream.
 */
#include <stdlib.h>
#include <string.h>

#include "hls/stream/request.h"
#include "hls/stream/rules.h"

#define LINES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *lines[LINES] = {NULL};
    char *text = malloc(size + 1);

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    char *at = text;
    for (int i = 0; i < LINES && at; i++) {
        char *end = strchr(at, '\n');
        if (end) {
            *end++ = '\0';
        }
        lines[i] = strcmp(at, "-") == 0 ? NULL : at;
        at = end;
    }
    const struct request_query query = {lines[1], lines[2], lines[3]};
    struct request request = request_read(lines[0] ? lines[0] : "", &query);
    if (request.kind == REQUEST_PLAYLIST && request.names_part && !request.blocks) {
        abort();
    }
    (void)rules_judge(&request, NULL, request.hold, 0);
    free(text);
    return 0;
}
