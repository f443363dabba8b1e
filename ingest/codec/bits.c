/* SPDX-License-Identifier: MIT */
#include "ingest/codec/bits.h"

#include <string.h>

void bits_init(struct bits *bits, const uint8_t *data, size_t size)
{
    *bits = (struct bits){.data = data, .size = size};
}

void bits_init_plain(struct bits *bits, const uint8_t *data, size_t size)
{
    *bits = (struct bits){.data = data, .size = size, .plain = true};
}

static void load_byte(struct bits *bits)
{
    if (!bits->plain && bits->zeros >= 2 && bits->next < bits->size && bits->data[bits->next] == 3) {
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

uint32_t bits_read_sum(struct bits *bits)
{
    uint32_t sum = 0;
    uint32_t byte;

    do {
        byte = bits_read(bits, 8);
        sum += byte;
    } while (byte == 255 && !bits->overrun);
    return sum;
}

bool bits_copy(struct bits *bits, uint8_t *out, size_t count)
{
    if (count > bits_left(bits) / 8) {
        bits->overrun = true;
        return false;
    }
    if (bits->left == 0) {
        if (count > 0) {
            memcpy(out, bits->data + bits->next, count);
        }
        bits->next += count;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint8_t)bits_read(bits, 8);
    }
    return true;
}

size_t bits_position(const struct bits *bits)
{
    return bits->next * 8 - bits->left;
}

size_t bits_left(const struct bits *bits)
{
    return bits->overrun ? 0 : bits->size * 8 - bits_position(bits);
}

bool bits_overrun(const struct bits *bits)
{
    return bits->overrun;
}
