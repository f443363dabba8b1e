/* SPDX-License-Identifier: MIT */
/*
 * What a sequence parameter set says about the pictures (ITU-T H.264, 7.3.2.1; H.265, 7.3.2.2): their size
 * after cropping, the shape of their pixels, how far they are reordered, and the profile for RFC 6381. Pure
 * functions: any process, any thread.
 */
#ifndef INGEST_CODEC_SPS_H
#define INGEST_CODEC_SPS_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/codec/nal.h"

/* The largest side of a picture that is believed, in pixels: level 6.2 of both standards stays below it. */
#define SPS_SIDE_MAX 16888

/* general_profile_space … general_level_idc of profile_tier_level: what `hvc1.…` is written from. */
struct sps_profile {
    uint8_t space;
    uint8_t tier;
    uint8_t idc;
    uint32_t compatibility; /* general_profile_compatibility_flag[0] is the most significant bit */
    uint8_t constraints[6];
    uint8_t level;
};

struct sps {
    uint32_t id;
    uint32_t width, height; /* pixels, cropped */
    /* Shape of a pixel, width to height (sample aspect ratio), in lowest terms; 0, 0: not stated. */
    uint16_t pixel_width, pixel_height;
    int reorder; /* how many pictures may precede one in decoding order and follow it in output; -1: not stated */
    bool fields;                     /* H.264: pictures may be fields (frame_mbs_only_flag is 0) */
    uint8_t frame_num_bits;          /* H.264: of frame_num in a slice header */
    bool separate_planes;            /* H.264: separate_colour_plane_flag */
    uint8_t avc_profile[3];          /* H.264: profile_idc, constraint flags, level_idc */
    struct sps_profile hevc_profile; /* H.265 */
};

/* 0; -EBADMSG: truncated, or with impossible values. */
int sps_parse(enum nal_codec codec, const struct nal *nal, struct sps *sps);

#endif
