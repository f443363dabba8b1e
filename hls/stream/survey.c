/* SPDX-License-Identifier: MIT */
#include "hls/stream/survey.h"

#include "common/base/clock.h"

/* A longer step is a pause, not a frame rate. */
#define STEP_MAX_NS (20 * NS_PER_SECOND)

void survey_add(struct survey *survey, int64_t time_ns, bool keyframe, bool broken)
{
    int64_t step = time_ns - survey->last_ns;

    if (broken) {
        survey->keyframe_ns = 0; /* the group before is not whole */
    } else if (survey->pictures > 0 && step > 0 && step < STEP_MAX_NS) {
        survey->steps_ns += step;
        survey->steps++;
    }
    if (keyframe) {
        int64_t gop = time_ns - survey->keyframe_ns;
        if (survey->keyframe_ns != 0 && gop > survey->gop_ns) {
            survey->gop_ns = gop;
        }
        survey->keyframe_ns = time_ns;
    }
    survey->last_ns = time_ns;
    survey->pictures++;
}

bool survey_is_done(const struct survey *survey)
{
    return survey->gop_ns > 0 ||
           (survey->keyframe_ns != 0 && survey->last_ns - survey->keyframe_ns > SURVEY_GOP_MAX_NS);
}

int64_t survey_step_ns(const struct survey *survey)
{
    return survey->steps > 0 ? survey->steps_ns / (int64_t)survey->steps : 0;
}
