/* SPDX-License-Identifier: MIT */
#include "common/cluster/piece.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/text.h"

/* Where the members lie: the table in the header. */
enum {
    AT_KIND = 1,
    AT_FLAGS = 2,
    AT_LENGTH = 4,
    AT_OFFSET = 8,
    AT_GENERATION = 12,
    AT_ORIGIN = 16,
    AT_SEQUENCE = 24,
    AT_FENCE = 32,
    AT_DECODE_TIME = 40,
    AT_DURATION = 48,
    AT_TIMESCALE = 52,
    AT_WALL = 56,
    AT_SENT = 64,
    AT_AGE = 72,
    AT_RESERVED = 76,
};

static_assert(AT_RESERVED + 4 == PIECE_HEADER, "the header is as long as its members");

/* Width, height and the length of codecs. */
#define GENERATION_FIXED 5u

/* What ring_writer_begin_generation takes. */
#define CODECS_ALLOWED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,-_+% "

void piece_write(uint8_t header[PIECE_HEADER], const struct piece *piece)
{
    header[0] = PIECE_VERSION;
    header[AT_KIND] = (uint8_t)piece->kind;
    bytes_put_be16(header + AT_FLAGS, (uint16_t)piece->flags);
    bytes_put_be32(header + AT_LENGTH, piece->length);
    bytes_put_be32(header + AT_OFFSET, piece->offset);
    bytes_put_be32(header + AT_GENERATION, piece->generation);
    bytes_put_be64(header + AT_ORIGIN, piece->origin);
    bytes_put_be64(header + AT_SEQUENCE, piece->sequence);
    bytes_put_be64(header + AT_FENCE, piece->fence);
    bytes_put_be64(header + AT_DECODE_TIME, (uint64_t)piece->decode_time);
    bytes_put_be32(header + AT_DURATION, piece->duration);
    bytes_put_be32(header + AT_TIMESCALE, piece->timescale);
    bytes_put_be64(header + AT_WALL, (uint64_t)piece->wall_ns);
    bytes_put_be64(header + AT_SENT, (uint64_t)piece->sent_ns);
    bytes_put_be32(header + AT_AGE, piece->age_us);
    bytes_put_be32(header + AT_RESERVED, 0);
}

/* Bytes of the longest and the shortest body of KIND; MAX 0 and MIN 1: there is no such kind. */
static void bounds_of(uint8_t kind, uint32_t *min, uint32_t *max)
{
    switch (kind) {
    case PIECE_GENERATION:
        *min = GENERATION_FIXED;
        *max = PIECE_GENERATION_HEAD_MAX + RINGCAST_INIT_MAX;
        break;
    case PIECE_FRAGMENT:
        *min = 1;
        *max = PIECE_BODY_MAX;
        break;
    case PIECE_BEAT:
        *min = 1;
        *max = PIECE_BEAT_MAX;
        break;
    case PIECE_ECHO:
        *min = *max = 0;
        break;
    default:
        *min = 1;
        *max = 0;
    }
}

static bool is_within_bounds(const struct piece *piece)
{
    uint32_t min, max;

    bounds_of((uint8_t)piece->kind, &min, &max);
    if (piece->length < min || piece->length > max || piece->offset > piece->length ||
        piece->size > piece->length - piece->offset) {
        return false;
    }
    /* An empty part would never come to the end of a body. */
    if (piece->size == 0 && piece->length > 0) {
        return false;
    }
    return piece->timescale > 0 || (piece->kind != PIECE_GENERATION && piece->kind != PIECE_FRAGMENT);
}

int piece_read(struct piece *piece, const uint8_t *message, size_t length)
{
    if (length < PIECE_HEADER || message[0] != PIECE_VERSION) {
        return -EBADMSG;
    }
    *piece = (struct piece){
        .kind = message[AT_KIND],
        .flags = bytes_get_be16(message + AT_FLAGS),
        .length = bytes_get_be32(message + AT_LENGTH),
        .offset = bytes_get_be32(message + AT_OFFSET),
        .generation = bytes_get_be32(message + AT_GENERATION),
        .origin = bytes_get_be64(message + AT_ORIGIN),
        .sequence = bytes_get_be64(message + AT_SEQUENCE),
        .fence = bytes_get_be64(message + AT_FENCE),
        .decode_time = (int64_t)bytes_get_be64(message + AT_DECODE_TIME),
        .duration = bytes_get_be32(message + AT_DURATION),
        .timescale = bytes_get_be32(message + AT_TIMESCALE),
        .wall_ns = (int64_t)bytes_get_be64(message + AT_WALL),
        .sent_ns = (int64_t)bytes_get_be64(message + AT_SENT),
        .age_us = bytes_get_be32(message + AT_AGE),
        .data = message + PIECE_HEADER,
        .size = length - PIECE_HEADER,
    };
    return is_within_bounds(piece) ? 0 : -EBADMSG;
}

