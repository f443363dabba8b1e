/* SPDX-License-Identifier: MIT */
/*
 * Access units of any content, as depacketizers and other sources hand them over: NAL units, parameter sets,
 * the init segment that is made from them, and the sample. The first byte chooses codec, form and where the
 * stream's description ends; the rest is that description and an access unit.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/log.h>

#include "ingest/codec/codec_string.h"
#include "ingest/codec/sample_writer.h"
#include "ingest/publish/init_segment.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICE_H265 = 1, CHOICE_KEY = 2, CHOICE_LENGTHS = 4, CHOICE_DESCRIPTION = 8 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* In memory of exactly this size, so that a sanitizer sees what is read beyond it. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    require(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

/* What is written must be read again as the same units. */
static void check_sample(const struct sample_writer *unit, enum nal_codec codec)
{
    static struct sample_writer again;
    uint8_t *sample = malloc(unit->sample_size > 0 ? unit->sample_size : 1);
    struct nal_reader reader;

    require(sample != NULL);
    require(sample_writer_write(unit, sample) == sample + unit->sample_size);
    nal_reader_init(&reader, sample, unit->sample_size, NAL_LENGTH_SIZE);
    require(sample_writer_read(&again, codec, &reader, false) == 0);
    require(again.count == unit->count && again.sample_size == unit->sample_size);
    require(again.parameter_count == 0 && again.picture == unit->picture);
    free(sample);
}

static void check_init(const struct parameter_sets *sets)
{
    char codecs[CODEC_STRING_SIZE];
    uint8_t *init = NULL;
    size_t size = 0;

    require(sets->sps.width > 0 && sets->sps.width <= SPS_SIDE_MAX);
    require(sets->sps.height > 0 && sets->sps.height <= SPS_SIDE_MAX);
    codec_string_video(codecs, sets->codec, &sets->sps);
    require(strncmp(codecs, sets->codec == NAL_H264 ? "avc1." : "hvc1.", 5) == 0);
    if (init_segment_build(sets, &(struct init_display){0}, NULL, &init, &size) == 0) {
        require(size > 8 && memcmp(init + 4, "ftyp", 4) == 0);
    }
    free(init);
}

static void take(struct parameter_sets *sets, const uint8_t *data, size_t size, unsigned length_size,
                 bool key)
{
    static struct sample_writer unit;
    struct nal_reader reader;

    nal_reader_init(&reader, data, size, length_size);
    if (sample_writer_read(&unit, sets->codec, &reader, key) < 0) {
        return;
    }
    for (size_t i = 0; i < unit.parameter_count; i++) {
        parameter_sets_put(sets, &unit.parameters[i]);
    }
    check_sample(&unit, sets->codec);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    av_log_set_level(AV_LOG_QUIET);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const uint8_t choice = data[0];
    size_t described = (choice & CHOICE_DESCRIPTION) != 0 ? data[1] : 0;
    unsigned length_size = (choice & CHOICE_LENGTHS) != 0 ? 1 + (choice >> 4 & 3) : 0;
    struct parameter_sets sets;

    data += 2;
    size -= 2;
    if (described > size) {
        described = size;
    }
    uint8_t *description = copy_of(data, described);
    uint8_t *stream = copy_of(data + described, size - described);
    parameter_sets_init(&sets, (choice & CHOICE_H265) != 0 ? NAL_H265 : NAL_H264);
    if (described > 0) {
        parameter_sets_put_extradata(&sets, description, described, &length_size);
    }
    require(length_size <= 4);
    take(&sets, stream, size - described, length_size, (choice & CHOICE_KEY) != 0);
    if (parameter_sets_complete(&sets)) {
        check_init(&sets);
    }
    parameter_sets_finish(&sets);
    free(stream);
    free(description);
    return 0;
}
