/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/media_choice.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

/* Encodings whose names in descriptions say little to people. */
static const struct {
    const char *encoding;
    const char *words;
} foreign[] = {
    {"JPEG", "sends motion JPEG (mjpeg), which is not supported; set the camera to H.264"},
    {"MP4V-ES", "sends MPEG-4 video (MP4V-ES), which is not supported; set the camera to H.264"},
    {"MPV", "sends MPEG-1 or MPEG-2 video (MPV), which is not supported; set the camera to H.264"},
};

/* A backchannel (ONVIF) is what the client sends: only its audio is sendonly. */
static bool is_backchannel(const struct sdp_media *media, const struct sdp_media *video)
{
    return media->direction == SDP_SENDONLY && video->direction != SDP_SENDONLY;
}

static int no_video(const struct sdp_media *seen, char words[MEDIA_CHOICE_WORDS_SIZE])
{
    if (!seen) {
        snprintf(words, MEDIA_CHOICE_WORDS_SIZE, "sends no video");
        return -ENOTSUP;
    }
    if (seen->secure) {
        snprintf(
            words, MEDIA_CHOICE_WORDS_SIZE,
            "encrypts its packets (SRTP, RTP/SAVP), which is not supported; switch SRTP off on the camera "
            "(UniFi: leave ?enableSrtp out of the url); rtsps:// protects RTP over TCP, too");
        return -ENOTSUP;
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (strcasecmp(seen->encoding, foreign[i].encoding) == 0) {
            snprintf(words, MEDIA_CHOICE_WORDS_SIZE, "%s", foreign[i].words);
            return -ENOTSUP;
        }
    }
    if (seen->encoding[0] == '\0') {
        snprintf(words, MEDIA_CHOICE_WORDS_SIZE,
                 "does not say what its video is (payload type %u); set the camera to H.264",
                 seen->payload_type);
        return -ENOTSUP;
    }
    snprintf(words, MEDIA_CHOICE_WORDS_SIZE,
             "sends video as \"%s\", which is not supported; set the camera to H.264", seen->encoding);
    return -ENOTSUP;
}

/* The first video that can be played. Cameras that call their only video inactive send it all the same. */
static const struct sdp_media *find_video(const struct sdp *sdp, sdp_plays plays, bool inactive)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *media = &sdp->medias[i];
        if (media->kind == SDP_VIDEO && (media->direction == SDP_INACTIVE) == inactive && !media->secure &&
            plays(media)) {
            return media;
        }
    }
    return NULL;
}

/* The first video that is not inactive, or else the first one. */
static const struct sdp_media *first_video(const struct sdp *sdp)
{
    const struct sdp_media *first = NULL;

    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *media = &sdp->medias[i];
        if (media->kind == SDP_VIDEO && media->direction != SDP_INACTIVE) {
            return media;
        }
        first = !first && media->kind == SDP_VIDEO ? media : first;
    }
    return first;
}

static void choose_audio(const struct sdp *sdp, sdp_plays plays, struct media_choice *choice)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *media = &sdp->medias[i];
        if (media->kind != SDP_AUDIO || media->direction == SDP_INACTIVE ||
            is_backchannel(media, choice->video)) {
            continue;
        }
        if (!media->secure && plays(media)) {
            choice->audio = media;
            choice->unplayed = NULL;
            return;
        }
        choice->unplayed = choice->unplayed ? choice->unplayed : media;
    }
}

int media_choice_make(const struct sdp *sdp, bool audio, sdp_plays plays, struct media_choice *choice,
                      char words[MEDIA_CHOICE_WORDS_SIZE])
{
    *choice = (struct media_choice){.video = find_video(sdp, plays, false)};
    if (!choice->video) {
        choice->video = find_video(sdp, plays, true);
    }
    if (!choice->video) {
        return no_video(first_video(sdp), words);
    }
    if (audio) {
        choose_audio(sdp, plays, choice);
    }
    return 0;
}
