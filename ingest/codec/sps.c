/* SPDX-License-Identifier: MIT */
#include "ingest/codec/sps.h"

#include <errno.h>
#include <string.h>

#include "ingest/codec/bits.h"

/* Extended_SAR of table E-1: width and height follow. */
#define ASPECT_EXTENDED 255

/* The largest log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4 (7.4.2.1.1). */
#define LOG2_MAX 12

/* The most pictures that a decoder may hold back at any level (MaxDpbFrames, A.3.1). */
#define REORDER_MAX 16

/* The most short-term reference picture sets of an H.265 SPS (7.4.3.2.1). */
#define HEVC_REFERENCE_SETS_MAX 64

/* The most long-term reference pictures that it names (7.4.3.2.1). */
#define HEVC_LONG_TERM_MAX 32

/* H.264 profiles whose SPS has the chroma format (7.3.2.1.1). */
static bool has_chroma_format(unsigned profile)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};

    return memchr(profiles, (int)profile, sizeof(profiles));
}

/* Annex A. Any other profile comes from a damaged set. */
static bool is_known(unsigned profile)
{
    static const uint8_t without_chroma_format[] = {66, 77, 88};

    return has_chroma_format(profile) ||
           memchr(without_chroma_format, (int)profile, sizeof(without_chroma_format));
}

static void skip_scaling_list(struct bits *bits, unsigned size)
{
    int32_t last = 8;
    int32_t next = 8;

    for (unsigned i = 0; i < size && next != 0 && !bits_overrun(bits); i++) {
        next = (int32_t)(((uint32_t)last + (uint32_t)bits_read_se(bits)) & 0xffu);
        last = next != 0 ? next : last;
    }
}

/* Returns chroma_format_idc, 4 for separate planes (which crop like monochrome). */
static uint32_t read_chroma_format(struct bits *bits)
{
    uint32_t chroma = bits_read_ue(bits);
    bool separate = chroma == 3 && bits_read(bits, 1) != 0;

    bits_read_ue(bits); /* bit_depth_luma_minus8 */
    bits_read_ue(bits); /* bit_depth_chroma_minus8 */
    bits_skip(bits, 1); /* qpprime_y_zero_transform_bypass_flag */
    if (bits_read(bits, 1) != 0) {
        for (unsigned i = 0; i < (chroma != 3 ? 8u : 12u); i++) {
            if (bits_read(bits, 1) != 0) {
                skip_scaling_list(bits, i < 6 ? 16 : 64);
            }
        }
    }
    return separate ? 4 : chroma;
}

static void skip_poc_cycle(struct bits *bits)
{
    bits_skip(bits, 1); /* delta_pic_order_always_zero_flag */
    bits_read_se(bits); /* offset_for_non_ref_pic */
    bits_read_se(bits); /* offset_for_top_to_bottom_field */
    uint32_t count = bits_read_ue(bits);
    for (uint32_t i = 0; i < count && i < 256 && !bits_overrun(bits); i++) {
        bits_read_se(bits);
    }
}

static void skip_hrd(struct bits *bits)
{
    uint32_t count = bits_read_ue(bits) + 1;

    bits_skip(bits, 8); /* bit_rate_scale, cpb_size_scale */
    for (uint32_t i = 0; i < count && i < 32; i++) {
        bits_read_ue(bits);
        bits_read_ue(bits);
        bits_skip(bits, 1);
    }
    bits_skip(bits, 20); /* the lengths of delays */
}

