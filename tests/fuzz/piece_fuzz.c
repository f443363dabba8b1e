/* SPDX-License-Identifier: MIT */
/*
 * Messages from another node of a cluster. An input is a list of messages, two bytes of length before each: they are read, their bodies too, and what
 * comes in parts is put together. What the headers promise is checked.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cluster/attachment.h"
#include "common/cluster/piece.h"

#define BODY_WANTED 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void read_body(const struct piece *whole)
{
    struct piece_generation generation;
    struct piece_beat beat;

    require(whole->size == whole->length && whole->size <= BODY_WANTED);
    if (whole->kind == PIECE_GENERATION &&
        piece_read_generation(&generation, whole->data, whole->size) == 0) {
        uint8_t head[PIECE_GENERATION_HEAD_MAX];
        size_t length = piece_write_generation(head, &generation);
        require(generation.init_length <= RINGCAST_INIT_MAX &&
                generation.init + generation.init_length == whole->data + whole->size);
        require(length + generation.init_length == whole->size && memcmp(head, whole->data, length) == 0);
    }
    if (whole->kind == PIECE_BEAT && piece_read_beat(&beat, whole->data, whole->size) == 0) {
        uint8_t body[PIECE_BEAT_MAX];
        require(piece_write_beat(body, &beat) == whole->size && memcmp(body, whole->data, whole->size) == 0);
    }
}

static void read_message(struct piece_assembly *assembly, const uint8_t *message, size_t size)
{
    struct piece piece, whole;
    uint8_t header[PIECE_HEADER];

    if (piece_read(&piece, message, size) < 0) {
        return;
    }
    require(piece.size <= piece.length && piece.offset <= piece.length - piece.size &&
            piece.length <= PIECE_BODY_MAX);
    piece_write(header, &piece);
    require(memcmp(header, message, PIECE_HEADER - 4) == 0); /* the last four bytes are reserved */
    int result = piece_assembly_add(assembly, &piece, BODY_WANTED, &whole);
    require(result == 1 || result == 0 || result == -EBADMSG ||
            (result == -EMSGSIZE && piece.length > BODY_WANTED));
    if (result == 1) {
        read_body(&whole);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct piece_assembly assembly = {0};
    uint8_t type;

    if (size >= ATTACHMENT_HEADER) {
        long length = attachment_read(data, &type);
        require(length == -EBADMSG || (length >= 0 && length <= (long)ATTACHMENT_MAX));
    }
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        uint8_t *message = malloc(length ? length : 1); /* of exactly its size */
        require(message != NULL);
        memcpy(message, data, length);
        read_message(&assembly, message, length);
        free(message);
        data += length;
        size -= length;
    }
    piece_assembly_finish(&assembly);
    return 0;
}
