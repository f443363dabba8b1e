/* SPDX-License-Identifier: MIT */
/*
 * Requests and responses as debug lines of the log, one line each, for whoever asks what a camera says:
 *   > DESCRIBE rtsp://192.168.1.20/stream1 RTSP/1.0 | CSeq: 2 | Authorization: Digest ***
 *   < 200 OK | CSeq: 2 | Content-Type: application/sdp | 412 bytes: v=0 | …
 * What logs in, and keys of encrypted media, are left out; the log leaves out user names and passwords of URLs. Below the level
 * debug nothing is done. The worker's thread.
 */
#ifndef INGEST_RTSP_RTSP_TRACE_H
#define INGEST_RTSP_RTSP_TRACE_H

#include <stddef.h>

#include "ingest/rtsp/rtsp_message.h"

/* HEAD: a request of SIZE bytes as it is sent. */
void rtsp_trace_request(const char *head, size_t size);

/* A response, or a request of the camera's. */
void rtsp_trace_message(const struct rtsp_message *message);

#endif
