#include "ingest/codec/aac.h"

#include <errno.h>

enum { AOT_AAC_MAIN = 1, AOT_AAC_LTP = 4, AOT_SBR = 5, AOT_ESCAPE = 31, AOT_PS = 29 };

#define FREQUENCY_EXPLICIT 15

static const uint32_t frequencies[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};

/* The syntax has no emulation prevention, so the bytes are read one bit at a time here. */
struct plain_bits {
    const uint8_t *data;
    size_t size; /* in bits */
    size_t next;
};

static uint32_t read_plain(struct plain_bits *bits, unsigned count)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count; i++, bits->next++) {
        if (bits->next < bits->size) {
            value = value << 1 | (bits->data[bits->next / 8] >> (7 - bits->next % 8) & 1u);
        }
    }
    return value;
}

static unsigned read_object_type(struct plain_bits *bits)
{
    unsigned type = read_plain(bits, 5);

    return type == AOT_ESCAPE ? 32 + read_plain(bits, 6) : type;
}

static uint32_t read_frequency(struct plain_bits *bits)
{
    unsigned index = read_plain(bits, 4);

    if (index == FREQUENCY_EXPLICIT) {
        return read_plain(bits, 24);
    }
    return index < sizeof(frequencies) / sizeof(frequencies[0]) ? frequencies[index] : 0;
}

int aac_parse_config(const uint8_t *data, size_t size, struct aac_config *config)
{
    struct plain_bits bits = {.data = data, .size = size * 8};

    *config = (struct aac_config){.object_type = read_object_type(&bits)};
    unsigned core = config->object_type;
    config->sample_rate = read_frequency(&bits);
    config->channels = read_plain(&bits, 4);
    if (core == AOT_SBR || core == AOT_PS) {
        read_frequency(&bits); /* of the extension */
        core = read_object_type(&bits);
    }
    config->frame_length = read_plain(&bits, 1) != 0 ? 960 : 1024;
    if (bits.next > bits.size || config->sample_rate == 0 || core < AOT_AAC_MAIN || core > AOT_AAC_LTP) {
        return -EBADMSG;
    }
    return 0;
}
