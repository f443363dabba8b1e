#include "ingest/rtp/bit_reader.h"

#include <string.h>

void bit_reader_init(struct bit_reader *reader, const uint8_t *data, size_t bytes)
{
    *reader = (struct bit_reader){.data = data, .size = bytes * 8};
}

static bool has(struct bit_reader *reader, size_t count)
{
    if (reader->overrun || count > reader->size - reader->next) {
        reader->overrun = true;
    }
    return !reader->overrun;
}

uint32_t bit_reader_read(struct bit_reader *reader, unsigned count)
{
    uint32_t value = 0;

    if (!has(reader, count)) {
        return 0;
    }
    for (unsigned i = 0; i < count; i++, reader->next++) {
        value = value << 1 | (reader->data[reader->next / 8] >> (7 - reader->next % 8) & 1u);
    }
    return value;
}

void bit_reader_skip(struct bit_reader *reader, size_t count)
{
    if (has(reader, count)) {
        reader->next += count;
    }
}

bool bit_reader_copy(struct bit_reader *reader, uint8_t *out, size_t count)
{
    if (count > reader->size / 8 || !has(reader, count * 8)) {
        return false;
    }
    if (reader->next % 8 == 0) {
        if (count > 0) {
            memcpy(out, reader->data + reader->next / 8, count);
        }
        reader->next += count * 8;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint8_t)bit_reader_read(reader, 8);
    }
    return true;
}
