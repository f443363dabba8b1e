/* SPDX-License-Identifier: MIT */
/*
 * A checker of ISO BMFF boxes (ISO/IEC 14496-12, 4.2) for the tests: independent of the writers under test.
 */
#ifndef TESTS_SUPPORT_BOXES_H
#define TESTS_SUPPORT_BOXES_H

#include <stddef.h>
#include <stdint.h>

struct box {
    const uint8_t *data; /* payload, after size and type */
    size_t size;
};

uint32_t boxes_read32(const uint8_t *data);
uint64_t boxes_read64(const uint8_t *data);

/*
 * The INDEX-th box with this path ("moof/traf/tfdt"; INDEX counts boxes of the path's first element that has
 * several) in DATA. Fails the test if it is not there.
 */
struct box boxes_find(const void *data, size_t size, const char *path, unsigned index);

/* How many boxes of TYPE are directly in DATA. */
unsigned boxes_count(const void *data, size_t size, const char *type);

/* Fails the test unless DATA is a sequence of whole boxes, and the containers in it are too. */
void boxes_check(const void *data, size_t size);

/* What a fragment says of one track. */
struct fragment_track {
    uint32_t track;
    uint64_t decode_time;
    uint32_t samples;
    uint64_t duration; /* of all samples */
    uint32_t first_size;
    uint32_t first_flags;
    int32_t composition_offset; /* of the first sample */
    const uint8_t *first_data;
    size_t bytes;
};

/* The producer reference time of a fragment (14496-12, 8.16.5). */
struct fragment_prft {
    uint32_t flags;
    uint64_t ntp;
    uint64_t media_time;
};

/* Fails unless the fragment begins with a `prft` box of version 1 for track 1. */
struct fragment_prft boxes_prft(const uint8_t *data, size_t size);

/*
 * Checks a whole fragment: `prft` + `moof` + `mdat`, one video sample in track 1, audio samples in track 2,
 * every data offset inside `mdat` and every byte of `mdat` in a sample. Returns its sequence number;
 * TRACKS[1].samples is 0 without audio.
 */
uint32_t boxes_check_fragment(const uint8_t *data, size_t size, struct fragment_track tracks[2]);

/* Fails unless the sample of LENGTH bytes is a run of NAL units with 4-byte lengths. Returns how many. */
unsigned boxes_check_sample(const uint8_t *data, size_t length);

#endif
