/* SPDX-License-Identifier: MIT */
/*
 * The way of a packet: track_put_rtp looks at its header and decides whether it belongs to the track's sender. If so,
 * reorder takes it, and copies only what must wait. track_next takes packets out in order, unwraps their timestamps
 * and feeds the depacketizer until a unit is complete. So at most one packet is under way, in the caller's memory or
 * in reorder's. Two things hold packets back: a packet that may belong to a sender that has started again waits in
 * `run` until the next ones prove it; and the first payloads of video wait in `held` until it is clear whether they
 * are H.264 or H.265.
 */
#include "ingest/rtp/track.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/ntp.h"
#include "common/log/log.h"
#include "ingest/rtp/access_unit_builder.h"
#include "ingest/rtp/codec_probe.h"
#include "ingest/rtp/depacketizer.h"
#include "ingest/rtp/lateness.h"
#include "ingest/rtp/media_format.h"
#include "ingest/rtp/numbering.h"
#include "ingest/rtp/packet_run.h"
#include "ingest/rtp/reception.h"
#include "ingest/rtp/reorder.h"
#include "ingest/rtp/rtcp.h"
#include "ingest/rtp/rtp_packet.h"
#include "ingest/rtp/sender.h"

/* How far the place of audio by the senders' reports may be from that by its arrival. */
#define SYNC_MAX_NS (2 * NS_PER_SECOND)

/* By how much longer than the other one of the two reports may have been held up. */
#define REPORTS_APART_NS (250 * NS_PER_MS)

/* A picture that was captured longer before its arrival than this comes from a camera whose clock is wrong. */
#define CAPTURE_AGE_MAX_NS (10 * NS_PER_SECOND)

/* That they are equal is the point. */
/* NOLINTBEGIN(misc-redundant-expression) */
static_assert(TRACK_REORDER_MS * NS_PER_MS == REORDER_WAIT_NS, "as track.h says");
static_assert(TRACK_REORDER_PACKETS == REORDER_PACKETS, "as track.h says");
static_assert(TRACK_REORDER_PACKETS_TCP == REORDER_PACKETS_TCP, "as track.h says");
/* NOLINTEND(misc-redundant-expression) */
static_assert(TRACK_REPORT_SIZE >= RTCP_REPORT_SIZE + RTCP_PLI_SIZE + RTCP_FIR_SIZE, "as track.h says");

/* Packets in a row that prove that a sender's sequence numbers have started again: after a jump, and after small steps
 * back, which over UDP are mostly late packets. */
enum { JUMP_PROOF_UDP = 2, JUMP_PROOF_TCP = 1, BACK_PROOF_UDP = PACKET_RUN_MAX, BACK_PROOF_TCP = 3 };

/* Packets in a row that prove that the camera sends another payload type than it announces. */
#define TYPE_PROOF 4

/* A sender that goes on under another SSRC: its timestamps also go on if they are nearer than this. */
#define CONTINUES_MAX_S 10

/* Payloads, and their bytes, that may wait until their codec is clear. */
#define HELD_MAX 64
#define HELD_SIZE_MAX 262144

/* The last report's age in a receiver report has 32 bits, in 1/65536 s (RFC 3550, 6.4.1). */
#define REPORT_AGE_MAX_S 65535

/* So many equal steps of timestamps in a row show which clock they count. Without them, the announced clock is
 * believed after CLOCK_PATIENCE packets. */
#define CLOCK_PROOF 3
#define CLOCK_PATIENCE 32

struct clock_doubt {
    bool open;
    int64_t time;   /* of the last packet with a unit */
    unsigned units; /* in it */
    unsigned for_samples, for_announced, seen;
};

struct held_payloads {
    struct depacketizer_payload items[HELD_MAX]; /* their data lies in BYTES, one after the other */
    size_t count, taken;
    size_t at; /* in BYTES, of the next one to be taken */
    struct byte_buffer bytes;
};

