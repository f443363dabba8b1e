/* SPDX-License-Identifier: MIT */
/*
 * bench_packets: what the worker does for a picture, without its sockets: RTP packets (RFC 6184, interleaved
 * over TCP) through track and publisher into a ring that nobody reads. Prints one line of JSON: nanoseconds
 * of CPU time for each fragment, the quickest of some turns. For instructions, run it under callgrind:
 *
 *     valgrind --tool=callgrind --toggle-collect=pass_picture bench_packets --turns 1
 *
 * and divide by turns × pictures.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "ingest/publish/publisher.h"
#include "ingest/publish/ring_output.h"
#include "ingest/rtp/track.h"
#include "tests/bench/clock.h"
#include "tests/bench/options.h"
#include "tests/bench/rtp_frame.h"

#define GOP 25
#define FRAME_TICKS 3600
#define FRAME_NS 40000000
#define PAYLOAD_TYPE 96
#define RING_SIZE ((size_t)8 * 1024 * 1024)

/* 640x360, Constrained Baseline. */
static const uint8_t sps[] = {0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00,
                              0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48};
static const uint8_t pps[] = {0x68, 0xcb, 0x83, 0xcb, 0x20};

struct settings {
    size_t length, pictures, turns;
};

struct ingest {
    struct track *track;
    struct publisher *publisher;
    struct rtp_frame frame;
    struct rtp_stream stream;
    uint8_t *slice;
    uint32_t number; /* of the next picture */
};

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void make_picture(struct ingest *ingest, size_t length)
{
    uint32_t timestamp = ingest->number * FRAME_TICKS;
    bool keyframe = ingest->number % GOP == 0;

    rtp_frame_clear(&ingest->frame);
    ingest->slice[0] = keyframe ? 0x65 : 0x41;
    if (keyframe) {
        rtp_frame_add_nal(&ingest->frame, &ingest->stream, timestamp, sps, sizeof(sps), false);
        rtp_frame_add_nal(&ingest->frame, &ingest->stream, timestamp, pps, sizeof(pps), false);
    }
    rtp_frame_add_nal(&ingest->frame, &ingest->stream, timestamp, ingest->slice, length, true);
}

/* Not inlined: callgrind is told this name. Returns how many fragments were written. */
__attribute__((noinline)) static int pass_picture(struct ingest *ingest)
{
    int64_t now_ns = (int64_t)(1 + ingest->number) * FRAME_NS;
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;
    int written = 0;

    for (size_t i = 0; i < ingest->frame.packet_count; i++) {
        const struct bench_packet *packet = &ingest->frame.packets[i];
        track_put_rtp(ingest->track, ingest->frame.data + packet->offset + RTP_INTERLEAVED_HEADER,
                      packet->length, now_ns);
        while (track_next(ingest->track, &unit) == 1) {
            written += publisher_put(ingest->publisher, &unit, error) == 1;
        }
    }
    ingest->number++;
    return written;
}

static int measure(struct ingest *ingest, const struct settings *settings)
{
    double least = INFINITY;

    for (size_t turn = 0; turn < settings->turns; turn++) {
        int64_t spent = 0;
        for (size_t i = 0; i < settings->pictures; i++) {
            make_picture(ingest, settings->length);
            int64_t begun = cpu_ns();
            int written = pass_picture(ingest);
            spent += cpu_ns() - begun;
            if (written != 1) {
                return -EINVAL;
            }
        }
        least = fmin(least, (double)spent / (double)settings->pictures);
    }
    printf("{\"event\":\"result\",\"length\":%zu,\"pictures\":%zu,\"turns\":%zu,\"packets_ns\":%.0f}\n",
           settings->length, settings->pictures, settings->turns, least);
    return 0;
}

static int make_track(struct track **track)
{
    struct sdp_media media = {.kind = SDP_VIDEO, .payload_type = PAYLOAD_TYPE, .clock_rate = 90000};
    const struct track_options options = {.udp = false};

    snprintf(media.encoding, sizeof(media.encoding), "H264");
    return track_create(&media, &options, track);
}

static int make_publisher(struct ring_output *output, const struct track *track, struct publisher **publisher)
{
    const struct media_description description = {.video = *track_stream(track)};
    char error[SOURCE_ERROR_SIZE];
    int result = publisher_create(output, publisher);

    return result < 0 ? result : publisher_begin(*publisher, &description, error);
}

static int run(const struct settings *settings)
{
    struct ingest ingest = {.stream = {.payload_type = PAYLOAD_TYPE, .ssrc = 7}};
    struct ring_descriptors ring;
    struct ring_writer *writer = NULL;
    struct ring_output output;
    char instance[32], name[RING_NAME_SIZE];

    snprintf(instance, sizeof(instance), "packets%d", (int)getpid());
    int result = ring_name(name, instance, "cam");
    if (result == 0) {
        result = ring_create(name, RING_SIZE, 0, 0, &ring);
    }
    if (result < 0) {
        return result;
    }
    ring_unlink(name);
    result = ring_writer_attach(ring.writer, -1, &writer);
    ring_output_init(&output, writer);
    ingest.slice = malloc(settings->length);
    if (result == 0 && (!ingest.slice || rtp_frame_init(&ingest.frame, settings->length + 256) < 0)) {
        result = -ENOMEM;
    }
    if (result == 0) {
        memset(ingest.slice, 0x5a, settings->length);
        ingest.slice[1] = 0x88;
        result = make_track(&ingest.track);
    }
    if (result == 0) {
        result = make_publisher(&output, ingest.track, &ingest.publisher);
    }
    if (result == 0) {
        result = measure(&ingest, settings);
    }
    publisher_destroy(ingest.publisher);
    track_destroy(ingest.track);
    rtp_frame_finish(&ingest.frame);
    free(ingest.slice);
    ring_output_finish(&output);
    close(ring.reader);
    return result;
}

int main(int argc, char **argv)
{
    struct settings settings = {.length = 10000, .pictures = 2500, .turns = 10};
    const struct option_spec specs[] = {
        {"--length", OPTION_COUNT, &settings.length, "bytes of a picture; default 10000"},
        {"--pictures", OPTION_COUNT, &settings.pictures, "in a turn; default 2500"},
        {"--turns", OPTION_COUNT, &settings.turns, "of which the quickest counts; default 10"},
    };

    if (options_parse(specs, sizeof(specs) / sizeof(specs[0]), argc, argv) < 0 || settings.length < 8 ||
        settings.pictures == 0 || settings.turns == 0) {
        return 2;
    }
    int result = run(&settings);
    if (result < 0) {
        fprintf(stderr, "bench_packets: %s\n", strerror(-result));
        return 1;
    }
    return 0;
}
