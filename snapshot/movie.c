/* SPDX-License-Identifier: MIT */
#include "snapshot/movie.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/box.h"
#include "common/base/bytes.h"

/* The video's track, in every init segment and fragment of a ring. */
#define VIDEO_TRACK 1u

/* Bytes of a full box's version and flags. */
#define FULL_SIZE 4u

/* Of a visual sample entry (ISO/IEC 14496-12, 12.1.3), before the boxes in it. */
#define VISUAL_ENTRY_SIZE 78u

/* tf_flags (8.8.7) and tr_flags (8.8.8) of fields that stand before those that are looked for. */
enum {
    TFHD_BASE_OFFSET = 0x000001,
    TFHD_DESCRIPTION = 0x000002,
    TFHD_DURATION = 0x000008,
    TFHD_SIZE = 0x000010,
    TRUN_DATA_OFFSET = 0x000001,
    TRUN_FIRST_FLAGS = 0x000004,
    TRUN_DURATION = 0x000100,
    TRUN_SIZE = 0x000200,
};

/* Takes four bytes from SPAN; 0, and *MISSING, if they are not there. */
static uint32_t take(struct span *span, bool *missing)
{
    uint32_t value = 0;

    if (span->size < 4) {
        *missing = true;
        return 0;
    }
    value = bytes_get_be32(span->data);
    span->data += 4;
    span->size -= 4;
    return value;
}

/* ---- Init segment ---- */

/* The matrices of right angles (8.3.2): a, b, c, d in 16.16. */
static unsigned read_rotation(const uint8_t *matrix)
{
    static const struct {
        int32_t a, b, c, d;
        unsigned degrees;
    } turns[] = {{0, 1, -1, 0, 90}, {-1, 0, 0, -1, 180}, {0, -1, 1, 0, 270}};
    const int32_t one = 65536;
    int32_t a = (int32_t)bytes_get_be32(matrix), b = (int32_t)bytes_get_be32(matrix + 4);
    int32_t c = (int32_t)bytes_get_be32(matrix + 12), d = (int32_t)bytes_get_be32(matrix + 16);

    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        if (a == turns[i].a * one && b == turns[i].b * one && c == turns[i].c * one &&
            d == turns[i].d * one) {
            return turns[i].degrees;
        }
    }
    return 0;
}

/* True if TRACK's header is that of the video, whose rotation is then in MOVIE. */
static bool read_track_header(struct span track, struct movie *movie)
{
    struct span header;

    if (!box_find(track, BOX_TYPE('t', 'k', 'h', 'd'), &header) || header.size < 1) {
        return false;
    }
    size_t id = header.data[0] == 1 ? 20 : 12, matrix = header.data[0] == 1 ? 52 : 40;
    if (header.size < matrix + 36 || bytes_get_be32(header.data + id) != VIDEO_TRACK) {
        return false;
    }
    movie->rotation = read_rotation(header.data + matrix);
    return true;
}

static int read_entry(const struct box *entry, struct movie *movie)
{
    bool h264 = entry->type == BOX_TYPE('a', 'v', 'c', '1') || entry->type == BOX_TYPE('a', 'v', 'c', '3');
    bool h265 = entry->type == BOX_TYPE('h', 'v', 'c', '1') || entry->type == BOX_TYPE('h', 'e', 'v', '1');
    struct span boxes = entry->body, config, shape;

    if (!h264 && !h265) {
        return -ENOTSUP;
    }
    if (boxes.size < VISUAL_ENTRY_SIZE) {
        return -EBADMSG;
    }
    boxes.data += VISUAL_ENTRY_SIZE;
    boxes.size -= VISUAL_ENTRY_SIZE;
    if (!box_find(boxes, h264 ? BOX_TYPE('a', 'v', 'c', 'C') : BOX_TYPE('h', 'v', 'c', 'C'), &config) ||
        config.size == 0) {
        return -EBADMSG;
    }
    movie->codec = h264 ? MOVIE_H264 : MOVIE_H265;
    movie->config = config.data;
    movie->config_length = config.size;
    movie->shape_width = movie->shape_height = 1;
    if (box_find(boxes, BOX_TYPE('p', 'a', 's', 'p'), &shape) && shape.size >= 8 &&
        bytes_get_be32(shape.data) > 0 && bytes_get_be32(shape.data + 4) > 0) {
        movie->shape_width = bytes_get_be32(shape.data);
        movie->shape_height = bytes_get_be32(shape.data + 4);
    }
    return 0;
}

