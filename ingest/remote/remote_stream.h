/* SPDX-License-Identifier: MIT */
/*
 * What the worker of a remote camera makes of what comes from the camera's node: which fragments go on, when the relay is asked again, whether
 * pictures come too late, and how the camera is. A state machine without input or output: every time is handed in (CLOCK_MONOTONIC, ns), and
 * what is to be done is handed out. It believes nothing. Owned by the worker; one thread.
 *
 * The rule of sequences. Within a timeline, which is an origin under a fence, the fragment behind the last one goes on, and a keyframe further ahead;
 * what is not ahead is a double, and anything else a gap: it is dropped, and the relay is asked for the group of pictures so far, which either holds what
 * is missing or begins with a keyframe further ahead. A higher fence or another origin begins a timeline; a lower fence is of a node
 * that has lost the camera and does not know it. Sequences belong to the origin: under another fence they go on.
 *
 * A worker begins where the one before it has ended, if the ring says where that was (remote_stream_resume()).
 */
#ifndef INGEST_REMOTE_REMOTE_STREAM_H
#define INGEST_REMOTE_REMOTE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cluster/piece.h"
#include "common/config/camera_remote.h"

/* Bytes of the text about the state, with its NUL. */
#define REMOTE_ERROR_SIZE 256

/* The slices of a minute in which the smallest transit time is kept. */
#define REMOTE_TRANSIT_SLICES 6

/* Which fragment a ring has got last. */
struct remote_mark {
    uint64_t origin, fence;
    uint64_t sequence; /* not 0 */
};

/* What is to be done with a whole piece. */
enum remote_verdict {
    REMOTE_DROP,
    REMOTE_GENERATION, /* it is the generation of what follows: remote_stream_described() if it is good */
    REMOTE_FRAGMENT,   /* it goes on: remote_stream_published() if it does */
};

/* What is due, and is sent by whoever asks: bits. */
enum remote_request {
    REMOTE_WANT = 1, /* ringcastd: a socket to the relay */
    REMOTE_JOIN = 2, /* the relay: ATTACHMENT_JOIN */
    REMOTE_JUMP = 4, /* the relay: ATTACHMENT_JUMP */
};

/* As a worker reports it. */
enum remote_state { REMOTE_STARTING, REMOTE_STREAMING, REMOTE_STALLED };

struct remote_counts {
    uint64_t missed;  /* fragments that have not come, or came behind a gap that a keyframe ended */
    uint64_t doubles; /* fragments that had come */
    uint64_t damaged; /* messages that are not what they should be */
    uint64_t fenced;  /* messages of a node that has lost the camera */
    uint64_t jumps;   /* times that the link was slower than the camera */
};

struct remote_stream {
    const struct camera_remote *url; /* the owner's */
    struct remote_counts counts;

    /* The socket to the relay. */
    bool attached, up;
    int64_t want_ns; /* when one is asked for next */
    int64_t want_interval_ns;
    int64_t detached_ns; /* since when there is none */
    char down[200];      /* why NATS cannot be reached; "": it can, or the relay has not said yet */
    bool absent;

    /* The camera's node. */
    int64_t heard_ns; /* when a piece came */
    struct piece_beat beat;

    /* The timeline. */
    bool begun; /* there is one */
    uint64_t origin, fence;
    uint64_t last;   /* sequence that was published last; 0: none */
    int64_t last_ns; /* and when */
    uint64_t
        double_keyframe; /* of the newest keyframe that was not ahead, since one was published; 0: there was none */
    uint64_t left_out; /* sequence that can never be published: what refers to it cannot, either; 0: none */
    uint32_t left_out_size; /* its bytes, if it is too large; 0: that is not the reason */
    int64_t left_out_ns;
    bool described;      /* a generation has come */
    uint32_t generation; /* the last one that came */
    bool published;      /* by this worker, in any timeline */
    bool joint;          /* the next fragment is the first of another timeline */
    int64_t behind_ns;   /* since when newer fragments are known that cannot go on; 0: there are none */

    /* Asking. */
    bool join; /* the group of pictures so far is wanted */
    bool joined;
    int64_t join_ns; /* when it was asked for last */

    /* Lateness. */
    int64_t transit_ns[REMOTE_TRANSIT_SLICES]; /* the smallest of each slice; the present one first */
    int64_t slice_ns;                          /* when the present slice began; 0: nothing was measured */
    int64_t lateness_ns;                       /* of the last message */
    unsigned late;                             /* so many in a row were late */
    bool jump, jumping;
    int64_t jump_ns; /* when the last jump was; 0: there was none */
};

/* URL stays the caller's and must outlive STREAM. A socket is due at once. */
void remote_stream_init(struct remote_stream *stream, const struct camera_remote *url, int64_t now_ns);

/* The ring has got fragments up to MARK from the worker before this one: what follows goes on there. To be called behind remote_stream_init(). */
void remote_stream_resume(struct remote_stream *stream, const struct remote_mark *mark);

/* --- From the relay ------------------------------------------------------------------------------------- */

/* There is a socket to the relay; there is none any more. */
void remote_stream_attached(struct remote_stream *stream, int64_t now_ns);
void remote_stream_detached(struct remote_stream *stream, int64_t now_ns);

/* ATTACHMENT_UP, ATTACHMENT_DOWN with TEXT of LENGTH bytes, and ATTACHMENT_ABSENT. */
void remote_stream_up(struct remote_stream *stream, int64_t now_ns);
void remote_stream_down(struct remote_stream *stream, const char *text, size_t length);
void remote_stream_absent(struct remote_stream *stream);

/*
 * A message has come: every one, also one that is a part only. False: it is of no use, and its parts are not to be put together.
 */
bool remote_stream_admit(struct remote_stream *stream, const struct piece *piece, int64_t now_ns);

/* A message that cannot be read, or a body that is not what it should be, and is as if it had not come. */
void remote_stream_damaged(struct remote_stream *stream);

/* A whole body, behind remote_stream_admit() of its last part. */
enum remote_verdict remote_stream_put(struct remote_stream *stream, const struct piece *whole,
                                      int64_t now_ns);

/* --- What became of it ---------------------------------------------------------------------------------- */

void remote_stream_described(struct remote_stream *stream, const struct piece *generation);
void remote_stream_published(struct remote_stream *stream, const struct piece *fragment, int64_t now_ns);

/* It is not published, and will not be: what follows goes on with the next keyframe. TOO_LARGE: because of its length. */
void remote_stream_left_out(struct remote_stream *stream, const struct piece *fragment, bool too_large,
                            int64_t now_ns);

/* --- What is to be done --------------------------------------------------------------------------------- */

/* What is due now, as bits of enum remote_request. It counts as done. To be asked after messages, and at least every 250 ms. */
unsigned remote_stream_due(struct remote_stream *stream, int64_t now_ns);

/* How the camera is; TEXT: why, or what is wrong all the same; "": nothing. */
enum remote_state remote_stream_state(const struct remote_stream *stream, int64_t now_ns,
                                      char text[REMOTE_ERROR_SIZE]);

#endif
