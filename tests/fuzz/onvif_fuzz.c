/* SPDX-License-Identifier: MIT */
/* All that is read of a device's answer, and the addresses in it. */
#include <stdint.h>
#include <string.h>

#include "discover/answer.h"
#include "discover/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void place(const char *url)
{
    static const char *const schemes[] = {"http", "https", "rtsp", "rtsps", NULL};
    char out[ANSWER_URL_SIZE];

    if (place_own(url, "192.0.2.7", schemes, out, sizeof(out), NULL) == 0 && strpbrk(out, " \"\\\n\r")) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct answer_profile profiles[ANSWER_PROFILES_MAX];
    static struct answer_match matches[ANSWER_MATCHES_MAX];
    const char *text = (const char *)data;
    struct answer_identity identity;
    struct answer_services services;
    struct answer_reason reason;
    char uri[ANSWER_URL_SIZE];
    int64_t seconds;
    size_t count = 0;

    if (answer_matches(text, size, matches, &count) == 0) {
        for (size_t i = 0; i < count; i++) {
            place(matches[i].urls[0]);
        }
    }
    answer_time(text, size, &seconds, &reason);
    answer_identity(text, size, &identity, &reason);
    if (answer_services(text, size, &services, &reason) == 0) {
        place(services.media);
        place(services.media2);
    }
    answer_profiles(text, size, ANSWER_MEDIA, profiles, &count, &reason);
    answer_profiles(text, size, ANSWER_MEDIA2, profiles, &count, &reason);
    if (answer_uri(text, size, ANSWER_MEDIA, uri, &reason) == 0 ||
        answer_uri(text, size, ANSWER_MEDIA2, uri, &reason) == 0) {
        place(uri);
    }
    return 0;
}
