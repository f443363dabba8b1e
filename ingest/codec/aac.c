#include "ingest/codec/aac.h"

#include <errno.h>

#include "ingest/codec/bits.h"

enum { AOT_AAC_MAIN = 1, AOT_AAC_LTP = 4, AOT_SBR = 5, AOT_ESCAPE = 31, AOT_PS = 29 };

#define FREQUENCY_EXPLICIT 15

static const uint32_t frequencies[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};

static unsigned read_object_type(struct bits *bits)
{
    unsigned type = bits_read(bits, 5);

    return type == AOT_ESCAPE ? 32 + bits_read(bits, 6) : type;
}

static uint32_t read_frequency(struct bits *bits)
{
    unsigned index = bits_read(bits, 4);

    if (index == FREQUENCY_EXPLICIT) {
        return bits_read(bits, 24);
    }
    return index < sizeof(frequencies) / sizeof(frequencies[0]) ? frequencies[index] : 0;
}

int aac_parse_config(const uint8_t *data, size_t size, struct aac_config *config)
{
    struct bits bits;

    bits_init_plain(&bits, data, size);
    *config = (struct aac_config){.object_type = read_object_type(&bits)};
    unsigned core = config->object_type;
    config->sample_rate = read_frequency(&bits);
    config->channels = bits_read(&bits, 4);
    if (core == AOT_SBR || core == AOT_PS) {
        read_frequency(&bits); /* of the extension */
        core = read_object_type(&bits);
    }
    config->frame_length = bits_read(&bits, 1) != 0 ? 960 : 1024;
    if (bits_overrun(&bits) || config->sample_rate == 0 || core < AOT_AAC_MAIN || core > AOT_AAC_LTP) {
        return -EBADMSG;
    }
    return 0;
}
