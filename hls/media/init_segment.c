/* SPDX-License-Identifier: MIT */
#include "hls/media/init_segment.h"

#include <errno.h>
#include <string.h>

#include "hls/media/box.h"

struct track_facts {
    uint32_t id, timescale, handler, format;
};

/* Takes the 4 bytes at OFFSET of a full box whose times have 64 bits in version 1, which is SHIFT bytes later. */
static bool field(struct box_span content, size_t offset, size_t shift, uint32_t *value)
{
    if (content.length < 4) {
        return false;
    }
    offset += content.data[0] == 1 ? shift : 0;
    if (content.length < offset + 4) {
        return false;
    }
    *value = bytes_get_be32(content.data + offset);
    return true;
}

/* The type of the one sample entry (8.5.2). */
static bool sample_format(struct box_span stsd, uint32_t *format)
{
    uint32_t kind, count;
    struct box entry;

    if (!box_take32(&stsd, &kind) || !box_take32(&stsd, &count) || count != 1 ||
        box_next(&stsd, &entry) != 1) {
        return false;
    }
    *format = entry.type;
    return true;
}

static bool read_track(struct box_span trak, struct track_facts *track)
{
    struct box tkhd, mdia, mdhd, hdlr, minf, stbl, stsd;

    return box_find(trak, BOX_TYPE("tkhd"), &tkhd) && field(tkhd.content, 12, 8, &track->id) &&
           box_find(trak, BOX_TYPE("mdia"), &mdia) && box_find(mdia.content, BOX_TYPE("mdhd"), &mdhd) &&
           field(mdhd.content, 12, 8, &track->timescale) && box_find(mdia.content, BOX_TYPE("hdlr"), &hdlr) &&
           field(hdlr.content, 8, 0, &track->handler) && box_find(mdia.content, BOX_TYPE("minf"), &minf) &&
           box_find(minf.content, BOX_TYPE("stbl"), &stbl) &&
           box_find(stbl.content, BOX_TYPE("stsd"), &stsd) && sample_format(stsd.content, &track->format) &&
           track->id != 0 && track->timescale != 0;
}

static bool add_track(struct init_facts *facts, const struct track_facts *track)
{
    if (track->handler == BOX_TYPE("vide") && facts->video == 0) {
        facts->video = track->id;
        facts->video_timescale = track->timescale;
        return true;
    }
    if (track->handler == BOX_TYPE("soun") && facts->audio == 0) {
        facts->audio = track->id;
        facts->audio_timescale = track->timescale;
        facts->audio_format = track->format;
        return true;
    }
    return false;
}

int init_segment_read(const uint8_t *data, size_t length, struct init_facts *facts)
{
    struct box_span whole = {data, length};
    struct box moov, box;
    int result;

    *facts = (struct init_facts){0};
    if (!box_find(whole, BOX_TYPE("moov"), &moov)) {
        return -EBADMSG;
    }
    struct box_span content = moov.content;
    while ((result = box_next(&content, &box)) == 1) {
        struct track_facts track;
        if (box.type == BOX_TYPE("trak") && (!read_track(box.content, &track) || !add_track(facts, &track))) {
            return -EBADMSG;
        }
    }
    return result == 0 && facts->video != 0 && facts->video != facts->audio ? 0 : -EBADMSG;
}

bool init_segment_sound_fits(const struct init_facts *facts)
{
    return facts->audio_format == BOX_TYPE("mp4a") || facts->audio_format == BOX_TYPE("fLaC");
}

/* Whether BOX belongs to track ID: a `trak` in `moov`, a `trex` in `mvex`. */
static bool is_of_track(const struct box *box, uint32_t id)
{
    struct box tkhd;
    uint32_t found = 0;

    if (box->type == BOX_TYPE("trex")) {
        return field(box->content, 4, 0, &found) && found == id;
    }
    return box->type == BOX_TYPE("trak") && box_find(box->content, BOX_TYPE("tkhd"), &tkhd) &&
           field(tkhd.content, 12, 8, &found) && found == id;
}

/* Copies the boxes in CONTENT without those of track ID, at two levels: `moov` and `mvex`. NULL: not all are boxes. */
static uint8_t *copy_without(struct box_span content, uint32_t id, unsigned depth, uint8_t *out)
{
    struct box box;
    int result = 0;

    while (out && (result = box_next(&content, &box)) == 1) {
        if (is_of_track(&box, id)) {
            continue;
        }
        if (depth > 0 && (box.type == BOX_TYPE("moov") || box.type == BOX_TYPE("mvex"))) {
            uint8_t *end = copy_without(box.content, id, depth - 1, out + BOX_HEADER);
            if (end) {
                box_put(out, (size_t)(end - out), box.type);
            }
            out = end;
        } else {
            memcpy(out, box.whole.data, box.whole.length);
            out += box.whole.length;
        }
    }
    return out && result == 0 ? out : NULL;
}

long init_segment_without_sound(const uint8_t *data, size_t length, const struct init_facts *facts,
                                uint8_t *out)
{
    uint8_t *end = copy_without((struct box_span){data, length}, facts->audio, 2, out);

    return end ? end - out : -EBADMSG;
}
