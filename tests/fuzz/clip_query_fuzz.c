/* SPDX-License-Identifier: MIT */
/* A time in the query of a request for a clip, and a camera's name in the header that names its file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "fanout/http/clip_query.h"

#define NOW (INT64_C(1795990500) * NS_PER_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t most_ns = CLIP_QUERY_SECONDS_MAX * NS_PER_SECOND;
    char *text = malloc(size + 1), line[CLIP_QUERY_DISPOSITION_SIZE];
    int64_t time_ns = 0;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (clip_query_parse_time(text, NOW, &time_ns)) {
        require(time_ns >= NOW - most_ns && time_ns <= NOW + most_ns);
        require(text[strcspn(text, "\r\n\" ")] == '\0');
    }
    int64_t wall_ns = 0;
    memcpy(&wall_ns, data, size < sizeof(wall_ns) ? size : sizeof(wall_ns));
    clip_query_disposition(line, text, wall_ns);
    size_t length = strlen(line);
    require(length > 6 && strcmp(line + length - 6, ".mp4\r\n") == 0);
    require(strcspn(line, "\r\n") == length - 2); /* one line */
    free(text);
    return 0;
}
