/* SPDX-License-Identifier: MIT */
/*
 * Which medias of a description are played: one of video and one of audio; and what to report about those that cannot be
 * played. Pure functions: any process, any thread.
 */
#ifndef INGEST_RTSP_MEDIA_CHOICE_H
#define INGEST_RTSP_MEDIA_CHOICE_H

#include "ingest/rtsp/sdp.h"

/* Bytes of the words that media_choice_make writes, with their NUL. */
#define MEDIA_CHOICE_WORDS_SIZE 192

/* All point into the description. */
struct media_choice {
    const struct sdp_media *video;
    const struct sdp_media *audio;    /* NULL: none */
    const struct sdp_media *unplayed; /* audio that the camera sends and that cannot be played; or NULL */
};

/*
 * AUDIO: sound is wanted. PLAYS: which medias can be played. 0; -ENOTSUP: no video can be played; WORDS, to follow the
 * camera's name, then say what the camera sends instead and what to set there.
 */
int media_choice_make(const struct sdp *sdp, bool audio, sdp_plays plays, struct media_choice *choice,
                      char words[MEDIA_CHOICE_WORDS_SIZE]);

#endif
