/* SPDX-License-Identifier: MIT */
#include "fanout/http/close_frame.h"

#include <stdbool.h>

#include "common/base/text.h"
#include "fanout/feed/viewer.h"

#define NOT_UTF8 1007
#define PROTOCOL_ERROR 1002

/* From the second on codes are for applications, up to the third. */
#define CODES_FIRST 1000u
#define CODES_APPLICATION 3000u
#define CODES_END 5000u

static bool is_code(unsigned code)
{
    return (code >= CODES_FIRST && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= CODES_APPLICATION && code < CODES_END);
}

uint16_t close_frame_check(const void *payload, size_t length, const char **reason)
{
    const uint8_t *bytes = payload;
    struct text_stream text = {0};

    if (length == 0) {
        return 0;
    }
    if (length == 1 || !is_code((unsigned)bytes[0] << 8 | bytes[1])) {
        *reason = VIEWER_BAD_CLOSE;
        return PROTOCOL_ERROR;
    }
    if (!text_stream_add(&text, bytes + 2, length - 2) || !text_stream_end(&text)) {
        *reason = VIEWER_NOT_UTF8;
        return NOT_UTF8;
    }
    return 0;
}
