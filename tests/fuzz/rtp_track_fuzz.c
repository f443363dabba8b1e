/* SPDX-License-Identifier: MIT */
/*
 * RTP and RTCP packets of any content into a track, in any order, over TCP or UDP, with an audio track that
 * follows it. The first byte chooses codecs and transport; then packets as rtp_fuzz_feed.h has them, whose
 * flags say which track and what kind, and how much time has passed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtp/track.h"
#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEM_AUDIO = 1, ITEM_RTCP = 2, ITEM_FLUSH = 4, ITEM_REPORT = 8 };

static const struct sdp_media videos[] = {
    {.kind = SDP_VIDEO, .payload_type = 96, .encoding = "H264", .clock_rate = 90000},
    {.kind = SDP_VIDEO, .payload_type = 96, .encoding = "H265", .clock_rate = 90000},
    {.kind = SDP_VIDEO, .payload_type = 96},
    {.kind = SDP_VIDEO, .payload_type = 96, .encoding = "H264", .clock_rate = 90000},
};

static const struct sdp_media audios[] = {
    {.kind = SDP_AUDIO, .payload_type = 97, .encoding = "PCMU", .clock_rate = 8000, .channels = 1},
    {.kind = SDP_AUDIO,
     .payload_type = 97,
     .encoding = "mpeg4-generic",
     .clock_rate = 48000,
     .channels = 2,
     .fmtp = "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190"},
    {.kind = SDP_AUDIO,
     .payload_type = 97,
     .encoding = "mpeg4-generic",
     .clock_rate = 32000,
     .channels = 1,
     .fmtp = "config=1408"},
    {.kind = SDP_AUDIO, .payload_type = 97, .encoding = "MP4A-LATM", .clock_rate = 16000, .channels = 1},
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct track *create(const struct sdp_media *media, uint8_t choice)
{
    struct track_options options = {.udp = (choice & 1) != 0,
                                    .show_damaged = (choice & 2) != 0,
                                    .doubt_markers = (choice & 16) != 0,
                                    .ssrc = (choice & 32) != 0 ? 9 : 0};
    struct track *track = NULL;

    require(track_create(media, &options, &track) == 0);
    return track;
}

static void take_all(struct track *track)
{
    struct media_unit unit;

    while (track_next(track, &unit) == 1) {
        require(unit.size > 0 && unit.size <= TRACK_UNIT_SIZE_MAX);
        uint8_t *copy = malloc(unit.size);
        require(copy != NULL);
        memcpy(copy, unit.data, unit.size);
        free(copy);
    }
}

static void put(struct track *track, const struct feed_item *item, int64_t now)
{
    uint8_t report[TRACK_REPORT_SIZE];

    if ((item->flags & ITEM_RTCP) != 0) {
        track_put_rtcp(track, item->data, item->size, now);
    } else {
        track_put_rtp(track, item->data, item->size, now);
    }
    take_all(track);
    if ((item->flags & ITEM_FLUSH) != 0 && track_deadline(track) != INT64_MAX) {
        track_flush(track, track_deadline(track));
        take_all(track);
    }
    if ((item->flags & ITEM_REPORT) != 0) {
        require(track_report(track, now, report) <= sizeof(report));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed_item item;
    int64_t now = INT64_C(1000000000);

    if (size == 0) {
        return 0;
    }
    struct feed feed = {data + 1, size - 1};
    struct track *video = create(&videos[(data[0] >> 2 & 1) | (data[0] >> 5 & 2)], data[0]);
    struct track *audio = create(&audios[(data[0] >> 3 & 1) | (data[0] >> 6 & 2)], data[0]);
    track_follow(audio, video);
    while (feed_next(&feed, &item) == 1) {
        now += (int64_t)(item.flags >> 4) * 10000000;
        put((item.flags & ITEM_AUDIO) != 0 ? audio : video, &item, now);
        free(item.data);
    }
    const struct track_counters *counters = track_counters(video);
    require(counters->units <= counters->packets);
    track_destroy(audio);
    track_destroy(video);
    return 0;
}
