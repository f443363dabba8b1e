/* SPDX-License-Identifier: MIT */
/* The commands `tap` and `record`: a camera's fragments to standard output or into a file. One thread. */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include "ctl/options.h"

/* Writes fragmented MP4 to standard output until its reader closes it or a signal comes. */
enum exit_code record_tap(const struct options *options, const char *url);

/*
 * Writes fragmented MP4 into a new file, for --seconds or until a signal comes. When the codec or the size of
 * the picture changes, the recording goes on in a second file, NAME-2.mp4, and so on.
 */
enum exit_code record_file(const struct options *options, const char *url);

#endif