struct track {
    struct media_format format;
    struct media_stream stream;
    bool stream_changed; /* `stream` has changed: the next unit carries it */
    bool video;
    uint8_t payload_type;
    bool udp;
    bool show_damaged;
    struct sender sender;
    struct numbering numbering; /* over TCP */
    struct packet_run run;
    size_t replayed;           /* packets of RUN that have been taken, if REPLAYING */
    bool replaying;            /* RUN is to be taken, then CURRENT */
    struct rtp_packet current; /* the caller's packet, until reorder has it */
    int64_t current_arrival_ns;
    uint32_t own_ssrc;
    uint8_t keyframes_asked; /* numbers the requests */
    bool fresh;              /* the next packet is the first of its sender */
    struct reorder reorder;
    struct reception reception;
    struct lateness lateness;        /* by the sender's clock */
    struct lateness stamps_lateness; /* by the timestamps of its reports */
    uint32_t report_timestamp;       /* of the last report */
    int64_t report_stamps_ns;        /* the timestamps of the reports, unwrapped */
    struct codec_probe probe;
    struct clock_doubt clock_doubt;
    struct held_payloads *held; /* owned; NULL: none */
    struct depacketizer *depacketizer;
    struct depacketizer_payload payload;
    bool has_payload;
    bool recovery_told;
    int64_t last_arrival_ns;    /* of the last packet taken */
    const struct track *leader; /* whose clock the presentation times are of; NULL: its own */
    bool anchored;
    bool synced;       /* by the reports of both */
    int64_t offset_ns; /* leader's clock − own clock */
    struct track_counters counters;
    uint64_t foreign, malformed, discontinuities;
    uint64_t reported_expected, reported_received; /* at the last receiver report */
    int64_t first_sequence;                        /* extended; of this sender */
    uint64_t sender_received;                      /* packets of this sender */
};

enum media_codec track_codec(const struct sdp_media *media)
{
    return media_format_codec(media);
}

static void describe(struct track *track)
{
    const struct media_format *format = &track->format;

    track->stream = (struct media_stream){
        .codec = format->codec,
        .codec_name = format->name,
        .extradata = format->extradata_size > 0 ? format->extradata : NULL,
        .extradata_size = format->extradata_size,
        .nal_length_size = track->video ? NAL_LENGTH_SIZE : 0,
        .sample_rate = format->sample_rate,
        .channels = format->channels,
        .sample_bits = format->sample_bits,
    };
}

static const char *codec_words(enum media_codec codec)
{
    return codec == MEDIA_CODEC_H265 ? "H.265" : "H.264";
}

/* Said once for each connection. */
static void tell_codec(const struct track *track)
{
    enum media_codec announced = track->format.announced;

    if (announced == MEDIA_CODEC_NONE) {
        log_info("the camera does not say what its video is; it is %s", codec_words(track->format.codec));
    } else if (announced != track->format.codec) {
        log_warning("the camera announces %s but sends %s; it is taken for what it sends",
                    codec_words(announced), codec_words(track->format.codec));
    }
}

int track_create(const struct sdp_media *media, const struct track_options *options, struct track **track)
{
    struct track *made = calloc(1, sizeof(*made));

    *track = NULL;
    if (!made) {
        return -ENOMEM;
    }
    int result = media_format_read(media, &made->format);
    if (result < 0) {
        goto fail;
    }
    made->video = media->kind == SDP_VIDEO;
    made->payload_type = media->payload_type;
    made->udp = options->udp;
    made->show_damaged = options->show_damaged;
    made->counters.other_type = -1;
    made->fresh = true;
    made->probe = (struct codec_probe){
        .expected = made->format.codec,
        .announced = !made->format.guessed,
        .settled = !made->video || made->format.codec == MEDIA_CODEC_MPEGTS,
    };
    made->clock_doubt.open =
        made->format.codec == MEDIA_CODEC_AAC && made->format.clock_rate != made->format.sample_rate;
    describe(made);
    if (made->video && !made->format.guessed) {
        tell_codec(made);
    }
    sender_init(&made->sender, options->ssrc);
    packet_run_init(&made->run);
    reorder_init(&made->reorder, options->udp ? REORDER_PACKETS : REORDER_PACKETS_TCP);
    reception_init(&made->reception, made->format.clock_rate);
    made->depacketizer = depacketizer_create(&made->format, options->show_damaged);
    if (!made->depacketizer) {
        result = -ENOMEM;
        goto fail;
    }
    made->depacketizer->doubts_markers = made->video && options->doubt_markers;
    *track = made;
    return 0;
fail:
    free(made);
    return result;
}

