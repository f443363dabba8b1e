/* SPDX-License-Identifier: MIT */
/*
 * A transport stream that comes in pieces from another source, for libavformat to read: MPEG-TS over RTP. Part of source_libav.c:
 * one worker, one thread.
 */
#ifndef INGEST_SOURCE_SOURCE_LIBAV_PIECES_H
#define INGEST_SOURCE_SOURCE_LIBAV_PIECES_H

#include <libavformat/avio.h>

#include "ingest/source/source.h"

struct source_libav_pieces;

/*
 * Takes SOURCE over, also on failure. HOST, for error texts, outlives it. STOP(CONTEXT) is asked before each piece: anything but 0 ends reading. NULL: out of memory.
 */
struct source_libav_pieces *source_libav_pieces_create(struct source *source, const char *host,
                                                       int (*stop)(void *context), void *context);

/* Closes the source. NULL is allowed. */
void source_libav_pieces_destroy(struct source_libav_pieces *pieces);

AVIOContext *source_libav_pieces_io(struct source_libav_pieces *pieces);

/* The source itself, for its statistics. */
const struct source *source_libav_pieces_source(const struct source_libav_pieces *pieces);

/* Whether pieces are missing that were to come since this was asked last. */
bool source_libav_pieces_lost(struct source_libav_pieces *pieces);

/* What source_read said last, 1 while all is well; then ERROR is not changed. */
int source_libav_pieces_result(const struct source_libav_pieces *pieces, char error[SOURCE_ERROR_SIZE]);

#endif
