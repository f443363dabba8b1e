/* SPDX-License-Identifier: MIT */
#include "ingest/codec/sample_writer.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"

static int add_to_sample(struct sample_writer *writer, const struct nal *nal)
{
    if (writer->count == SAMPLE_WRITER_NALS_MAX) {
        return -E2BIG;
    }
    writer->nals[writer->count++] = *nal;
    writer->sample_size += NAL_LENGTH_SIZE + nal->size;
    return 0;
}

static int add(struct sample_writer *writer, enum nal_codec codec, const struct nal *nal)
{
    enum nal_kind kind = nal_kind(codec, nal);

    switch (kind) {
    case NAL_KIND_DISPOSABLE:
        return 0;
    case NAL_KIND_VPS:
    case NAL_KIND_SPS:
    case NAL_KIND_PPS:
        if (writer->parameter_count < SAMPLE_WRITER_PARAMETERS_MAX) {
            writer->parameters[writer->parameter_count++] = *nal;
        }
        return 0;
    case NAL_KIND_KEYFRAME:
    case NAL_KIND_SLICE:
        writer->picture = true;
        writer->keyframe = writer->keyframe || kind == NAL_KIND_KEYFRAME;
        writer->b_slices = writer->b_slices || nal_is_b_slice(codec, nal);
        return add_to_sample(writer, nal);
    case NAL_KIND_OTHER:
        break;
    }
    return add_to_sample(writer, nal);
}

int sample_writer_read(struct sample_writer *writer, enum nal_codec codec, struct nal_reader *reader,
                       bool key_hint)
{
    struct nal nal;

    writer->count = 0;
    writer->parameter_count = 0;
    writer->sample_size = 0;
    writer->picture = writer->keyframe = writer->b_slices = false;
    while (nal_reader_next(reader, &nal) == 1) {
        int result = add(writer, codec, &nal);
        if (result < 0) {
            return result;
        }
    }
    writer->keyframe = writer->picture && (writer->keyframe || key_hint);
    return 0;
}

uint8_t *sample_writer_write(const struct sample_writer *writer, uint8_t *out)
{
    for (size_t i = 0; i < writer->count; i++) {
        size_t size = writer->nals[i].size;
        bytes_put_be32(out, (uint32_t)size);
        memcpy(out + NAL_LENGTH_SIZE, writer->nals[i].data, size);
        out += NAL_LENGTH_SIZE + size;
    }
    return out;
}