static void release_held(struct track *track)
{
    if (track->held) {
        byte_buffer_finish(&track->held->bytes);
    }
    free(track->held);
    track->held = NULL;
}

void track_destroy(struct track *track)
{
    if (!track) {
        return;
    }
    depacketizer_destroy(track->depacketizer);
    reorder_finish(&track->reorder);
    packet_run_finish(&track->run);
    release_held(track);
    free(track);
}

const struct media_stream *track_stream(const struct track *track)
{
    return &track->stream;
}

void track_follow(struct track *audio, const struct track *video)
{
    audio->leader = video;
    audio->anchored = false;
}

/* Forgets all that is known of the sender's numbers and clock. */
static void begin_anew(struct track *track)
{
    track->discontinuities++;
    track->has_payload = false;
    track->fresh = true;
    track->anchored = false;
    reception_restart(&track->reception);
    track->lateness = track->stamps_lateness = (struct lateness){0};
    track->counters.late_ns = 0;
    depacketizer_reset(track->depacketizer);
}

static void update_counters(struct track *track)
{
    const struct depacketizer_counters *units = depacketizer_counters(track->depacketizer);
    struct track_counters *counters = &track->counters;

    counters->lost = track->reorder.lost;
    counters->reordered = track->reorder.reordered;
    counters->duplicates = track->reorder.duplicates;
    counters->malformed = track->malformed + units->malformed;
    counters->foreign = track->foreign;
    counters->marker_errors = units->marker_errors;
    counters->discontinuities = track->discontinuities;
    counters->dropped = units->dropped;
    counters->jitter_ns = track->reception.jitter_ns;
}

/* Gives reorder a packet of the sender. */
static enum reorder_result admit(struct track *track, const struct rtp_packet *packet, int64_t arrival_ns)
{
    enum reorder_result result = reorder_put(&track->reorder, packet, arrival_ns);

    if (result == REORDER_JUMP) {
        return result;
    }
    if (track->fresh && result == REORDER_TAKEN) {
        track->first_sequence = track->reorder.highest;
        track->sender_received = 0;
        track->reported_expected = track->reported_received = 0;
    }
    track->counters.packets++;
    track->sender_received++;
    return result;
}

/* The sender's numbers start again with the packets of the run and PACKET. track_next takes them. */
static void replay(struct track *track, const struct rtp_packet *packet, int64_t arrival_ns)
{
    reorder_restart(&track->reorder);
    track->foreign -= track->run.count < track->foreign ? track->run.count : track->foreign;
    track->replaying = true;
    track->replayed = 0;
    track->current = *packet;
    track->current_arrival_ns = arrival_ns;
}

/* Keeps a packet that may be one of the first of a sender. */
static void hold(struct track *track, const struct rtp_packet *packet, int64_t arrival_ns, bool follows)
{
    if (!follows) {
        packet_run_clear(&track->run);
    }
    packet_run_add(&track->run, packet, arrival_ns);
    track->foreign++;
}

static unsigned proof_of(const struct track *track, enum reorder_result result)
{
    if (result == REORDER_JUMP) {
        return track->udp ? JUMP_PROOF_UDP : JUMP_PROOF_TCP;
    }
    return track->udp ? BACK_PROOF_UDP : BACK_PROOF_TCP;
}

/* A packet of the present sender: its place in the sequence decides what happens to it. */
static int put_in_sequence(struct track *track, const struct rtp_packet *packet, size_t run,
                           int64_t arrival_ns)
{
    enum reorder_result result = admit(track, packet, arrival_ns);

    if (result == REORDER_TAKEN) {
        packet_run_clear(&track->run);
        return 0;
    }
    numbering_does_not_fit(&track->numbering);
    if (run < proof_of(track, result)) {
        hold(track, packet, arrival_ns, run > 1);
        return result == REORDER_JUMP ? -EPROTO : 0;
    }
    if (run == 1) {
        packet_run_clear(&track->run);
    }
    begin_anew(track);
    replay(track, packet, arrival_ns);
    return 0;
}

