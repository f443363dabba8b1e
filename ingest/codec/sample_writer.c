#include "ingest/codec/sample_writer.h"

#include <errno.h>
#include <string.h>

static int add_sample_unit(struct access_unit *unit, const struct nal *nal)
{
    if (unit->count == ACCESS_UNIT_NALS_MAX) {
        return -E2BIG;
    }
    unit->nals[unit->count++] = *nal;
    unit->sample_size += ACCESS_UNIT_LENGTH_SIZE + nal->size;
    return 0;
}

static int add(struct access_unit *unit, enum nal_codec codec, const struct nal *nal)
{
    enum nal_kind kind = nal_kind(codec, nal);

    switch (kind) {
    case NAL_KIND_DISPOSABLE:
        return 0;
    case NAL_KIND_VPS:
    case NAL_KIND_SPS:
    case NAL_KIND_PPS:
        if (unit->parameter_count < ACCESS_UNIT_PARAMETERS_MAX) {
            unit->parameters[unit->parameter_count++] = *nal;
        }
        return 0;
    case NAL_KIND_KEYFRAME:
    case NAL_KIND_SLICE:
        unit->picture = true;
        unit->keyframe = unit->keyframe || kind == NAL_KIND_KEYFRAME;
        unit->b_slices = unit->b_slices || nal_is_b_slice(codec, nal);
        return add_sample_unit(unit, nal);
    case NAL_KIND_OTHER:
        break;
    }
    return add_sample_unit(unit, nal);
}

int access_unit_parse(struct access_unit *unit, enum nal_codec codec, struct nal_reader *reader,
                      bool key_hint)
{
    struct nal nal;

    unit->count = 0;
    unit->parameter_count = 0;
    unit->sample_size = 0;
    unit->picture = unit->keyframe = unit->b_slices = false;
    while (nal_reader_next(reader, &nal) == 1) {
        int result = add(unit, codec, &nal);
        if (result < 0) {
            return result;
        }
    }
    unit->keyframe = unit->picture && (unit->keyframe || key_hint);
    return 0;
}

uint8_t *access_unit_write(const struct access_unit *unit, uint8_t *out)
{
    for (size_t i = 0; i < unit->count; i++) {
        size_t size = unit->nals[i].size;
        out[0] = (uint8_t)(size >> 24);
        out[1] = (uint8_t)(size >> 16);
        out[2] = (uint8_t)(size >> 8);
        out[3] = (uint8_t)size;
        memcpy(out + ACCESS_UNIT_LENGTH_SIZE, unit->nals[i].data, size);
        out += ACCESS_UNIT_LENGTH_SIZE + size;
    }
    return out;
}