/* Greatest common divisor. */
static unsigned common_part(unsigned a, unsigned b)
{
    while (b != 0) {
        unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* aspect_ratio_info_present_flag and what follows it, the same in H.264, E.1.1, and H.265, E.2.1. */
static void read_pixel_shape(struct bits *bits, struct sps *sps)
{
    /* Table E-1. */
    static const uint8_t shapes[][2] = {{0, 0},   {1, 1},    {12, 11}, {10, 11}, {16, 11}, {40, 33},
                                        {24, 11}, {20, 11},  {32, 11}, {80, 33}, {18, 11}, {15, 11},
                                        {64, 33}, {160, 99}, {4, 3},   {3, 2},   {2, 1}};
    unsigned width = 0;
    unsigned height = 0;

    if (bits_read(bits, 1) == 0) {
        return;
    }
    unsigned code = bits_read(bits, 8);
    if (code == ASPECT_EXTENDED) {
        width = bits_read(bits, 16);
        height = bits_read(bits, 16);
    } else if (code < sizeof(shapes) / sizeof(shapes[0])) {
        width = shapes[code][0];
        height = shapes[code][1];
    }
    if (width == 0 || height == 0 || bits_overrun(bits)) {
        return;
    }
    unsigned part = common_part(width, height);
    sps->pixel_width = (uint16_t)(width / part);
    sps->pixel_height = (uint16_t)(height / part);
}

/* H.264 E.1.1 from overscan_info_present_flag to the chroma location. */
static void skip_video_signal(struct bits *bits)
{
    if (bits_read(bits, 1) != 0) {
        bits_skip(bits, 1); /* overscan_appropriate_flag */
    }
    if (bits_read(bits, 1) != 0) {
        bits_skip(bits, 4); /* video_format, video_full_range_flag */
        if (bits_read(bits, 1) != 0) {
            bits_skip(bits, 24);
        }
    }
    if (bits_read(bits, 1) != 0) {
        bits_read_ue(bits);
        bits_read_ue(bits);
    }
}

/* H.264 E.1.1 as far as max_num_reorder_frames. -1 if the restriction is not there. */
static int read_vui(struct bits *bits, struct sps *sps)
{
    read_pixel_shape(bits, sps);
    skip_video_signal(bits);
    if (bits_read(bits, 1) != 0) {
        bits_skip(bits, 65); /* num_units_in_tick, time_scale, fixed_frame_rate_flag */
    }
    bool nal_hrd = bits_read(bits, 1) != 0;
    if (nal_hrd) {
        skip_hrd(bits);
    }
    bool vcl_hrd = bits_read(bits, 1) != 0;
    if (vcl_hrd) {
        skip_hrd(bits);
    }
    if (nal_hrd || vcl_hrd) {
        bits_skip(bits, 1);
    }
    bits_skip(bits, 1); /* pic_struct_present_flag */
    if (bits_read(bits, 1) == 0) {
        return -1;
    }
    bits_skip(bits, 1); /* motion_vectors_over_pic_boundaries_flag */
    for (unsigned i = 0; i < 4; i++) {
        bits_read_ue(bits);
    }
    uint32_t reorder = bits_read_ue(bits);
    return bits_overrun(bits) || reorder > REORDER_MAX ? -1 : (int)reorder;
}

/* Subtracts the cropping window, in units of UNIT_X and UNIT_Y pixels, from the coded size. */
static int crop(struct bits *bits, uint64_t width, uint64_t height, unsigned unit_x, unsigned unit_y,
                struct sps *sps)
{
    uint64_t x = 0;
    uint64_t y = 0;

    if (bits_read(bits, 1) != 0) {
        x = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
        y = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
    }
    if (bits_overrun(bits) || width > SPS_SIDE_MAX || height > SPS_SIDE_MAX || x * unit_x >= width ||
        y * unit_y >= height) {
        return -EBADMSG;
    }
    sps->width = (uint32_t)(width - x * unit_x);
    sps->height = (uint32_t)(height - y * unit_y);
    return 0;
}

/* H.264 7.3.2.1.1 from pic_width_in_mbs_minus1 to the cropping. */
static int read_avc_size(struct bits *bits, uint32_t chroma, struct sps *sps)
{
    uint64_t width = ((uint64_t)bits_read_ue(bits) + 1) * 16;
    uint64_t map_units = (uint64_t)bits_read_ue(bits) + 1;
    uint32_t frame_only = bits_read(bits, 1);

    sps->fields = frame_only == 0;
    if (frame_only == 0) {
        bits_skip(bits, 1); /* mb_adaptive_frame_field_flag */
    }
    bits_skip(bits, 1); /* direct_8x8_inference_flag */
    unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    unsigned unit_y = (chroma == 1 ? 2 : 1) * (2 - frame_only);
    return crop(bits, width, map_units * 16 * (2 - frame_only), unit_x, unit_y, sps);
}

static int parse_avc(const struct nal *nal, struct sps *sps)
{
    struct bits bits;
    uint32_t chroma = 1;

    bits_init(&bits, nal->data + 1, nal->size - 1);
    for (unsigned i = 0; i < 3; i++) {
        sps->avc_profile[i] = (uint8_t)bits_read(&bits, 8);
    }
    sps->id = bits_read_ue(&bits);
    if (has_chroma_format(sps->avc_profile[0])) {
        chroma = read_chroma_format(&bits);
    }
    uint32_t frame_bits = bits_read_ue(&bits);
    uint32_t poc_type = bits_read_ue(&bits);
    uint32_t poc_bits = poc_type == 0 ? bits_read_ue(&bits) : 0;
    if (poc_type == 1) {
        skip_poc_cycle(&bits);
    }
    if (!is_known(sps->avc_profile[0]) || chroma > 4 || frame_bits > LOG2_MAX || poc_type > 2 ||
        poc_bits > LOG2_MAX) {
        return -EBADMSG;
    }
    sps->frame_num_bits = (uint8_t)(frame_bits + 4);
    sps->separate_planes = chroma == 4;
    bits_read_ue(&bits); /* max_num_ref_frames */
    bits_skip(&bits, 1); /* gaps_in_frame_num_value_allowed_flag */
    if (sps->id > 31 || read_avc_size(&bits, chroma, sps) < 0) {
        return -EBADMSG;
    }
    sps->reorder = bits_read(&bits, 1) != 0 ? read_vui(&bits, sps) : -1;
    /* Output order is decoding order with this type (8.2.1.3), and Baseline has no B slices (A.2.1). */
    if (poc_type == 2 || sps->avc_profile[0] == 66) {
        sps->reorder = 0;
    }
    return 0;
}

/* H.265 7.3.3: the general part is kept, that of the sub-layers skipped. */
static void read_profile_tier_level(struct bits *bits, unsigned sub_layers, struct sps_profile *profile)
{
    bool has_profile[8] = {false};
    bool has_level[8] = {false};

    profile->space = (uint8_t)bits_read(bits, 2);
    profile->tier = (uint8_t)bits_read(bits, 1);
    profile->idc = (uint8_t)bits_read(bits, 5);
    profile->compatibility = bits_read(bits, 32);
    for (unsigned i = 0; i < sizeof(profile->constraints); i++) {
        profile->constraints[i] = (uint8_t)bits_read(bits, 8);
    }
    profile->level = (uint8_t)bits_read(bits, 8);
    for (unsigned i = 0; i < sub_layers; i++) {
        has_profile[i] = bits_read(bits, 1) != 0;
        has_level[i] = bits_read(bits, 1) != 0;
    }
    if (sub_layers > 0) {
        bits_skip(bits, 2 * (8 - sub_layers));
    }
    for (unsigned i = 0; i < sub_layers; i++) {
        bits_skip(bits, (has_profile[i] ? 88 : 0) + (has_level[i] ? 8 : 0));
    }
}

/* sps_max_num_reorder_pics of the highest sub-layer. */
static int read_hevc_reorder(struct bits *bits, unsigned sub_layers)
{
    bool each = bits_read(bits, 1) != 0;
    uint32_t reorder = 0;

    for (unsigned i = each ? 0 : sub_layers; i <= sub_layers; i++) {
        bits_read_ue(bits); /* sps_max_dec_pic_buffering_minus1 */
        reorder = bits_read_ue(bits);
        bits_read_ue(bits); /* sps_max_latency_increase_plus1 */
    }
    return bits_overrun(bits) || reorder > REORDER_MAX ? -1 : (int)reorder;
}

/* H.265 7.3.4. */
static void skip_hevc_scaling_lists(struct bits *bits)
{
    for (unsigned size = 0; size < 4; size++) {
        for (unsigned matrix = 0; matrix < (size == 3 ? 2u : 6u); matrix++) {
            bool coded = bits_read(bits, 1) != 0;
            unsigned codes = !coded ? 1 : size == 0 ? 16 : size == 1 ? 64 : 65;
            for (unsigned i = 0; i < codes; i++) {
                bits_read_ue(bits);
            }
        }
    }
}

/* H.265 7.3.7. *PICTURES: those of the set before this one, then of this one. */
static int skip_reference_set(struct bits *bits, bool first, uint32_t *pictures)
{
    uint32_t count = 0;

    if (!first && bits_read(bits, 1) != 0) {
        bits_skip(bits, 1); /* delta_rps_sign */
        bits_read_ue(bits); /* abs_delta_rps_minus1 */
        for (uint32_t i = 0; i <= *pictures; i++) {
            bool used = bits_read(bits, 1) != 0;
            count += used || bits_read(bits, 1) != 0;
        }
    } else {
        uint32_t before = bits_read_ue(bits);
        uint32_t after = bits_read_ue(bits);
        if (before > REORDER_MAX || after > REORDER_MAX) {
            return -EBADMSG;
        }
        count = before + after;
        for (uint32_t i = 0; i < count; i++) {
            bits_read_ue(bits); /* delta_poc_s0_minus1, delta_poc_s1_minus1 */
            bits_skip(bits, 1);
        }
    }
    *pictures = count;
    return bits_overrun(bits) ? -EBADMSG : 0;
}

/*
 * H.265 7.3.2.2 from log2_min_luma_coding_block_size_minus3 to the shape of the pixels. The part up to the
 * reference pictures must be whole: the muxer of FFmpeg 5.1 reads it too, and takes hours over sets that end
 * within it.
 */
static int read_hevc_rest(struct bits *bits, unsigned poc_bits, struct sps *sps)
{
    uint32_t pictures = 0;

    for (unsigned i = 0; i < 6; i++) {
        bits_read_ue(bits); /* sizes of blocks */
    }
    bool scaling = bits_read(bits, 1) != 0;
    if (scaling && bits_read(bits, 1) != 0) {
        skip_hevc_scaling_lists(bits);
    }
    bits_skip(bits, 2); /* amp_enabled_flag, sample_adaptive_offset_enabled_flag */
    if (bits_read(bits, 1) != 0) {
        bits_skip(bits, 8); /* PCM samples: their bits */
        bits_read_ue(bits);
        bits_read_ue(bits);
        bits_skip(bits, 1); /* pcm_loop_filter_disabled_flag */
    }
    uint32_t sets = bits_read_ue(bits);
    if (bits_overrun(bits) || sets > HEVC_REFERENCE_SETS_MAX) {
        return -EBADMSG;
    }
    for (uint32_t i = 0; i < sets; i++) {
        if (skip_reference_set(bits, i == 0, &pictures) < 0) {
            return -EBADMSG;
        }
    }
    bool long_term = bits_read(bits, 1) != 0;
    if (bits_overrun(bits)) {
        return -EBADMSG;
    }
    if (long_term) {
        uint32_t pictures_long = bits_read_ue(bits);
        for (uint32_t i = 0; i < pictures_long && i < HEVC_LONG_TERM_MAX; i++) {
            bits_skip(bits, poc_bits + 1); /* lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag */
        }
        if (pictures_long > HEVC_LONG_TERM_MAX) {
            return 0;
        }
    }
    bits_skip(bits, 2); /* sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag */
    if (bits_read(bits, 1) != 0) {
        read_pixel_shape(bits, sps);
    }
    return 0;
}

static int parse_hevc(const struct nal *nal, struct sps *sps)
{
    struct bits bits;

    if (nal->size < 3) {
        return -EBADMSG;
    }
    bits_init(&bits, nal->data + 2, nal->size - 2);
    bits_skip(&bits, 4); /* sps_video_parameter_set_id */
    unsigned sub_layers = bits_read(&bits, 3);
    bits_skip(&bits, 1); /* sps_temporal_id_nesting_flag */
    if (sub_layers > 6) {
        return -EBADMSG;
    }
    read_profile_tier_level(&bits, sub_layers, &sps->hevc_profile);
    sps->id = bits_read_ue(&bits);
    uint32_t chroma = bits_read_ue(&bits);
    if (chroma > 3) { /* the muxer of FFmpeg 5.1 would keep 8 bits of it, and read on at another place */
        return -EBADMSG;
    }
    if (chroma == 3) {
        chroma += bits_read(&bits, 1);
    }
    uint64_t width = bits_read_ue(&bits);
    uint64_t height = bits_read_ue(&bits);
    unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    if (sps->id > 15 || crop(&bits, width, height, unit_x, chroma == 1 ? 2 : 1, sps) < 0) {
        return -EBADMSG;
    }
    bits_read_ue(&bits); /* bit_depth_luma_minus8 */
    bits_read_ue(&bits); /* bit_depth_chroma_minus8 */
    uint32_t poc_bits = bits_read_ue(&bits);
    sps->reorder = read_hevc_reorder(&bits, sub_layers);
    return poc_bits > LOG2_MAX ? -EBADMSG : read_hevc_rest(&bits, poc_bits + 4, sps);
}

int sps_parse(enum nal_codec codec, const struct nal *nal, struct sps *sps)
{
    *sps = (struct sps){.reorder = -1};
    return codec == NAL_H264 ? parse_avc(nal, sps) : parse_hevc(nal, sps);
}