static void note_continued_clock(struct track *track, uint32_t timestamp)
{
    int64_t step = llabs((int64_t)(int32_t)(timestamp - track->reception.last_timestamp));

    if (track->reception.started && step / track->format.clock_rate > CONTINUES_MAX_S) {
        reception_restart(&track->reception);
        track->anchored = false;
    }
}

/*
 * Whether a packet of another payload type than the announced one may be of the stream: both are without a meaning of their
 * own, and nothing of the announced type has come.
 */
static bool may_be_type(const struct track *track, const struct rtp_packet *packet)
{
    return !track->sender.known && packet->payload_type >= MEDIA_FORMAT_DYNAMIC_TYPE_MIN &&
           track->payload_type >= MEDIA_FORMAT_DYNAMIC_TYPE_MIN;
}

static void take_type(struct track *track, const struct rtp_packet *packet)
{
    log_warning("the camera announces payload type %u for %s but sends %u; it is taken for the announced one",
                track->payload_type, track->video ? "video" : "audio", packet->payload_type);
    track->payload_type = packet->payload_type;
}

/* The number of a packet of the present sender, which may begin to be one of our own with it. */
static void take_number(struct track *track, struct rtp_packet *packet)
{
    if (track->udp || !track->sender.known || packet->ssrc != track->sender.ssrc) {
        return;
    }
    if (numbering_gives_up(&track->numbering)) {
        log_info("the camera's sequence numbers of %s mean nothing: its packets are taken as they come",
                 track->video ? "video" : "audio");
        reorder_restart(&track->reorder);
        packet_run_clear(&track->run);
        track->replaying = false;
        begin_anew(track);
    }
    packet->sequence = numbering_take(&track->numbering, packet);
}

void track_note_elsewhere(struct track *track)
{
    numbering_elsewhere(&track->numbering);
}

static int put(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns)
{
    struct rtp_packet parsed;

    if (rtp_packet_parse(packet, size, &parsed) < 0) {
        track->malformed++;
        return -EBADMSG;
    }
    bool announced = parsed.payload_type == track->payload_type;
    if (!announced && !may_be_type(track, &parsed)) {
        track->foreign++;
        track->counters.other_type = parsed.payload_type;
        return -EPROTO;
    }
    take_number(track, &parsed);
    bool any_ssrc = !track->sender.known || sender_is_restless(&track->sender);
    bool follows = track->run.count > 0 && packet_run_follows(&track->run, &parsed, any_ssrc);
    size_t run = follows ? track->run.count + 1 : 1;
    if (!announced && run < TYPE_PROOF) {
        hold(track, &parsed, arrival_ns, follows);
        return -EPROTO;
    }
    if (!announced) {
        take_type(track, &parsed);
    }
    bool known = track->sender.known;
    switch (sender_judge(&track->sender, &parsed, (uint16_t)track->reorder.next, run, arrival_ns)) {
    case SENDER_CONTINUES:
        note_continued_clock(track, parsed.timestamp);
        return put_in_sequence(track, &parsed, run, arrival_ns);
    case SENDER_SAME:
        return put_in_sequence(track, &parsed, run, arrival_ns);
    case SENDER_CHANGED:
        if (!follows) {
            packet_run_clear(&track->run);
        }
        if (known) {
            begin_anew(track);
        }
        replay(track, &parsed, arrival_ns);
        return 0;
    case SENDER_UNPROVEN:
        hold(track, &parsed, arrival_ns, follows);
        return -EPROTO;
    case SENDER_STRANGER:
        track->foreign++;
        return -EPROTO;
    }
    return -EPROTO;
}

int track_put_rtp(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns)
{
    track->has_payload = false;
    int result = put(track, packet, size, arrival_ns);
    update_counters(track);
    return result;
}

/* CLOCK_REALTIME − CLOCK_MONOTONIC. */
static int64_t wall_offset(void)
{
    return clock_wall_ns() - clock_now_ns();
}

