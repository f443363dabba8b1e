/* SPDX-License-Identifier: MIT */
#include "common/ipc/attention.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"

static const char *const flags[] = {"large", "first", "sound"};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

static bool is_known(const char *name)
{
    static const char *const others[] = {"camera", "text", "for"};
    bool known = false;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        known |= strcmp(name, others[i]) == 0;
    }
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        known |= strcmp(name, flags[i]) == 0;
    }
    return known;
}

static bool check_names(const json_t *given, char *why)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)given, name, value) {
        if (!is_known(name)) {
            snprintf(why, ATTENTION_WHY_SIZE, "an event has camera, text, for, large, first and sound");
            return false;
        }
    }
    return true;
}

/* NULL is the default. */
static bool check_text(const json_t *text, char *why)
{
    const char *value = json_string_value(text);

    if (text && (!value || strlen(value) != json_string_length(text) || strlen(value) > ATTENTION_TEXT_MAX ||
                 text_has_control(value))) {
        snprintf(why, ATTENTION_WHY_SIZE, "text: a string of at most %d bytes without control characters",
                 ATTENTION_TEXT_MAX);
        return false;
    }
    return true;
}

static bool check_seconds(const json_t *seconds, char *why)
{
    double value = json_number_value(seconds);

    if (seconds && (!json_is_number(seconds) || !(value >= 0) || value > ATTENTION_SECONDS_MAX)) {
        snprintf(why, ATTENTION_WHY_SIZE, "for: seconds, 0 to %d", ATTENTION_SECONDS_MAX);
        return false;
    }
    return true;
}

json_t *attention_read(const json_t *given, char why[ATTENTION_WHY_SIZE])
{
    const json_t *camera = json_object_get(given, "camera"), *text = json_object_get(given, "text");
    const json_t *seconds = json_object_get(given, "for");

    if (!json_is_string(camera) || strlen(json_string_value(camera)) != json_string_length(camera)) {
        snprintf(why, ATTENTION_WHY_SIZE, "camera: the name of a camera is needed");
        return NULL;
    }
    if (!check_names(given, why) || !check_text(text, why) || !check_seconds(seconds, why)) {
        return NULL;
    }
    json_t *event = json_pack("{s:s, s:s, s:f}", "camera", json_string_value(camera), "text",
                              text ? json_string_value(text) : "", "for",
                              seconds ? json_number_value(seconds) : (double)ATTENTION_SECONDS_USUAL);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const json_t *flag = json_object_get(given, flags[i]);
        if (flag && !json_is_boolean(flag)) {
            snprintf(why, ATTENTION_WHY_SIZE, "%s: true or false", flags[i]);
            json_decref(event);
            return NULL;
        }
        json_object_set_new(event, flags[i], json_boolean(json_is_true(flag)));
    }
    if (!event) {
        snprintf(why, ATTENTION_WHY_SIZE, "no memory");
    }
    return event;
}

bool attention_spend(struct attention_budget *budget, int64_t now_ns)
{
    if (budget->at_ns == 0) {
        budget->left = ATTENTION_BURST;
    } else {
        budget->left += (double)(now_ns - budget->at_ns) / (double)NS_PER_SECOND * ATTENTION_PER_SECOND;
    }
    budget->left = budget->left < ATTENTION_BURST ? budget->left : ATTENTION_BURST;
    budget->at_ns = now_ns;
    if (budget->left < 1) {
        return false;
    }
    budget->left--;
    return true;
}
