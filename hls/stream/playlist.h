/* SPDX-License-Identifier: MIT */
/*
 * The text of playlists (RFC 8216bis, section 4). Links are names beside the playlist, so they work behind any prefix, and the fan-out adds
 * what they have to carry on (fanout/http/playlist_links.h). Pure functions; any process, any thread.
 */
#ifndef HLS_STREAM_PLAYLIST_H
#define HLS_STREAM_PLAYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hls/stream/request.h"
#include "hls/stream/rules.h"
#include "hls/stream/segmenter.h"

/* A text of its own memory. */
struct playlist_text {
    char *text; /* free it */
    size_t length;
};

/*
 * The media playlist of STREAM, of which at least one segment must be complete. SIBLING: the camera's other stream, if that is held; else NULL.
 * SKIPS: a delta update, if there is anything to skip. 0 or -ENOMEM.
 */
int playlist_media(const struct segmenter *segmenter, const struct segmenter *sibling,
                   enum request_stream stream, uint32_t hold, bool skips, struct playlist_text *made);

/* The multivariant playlist of the streams that are not NULL, each with a complete segment. 0 or -ENOMEM. */
int playlist_index(const struct segmenter *const streams[REQUEST_STREAMS], struct playlist_text *made);

#endif