/* Before the first packet a report of any sender counts, unless the session has named the sender. */
static bool is_sender(const struct track *track, uint32_t ssrc)
{
    if (sender_is_restless(&track->sender)) {
        return true;
    }
    if (track->sender.known) {
        return ssrc == track->sender.ssrc;
    }
    return !track->sender.named || ssrc == track->sender.name;
}

/*
 * A report that is late by the sender's clock alone comes from a clock that is slow or stands still. Its timestamps may run slow,
 * too, so both have to be late.
 */
static void note_lateness(struct track *track, const struct rtcp_sender_report *report, int64_t arrival_ns)
{
    int32_t step = (int32_t)(report->timestamp - track->report_timestamp);

    track->report_timestamp = report->timestamp;
    track->report_stamps_ns += reception_ticks_to_ns(&track->reception, step);
    int64_t by_clock = lateness_note(&track->lateness, ntp_unix_ns(report->ntp), arrival_ns);
    int64_t by_stamps = lateness_note(&track->stamps_lateness, track->report_stamps_ns, arrival_ns);
    track->counters.late_ns = by_clock < by_stamps ? by_clock : by_stamps;
}

int track_put_rtcp(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns)
{
    struct rtcp_content content;
    int result = rtcp_parse(packet, size, &content);

    if (result < 0) {
        track->malformed++;
        track->counters.malformed++;
    }
    if (content.has_report && is_sender(track, content.report.ssrc)) {
        reception_note_report(&track->reception, &content.report, arrival_ns, arrival_ns + wall_offset());
        note_lateness(track, &content.report, arrival_ns);
    }
    bool leaves = content.bye && track->sender.known && content.bye_ssrc == track->sender.ssrc &&
                  !sender_is_restless(&track->sender);
    return result == 0 && leaves ? 1 : result;
}

/* Gives reorder the next packet of a run that has proved itself. False: there is none. */
static bool replay_next(struct track *track)
{
    if (!track->replaying) {
        return false;
    }
    if (track->replayed < track->run.count) {
        size_t index = track->replayed++;
        admit(track, &track->run.items[index].packet, track->run.items[index].arrival_ns);
        return true;
    }
    track->replaying = false;
    packet_run_clear(&track->run);
    admit(track, &track->current, track->current_arrival_ns);
    return true;
}

/* Takes the next packet out of reorder. False: none. */
static bool fetch(struct track *track)
{
    struct reorder_packet next;

    while (reorder_next(&track->reorder, &next) == 0) {
        if (!replay_next(track)) {
            return false;
        }
    }
    track->payload = (struct depacketizer_payload){
        .data = next.packet.payload,
        .size = next.packet.size,
        .time = reception_note(&track->reception, next.packet.timestamp, next.arrival_ns),
        .arrival_ns = next.arrival_ns,
        .marker = next.packet.marker,
        .gap = next.gap || track->fresh,
    };
    numbering_fits(&track->numbering, next.gap);
    track->last_arrival_ns = next.arrival_ns;
    track->fresh = false;
    return true;
}

/* Keeps a copy of the payload. False: there is no room for it. */
static bool hold_payload(struct track *track)
{
    if (!track->held) {
        track->held = calloc(1, sizeof(*track->held));
        if (!track->held) {
            return false;
        }
        byte_buffer_init(&track->held->bytes, HELD_SIZE_MAX);
    }
    struct held_payloads *held = track->held;
    if (held->count == HELD_MAX ||
        byte_buffer_add(&held->bytes, track->payload.data, track->payload.size) < 0) {
        return false;
    }
    held->items[held->count++] = track->payload;
    return true;
}

static bool take_held(struct track *track)
{
    struct held_payloads *held = track->held;

    if (held->taken == held->count) {
        release_held(track);
        return false;
    }
    track->payload = held->items[held->taken++];
    track->payload.data = held->bytes.data + held->at;
    held->at += track->payload.size;
    return true;
}

