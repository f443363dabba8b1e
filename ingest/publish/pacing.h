/* SPDX-License-Identifier: MIT */
/*
 * Decode times as browsers need them. Media Source Extensions drop every frame until the next keyframe when
 * the decode time steps by more than twice the last frame's duration (coded frame processing, 6). A stream
 * whose frames come every 40 ms and then, once, after 100 ms would stop. So the step is bounded here, and the frame's
 * true time kept in its composition offset; over the frames that follow, the decode times catch up.
 * docs/design/ingest.md has the measurements. Owned by the timeline; one thread. Times in ticks of one clock.
 */
#ifndef INGEST_PUBLISH_PACING_H
#define INGEST_PUBLISH_PACING_H

#include <stdbool.h>
#include <stdint.h>

struct pacing {
    bool follows;     /* there was a frame: `last` is set */
    int64_t last;     /* the decode time that the last frame got */
    int64_t duration; /* the duration that it got */
    bool learning;    /* `ideal` is set */
    int64_t ideal;    /* where the last frame belonged */
    int64_t step;     /* smoothed interval between frames */
};

/* END: where the timeline ends so far; 0: it has not begun. */
void pacing_init(struct pacing *pacing, int64_t end);

/*
 * Returns the decode time of a frame that belongs at IDEAL, and sets its duration. RHYTHM: the interval from the last frame
 * is the source's own, without a repair in between.
 */
int64_t pacing_next(struct pacing *pacing, int64_t ideal, bool keyframe, bool rhythm, uint32_t *duration);

#endif
