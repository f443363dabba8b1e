/*
 * Decode times as browsers need them. Media Source Extensions drop every frame until the next keyframe when
 * the decode time steps by more than twice the last frame's duration (coded frame processing, 6). A stream
 * whose frames come at 40 ms and then, once, at 100 ms would stop. So the step is bounded here, and the
 * frame's true time kept in its composition offset; the decode times catch up with the frames that follow.
 * docs/design/ingest.md has the measurements. Owned by the timeline; one thread. Times in ticks of one clock.
 */
#ifndef INGEST_PUBLISH_PACING_H
#define INGEST_PUBLISH_PACING_H

#include <stdbool.h>
#include <stdint.h>

struct pacing {
    bool follows;     /* there is a frame before: LAST is set */
    int64_t last;     /* decode time given to the last frame */
    int64_t duration; /* declared for it */
    bool learning;    /* IDEAL is set */
    int64_t ideal;    /* where the last frame belonged */
    int64_t step;     /* smoothed interval between frames */
};

/* END: where the timeline ends so far; 0: it begins. */
void pacing_init(struct pacing *pacing, int64_t end);

/*
 * The decode time and duration of a frame that belongs at IDEAL. RHYTHM: its interval from the last one is
 * the source's own (no repair lies between).
 */
int64_t pacing_next(struct pacing *pacing, int64_t ideal, bool keyframe, bool rhythm, uint32_t *duration);

#endif
