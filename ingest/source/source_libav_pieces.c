/* SPDX-License-Identifier: MIT */
#include "ingest/source/source_libav_pieces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

/* Bytes that libavformat reads at once, at most. */
#define BUFFER_SIZE 32768

/* A packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2). RFC 2250, section 2: a piece holds whole ones. */
#define SYNC_BYTE 0x47
#define PACKET_SIZE 188

/* So many pieces without a packet are not of a transport stream. */
#define PIECES_DOUBTED 40

struct source_libav_pieces {
    struct source *source;
    const char *host; /* the caller's */
    AVIOContext *io;
    int (*stop)(void *context);
    void *context;
    struct media_unit unit; /* its data is valid until the next source_read */
    size_t used;            /* bytes of it */
    unsigned doubted;       /* pieces so far, while none of them was a packet */
    bool known;             /* one was */
    bool lost;
    int result;
    char error[SOURCE_ERROR_SIZE];
};

/* Some recorders write four bytes before each packet, and some 16 bytes behind it; libavformat reads both. */
static bool is_packet(const struct media_unit *unit)
{
    return unit->size >= PACKET_SIZE && (unit->data[0] == SYNC_BYTE || unit->data[4] == SYNC_BYTE);
}

/* False: this is no transport stream. */
static bool look_at(struct source_libav_pieces *pieces)
{
    pieces->known = pieces->known || is_packet(&pieces->unit);
    if (pieces->known || ++pieces->doubted < PIECES_DOUBTED) {
        return true;
    }
    snprintf(pieces->error, sizeof(pieces->error),
             "%s: announces an MPEG transport stream (MPEG-TS) and sends something else", pieces->host);
    pieces->result = -EBADMSG;
    pieces->unit.size = 0;
    return false;
}

/* The next piece that has something in it. False: the source gives no more, or reading is to stop. */
static bool fetch(struct source_libav_pieces *pieces)
{
    while (pieces->used == pieces->unit.size) {
        if (pieces->result != 1 || pieces->stop(pieces->context) != 0) {
            return false;
        }
        pieces->used = pieces->unit.size = 0;
        pieces->result = source_read(pieces->source, &pieces->unit, pieces->error);
        if (pieces->result != 1) {
            pieces->unit.size = 0;
            return false;
        }
        pieces->lost = pieces->lost || pieces->unit.lost;
        pieces->used = pieces->unit.video ? 0 : pieces->unit.size;
        if (pieces->unit.video && !look_at(pieces)) {
            return false;
        }
    }
    return true;
}

/* AVIOContext.read_packet: returns what is there at once, so that no picture waits for the next one's packets. */
static int read_pieces(void *opaque, uint8_t *buffer, int size)
{
    struct source_libav_pieces *pieces = opaque;

    if (!fetch(pieces)) {
        return pieces->result == 0 ? AVERROR_EOF : AVERROR_EXIT;
    }
    size_t left = pieces->unit.size - pieces->used;
    size_t length = left < (size_t)size ? left : (size_t)size;
    memcpy(buffer, pieces->unit.data + pieces->used, length);
    pieces->used += length;
    return (int)length;
}

struct source_libav_pieces *source_libav_pieces_create(struct source *source, const char *host,
                                                       int (*stop)(void *context), void *context)
{
    struct source_libav_pieces *pieces = calloc(1, sizeof(*pieces));
    uint8_t *buffer = av_malloc(BUFFER_SIZE);

    if (!pieces || !buffer ||
        !(pieces->io = avio_alloc_context(buffer, BUFFER_SIZE, 0, pieces, read_pieces, NULL, NULL))) {
        source_close(source);
        av_free(buffer);
        free(pieces);
        return NULL;
    }
    pieces->source = source;
    pieces->host = host;
    pieces->stop = stop;
    pieces->context = context;
    pieces->result = 1;
    return pieces;
}

void source_libav_pieces_destroy(struct source_libav_pieces *pieces)
{
    if (!pieces) {
        return;
    }
    av_freep(&pieces->io->buffer); /* libavformat may have replaced it */
    avio_context_free(&pieces->io);
    source_close(pieces->source);
    free(pieces);
}

AVIOContext *source_libav_pieces_io(struct source_libav_pieces *pieces)
{
    return pieces->io;
}

const struct source *source_libav_pieces_source(const struct source_libav_pieces *pieces)
{
    return pieces->source;
}

bool source_libav_pieces_lost(struct source_libav_pieces *pieces)
{
    bool lost = pieces->lost;

    pieces->lost = false;
    return lost;
}

int source_libav_pieces_result(const struct source_libav_pieces *pieces, char error[SOURCE_ERROR_SIZE])
{
    if (pieces->result != 1) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s", pieces->error);
    }
    return pieces->result;
}
