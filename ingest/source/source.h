/* SPDX-License-Identifier: MIT */
/*
 * Where a camera's pictures come from: one interface to all ways to reach a camera. A source belongs to one worker and one
 * thread. It blocks, but asks its owner's predicate at least every 250 ms whether to stop, and keeps its own deadlines. It never shows a credential in what it returns or logs.
 */
#ifndef INGEST_SOURCE_SOURCE_H
#define INGEST_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/camera_task.h"
#include "ingest/codec/media.h"
#include "ingest/rtsp/login_gate.h"
#include "ingest/rtsp/rtsp_session.h"
#include "ingest/source/video_patience.h"

/* Deadlines in milliseconds, each with its own message. A camera that wakes from sleep needs some seconds. */
#define SOURCE_CONNECT_DEADLINE_MS 10000

/* A connection that is slower than its stream: pictures this late are not live any more, and a new connection begins with
 * new ones. */
#define SOURCE_LATE_LIMIT_MS 10000

/* Sound that has come and then is missing for so long is reported; video goes on. */
#define SOURCE_AUDIO_DEADLINE_MS 10000

/* Bytes of an error text with its NUL. */
#define SOURCE_ERROR_SIZE 256

/* What one connection to a camera teaches the next. Zeroed at first; the owner's. */
struct source_memory {
    struct rtsp_memory rtsp;
    struct video_patience patience;
    bool opened;        /* the camera has played */
    bool authenticated; /* the camera has accepted the credentials */
};

struct source_options {
    const struct camera_task *task; /* the owner's; must outlive the source */
    struct source_memory *memory;   /* or NULL */
    int attention;                  /* a descriptor of the owner's: interrupted() is called as soon as it is
                                     readable; -1: none */
    bool (*interrupted)(void *context); /* true: give up at once */
    /* Called while source_open takes its time, with what the camera should be said to be doing; or NULL. */
    void (*note)(void *context, const char *text);
    void *context;
    struct login_gate gate; /* ask and tell NULL: nothing is asked */
};

/* What went wrong on the way from the camera, since the source was opened. */
struct source_statistics {
    uint64_t lost;            /* packets */
    uint64_t reordered;       /* packets */
    uint64_t duplicates;      /* packets */
    uint64_t malformed;       /* packets */
    uint64_t marker_errors;   /* frames whose end the camera does not mark as it should */
    uint64_t discontinuities; /* how often the camera's stream started again */
    uint64_t dropped;         /* frames that are incomplete */
    int64_t jitter_ns;        /* of the video's packets (RFC 3550, 6.4.1) */
};

struct source;

/*
 * Connects. 0; -ECANCELED: interrupted; other negative errno, ERROR then says why, without credentials. -ENOTSUP: trying again soon will not help (a scheme or credentials that this source cannot
 * do). -EACCES: the camera refuses the credentials, or the gate does not let them be tried now; -EBUSY: they
 * could not be tried yet; -ENOKEY: it wants some, and there are none.
 */
int source_open(const struct source_options *options, struct source **source, char error[SOURCE_ERROR_SIZE]);

/* What the camera sends, as far as its description states it. Valid until source_close. */
const struct media_description *source_describe(const struct source *source);

/*
 * Waits for the next access unit. 1: *unit is filled; 0: the camera ended the stream; -ECANCELED:
 * interrupted; -ETIMEDOUT: no video within its deadline; -ETIME: video comes too late; other negative errno.
 * ERROR is set unless 1 or -ECANCELED.
 */
int source_read(struct source *source, struct media_unit *unit, char error[SOURCE_ERROR_SIZE]);

/* Asks the camera for a keyframe. False: the camera does not offer that, or cannot be asked now. */
bool source_ask_keyframe(struct source *source);

/* What a source does not count stays 0. */
void source_statistics(const struct source *source, struct source_statistics *statistics);

/* Ends the session with the camera (TEARDOWN), which takes 300 ms at most. NULL is allowed. */
void source_close(struct source *source);

#endif
