/* SPDX-License-Identifier: MIT */
/* Headers of AAC frames: what they say makes a configuration that says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/codec/aac.h"
#include "ingest/codec/adts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* Reads a header from memory of exactly its size, and returns the bytes of its frame; 0: there is none. */
static size_t read_header(const uint8_t *data, size_t size)
{
    struct adts_header header;
    struct aac_config aac;
    uint8_t config[AAC_CONFIG_SIZE];
    uint8_t *exact = malloc(size > 0 ? size : 1);

    require(exact != NULL);
    memcpy(exact, data, size);
    int result = adts_parse(exact, size, &header);
    free(exact);
    if (result < 0) {
        return 0;
    }
    require(size >= ADTS_HEADER_SIZE && header.header_size >= ADTS_HEADER_SIZE);
    require(header.frame_size > header.header_size || header.frame_size == header.header_size);
    require(header.object_type >= 1 && header.object_type <= 4 && header.sample_rate > 0);
    size_t length = aac_write_config(header.object_type, header.sample_rate, header.channels, config);
    require(length > 0 && length <= sizeof(config));
    if (aac_parse_config(config, length, &aac) == 0) {
        require(aac.sample_rate == header.sample_rate && aac.channels == header.channels);
    }
    return header.frame_size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t frame; size > 0 && (frame = read_header(data, size)) > 0 && frame <= size;) {
        data += frame;
        size -= frame;
    }
    return 0;
}
