/* SPDX-License-Identifier: MIT */
/*
 * The newest init segment that a camera's viewers needed, with its text message, ready to be sent. Fetched
 * from the ring once per generation, not once per viewer. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_INIT_CACHE_H
#define FANOUT_FEED_INIT_CACHE_H

#include "common/ring/ringcast.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/tracks.h"

struct init_cache {
    const ringcast_reader *ring;       /* the ring of the generation; only compared */
    uint32_t generation;               /* 0: empty */
    uint64_t id;                       /* equal for equal codecs and bytes; never 0 */
    char codecs[RINGCAST_CODECS_SIZE]; /* RFC 6381 */
    struct tracks tracks;              /* of the segment */
    struct packet text;                /* {"type":"init", … } */
    struct packet segment;             /* `ftyp` + `moov` */
    struct packet picture_text;        /* both for a viewer without sound; empty until they are needed */
    struct packet picture_segment;
    uint32_t width, height;
};

/*
 * Loads GENERATION (0: the ring's newest) unless it is loaded already. 0; -EAGAIN: the camera has sent
 * nothing yet; -ESTALE: the ring no longer has that generation; -EBADMSG; -ENOMEM.
 */
int init_cache_load(struct init_cache *cache, const ringcast_reader *reader, uint32_t generation);

/* Has `picture_text` and `picture_segment` made from what is loaded, unless they are there. 0 or -ENOMEM. */
int init_cache_make_picture(struct init_cache *cache);

void init_cache_clear(struct init_cache *cache);

/* `video/mp4; codecs="CODECS"` as a JSON string, or NULL. */
json_t *init_cache_mime(const char *codecs);

#endif
