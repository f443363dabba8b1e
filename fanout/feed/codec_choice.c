/* SPDX-License-Identifier: MIT */
#include "fanout/feed/codec_choice.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *prefix; /* of its name by RFC 6381 */
    enum codec codec;
} codecs[] = {
    {"avc1", CODEC_H264}, {"avc3", CODEC_H264},   {"hvc1", CODEC_H265},
    {"hev1", CODEC_H265}, {"mp4a.40", CODEC_AAC}, {"flac", CODEC_FLAC},
    {"fLaC", CODEC_FLAC}, {"opus", CODEC_OPUS},   {"Opus", CODEC_OPUS},
};

static const struct {
    enum codec codec;
    const char *name;
} names[] = {
    {CODEC_H264, "video:H264"}, {CODEC_H265, "video:H265"}, {CODEC_AAC, "audio:AAC"},
    {CODEC_FLAC, "audio:FLAC"}, {CODEC_OPUS, "audio:OPUS"},
};

/* The codec of LENGTH characters of NAME: its prefix, and nothing or a profile behind it. */
static enum codec codec_of(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        size_t prefix = strlen(codecs[i].prefix);
        if (length >= prefix && strncmp(name, codecs[i].prefix, prefix) == 0 &&
            (length == prefix || name[prefix] == '.')) {
            return codecs[i].codec;
        }
    }
    return CODEC_OTHER;
}

unsigned codec_choice_of_tracks(const char *list)
{
    static const char separators[] = ", ";
    unsigned found = 0;

    for (const char *name = list + strspn(list, separators); *name != '\0';) {
        size_t length = strcspn(name, separators);
        found |= (unsigned)codec_of(name, length);
        name += length;
        name += strspn(name, separators);
    }
    return found;
}

unsigned codec_choice_parse(const char *list)
{
    bool any = list && list[strspn(list, ", ")] != '\0';

    return any ? codec_choice_of_tracks(list) : CODEC_VIDEO | CODEC_SOUND;
}

const char *codec_choice_names(unsigned list, char text[CODEC_NAMES_SIZE])
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (list & (unsigned)names[i].codec) {
            length += (size_t)snprintf(text + length, CODEC_NAMES_SIZE - length, "%s%s",
                                       length > 0 ? ", " : "", names[i].name);
        }
    }
    return text;
}

size_t codec_choice_picture_length(const char *list)
{
    return strcspn(list, ",");
}
