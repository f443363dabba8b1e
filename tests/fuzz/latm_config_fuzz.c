/* SPDX-License-Identifier: MIT */
/* The multiplex configuration of LATM, and what of it goes on as the configuration of AAC. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/codec/aac.h"
#include "ingest/rtp/latm_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct latm_config config = {0};
    struct aac_config aac;
    struct bits bits;

    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (!exact) {
        abort();
    }
    memcpy(exact, data, size);
    bits_init_plain(&bits, exact, size);
    int result = latm_config_read(&bits, &config);
    free(exact);
    if (result < 0) {
        return 0;
    }
    if (config.audio_size == 0 || config.audio_size > sizeof(config.audio) || config.subframes == 0) {
        abort();
    }
    if (aac_parse_config(config.audio, config.audio_size, &aac) == 0 && aac.size > config.audio_size) {
        abort();
    }
    return 0;
}
