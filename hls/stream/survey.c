/* SPDX-License-Identifier: MIT */
#include "hls/stream/survey.h"

#include "common/base/clock.h"

/* A longer step is a pause, not a frame rate. */
#define STEP_MAX_NS (20 * NS_PER_SECOND)

void survey_add(struct survey *survey, int64_t time_ns, bool keyframe, bool broken)
{
    int64_t step = time_ns - survey->last_ns;

    if (broken) {
        survey->in_group = false;
    } else if (survey->pictures > 0 && step > 0 && step < STEP_MAX_NS) {
        survey->steps_ns += step;
        survey->steps++;
    }
    if (keyframe) {
        int64_t gop = time_ns - survey->keyframe_ns;
        if (survey->in_group && gop > survey->gop_ns) {
            survey->gop_ns = gop;
        }
        survey->keyframe_ns = time_ns;
        survey->in_group = true;
    }
    survey->last_ns = time_ns;
    survey->pictures++;
}

bool survey_is_done(const struct survey *survey)
{
    return survey->gop_ns > 0 ||
           (survey->in_group && survey->last_ns - survey->keyframe_ns > SURVEY_GOP_MAX_NS);
}

bool survey_is_over(const struct survey *survey, uint64_t since_ms, uint64_t now_ms)
{
    return survey_is_done(survey) || now_ms >= since_ms + SURVEY_MS;
}

int64_t survey_step_ns(const struct survey *survey)
{
    return survey->steps > 0 ? survey->steps_ns / (int64_t)survey->steps : 0;
}
