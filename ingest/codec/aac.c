/* SPDX-License-Identifier: MIT */
#include "ingest/codec/aac.h"

#include <errno.h>

#include "ingest/codec/bits.h"

enum { AOT_AAC_MAIN = 1, AOT_AAC_LTP = 4, AOT_SBR = 5, AOT_ESCAPE = 31, AOT_PS = 29 };

#define FREQUENCY_EXPLICIT 15

/* syncExtensionType: SBR and PS are signalled after a configuration that old decoders understand. */
#define SYNC_SBR 0x2b7
#define SYNC_PS 0x548
#define SYNC_BITS 11

static const uint32_t frequencies[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};

uint32_t aac_frequency(unsigned index)
{
    return index < sizeof(frequencies) / sizeof(frequencies[0]) ? frequencies[index] : 0;
}

static unsigned read_object_type(struct bits *bits)
{
    unsigned type = bits_read(bits, 5);

    return type == AOT_ESCAPE ? 32 + bits_read(bits, 6) : type;
}

static uint32_t read_frequency(struct bits *bits)
{
    unsigned index = bits_read(bits, 4);

    return index == FREQUENCY_EXPLICIT ? bits_read(bits, 24) : aac_frequency(index);
}

/* Skips the signalling of SBR and PS, if there is any. BITS stands behind the GASpecificConfig. */
static void skip_extension(struct bits *bits)
{
    struct bits ahead = *bits;

    if (bits_left(&ahead) < SYNC_BITS + 6 || bits_read(&ahead, SYNC_BITS) != SYNC_SBR) {
        return;
    }
    read_object_type(&ahead);
    if (bits_read(&ahead, 1) != 0) { /* sbrPresentFlag */
        read_frequency(&ahead);
    }
    if (!bits_overrun(&ahead)) {
        *bits = ahead;
    }
    if (bits_left(&ahead) > SYNC_BITS && bits_read(&ahead, SYNC_BITS) == SYNC_PS) {
        bits_skip(&ahead, 1);
        *bits = ahead;
    }
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
    config->size = size;
    /* A program config element, which describes other channels, has a length of its own. Some encoders leave
     * the end of a configuration out. */
    if (bits_left(&bits) < 2 || config->channels == 0) {
        return 0;
    }
    if (bits_read(&bits, 1) != 0) { /* dependsOnCoreCoder */
        bits_skip(&bits, 14);
    }
    bits_skip(&bits, 1); /* extensionFlag */
    if (config->object_type == core) {
        skip_extension(&bits);
    }
    if (!bits_overrun(&bits)) {
        config->size = (bits_position(&bits) + 7) / 8;
    }
    return 0;
}

size_t aac_write_config(unsigned object_type, uint32_t sample_rate, unsigned channels,
                        uint8_t out[AAC_CONFIG_SIZE])
{
    uint64_t value = object_type;
    unsigned bits = 5;
    unsigned index = 0;

    while (aac_frequency(index) != 0 && aac_frequency(index) != sample_rate) {
        index++;
    }
    if (aac_frequency(index) == 0) {
        value = (value << 4 | FREQUENCY_EXPLICIT) << 24 | (sample_rate & 0xffffff);
        bits += 28;
    } else {
        value = value << 4 | index;
        bits += 4;
    }
    value = (value << 4 | (channels & 0xf)) << 3; /* GASpecificConfig: three flags, none set */
    bits += 7;
    size_t size = (bits + 7) / 8;
    value <<= size * 8 - bits;
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (size - 1 - i) * 8);
    }
    return size;
}
