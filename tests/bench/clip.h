/* SPDX-License-Identifier: MIT */
/*
 * The clip that every camera of bench_camera replays in a loop: coded H.264 frames and AAC frames in memory,
 * read once from a file through libavformat. Immutable after loading.
 */
#ifndef TESTS_BENCH_CLIP_H
#define TESTS_BENCH_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIP_SDP_MAX 2048

/* A coded frame: NAL units with 4-byte lengths for video, a raw AAC frame for audio. */
struct clip_unit {
    uint8_t *data;
    size_t length;
    bool keyframe;
};

struct clip_track {
    struct clip_unit *units;
    size_t count, room;
};

struct clip {
    struct clip_track video, audio; /* audio.count is 0 if there is none */
    double fps;
    uint8_t *sps, *pps;
    size_t sps_length, pps_length;
    uint8_t audio_config[8]; /* AudioSpecificConfig, ISO/IEC 14496-3 */
    size_t audio_config_length;
    int audio_rate, audio_channels;
};

/*
 * Loads PATH, which begins with a keyframe and has no B-frames. Parameter sets, SEI and delimiters are taken
 * out of the frames. 0; -EINVAL: not such a clip; other negative errno. Loaded or not, finish it with
 * clip_finish.
 */
int clip_load(struct clip *clip, const char *path, bool with_audio);
void clip_finish(struct clip *clip);

/* Its session description (RFC 8866, RFC 6184, RFC 3640), tracks "track0" and "track1". Its length. */
size_t clip_sdp(const struct clip *clip, char sdp[CLIP_SDP_MAX]);

#endif
