/* SPDX-License-Identifier: MIT */
#include "ingest/codec/adts.h"

#include <errno.h>

#include "ingest/codec/aac.h"
#include "ingest/codec/bits.h"

#define SYNCWORD 0xfff
#define CHECKSUM_SIZE 2

int adts_parse(const uint8_t *data, size_t size, struct adts_header *header)
{
    struct bits bits;

    if (size < ADTS_HEADER_SIZE) {
        return -EBADMSG;
    }
    bits_init_plain(&bits, data, size);
    unsigned sync = bits_read(&bits, 12);
    bits_skip(&bits, 1); /* ID */
    unsigned layer = bits_read(&bits, 2);
    unsigned no_checksum = bits_read(&bits, 1);
    header->object_type = bits_read(&bits, 2) + 1;
    header->sample_rate = aac_frequency(bits_read(&bits, 4));
    bits_skip(&bits, 1); /* private_bit */
    header->channels = bits_read(&bits, 3);
    bits_skip(&bits, 4); /* original, home, copyright */
    header->frame_size = bits_read(&bits, 13);
    bits_skip(&bits, 11); /* adts_buffer_fullness */
    unsigned blocks = bits_read(&bits, 2);
    header->header_size = ADTS_HEADER_SIZE + (no_checksum ? 0 : CHECKSUM_SIZE);
    if (sync != SYNCWORD || layer != 0 || header->sample_rate == 0 || blocks != 0 ||
        header->frame_size <= header->header_size) {
        return -EBADMSG;
    }
    return 0;
}
