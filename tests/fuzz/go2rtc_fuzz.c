/* SPDX-License-Identifier: MIT */
/*
 * What a client of go2rtc's protocol says, the list of codecs in it, a duration in a query; and, as if they came from a hostile
 * ring, the boxes that are changed for it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "fanout/feed/codec_choice.h"
#include "fanout/feed/tracks.h"
#include "fanout/http/go2rtc_message.h"
#include "fanout/http/media_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_message(const char *text, size_t size)
{
    static struct go2rtc_message message;
    char names[CODEC_NAMES_SIZE];

    go2rtc_message_parse(text, size, &message);
    require((message.kind == GO2RTC_REFUSED) == (message.type != NULL));
    require(message.kind == GO2RTC_MSE || message.codecs[0] == '\0');
    require(memchr(message.codecs, '\0', sizeof(message.codecs)));
    unsigned codecs = codec_choice_parse(message.codecs);
    require((codecs & ~(CODEC_VIDEO | CODEC_SOUND)) == 0);
    require(strlen(codec_choice_names(codecs, names)) < sizeof(names));
}

static void try_boxes(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size), *out = malloc(size);
    struct tracks tracks;
    struct tracks_edits edits = {0};

    if (copy && out) {
        memcpy(copy, data, size);
        tracks_read(copy, size, &tracks);
        require(tracks_copy_picture(copy, size, &tracks, out) <= size);
        tracks_begin(copy, size, &tracks, true);
        tracks.video = tracks.video ? tracks.video : 1;
        tracks_shift(copy, size, &tracks, size, 1, &edits);
        tracks_hide(copy, size, &tracks, &edits);
        tracks_restore(&edits);
        require(memcmp(copy, data, size) == 0);
    }
    free(copy);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text || size == 0) {
        free(text);
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    try_message(text, size);
    require(codec_choice_picture_length(text) <= strlen(text));
    int64_t ns = media_query_parse_seconds(text);
    require(ns == -1 || (ns > 0 && ns <= MEDIA_QUERY_SECONDS_MAX * NS_PER_SECOND));
    free(text);
    try_boxes(data, size);
    return 0;
}
