/*
 * libavformat's error codes and log lines in ringcast's words. One thread.
 */
#ifndef INGEST_SOURCE_SOURCE_LIBAV_ERROR_H
#define INGEST_SOURCE_SOURCE_LIBAV_ERROR_H

#include "ingest/source/source.h"

/* Says in ERROR what CODE (an AVERROR) means for HOST. Returns a negative errno for it. */
int source_libav_error(const char *host, int code, char error[SOURCE_ERROR_SIZE]);

/* Sends libavformat's log lines to log.h: its errors as warnings, its warnings for debugging, the rest
 * nowhere. */
void source_libav_redirect_log(void);

/* While QUIET, its errors are for debugging too: their cause is reported in ringcast's own words. */
void source_libav_quiet_log(bool quiet);

#endif