/* --- Bodies --------------------------------------------------------------------------------------------- */

static uint16_t cut16(uint32_t value)
{
    return value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
}

size_t piece_write_generation(uint8_t head[PIECE_GENERATION_HEAD_MAX],
                              const struct piece_generation *generation)
{
    size_t length = strnlen(generation->codecs, RINGCAST_CODECS_SIZE - 1);

    bytes_put_be16(head, cut16(generation->width));
    bytes_put_be16(head + 2, cut16(generation->height));
    head[4] = (uint8_t)length;
    memcpy(head + GENERATION_FIXED, generation->codecs, length);
    return GENERATION_FIXED + length;
}

int piece_read_generation(struct piece_generation *generation, const uint8_t *body, size_t length)
{
    if (length < GENERATION_FIXED) {
        return -EBADMSG;
    }
    size_t codecs = body[4];
    if (codecs >= RINGCAST_CODECS_SIZE || length - GENERATION_FIXED < codecs ||
        length - GENERATION_FIXED - codecs > RINGCAST_INIT_MAX) {
        return -EBADMSG;
    }
    *generation = (struct piece_generation){
        .width = bytes_get_be16(body),
        .height = bytes_get_be16(body + 2),
        .init = body + GENERATION_FIXED + codecs,
        .init_length = length - GENERATION_FIXED - codecs,
    };
    memcpy(generation->codecs, body + GENERATION_FIXED, codecs);
    return strspn(generation->codecs, CODECS_ALLOWED) == codecs ? 0 : -EBADMSG;
}

size_t piece_write_beat(uint8_t body[PIECE_BEAT_MAX], const struct piece_beat *beat)
{
    char text[PIECE_TEXT_MAX + 1];
    size_t length = text_copy(text, sizeof(text), beat->text);

    body[0] = (uint8_t)beat->state;
    memcpy(body + 1, text, length);
    return 1 + length;
}

int piece_read_beat(struct piece_beat *beat, const uint8_t *body, size_t length)
{
    if (length < 1 || length > PIECE_BEAT_MAX || body[0] > PIECE_DOWN) {
        return -EBADMSG;
    }
    *beat = (struct piece_beat){.state = body[0]};
    memcpy(beat->text, body + 1, length - 1);
    /* A NUL is a control character, too: it would end the text early. */
    if (strlen(beat->text) != length - 1 || !text_is_utf8(beat->text) || text_has_control(beat->text)) {
        return -EBADMSG;
    }
    return 0;
}

/* --- Parts ---------------------------------------------------------------------------------------------- */

/* More is taken at a time than one part needs, but no more than has come already: a length alone costs nothing. */
#define ROOM_MIN 65536u

static int make_room(struct piece_assembly *assembly, size_t needed)
{
    size_t capacity = assembly->capacity > ROOM_MIN ? assembly->capacity : ROOM_MIN;

    if (needed <= assembly->capacity) {
        return 0;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    uint8_t *body = realloc(assembly->body, capacity);
    if (!body) {
        return -ENOMEM;
    }
    assembly->body = body;
    assembly->capacity = capacity;
    return 0;
}

static bool goes_on(const struct piece_assembly *assembly, const struct piece *piece)
{
    const struct piece *first = &assembly->first;

    return assembly->begun && piece->kind == first->kind && piece->flags == first->flags &&
           piece->length == first->length && piece->offset == assembly->filled &&
           piece->generation == first->generation && piece->origin == first->origin &&
           piece->sequence == first->sequence && piece->fence == first->fence &&
           piece->decode_time == first->decode_time && piece->duration == first->duration &&
           piece->timescale == first->timescale;
}

int piece_assembly_add(struct piece_assembly *assembly, const struct piece *piece, size_t max,
                       struct piece *whole)
{
    if (piece->length > max) {
        assembly->begun = false;
        return -EMSGSIZE;
    }
    if (piece->size == piece->length) {
        *whole = *piece;
        return 1;
    }
    if (piece->offset == 0) {
        assembly->first = *piece;
        assembly->filled = 0;
        assembly->begun = true;
    } else if (!goes_on(assembly, piece)) {
        assembly->begun = false;
        return -EBADMSG;
    }
    if (make_room(assembly, assembly->filled + piece->size) < 0) {
        assembly->begun = false;
        return -ENOMEM;
    }
    memcpy(assembly->body + assembly->filled, piece->data, piece->size);
    assembly->filled += piece->size;
    if (assembly->filled < piece->length) {
        return 0;
    }
    assembly->begun = false;
    *whole = assembly->first;
    whole->data = assembly->body;
    whole->size = assembly->filled;
    return 1;
}

void piece_assembly_finish(struct piece_assembly *assembly)
{
    free(assembly->body);
    *assembly = (struct piece_assembly){0};
}
