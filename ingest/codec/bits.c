#include "ingest/codec/bits.h"

void bits_init(struct bits *bits, const uint8_t *data, size_t size)
{
    *bits = (struct bits){.data = data, .size = size};
}

static void load_byte(struct bits *bits)
{
    if (bits->zeros >= 2 && bits->next < bits->size && bits->data[bits->next] == 3) {
        bits->next++;
        bits->zeros = 0;
    }
    if (bits->next >= bits->size) {
        bits->overrun = true;
        bits->current = 0;
    } else {
        bits->current = bits->data[bits->next++];
    }
    bits->zeros = bits->current == 0 ? bits->zeros + 1 : 0;
    bits->left = 8;
}

static uint32_t read_bit(struct bits *bits)
{
    if (bits->left == 0) {
        load_byte(bits);
    }
    bits->left--;
    return bits->current >> bits->left & 1u;
}

uint32_t bits_read(struct bits *bits, unsigned count)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        value = value << 1 | read_bit(bits);
    }
    return bits->overrun ? 0 : value;
}

void bits_skip(struct bits *bits, unsigned count)
{
    for (unsigned i = 0; i < count && !bits->overrun; i++) {
        read_bit(bits);
    }
}

uint32_t bits_read_ue(struct bits *bits)
{
    unsigned zeros = 0;

    while (read_bit(bits) == 0) {
        if (bits->overrun || ++zeros > 31) {
            bits->overrun = true;
            return 0;
        }
    }
    uint32_t base = (uint32_t)((1ULL << zeros) - 1);
    uint32_t rest = bits_read(bits, zeros);
    return bits->overrun ? 0 : base + rest;
}

int32_t bits_read_se(struct bits *bits)
{
    uint32_t code = bits_read_ue(bits);
    int64_t magnitude = ((int64_t)code + 1) / 2;

    return (int32_t)((code & 1u) != 0 ? magnitude : -magnitude);
}

bool bits_overrun(const struct bits *bits)
{
    return bits->overrun;
}