/* The camera sends the other codec. Without memory for its depacketizer, that is ignored. */
static void switch_codec(struct track *track, enum media_codec codec)
{
    struct media_format format = track->format;

    format.codec = codec;
    format.name = media_format_video_name(codec);
    format.donl = false;
    format.extradata_size = 0;
    struct depacketizer *depacketizer = depacketizer_create(&format, track->show_damaged);
    if (!depacketizer) {
        return;
    }
    depacketizer->doubts_markers = track->depacketizer->doubts_markers;
    depacketizer_destroy(track->depacketizer);
    track->depacketizer = depacketizer;
    track->format = format;
    describe(track);
    track->stream_changed = true;
}

/* The next payload for the depacketizer, once it is clear which one that is. False: none. */
static bool next_payload(struct track *track)
{
    if (track->probe.settled && track->held && take_held(track)) {
        return true;
    }
    while (fetch(track)) {
        if (track->probe.settled) {
            return true;
        }
        struct depacketizer_payload payload = access_unit_builder_without_start_code(&track->payload);
        enum media_codec codec = codec_probe_look(&track->probe, payload.data, payload.size);
        bool held = (codec == MEDIA_CODEC_NONE || track->held) && hold_payload(track);
        if (codec == MEDIA_CODEC_NONE && held) {
            continue;
        }
        track->probe.settled = true;
        if (codec != MEDIA_CODEC_NONE && codec != track->format.codec) {
            switch_codec(track, codec);
        }
        if (track->stream_changed || track->format.guessed) {
            tell_codec(track);
        }
        return held ? take_held(track) : true;
    }
    return false;
}

static int64_t own_ns(const struct track *track, int64_t time)
{
    return reception_ticks_to_ns(&track->reception, time);
}

static bool within(int64_t a, int64_t b, int64_t distance)
{
    return llabs(a - b) < distance;
}

/*
 * Whether two reports name one wall clock: then both took about as long to come. Cameras are known whose sound and
 * pictures are reported by clocks of their own.
 */
static bool share_a_clock(const struct reception *a, const struct reception *b)
{
    int64_t transit = a->report_arrival_ns - ntp_unix_ns(a->report.ntp);
    int64_t other = b->report_arrival_ns - ntp_unix_ns(b->report.ntp);

    return within(transit, other, REPORTS_APART_NS);
}

/* The time on the leader's clock at which a unit of this track was captured, by the reports of both. */
static bool sync_by_reports(const struct track *track, int64_t time, int64_t *leader_ns)
{
    const struct track *leader = track->leader;
    int64_t own_capture;
    int64_t leader_capture;

    if (!reception_sender_clock(&track->reception, time, &own_capture) ||
        !reception_sender_clock(&leader->reception, leader->reception.last_time, &leader_capture) ||
        !share_a_clock(&track->reception, &leader->reception)) {
        return false;
    }
    *leader_ns = own_ns(leader, leader->reception.last_time) + (own_capture - leader_capture);
    return true;
}

/* PLACE is not far before the leader's last packet, nor after what the ARRIVAL says: both may have been held
 * up. */
static bool may_be_at(int64_t place, int64_t leader_ns, int64_t arrived)
{
    return place > leader_ns - SYNC_MAX_NS && place < arrived + SYNC_MAX_NS;
}

static int64_t presentation(struct track *track, int64_t time, int64_t arrival_ns)
{
    const struct track *leader = track->leader;
    int64_t own = own_ns(track, time);
    int64_t place;

    if (!leader) {
        return own;
    }
    if (!leader->reception.started) {
        return MEDIA_TIME_UNKNOWN;
    }
    int64_t leader_ns = own_ns(leader, leader->reception.last_time);
    int64_t arrived = leader_ns + (arrival_ns - leader->last_arrival_ns);
    if (sync_by_reports(track, time, &place) && may_be_at(place, leader_ns, arrived)) {
        track->offset_ns = place - own;
        track->synced = true;
    } else if (!track->anchored || !may_be_at(own + track->offset_ns, leader_ns, arrived)) {
        track->discontinuities += track->anchored ? 1 : 0;
        track->offset_ns = arrived - own;
        track->synced = false;
    }
    track->anchored = true;
    return own + track->offset_ns;
}

