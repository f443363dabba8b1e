/* SPDX-License-Identifier: MIT */
#include "rtsp/stream/init_segment.h"

#include <errno.h>
#include <string.h>

#include "common/base/box.h"
#include "common/base/bytes.h"

/* Bytes of the fields of a sample entry before its boxes: 12.1.3, 12.2.3. */
#define VISUAL_ENTRY_SIZE 78
#define AUDIO_ENTRY_SIZE 28

/* Bytes of version and flags of a full box. */
#define FULL_SIZE 4

/* Of a track header (8.3.2) and a media header (8.4.2): where the number stands, by version. */
#define TKHD_TRACK_0 12
#define TKHD_TRACK_1 20
#define MDHD_TIMESCALE_0 12
#define MDHD_TIMESCALE_1 20

/* Tags of descriptors, ISO/IEC 14496-1, 7.2.2.1. */
enum { TAG_ES = 3, TAG_DECODER_CONFIG = 4, TAG_DECODER_SPECIFIC = 5 };

/* ISO/IEC 14496-15: the smallest records; where lengthSizeMinusOne stands. */
#define AVCC_MIN 7
#define AVCC_LENGTH_SIZE 4
#define HVCC_MIN 23
#define HVCC_LENGTH_SIZE 21
#define LENGTH_SIZE_FOUR 3

static bool number_at(struct span body, size_t place_0, size_t place_1, uint32_t *number)
{
    size_t place = body.size > 0 && body.data[0] == 1 ? place_1 : place_0;

    if (body.size < place + 4) {
        return false;
    }
    *number = bytes_get_be32(body.data + place);
    return true;
}

static bool track_numbers(struct span trak, uint32_t *track, uint32_t *timescale)
{
    static const uint32_t mdhd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'd', 'h', 'd')};
    struct span body;

    return box_find(trak, BOX_TYPE('t', 'k', 'h', 'd'), &body) &&
           number_at(body, TKHD_TRACK_0, TKHD_TRACK_1, track) && box_find_path(trak, mdhd, 2, &body) &&
           number_at(body, MDHD_TIMESCALE_0, MDHD_TIMESCALE_1, timescale) && *timescale > 0;
}

/* --- Video ---------------------------------------------------------------------------------------------- */

static bool read_video(struct init_segment *init, const struct box *entry)
{
    bool avc = entry->type == BOX_TYPE('a', 'v', 'c', '1') || entry->type == BOX_TYPE('a', 'v', 'c', '3');
    bool hevc = entry->type == BOX_TYPE('h', 'v', 'c', '1') || entry->type == BOX_TYPE('h', 'e', 'v', '1');
    struct span boxes = entry->body, config;

    if ((!avc && !hevc) || !span_take(&boxes, VISUAL_ENTRY_SIZE) ||
        !box_find(boxes, avc ? BOX_TYPE('a', 'v', 'c', 'C') : BOX_TYPE('h', 'v', 'c', 'C'), &config)) {
        return false;
    }
    size_t smallest = avc ? AVCC_MIN : HVCC_MIN;
    if (config.size < smallest || config.size > sizeof(init->video_config) || config.data[0] != 1 ||
        (config.data[avc ? AVCC_LENGTH_SIZE : HVCC_LENGTH_SIZE] & 3) != LENGTH_SIZE_FOUR) {
        return false;
    }
    init->video = avc ? VIDEO_H264 : VIDEO_H265;
    memcpy(init->video_config, config.data, config.size);
    init->video_config_size = config.size;
    return true;
}

/* --- Sound ---------------------------------------------------------------------------------------------- */

/* Takes a descriptor off: its length has seven bits a byte, four bytes at most. */
static bool descriptor_next(struct span *rest, uint8_t *tag, struct span *body)
{
    const uint8_t *byte = span_take(rest, 1);
    size_t size = 0;
    int bytes = 0;

    if (!byte) {
        return false;
    }
    *tag = *byte;
    do {
        byte = span_take(rest, 1);
        if (!byte || ++bytes > 4) {
            return false;
        }
        size = size << 7 | (*byte & 0x7fu);
    } while (*byte & 0x80u);
    body->size = size;
    body->data = span_take(rest, size);
    return body->data != NULL;
}

