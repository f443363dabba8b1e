#include "ingest/rtp/latm_config.h"

#include <errno.h>
#include <string.h>

enum { AOT_AAC_MAIN = 1, AOT_AAC_LTP = 4, AOT_SBR = 5, AOT_PS = 29, AOT_ESCAPE = 31 };

#define FREQUENCY_EXPLICIT 15

static unsigned read_object_type(struct bit_reader *reader)
{
    unsigned type = bit_reader_read(reader, 5);

    return type == AOT_ESCAPE ? 32 + bit_reader_read(reader, 6) : type;
}

static void skip_frequency(struct bit_reader *reader)
{
    if (bit_reader_read(reader, 4) == FREQUENCY_EXPLICIT) {
        bit_reader_skip(reader, 24);
    }
}

/* Its length is told by nothing but its content (1.6.2.1 and 4.4.1). */
static int skip_audio_config(struct bit_reader *reader)
{
    unsigned type = read_object_type(reader);

    skip_frequency(reader);
    unsigned channels = bit_reader_read(reader, 4);
    if (type == AOT_SBR || type == AOT_PS) {
        skip_frequency(reader);
        type = read_object_type(reader);
    }
    if (type < AOT_AAC_MAIN || type > AOT_AAC_LTP || channels == 0) {
        return -ENOTSUP;
    }
    bit_reader_skip(reader, 1); /* frameLengthFlag */
    if (bit_reader_read(reader, 1) != 0) {
        bit_reader_skip(reader, 14); /* coreCoderDelay */
    }
    return bit_reader_read(reader, 1) != 0 ? -ENOTSUP : 0; /* extensionFlag */
}

static int copy_audio_config(struct bit_reader *reader, struct latm_config *config)
{
    struct bit_reader from = *reader;
    int result = skip_audio_config(reader);

    if (reader->overrun) {
        return -EBADMSG;
    }
    if (result < 0) {
        return result;
    }
    size_t bits = reader->next - from.next;
    if (bits > sizeof(config->audio) * 8) {
        return -ENOTSUP;
    }
    memset(config->audio, 0, sizeof(config->audio));
    config->audio_size = (bits + 7) / 8;
    for (size_t i = 0; i < bits; i++) {
        config->audio[i / 8] |= (uint8_t)(bit_reader_read(&from, 1) << (7 - i % 8));
    }
    return 0;
}

/* otherDataLenBits: bytes, most significant first, each announced by the bit before it. */
static unsigned read_other_bits(struct bit_reader *reader)
{
    unsigned bits = 0;
    bool more;

    do {
        more = bit_reader_read(reader, 1) != 0;
        bits = bits << 8 | bit_reader_read(reader, 8);
    } while (more && bits < 0x10000);
    return bits;
}

int latm_config_read(struct bit_reader *reader, struct latm_config *config)
{
    *config = (struct latm_config){0};
    bool version = bit_reader_read(reader, 1) != 0;
    bool same_framing = bit_reader_read(reader, 1) != 0;
    config->subframes = bit_reader_read(reader, 6) + 1;
    unsigned programs = bit_reader_read(reader, 4);
    unsigned layers = bit_reader_read(reader, 3);
    if (reader->overrun) {
        return -EBADMSG;
    }
    if (version || !same_framing || programs != 0 || layers != 0) {
        return -ENOTSUP;
    }
    int result = copy_audio_config(reader, config);
    if (result < 0) {
        return result;
    }
    /* Some senders leave out what follows: it reads as 0. */
    if (bit_reader_read(reader, 3) != 0) { /* frameLengthType */
        return -ENOTSUP;
    }
    bit_reader_skip(reader, 8);            /* latmBufferFullness */
    if (bit_reader_read(reader, 1) != 0) { /* otherDataPresent */
        config->other_bits = read_other_bits(reader);
    }
    if (bit_reader_read(reader, 1) != 0) { /* crcCheckPresent */
        bit_reader_skip(reader, 8);
    }
    return 0;
}