static int read_track(struct span track, struct movie *movie)
{
    static const uint32_t path[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'i', 'n', 'f'),
                                    BOX_TYPE('s', 't', 'b', 'l'), BOX_TYPE('s', 't', 's', 'd')};
    struct box entry;

    for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
        if (!box_find(track, path[i], &track)) {
            return -EBADMSG;
        }
    }
    if (track.size < FULL_SIZE + 4) {
        return -EBADMSG;
    }
    track.data += FULL_SIZE + 4; /* the number of entries */
    track.size -= FULL_SIZE + 4;
    return box_next(&track, &entry) ? read_entry(&entry, movie) : -EBADMSG;
}

int movie_read(const uint8_t *data, size_t size, struct movie *movie)
{
    struct span boxes = {data, size}, content;
    struct box box;

    *movie = (struct movie){0};
    if (!box_find(boxes, BOX_TYPE('m', 'o', 'o', 'v'), &content)) {
        return -EBADMSG;
    }
    while (box_next(&content, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k') && read_track_header(box.body, movie)) {
            return read_track(box.body, movie);
        }
    }
    return -EBADMSG;
}

/* ---- Fragment ---- */

/* The size of all samples unless `trun` says otherwise. False: TRACK is not the video's. */
static bool read_fragment_header(struct span track, uint32_t *default_size)
{
    struct span header;
    bool missing = false;

    if (!box_find(track, BOX_TYPE('t', 'f', 'h', 'd'), &header)) {
        return false;
    }
    uint32_t flags = take(&header, &missing) & 0xffffff, id = take(&header, &missing);
    if (flags & TFHD_BASE_OFFSET) {
        return false; /* no ring has it: an offset in a file */
    }
    if (flags & TFHD_DESCRIPTION) {
        take(&header, &missing);
    }
    if (flags & TFHD_DURATION) {
        take(&header, &missing);
    }
    *default_size = flags & TFHD_SIZE ? take(&header, &missing) : 0;
    return !missing && id == VIDEO_TRACK;
}

/* Where the first sample is, in bytes from the first byte of `moof`, and its length. */
static int read_run(struct span track, uint32_t default_size, uint32_t *offset, uint32_t *length)
{
    struct span run;
    bool missing = false;

    if (!box_find(track, BOX_TYPE('t', 'r', 'u', 'n'), &run)) {
        return -EBADMSG;
    }
    uint32_t flags = take(&run, &missing) & 0xffffff, count = take(&run, &missing);
    if (!(flags & TRUN_DATA_OFFSET) || count == 0) {
        return -EBADMSG;
    }
    *offset = take(&run, &missing);
    if (flags & TRUN_FIRST_FLAGS) {
        take(&run, &missing);
    }
    if (flags & TRUN_DURATION) {
        take(&run, &missing);
    }
    *length = flags & TRUN_SIZE ? take(&run, &missing) : default_size;
    return missing || *length == 0 ? -EBADMSG : 0;
}

/* MOOF: the box's content; LEFT: how many bytes there are from its first byte on. */
static int find_in(struct span moof, size_t left, uint32_t *offset, uint32_t *length)
{
    struct box box;
    uint32_t default_size;

    while (box_next(&moof, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'f') && read_fragment_header(box.body, &default_size)) {
            int result = read_run(box.body, default_size, offset, length);
            return result == 0 && (*offset > left || *length > left - *offset) ? -EBADMSG : result;
        }
    }
    return -EBADMSG;
}

int movie_find_sample(const uint8_t *data, size_t size, const uint8_t **sample, size_t *length)
{
    struct span boxes = {data, size};
    struct box box;

    for (const uint8_t *moof = data; box_next(&boxes, &box); moof = boxes.data) {
        if (box.type == BOX_TYPE('m', 'o', 'o', 'f')) {
            size_t left = (size_t)(data + size - moof);
            uint32_t offset = 0, bytes = 0;
            int result = find_in(box.body, left, &offset, &bytes);
            if (result == 0) {
                *sample = moof + offset;
                *length = bytes;
            }
            return result;
        }
    }
    return -EBADMSG;
}
