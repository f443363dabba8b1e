/* SPDX-License-Identifier: MIT */
/*
 * Fragments and init segments of another node. An input begins with two bytes, the length of the init segment behind them; 0: that of the tests' camera
 * is taken. A fragment that passes may be moved anywhere, and then passes again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/remote/remote_fragment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void move(const struct remote_tracks *tracks, uint8_t *bytes, size_t size, int64_t offset_ns)
{
    struct remote_fragment fragment, again;

    if (remote_fragment_check(&fragment, tracks, bytes, size) < 0) {
        return;
    }
    require(fragment.count > 0 && fragment.places[0].track.id == tracks->list[0].id);
    remote_fragment_move(&fragment, bytes, 1, offset_ns);
    int result = remote_fragment_check(&again, tracks, bytes, size);
    require(result == 0 || offset_ns > 0); /* the future has an end */
    require(result < 0 || again.places[0].at == fragment.places[0].at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_tracks tracks = {.list = {{1, 90000}, {2, 44100}}, .count = 2};

    if (size < 2) {
        return 0;
    }
    size_t length = (size_t)data[0] << 8 | data[1];
    data += 2;
    size -= 2;
    length = length < size ? length : size;
    if (length > 0 && remote_tracks_read(&tracks, data, length) < 0) {
        return 0;
    }
    data += length;
    size -= length;
    uint8_t *bytes = malloc(size ? size : 1);
    require(bytes != NULL);
    memcpy(bytes, data, size);
    move(&tracks, bytes, size, -1000000007);
    move(&tracks, bytes, size, INT64_C(1) << 61);
    free(bytes);
    return 0;
}
