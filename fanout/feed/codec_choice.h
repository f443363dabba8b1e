/* SPDX-License-Identifier: MIT */
/*
 * Which codecs a client of go2rtc's protocol can play, from the list that it sends, and which of a camera's tracks it gets
 * (docs/reference/go2rtc.md). Pure functions.
 */
#ifndef FANOUT_FEED_CODEC_CHOICE_H
#define FANOUT_FEED_CODEC_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

enum codec {
    CODEC_OTHER = 0,
    CODEC_H264 = 1u << 0,
    CODEC_H265 = 1u << 1,
    CODEC_AAC = 1u << 2,
    CODEC_FLAC = 1u << 3, /* what the ring has for G.711, PCM and their like */
    CODEC_OPUS = 1u << 4,
};

#define CODEC_VIDEO ((unsigned)CODEC_H264 | (unsigned)CODEC_H265)
#define CODEC_SOUND ((unsigned)CODEC_AAC | (unsigned)CODEC_FLAC | (unsigned)CODEC_OPUS)

/* Longest text of codec_choice_names, with its NUL. */
#define CODEC_NAMES_SIZE 128

/*
 * The codecs in a client's LIST ("avc1.640029,hvc1.1.6.L153.B0,mp4a.40.2"), which has profiles as examples only: any of a
 * codec stands for all of it. NULL, and a list of nothing: all.
 */
unsigned codec_choice_parse(const char *list);

/* Those of a track list (RFC 6381): one video codec, and one for sound or none. */
unsigned codec_choice_of_tracks(const char *codecs);

/* "video:H264, audio:AAC", as go2rtc writes them. Returns TEXT. */
const char *codec_choice_names(unsigned codecs, char text[CODEC_NAMES_SIZE]);

/* The part of CODECS (RFC 6381) that is for the picture; its length. */
size_t codec_choice_picture_length(const char *codecs);

#endif
