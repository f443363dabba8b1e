/* SPDX-License-Identifier: MIT */
/*
 * What an implementation of source.h provides. It embeds struct source as its first member.
 */
#ifndef INGEST_SOURCE_SOURCE_BACKEND_H
#define INGEST_SOURCE_SOURCE_BACKEND_H

#include "common/config/camera_url.h"
#include "ingest/source/source.h"

struct source_operations {
    int (*read)(struct source *source, struct media_unit *unit, char error[SOURCE_ERROR_SIZE]);
    void (*close)(struct source *source);
    /* Fills *statistics, which is zeroed. NULL: the source counts nothing. */
    void (*statistics)(const struct source *source, struct source_statistics *statistics);
    bool (*ask_keyframe)(struct source *source); /* NULL: the camera cannot be asked */
};

struct source {
    const struct source_operations *operations;
    struct media_description description;
};

/* Natively: rtsp and rtsps. */
int source_rtsp_open(const struct source_options *options, const struct camera_url *url,
                     struct source **source, char error[SOURCE_ERROR_SIZE]);

/* With libavformat: all other schemes that source.c allows. */
int source_libav_open(const struct source_options *options, const struct camera_url *url,
                      struct source **source, char error[SOURCE_ERROR_SIZE]);

/*
 * The MPEG transport stream whose pieces are the video units of PIECES, a source that is open. Takes PIECES over, also on failure.
 * HOST: for error texts. As source_open.
 */
int source_libav_open_pieces(const struct source_options *options, const char *host, struct source *pieces,
                             struct source **source, char error[SOURCE_ERROR_SIZE]);

#endif
