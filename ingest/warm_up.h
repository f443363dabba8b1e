/* SPDX-License-Identifier: MIT */
/*
 * What libavcodec computes at first use, tables of 240 KiB, is computed by the fork server: its workers share those pages instead
 * of filling their own. Called before the first fork; one thread.
 */
#ifndef INGEST_WARM_UP_H
#define INGEST_WARM_UP_H

/* Decodes and encodes a moment of silence. What fails is left for the workers. */
void warm_up_codecs(void);

#endif
