/*
 * The way of a packet: track_put_rtp looks at its header and gives it to reorder, which keeps a copy only of
 * what must wait. track_next takes packets out in order, unwraps their timestamps and feeds the depacketizer
 * until a unit is complete. So at most one packet is under way, and it is the caller's memory or reorder's.
 */
#include "ingest/rtp/track.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "ingest/rtp/depacketizer.h"
#include "ingest/rtp/lateness.h"
#include "ingest/rtp/media_format.h"
#include "ingest/rtp/reception.h"
#include "ingest/rtp/reorder.h"
#include "ingest/rtp/rtcp.h"
#include "ingest/rtp/rtp_packet.h"

/* How far the senders' reports may put audio from where its arrival puts it. */
#define SYNC_MAX_NS (2 * NS_PER_SECOND)

/* A picture was captured at most so long before it came here, else the camera's clock is not ours. */
#define CAPTURE_AGE_MAX_NS (10 * NS_PER_SECOND)

/* That they are equal is the point. */
/* NOLINTBEGIN(misc-redundant-expression) */
static_assert(TRACK_REORDER_MS * INT64_C(1000000) == REORDER_WAIT_NS, "as track.h says");
static_assert(TRACK_REORDER_PACKETS == REORDER_PACKETS, "as track.h says");
/* NOLINTEND(misc-redundant-expression) */
static_assert(TRACK_REPORT_SIZE >= RTCP_REPORT_SIZE, "as track.h says");

