/* SPDX-License-Identifier: MIT */
/*
 * libavformat's error codes and log lines in ringcast's words. One thread.
 */
#ifndef INGEST_SOURCE_SOURCE_LIBAV_ERROR_H
#define INGEST_SOURCE_SOURCE_LIBAV_ERROR_H

#include "ingest/source/source.h"

/* Writes to ERROR what CODE (an AVERROR) means for HOST. Returns the negative errno that fits it. */
int source_libav_error(const char *host, int code, char error[SOURCE_ERROR_SIZE]);

/* Sends libavformat's log lines to the log: its errors as warnings, its warnings as debug lines, and no others. */
void source_libav_redirect_log(void);

/* While QUIET, its errors are debug lines, too: ringcast reports their cause in words of its own. */
void source_libav_quiet_log(bool quiet);

#endif