/* When the camera captured it, by its own clock; 0: not known. */
static int64_t captured(const struct track *track, int64_t time, int64_t wall_ns)
{
    int64_t unix_ns;

    if (!track->reception.trusted || !reception_sender_clock(&track->reception, time, &unix_ns)) {
        return 0;
    }
    if (unix_ns > wall_ns) {
        return within(unix_ns, wall_ns, CAPTURE_AGE_MAX_NS) ? wall_ns : 0;
    }
    return within(unix_ns, wall_ns, CAPTURE_AGE_MAX_NS) ? unix_ns : 0;
}

/* Takes over the configuration within the stream, which counts from this unit on. */
static void take_config(struct track *track)
{
    struct depacketizer *depacketizer = track->depacketizer;

    if (depacketizer->config_size == 0) {
        return;
    }
    int result = media_format_take_config(&track->format, depacketizer->config, depacketizer->config_size);
    depacketizer->config_size = 0;
    if (result == 0) {
        log_info("the camera's AAC is not as it describes it: %" PRIu32 " Hz, %" PRIu32 " channel(s)",
                 track->format.sample_rate, track->format.channels);
        describe(track);
        track->stream_changed = true;
    }
}

/*
 * The clock of AAC's timestamps, where the description names another rate than the configuration: cameras
 * count either. The step from packet to packet tells, divided by its AUs; until it has, units have no time.
 */
static void watch_clock(struct track *track, int64_t time, bool lost)
{
    struct clock_doubt *doubt = &track->clock_doubt;

    if (!doubt->open) {
        return;
    }
    if (time != track->payload.time) {
        doubt->units++; /* a further one of the same packet */
        return;
    }
    int64_t step = doubt->units > 0 && !lost ? (time - doubt->time) / doubt->units : 0;
    bool samples = step == track->format.frame_length;
    bool announced = step == track->format.unit_ticks;
    doubt->for_samples = samples ? doubt->for_samples + 1 : 0;
    doubt->for_announced = announced ? doubt->for_announced + 1 : 0;
    doubt->time = time;
    doubt->units = 1;
    doubt->seen++;
    if (doubt->for_samples < CLOCK_PROOF && doubt->for_announced < CLOCK_PROOF &&
        doubt->seen < CLOCK_PATIENCE) {
        return;
    }
    doubt->open = false;
    if (doubt->for_samples == CLOCK_PROOF) {
        log_info("the camera's audio timestamps count %" PRIu32 " Hz, not the %" PRIu32 " that it announces",
                 track->format.sample_rate, track->format.clock_rate);
        track->format.clock_rate = track->format.sample_rate;
        track->format.unit_ticks = track->format.frame_length;
        track->reception.clock_rate = track->format.clock_rate;
        track->reception.jitter_ns = 0;
        track->anchored = false;
    }
}

/* Once for each connection. */
static void tell_recovery(struct track *track, const struct depacketizer_unit *unit)
{
    if (!unit->recovery || track->recovery_told) {
        return;
    }
    track->recovery_told = true;
    log_warning(
        "the camera sends no keyframes but recovery points (intra refresh), with which Chrome and Edge show "
        "no picture; switch intra refresh off on the camera");
}

static void fill_unit(struct track *track, const struct depacketizer_unit *from, struct media_unit *unit)
{
    int64_t wall_ns = from->arrival_ns + wall_offset();

    take_config(track);
    tell_recovery(track, from);
    int64_t presentation_ns =
        track->clock_doubt.open ? MEDIA_TIME_UNKNOWN : presentation(track, from->time, from->arrival_ns);
    *unit = (struct media_unit){
        .video = track->video,
        .keyframe = from->keyframe,
        .stream = track->stream_changed ? &track->stream : NULL,
        .data = from->data,
        .size = from->size,
        .presentation_ns = presentation_ns,
        .synced = track->synced && presentation_ns != MEDIA_TIME_UNKNOWN,
        .decode_ns = MEDIA_TIME_UNKNOWN,
        .capture_ns = from->arrival_ns,
        .wall_ns = wall_ns,
        .camera_ns = captured(track, from->time, wall_ns),
        .lost = track->video && from->lost,
    };
    track->stream_changed = false;
    track->counters.units++;
}

