/* SPDX-License-Identifier: MIT */
/*
 * How much of a picture is waited for at once. A camera writes a picture packet by packet, and each packet would wake the worker. But the
 * last of them counts alone: nothing is published before. So in the middle of a picture the socket may be silent until most of
 * the smallest picture of late has come; what is behind that, the last packet among it, wakes at once. A picture that is much smaller is
 * held up by RTSP_GATHER_MS at most, and then nothing is gathered for a while. Memory of the caller; a zeroed struct has seen nothing.
 */
#ifndef INGEST_RTSP_RTSP_GATHER_H
#define INGEST_RTSP_RTSP_GATHER_H

#include <stdbool.h>
#include <stddef.h>

/* Milliseconds for which packets may wait for more. */
#define RTSP_GATHER_MS 2

struct rtsp_gather {
    size_t picture;           /* bytes of the present picture so far; 0: none has begun */
    size_t smallest, earlier; /* pictures of this period, and of the one before; 0: none */
    unsigned pictures;        /* in this period */
    unsigned pause;           /* pictures for which nothing is gathered */
};

/* A packet of the picture's stream came, with SIZE bytes of the connection. LAST: it ends its picture. */
void rtsp_gather_packet(struct rtsp_gather *gather, size_t size, bool last);

/* How many more bytes are to wake the reader, which has HELD bytes of a packet: 1, or more in the middle of a picture. */
size_t rtsp_gather_bytes(const struct rtsp_gather *gather, size_t held);

/* They did not come within RTSP_GATHER_MS. */
void rtsp_gather_failed(struct rtsp_gather *gather);

#endif
