/* SPDX-License-Identifier: MIT */
#include "tests/bench/raw_message.h"

#include <string.h>

bool raw_stream_next(struct raw_stream *stream, const uint8_t **data, size_t *length)
{
    size_t take;
    if (stream->have < sizeof stream->header) {
        take = sizeof stream->header - stream->have;
        if (take > *length) {
            take = *length;
        }
        memcpy((uint8_t *)&stream->header + stream->have, *data, take);
        stream->have += take;
        *data += take;
        *length -= take;
        if (stream->have < sizeof stream->header) {
            return false;
        }
    }
    take = stream->header.length > stream->have ? stream->header.length - stream->have : 0;
    if (take > *length) {
        take = *length;
    }
    stream->have += take;
    *data += take;
    *length -= take;
    if (stream->have < stream->header.length) {
        return false;
    }
    stream->have = 0;
    return true;
}
