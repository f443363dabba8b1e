/* SPDX-License-Identifier: MIT */
/* A camera's description of what it sends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ingest/rtsp/rtsp_url.h"
#include "ingest/rtsp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_media(const struct sdp_media *media)
{
    static const char *const names[] = {"sprop-parameter-sets", "config", "sprop-vps", "mode", ""};
    char url[RTSP_URL_SIZE];

    require(media->payload_type <= 127 && media->kind <= SDP_OTHER && media->direction <= SDP_INACTIVE);
    require(strnlen(media->encoding, sizeof(media->encoding)) < sizeof(media->encoding));
    require(strnlen(media->control, sizeof(media->control)) < sizeof(media->control));
    require(strnlen(media->fmtp, sizeof(media->fmtp)) < sizeof(media->fmtp));
    require(media->kind != SDP_AUDIO || media->channels > 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = 0;
        const char *value = sdp_fmtp_find(media->fmtp, names[i], &length);
        if (value != NULL) {
            require(value >= media->fmtp && value + length <= media->fmtp + strlen(media->fmtp));
        }
    }
    (void)rtsp_url_resolve(url, sizeof(url), "rtsp://h/live", media->control);
}

static bool plays(const struct sdp_media *media)
{
    check_media(media);
    return strcasecmp(media->encoding, "H264") == 0 || media->payload_type == 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp;

    memset(&sdp, 0xa5, sizeof(sdp));
    if (sdp_parse((const char *)data, size, plays, &sdp) < 0) {
        return 0;
    }
    require(sdp.media_count > 0 && sdp.media_count <= SDP_MEDIA_MAX);
    require(strnlen(sdp.control, sizeof(sdp.control)) < sizeof(sdp.control));
    for (size_t i = 0; i < sdp.media_count; i++) {
        check_media(&sdp.medias[i]);
    }
    return 0;
}
