/* SPDX-License-Identifier: MIT */
/*
 * The codecs parameter (RFC 6381) of the tracks in an init segment. Pure functions: any process, any thread.
 */
#ifndef INGEST_CODEC_CODEC_STRING_H
#define INGEST_CODEC_CODEC_STRING_H

#include <stddef.h>

#include "ingest/codec/nal.h"
#include "ingest/codec/sps.h"

/* Bytes that the longest name of one track needs, with its NUL. */
#define CODEC_STRING_SIZE 64

/* "avc1.PPCCLL" (RFC 6381, 3.3) or "hvc1.…" (ISO/IEC 14496-15, annex E.3). */
void codec_string_video(char out[CODEC_STRING_SIZE], enum nal_codec codec, const struct sps *sps);

/* "mp4a.40.N", N being the audio object type (RFC 6381, 3.3). */
void codec_string_aac(char out[CODEC_STRING_SIZE], unsigned object_type);

#endif
