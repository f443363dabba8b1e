/* SPDX-License-Identifier: MIT */
/*
 * From access units to fragments in the ring: parameter sets, init segment and generations, timeline, audio,
 * fragments. It outlives connections, so decode times and generations go on across them. Owned by the worker;
 * one thread.
 */
#ifndef INGEST_PUBLISH_PUBLISHER_H
#define INGEST_PUBLISH_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ring/ringcast.h"
#include "ingest/codec/transcoder.h"
#include "ingest/publish/init_segment.h"
#include "ingest/publish/ring_output.h"
#include "ingest/publish/sound_gate.h"
#include "ingest/source/source.h"

struct publisher;

/* Bytes of the texts about the sound, with their NUL. */
#define PUBLISHER_AUDIO_SIZE 64
#define PUBLISHER_AUDIO_ERROR_SIZE 160

/* What is being published. */
struct publisher_status {
    char codecs[RINGCAST_CODECS_SIZE]; /* "": nothing yet */
    uint32_t width, height;
    uint32_t changes;                 /* how often codecs or size changed */
    uint32_t audio_changes;           /* how often `audio` or `audio_error` changed */
    char audio[PUBLISHER_AUDIO_SIZE]; /* the codec that plays, or a word for the state of sound_gate.h */
    char audio_error
        [PUBLISHER_AUDIO_ERROR_SIZE]; /* why announced sound does not play; "": it plays, or is awaited */
    bool awaits_keyframe;             /* the tracks change at the next keyframe */
    uint64_t fragments, bytes;
    uint64_t withheld;         /* frames not published: waiting for a keyframe, too long, damaged */
    uint64_t pictures_refused; /* of these, left out by stream_limit.h because there were too many pictures */
    uint64_t
        generations_refused; /* of these, left out by stream_limit.h because there were too many generations */
    uint64_t repairs;        /* of the timeline */
    uint64_t joints;         /* connections whose pictures follow those of an earlier one */
    /* What the ring must hold: the last GOP, or the present one if that is already larger. */
    uint64_t gop_bytes;      /* the bytes that it takes in the ring */
    uint64_t fragment_bytes; /* its longest fragment, also one that did not fit the ring */
};

/* OUTPUT stays the caller's and must outlive the publisher. 0; -ENOMEM. */
int publisher_create(struct ring_output *output, struct publisher **publisher);
void publisher_destroy(struct publisher *publisher);

/* The codec to which audio is encoded that browsers cannot play, from the next publisher_begin on. Default: FLAC. */
void publisher_set_audio_codec(struct publisher *publisher, enum audio_codec codec);

/* How pictures are displayed, from the next generation on. Default: as the stream states it. */
void publisher_set_display(struct publisher *publisher, const struct init_display *display);

/*
 * A new connection, which sends what DESCRIPTION says. The next fragment is a keyframe. 0; -ENOTSUP: it has no video that
 * can be served (ERROR says what it has); -ENOMEM.
 */
int publisher_begin(struct publisher *publisher, const struct media_description *description,
                    char error[SOURCE_ERROR_SIZE]);

/*
 * Takes an access unit. 1: a fragment was published; 0: not yet, or the unit was left out; -ENOBUFS: the fragment, of
 * publisher_missing_room() bytes, does not fit the ring: call publisher_retry(); -EMSGSIZE and -ENOTSUP as below; -ENOMEM.
 */
int publisher_put(struct publisher *publisher, const struct media_unit *unit, char error[SOURCE_ERROR_SIZE]);

/* Bytes of the fragment that did not fit in publisher_put(). */
size_t publisher_missing_room(const struct publisher *publisher);

/*
 * To be called after -ENOBUFS and before the unit's data changes: tries again, in a larger ring if the output has been
 * offered one. Returns as publisher_put(), with 0: the picture is left out, and with it all that follows up to the next
 * keyframe; -EMSGSIZE: this keyframe does not fit (ERROR says how large it is); -ENOTSUP: the stream's parameter sets
 * cannot be put into MP4.
 */
int publisher_retry(struct publisher *publisher, char error[SOURCE_ERROR_SIZE]);

const struct publisher_status *publisher_status(const struct publisher *publisher);

#endif
