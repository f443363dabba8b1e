/* SPDX-License-Identifier: MIT */
/*
 * AAC as MPEG-TS carries it: each frame has a header of its own (ADTS; ISO/IEC 14496-3, 1.A.2), with what other formats have
 * in their description. Part of source_libav.c: one worker, one thread.
 */
#ifndef INGEST_SOURCE_SOURCE_LIBAV_ADTS_H
#define INGEST_SOURCE_SOURCE_LIBAV_ADTS_H

#include <stddef.h>
#include <stdint.h>

#include <libavformat/avformat.h>

struct source_libav_adts;

/* For the frames of STREAM. 0; negative errno. */
int source_libav_adts_create(const AVStream *stream, struct source_libav_adts **adts);

/* Removes the header of PACKET. 0; an error of libavcodec: PACKET is not a frame, and now empty. */
int source_libav_adts_strip(struct source_libav_adts *adts, AVPacket *packet);

/* The AudioSpecificConfig, *SIZE bytes, valid until destroyed. NULL: not known before the first frame. */
const uint8_t *source_libav_adts_config(const struct source_libav_adts *adts, size_t *size);

/* NULL is allowed. */
void source_libav_adts_destroy(struct source_libav_adts *adts);

#endif