int track_next(struct track *track, struct media_unit *unit)
{
    struct depacketizer_unit complete;
    int result = 0;

    for (;;) {
        result = depacketizer_next(track->depacketizer, &complete);
        if (result == 1) {
            watch_clock(track, complete.time, complete.lost);
            break;
        }
        if (!track->has_payload && !next_payload(track)) {
            break;
        }
        track->has_payload = depacketizer_put(track->depacketizer, &track->payload) == DEPACKETIZER_FULL;
    }
    if (result == 1) {
        fill_unit(track, &complete, unit);
    }
    update_counters(track);
    return result;
}

int64_t track_deadline(const struct track *track)
{
    int64_t packets = reorder_deadline(&track->reorder);
    int64_t unit = track->depacketizer->wait_until_ns;

    return packets < unit ? packets : unit;
}

void track_flush(struct track *track, int64_t now_ns)
{
    reorder_expire(&track->reorder, now_ns);
    if (now_ns >= track->depacketizer->wait_until_ns) {
        depacketizer_flush(track->depacketizer);
    }
}

/* Part of the packets since the last report that is missing, in 1/256. */
static uint8_t fraction_lost(struct track *track, uint64_t expected)
{
    uint64_t interval = expected - track->reported_expected;
    uint64_t received = track->sender_received - track->reported_received;

    track->reported_expected = expected;
    track->reported_received = track->sender_received;
    if (interval == 0 || received >= interval) {
        return 0;
    }
    return (uint8_t)((interval - received) * 255 / interval);
}

/* In 1/65536 s. */
static uint32_t report_age(int64_t age_ns)
{
    return (uint32_t)(age_ns / NS_PER_SECOND * 65536 + age_ns % NS_PER_SECOND * 65536 / NS_PER_SECOND);
}

size_t track_report(struct track *track, int64_t now_ns, uint8_t out[TRACK_REPORT_SIZE])
{
    const struct reception *reception = &track->reception;

    uint32_t sender = track->sender.ssrc;

    if (!track->sender.known || track->fresh) {
        return 0;
    }
    if (track->own_ssrc == 0 || track->own_ssrc == sender) {
        track->own_ssrc = (sender ^ (uint32_t)now_ns ^ (uint32_t)(now_ns >> 32)) | 1u;
    }
    if (track->own_ssrc == sender) {
        track->own_ssrc += 2;
    }
    uint64_t expected = (uint64_t)(track->reorder.highest - track->first_sequence + 1);
    int64_t missing = (int64_t)(expected - track->sender_received);
    struct rtcp_receiver_report report = {
        .ssrc = track->own_ssrc,
        .sender = sender,
        .fraction_lost = fraction_lost(track, expected),
        .cumulative_lost = (int32_t)(missing > INT32_MAX ? INT32_MAX : missing),
        .highest_sequence = (uint32_t)track->reorder.highest,
        .jitter = (uint32_t)(reception->jitter_ns * reception->clock_rate / NS_PER_SECOND),
    };
    if (reception->has_report && now_ns - reception->report_arrival_ns <= REPORT_AGE_MAX_S * NS_PER_SECOND) {
        report.last_report = (uint32_t)(reception->report.ntp >> 16);
        report.since_last_report = report_age(now_ns - reception->report_arrival_ns);
    }
    rtcp_write_report(&report, out);
    return RTCP_REPORT_SIZE;
}

size_t track_ask_keyframe(struct track *track, const struct sdp_media *media, int64_t now_ns,
                          uint8_t out[TRACK_REPORT_SIZE])
{
    size_t size = media->pli || media->fir ? track_report(track, now_ns, out) : 0;

    if (size == 0) {
        return 0;
    }
    if (media->pli) {
        rtcp_write_pli(track->own_ssrc, track->sender.ssrc, out + size);
        size += RTCP_PLI_SIZE;
    }
    if (media->fir) {
        rtcp_write_fir(track->own_ssrc, track->sender.ssrc, track->keyframes_asked++, out + size);
        size += RTCP_FIR_SIZE;
    }
    return size;
}

const struct track_counters *track_counters(const struct track *track)
{
    return &track->counters;
}
