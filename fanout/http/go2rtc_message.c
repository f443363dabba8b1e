/* SPDX-License-Identifier: MIT */
#include "fanout/http/go2rtc_message.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Candidates of an offer that was refused need no answer of their own. */
static const char *const refused[] = {"webrtc/offer", "webrtc", "hls", "mp4", "mjpeg"};

void go2rtc_message_parse(const char *text, size_t length, struct go2rtc_message *message)
{
    json_t *object = json_loadb(text, length, 0, NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *value = json_string_value(json_object_get(object, "value"));

    *message = (struct go2rtc_message){.kind = GO2RTC_OTHER};
    if (type && strcmp(type, "mse") == 0) {
        message->kind = GO2RTC_MSE;
        snprintf(message->codecs, sizeof(message->codecs), "%s", value ? value : "");
    }
    for (size_t i = 0; type && i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (strcmp(type, refused[i]) == 0) {
            message->kind = GO2RTC_REFUSED;
            message->type = refused[i];
        }
    }
    json_decref(object);
}