static bool descriptor_find(struct span span, uint8_t wanted, struct span *body)
{
    uint8_t tag;

    while (descriptor_next(&span, &tag, body)) {
        if (tag == wanted) {
            return true;
        }
    }
    return false;
}

/* ISO/IEC 14496-1: an ES_Descriptor has three bytes before those in it, a DecoderConfigDescriptor thirteen. */
static bool read_aac(struct init_segment *init, struct span boxes)
{
    struct span esds, es, decoder, specific;

    if (!box_find(boxes, BOX_TYPE('e', 's', 'd', 's'), &esds) || !span_take(&esds, FULL_SIZE) ||
        !descriptor_find(esds, TAG_ES, &es) || !span_take(&es, 3) ||
        !descriptor_find(es, TAG_DECODER_CONFIG, &decoder) || !span_take(&decoder, 13) ||
        !descriptor_find(decoder, TAG_DECODER_SPECIFIC, &specific) || specific.size < 2 ||
        specific.size > sizeof(init->audio_config)) {
        return false;
    }
    memcpy(init->audio_config, specific.data, specific.size);
    init->audio_config_size = specific.size;
    init->audio = AUDIO_AAC;
    return true;
}

static void read_audio(struct init_segment *init, const struct box *entry)
{
    struct span boxes = entry->body;
    const uint8_t *fields = span_take(&boxes, AUDIO_ENTRY_SIZE);

    if (!fields) {
        return;
    }
    unsigned channels = bytes_get_be16(fields + 16);
    if (channels < 1 || channels > 8) {
        return;
    }
    if (entry->type == BOX_TYPE('m', 'p', '4', 'a')) {
        read_aac(init, boxes);
    } else if (entry->type == BOX_TYPE('O', 'p', 'u', 's') && channels <= 2) {
        init->audio = AUDIO_OPUS;
    }
    init->channels = channels;
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static void read_track(struct init_segment *init, struct span trak)
{
    static const uint32_t hdlr[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('h', 'd', 'l', 'r')};
    static const uint32_t stsd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'i', 'n', 'f'),
                                    BOX_TYPE('s', 't', 'b', 'l'), BOX_TYPE('s', 't', 's', 'd')};
    struct span handler, entries;
    struct box entry;
    uint32_t track, timescale;

    if (!track_numbers(trak, &track, &timescale) || !box_find_path(trak, hdlr, 2, &handler) ||
        handler.size < 12 || !box_find_path(trak, stsd, 4, &entries) || !span_take(&entries, FULL_SIZE + 4) ||
        !box_next(&entries, &entry)) {
        return;
    }
    uint32_t kind = bytes_get_be32(handler.data + 8);
    if (kind == BOX_TYPE('v', 'i', 'd', 'e') && init->video_config_size == 0 && read_video(init, &entry)) {
        init->video_track = track;
        init->video_timescale = timescale;
    } else if (kind == BOX_TYPE('s', 'o', 'u', 'n') && init->audio == AUDIO_NONE) {
        read_audio(init, &entry);
        init->audio_track = track;
        init->audio_timescale = timescale;
    }
}

int init_segment_read(struct init_segment *init, const void *data, size_t size)
{
    struct span rest = {.data = data, .size = size}, moov;
    struct box box;

    memset(init, 0, sizeof(*init));
    if (!box_find(rest, BOX_TYPE('m', 'o', 'o', 'v'), &moov)) {
        return -EBADMSG;
    }
    while (box_next(&moov, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k')) {
            read_track(init, box.body);
        }
    }
    return init->video_config_size > 0 ? 0 : -EBADMSG;
}

bool init_segment_same(const struct init_segment *a, const struct init_segment *b)
{
    return a->video == b->video && a->video_track == b->video_track &&
           a->video_timescale == b->video_timescale && a->video_config_size == b->video_config_size &&
           memcmp(a->video_config, b->video_config, a->video_config_size) == 0 && a->audio == b->audio &&
           (a->audio == AUDIO_NONE ||
            (a->audio_track == b->audio_track && a->audio_timescale == b->audio_timescale &&
             a->channels == b->channels && a->audio_config_size == b->audio_config_size &&
             memcmp(a->audio_config, b->audio_config, a->audio_config_size) == 0));
}
