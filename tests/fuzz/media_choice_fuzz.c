/* SPDX-License-Identifier: MIT */
/* What is chosen of a description, and the words for what cannot be played. The first byte: whether sound is wanted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtp/track.h"
#include "ingest/rtsp/media_choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static bool plays(const struct sdp_media *media)
{
    enum media_codec codec = track_codec(media);

    return codec != MEDIA_CODEC_NONE && codec != MEDIA_CODEC_OTHER;
}

/* A track can be made of what is chosen, or says that it cannot. */
static void try_track(const struct sdp_media *media)
{
    const struct track_options options = {.udp = true, .doubt_markers = true};
    struct track *track = NULL;

    if (media && track_create(media, &options, &track) == 0) {
        require(track_stream(track)->codec != MEDIA_CODEC_NONE);
    }
    track_destroy(track);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp;
    struct media_choice choice;
    char words[MEDIA_CHOICE_WORDS_SIZE];

    if (size == 0 || sdp_parse((const char *)data + 1, size - 1, plays, &sdp) < 0) {
        return 0;
    }
    memset(words, 'x', sizeof(words));
    if (media_choice_make(&sdp, (data[0] & 1) != 0, plays, &choice, words) < 0) {
        size_t length = strnlen(words, sizeof(words));
        require(length > 0 && length < sizeof(words));
        return 0;
    }
    require(choice.video && choice.video->kind == SDP_VIDEO && !choice.video->secure);
    require(!choice.audio || (choice.audio->kind == SDP_AUDIO && !choice.audio->secure && !choice.unplayed));
    require((data[0] & 1) != 0 || (!choice.audio && !choice.unplayed));
    try_track(choice.video);
    try_track(choice.audio);
    return 0;
}
