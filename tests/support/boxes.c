/* SPDX-License-Identifier: MIT */
#include "tests/support/boxes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint32_t boxes_read32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

uint64_t boxes_read64(const uint8_t *data)
{
    return (uint64_t)boxes_read32(data) << 32 | boxes_read32(data + 4);
}

/* Takes the next box off what is left. */
static struct box next_box(const uint8_t **data, size_t *left, const uint8_t **type)
{
    assert_true(*left >= 8);
    uint32_t size = boxes_read32(*data);
    assert_true(size >= 8 && size <= *left);
    struct box box = {*data + 8, size - 8};
    *type = *data + 4;
    *data += size;
    *left -= size;
    return box;
}

unsigned boxes_count(const void *data, size_t size, const char *type)
{
    const uint8_t *at = data;
    const uint8_t *found;
    unsigned count = 0;

    while (size > 0) {
        next_box(&at, &size, &found);
        count += memcmp(found, type, 4) == 0;
    }
    return count;
}

static struct box find_child(const uint8_t *data, size_t size, const char *type, unsigned index)
{
    const uint8_t *found;

    while (size > 0) {
        struct box box = next_box(&data, &size, &found);
        if (memcmp(found, type, 4) == 0 && index-- == 0) {
            return box;
        }
    }
    fail_msg("there is no box %.4s", type);
    abort(); /* fail_msg does not return */
}

struct box boxes_find(const void *data, size_t size, const char *path, unsigned index)
{
    struct box box = {data, size};

    for (;; path += 5) {
        bool several = boxes_count(box.data, box.size, path) > 1;
        box = find_child(box.data, box.size, path, several ? index : 0);
        if (path[4] == '\0') {
            return box;
        }
    }
}

static bool is_container(const uint8_t *type)
{
    static const char *const containers[] = {"moov", "trak", "mdia", "minf", "stbl",
                                             "mvex", "moof", "traf", "dinf"};

    for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
        if (memcmp(type, containers[i], 4) == 0 && memcmp(type, "dinf", 4) != 0) {
            return true;
        }
    }
    return false;
}

void boxes_check(const void *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *type;

    while (size > 0) {
        struct box box = next_box(&at, &size, &type);
        if (is_container(type)) {
            boxes_check(box.data, box.size);
        }
    }
}

struct run {
    uint32_t flags;
    const uint8_t *at;
    const uint8_t *end;
};

static uint32_t take(struct run *run)
{
    assert_true(run->end - run->at >= 4);
    run->at += 4;
    return boxes_read32(run->at - 4);
}

static uint32_t take_if(struct run *run, uint32_t flag, uint32_t otherwise)
{
    return (run->flags & flag) != 0 ? take(run) : otherwise;
}

/* tfhd and trun of one track; data offsets count from DATA, the first byte of `moof`. */
static void check_track(const uint8_t *data, struct box traf, struct box mdat, struct fragment_track *track)
{
    struct box tfhd = find_child(traf.data, traf.size, "tfhd", 0);
    struct box tfdt = find_child(traf.data, traf.size, "tfdt", 0);
    struct box trun = find_child(traf.data, traf.size, "trun", 0);
    struct run header = {boxes_read32(tfhd.data) & 0xffffff, tfhd.data + 4, tfhd.data + tfhd.size};
    struct run run = {boxes_read32(trun.data) & 0xffffff, trun.data + 4, trun.data + trun.size};

    assert_true((header.flags & 0x020000) != 0); /* default-base-is-moof */
    assert_int_equal(header.flags & 1, 0);       /* no base_data_offset */
    track->track = take(&header);
    uint32_t duration = take_if(&header, 0x8, 0);
    uint32_t size = take_if(&header, 0x10, 0);
    uint32_t flags = take_if(&header, 0x20, 0);
    assert_ptr_equal(header.at, header.end);
    assert_int_equal(tfdt.data[0], 1);
    assert_int_equal(tfdt.size, 12);
    track->decode_time = boxes_read64(tfdt.data + 4);

    track->samples = take(&run);
    uint32_t offset = take_if(&run, 0x1, 0);
    flags = take_if(&run, 0x4, flags);
    track->first_data = data + offset;
    for (uint32_t i = 0; i < track->samples; i++) {
        uint32_t sample_duration = take_if(&run, 0x100, duration);
        uint32_t sample_size = take_if(&run, 0x200, size);
        uint32_t sample_flags = take_if(&run, 0x400, flags);
        uint32_t composition = take_if(&run, 0x800, 0);
        if (i == 0) {
            track->first_size = sample_size;
            track->first_flags = sample_flags;
            track->composition_offset = (int32_t)composition;
            assert_true(trun.data[0] == 1 || track->composition_offset >= 0);
        }
        assert_true(sample_duration > 0 && sample_size > 0);
        track->duration += sample_duration;
        track->bytes += sample_size;
    }
    assert_ptr_equal(run.at, run.end);
    assert_true(track->first_data >= mdat.data && track->first_data + track->bytes <= mdat.data + mdat.size);
}

struct fragment_prft boxes_prft(const uint8_t *data, size_t size)
{
    struct box prft = boxes_find(data, size, "prft", 0);

    assert_ptr_equal(prft.data, data + 8);
    assert_int_equal(prft.size, 24);
    assert_int_equal(prft.data[0], 1);
    assert_int_equal(boxes_read32(prft.data + 4), 1);
    return (struct fragment_prft){.flags = boxes_read32(prft.data) & 0xffffff,
                                  .ntp = boxes_read64(prft.data + 8),
                                  .media_time = boxes_read64(prft.data + 16)};
}

uint32_t boxes_check_fragment(const uint8_t *data, size_t size, struct fragment_track tracks[2])
{
    struct box moof = boxes_find(data, size, "moof", 0);
    struct box mdat = boxes_find(data, size, "mdat", 0);
    struct box mfhd = boxes_find(data, size, "moof/mfhd", 0);
    unsigned trafs = boxes_count(moof.data, moof.size, "traf");

    boxes_check(data, size);
    struct fragment_prft prft = boxes_prft(data, size);
    assert_ptr_equal(moof.data, data + 32 + 8);
    assert_ptr_equal(mdat.data, moof.data + moof.size + 8);
    assert_ptr_equal(mdat.data + mdat.size, data + size);
    assert_true(trafs == 1 || trafs == 2);
    memset(tracks, 0, 2 * sizeof(tracks[0]));
    for (unsigned i = 0; i < trafs; i++) {
        check_track(moof.data - 8, find_child(moof.data, moof.size, "traf", i), mdat, &tracks[i]);
        assert_int_equal(tracks[i].track, i + 1);
    }
    assert_int_equal(tracks[0].samples, 1);
    assert_int_equal((int64_t)prft.media_time, (int64_t)tracks[0].decode_time + tracks[0].composition_offset);
    assert_int_equal(tracks[0].bytes + tracks[1].bytes, mdat.size);
    assert_true(tracks[1].samples == 0 || tracks[1].first_data == tracks[0].first_data + tracks[0].bytes);
    return boxes_read32(mfhd.data + 4);
}

unsigned boxes_check_sample(const uint8_t *data, size_t length)
{
    unsigned units = 0;

    for (; length > 0; units++) {
        assert_true(length > 4);
        uint32_t size = boxes_read32(data);
        assert_true(size > 0 && size <= length - 4);
        data += 4 + size;
        length -= 4 + size;
    }
    return units;
}