struct track {
    struct media_format format;
    struct media_stream stream;
    bool video;
    uint8_t payload_type;
    bool reordering;
    bool has_ssrc;
    uint32_t ssrc;
    bool has_suspect;
    uint32_t suspect_ssrc; /* another sender, if it goes on */
    uint32_t own_ssrc;
    bool fresh; /* the next packet is the first of its sender */
    struct reorder reorder;
    struct reception reception;
    struct lateness lateness;
    struct depacketizer *depacketizer;
    struct depacketizer_payload payload;
    bool has_payload;
    int64_t last_arrival_ns;    /* of the last packet taken */
    const struct track *leader; /* whose clock the presentation times are of; NULL: its own */
    bool anchored;
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

int track_create(const struct sdp_media *media, const struct track_options *options, struct track **track)
{
    struct track *made = calloc(1, sizeof(*made));

    *track = NULL;
    if (made == NULL) {
        return -ENOMEM;
    }
    int result = media_format_read(media, &made->format);
    if (result < 0) {
        goto fail;
    }
    made->video = media->kind == SDP_VIDEO;
    made->payload_type = media->payload_type;
    made->reordering = options->reorder;
    made->fresh = true;
    describe(made);
    reorder_init(&made->reorder, options->reorder);
    reception_init(&made->reception, made->format.clock_rate);
    made->depacketizer = depacketizer_create(&made->format, options->show_damaged);
    if (made->depacketizer == NULL) {
        result = -ENOMEM;
        goto fail;
    }
    *track = made;
    return 0;
fail:
    free(made);
    return result;
}

void track_destroy(struct track *track)
{
    if (track == NULL) {
        return;
    }
    depacketizer_destroy(track->depacketizer);
    reorder_finish(&track->reorder);
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

/* Everything that is known of the sender's numbers and clock is void. */
static void begin_anew(struct track *track)
{
    track->discontinuities++;
    track->has_payload = false;
    track->fresh = true;
    track->anchored = false;
    reception_restart(&track->reception);
    track->lateness = (struct lateness){0};
    track->counters.late_ns = 0;
    depacketizer_reset(track->depacketizer);
}

/* False: a stray packet. */
static bool accept_sender(struct track *track, uint32_t ssrc)
{
    if (track->has_ssrc && track->ssrc == ssrc) {
        track->has_suspect = false;
        return true;
    }
    if (track->has_ssrc) {
        /* Over UDP anybody's packet may come; another sender is one that sends twice in a row. */
        bool proved = track->has_suspect && track->suspect_ssrc == ssrc;
        track->has_suspect = true;
        track->suspect_ssrc = ssrc;
        if (track->reordering && !proved) {
            return false;
        }
        reorder_restart(&track->reorder);
        begin_anew(track);
    }
    track->has_ssrc = true;
    track->has_suspect = false;
    track->ssrc = ssrc;
    return true;
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

static int put(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns)
{
    struct rtp_packet parsed;

    if (rtp_packet_parse(packet, size, &parsed) < 0) {
        track->malformed++;
        return -EBADMSG;
    }
    if (parsed.payload_type != track->payload_type || !accept_sender(track, parsed.ssrc)) {
        track->foreign++;
        return -EPROTO;
    }
    enum reorder_result result = reorder_put(&track->reorder, &parsed, arrival_ns);
    if (result == REORDER_SUSPECT) {
        track->foreign++;
        return -EPROTO;
    }
    if (result == REORDER_RESTART) {
        begin_anew(track);
    }
    if (track->fresh) {
        track->first_sequence = track->reorder.highest;
        track->sender_received = 0;
        track->reported_expected = track->reported_received = 0;
    }
    track->counters.packets++;
    track->sender_received++;
    return 0;
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

int track_put_rtcp(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns)
{
    struct rtcp_content content;
    int result = rtcp_parse(packet, size, &content);

    if (result < 0) {
        track->malformed++;
        track->counters.malformed++;
    }
    if (content.has_report && (!track->has_ssrc || content.report.ssrc == track->ssrc)) {
        reception_note_report(&track->reception, &content.report, arrival_ns, arrival_ns + wall_offset());
        track->counters.late_ns =
            lateness_note(&track->lateness, rtcp_unix_ns(content.report.ntp), arrival_ns);
    }
    bool leaves = content.bye && track->has_ssrc && content.bye_ssrc == track->ssrc;
    return result == 0 && leaves ? 1 : result;
}

/* Takes the next packet out of reorder. False: none. */
static bool fetch(struct track *track)
{
    struct reorder_packet next;

    if (reorder_next(&track->reorder, &next) == 0) {
        return false;
    }
    track->payload = (struct depacketizer_payload){
        .data = next.packet.payload,
        .size = next.packet.size,
        .time = reception_note(&track->reception, next.packet.timestamp, next.arrival_ns),
        .arrival_ns = next.arrival_ns,
        .marker = next.packet.marker,
        .gap = next.gap || track->fresh,
    };
    track->last_arrival_ns = next.arrival_ns;
    track->fresh = false;
    return true;
}

static int64_t own_ns(const struct track *track, int64_t time)
{
    return reception_ticks_to_ns(&track->reception, time);
}

/* Where the leader's clock stands when a unit of this track was captured, by the reports of both. */
static bool sync_by_reports(const struct track *track, int64_t time, int64_t *leader_ns)
{
    const struct track *leader = track->leader;
    int64_t own_capture;
    int64_t leader_capture;

    if (!reception_sender_clock(&track->reception, time, &own_capture) ||
        !reception_sender_clock(&leader->reception, leader->reception.last_time, &leader_capture)) {
        return false;
    }
    *leader_ns = own_ns(leader, leader->reception.last_time) + (own_capture - leader_capture);
    return true;
}

static bool within(int64_t a, int64_t b, int64_t distance)
{
    return llabs(a - b) < distance;
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

    if (leader == NULL) {
        return own;
    }
    if (!leader->reception.started) {
        return MEDIA_TIME_UNKNOWN;
    }
    int64_t leader_ns = own_ns(leader, leader->reception.last_time);
    int64_t arrived = leader_ns + (arrival_ns - leader->last_arrival_ns);
    if (sync_by_reports(track, time, &place) && may_be_at(place, leader_ns, arrived)) {
        track->offset_ns = place - own;
    } else if (!track->anchored || !may_be_at(own + track->offset_ns, leader_ns, arrived)) {
        track->discontinuities += track->anchored ? 1 : 0;
        track->offset_ns = arrived - own;
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

static void fill_unit(struct track *track, const struct depacketizer_unit *from, struct media_unit *unit)
{
    int64_t wall_ns = from->arrival_ns + wall_offset();

    *unit = (struct media_unit){
        .video = track->video,
        .data = from->data,
        .size = from->size,
        .presentation_ns = presentation(track, from->time, from->arrival_ns),
        .decode_ns = MEDIA_TIME_UNKNOWN,
        .capture_ns = from->arrival_ns,
        .wall_ns = wall_ns,
        .camera_ns = captured(track, from->time, wall_ns),
        .lost = track->video && from->lost,
    };
    track->counters.units++;
}

int track_next(struct track *track, struct media_unit *unit)
{
    struct depacketizer_unit complete;
    int result = 0;

    for (;;) {
        result = depacketizer_next(track->depacketizer, &complete);
        if (result == 1) {
            break;
        }
        if (!track->has_payload && !fetch(track)) {
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
    return reorder_deadline(&track->reorder);
}

void track_flush(struct track *track, int64_t now_ns)
{
    reorder_expire(&track->reorder, now_ns);
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

size_t track_report(struct track *track, int64_t now_ns, uint8_t out[TRACK_REPORT_SIZE])
{
    const struct reception *reception = &track->reception;

    if (!track->has_ssrc || track->fresh) {
        return 0;
    }
    if (track->own_ssrc == 0 || track->own_ssrc == track->ssrc) {
        track->own_ssrc = (track->ssrc ^ (uint32_t)now_ns ^ (uint32_t)(now_ns >> 32)) | 1u;
    }
    if (track->own_ssrc == track->ssrc) {
        track->own_ssrc += 2;
    }
    uint64_t expected = (uint64_t)(track->reorder.highest - track->first_sequence + 1);
    int64_t missing = (int64_t)(expected - track->sender_received);
    struct rtcp_receiver_report report = {
        .ssrc = track->own_ssrc,
        .sender = track->ssrc,
        .fraction_lost = fraction_lost(track, expected),
        .cumulative_lost = (int32_t)(missing > INT32_MAX ? INT32_MAX : missing),
        .highest_sequence = (uint32_t)track->reorder.highest,
        .jitter = (uint32_t)(reception->jitter_ns * reception->clock_rate / NS_PER_SECOND),
    };
    if (reception->has_report) {
        report.last_report = (uint32_t)(reception->report.ntp >> 16);
        report.since_last_report =
            (uint32_t)((now_ns - reception->report_arrival_ns) * 65536 / NS_PER_SECOND);
    }
    rtcp_write_report(&report, out);
    return RTCP_REPORT_SIZE;
}

const struct track_counters *track_counters(const struct track *track)
{
    return &track->counters;
}
