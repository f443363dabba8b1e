/* SPDX-License-Identifier: MIT */
/*
 * What the query of a request for a stream says. libwebsockets has percent-decoded it once. Of members that come more than
 * once the first counts, for all who ask. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_MEDIA_QUERY_H
#define FANOUT_HTTP_MEDIA_QUERY_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds of the longest file that can be asked for. */
#define MEDIA_QUERY_SECONDS_MAX 604800

/* What is wrong with a `duration`, for people. */
#define MEDIA_QUERY_DURATION_WRONG "duration: seconds, a number above 0 and at most 604800"

/* Copies the value of NAME to VALUE, which holds SIZE bytes. False: it is not there or does not fit; VALUE is then "". */
bool media_query_value(struct lws *wsi, const char *name, char *value, size_t size);

/* True if NAME is there, with a value or without. */
bool media_query_has(struct lws *wsi, const char *name);

/* The `duration` in nanoseconds; 0: there is none; -1: it is wrong. */
int64_t media_query_duration_ns(struct lws *wsi);

/* The same of TEXT. Pure. */
int64_t media_query_parse_seconds(const char *text);

#endif
