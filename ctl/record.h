/* What ringcastctl does with a camera's pictures: tap and record. One thread. */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include "ctl/options.h"

/* Fragmented MP4 to standard output until nobody reads it any more, or a signal comes. */
enum exit_code pictures_tap(const struct options *options, const char *url);

/*
 * Fragmented MP4 into a new file, for --seconds or until a signal comes. What changes codec or size in
 * between goes on in a second file, NAME-2.mp4, and so on.
 */
enum exit_code pictures_record(const struct options *options, const char *url);

#endif
