/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/latm_config.h"

#include <errno.h>
#include <string.h>

enum { AOT_AAC_MAIN = 1, AOT_AAC_LTP = 4, AOT_SBR = 5, AOT_PS = 29, AOT_ESCAPE = 31 };

#define FREQUENCY_EXPLICIT 15

static unsigned read_object_type(struct bits *bits)
{
    unsigned type = bits_read(bits, 5);

    return type == AOT_ESCAPE ? 32 + bits_read(bits, 6) : type;
}

static void skip_frequency(struct bits *bits)
{
    if (bits_read(bits, 4) == FREQUENCY_EXPLICIT) {
        bits_skip(bits, 24);
    }
}

/* Its length follows only from its content (1.6.2.1 and 4.4.1). */
static int skip_audio_config(struct bits *bits)
{
    unsigned type = read_object_type(bits);

    skip_frequency(bits);
    unsigned channels = bits_read(bits, 4);
    if (type == AOT_SBR || type == AOT_PS) {
        skip_frequency(bits);
        type = read_object_type(bits);
    }
    if (type < AOT_AAC_MAIN || type > AOT_AAC_LTP || channels == 0) {
        return -ENOTSUP;
    }
    bits_skip(bits, 1); /* frameLengthFlag */
    if (bits_read(bits, 1) != 0) {
        bits_skip(bits, 14); /* coreCoderDelay */
    }
    return bits_read(bits, 1) != 0 ? -ENOTSUP : 0; /* extensionFlag */
}

static int copy_audio_config(struct bits *bits, struct latm_config *config)
{
    struct bits from = *bits;
    int result = skip_audio_config(bits);

    if (bits_overrun(bits)) {
        return -EBADMSG;
    }
    if (result < 0) {
        return result;
    }
    size_t length = bits_position(bits) - bits_position(&from);
    if (length > sizeof(config->audio) * 8) {
        return -ENOTSUP;
    }
    memset(config->audio, 0, sizeof(config->audio));
    config->audio_size = (length + 7) / 8;
    for (size_t i = 0; i < length; i++) {
        config->audio[i / 8] |= (uint8_t)(bits_read(&from, 1) << (7 - i % 8));
    }
    return 0;
}

/* otherDataLenBits: bytes, most significant first, each announced by the bit before it. */
static unsigned read_other_bits(struct bits *bits)
{
    unsigned count = 0;
    bool more;

    do {
        more = bits_read(bits, 1) != 0;
        count = count << 8 | bits_read(bits, 8);
    } while (more && count < 0x10000);
    return count;
}

int latm_config_read(struct bits *bits, struct latm_config *config)
{
    *config = (struct latm_config){0};
    bool version = bits_read(bits, 1) != 0;
    bool same_framing = bits_read(bits, 1) != 0;
    config->subframes = bits_read(bits, 6) + 1;
    unsigned programs = bits_read(bits, 4);
    unsigned layers = bits_read(bits, 3);
    if (bits_overrun(bits)) {
        return -EBADMSG;
    }
    if (version || !same_framing || programs != 0 || layers != 0) {
        return -ENOTSUP;
    }
    int result = copy_audio_config(bits, config);
    if (result < 0) {
        return result;
    }
    /* Some senders leave out what follows: it reads as 0. */
    if (bits_read(bits, 3) != 0) { /* frameLengthType */
        return -ENOTSUP;
    }
    bits_skip(bits, 8);            /* latmBufferFullness */
    if (bits_read(bits, 1) != 0) { /* otherDataPresent */
        config->other_bits = read_other_bits(bits);
    }
    if (bits_read(bits, 1) != 0) { /* crcCheckPresent */
        bits_skip(bits, 8);
    }
    return 0;
}
