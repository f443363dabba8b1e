/* SPDX-License-Identifier: MIT */
/*
 * What HLS needs to know of an init segment (`ftyp`, `moov`), and an init segment without a sound that HLS clients do not
 * play. Its bytes come from the process that talks to the camera: nothing is believed before it is checked. Pure functions; any
 * process, any thread.
 */
#ifndef HLS_MEDIA_INIT_SEGMENT_H
#define HLS_MEDIA_INIT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct init_facts {
    uint32_t video, video_timescale; /* the track's number, and its ticks a second */
    uint32_t audio, audio_timescale; /* 0: there is no sound, or it was left out */
    uint32_t audio_format;           /* type of its sample entry, as "mp4a" */
};

/* 0; -EBADMSG: not an init segment with one track of video and at most one of sound. */
int init_segment_read(const uint8_t *data, size_t length, struct init_facts *facts);

/*
 * Whether HLS has this sound: AAC and FLAC are in Apple's authoring specification. Opus is not, and players of Apple refuse the whole stream
 * for it.
 */
bool init_segment_sound_fits(const struct init_facts *facts);

/*
 * Copies the init segment to OUT, which has room for LENGTH bytes, without the track of sound. Returns the length; -EBADMSG as above.
 */
long init_segment_without_sound(const uint8_t *data, size_t length, const struct init_facts *facts,
                                uint8_t *out);

#endif
