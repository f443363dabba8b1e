/* SPDX-License-Identifier: MIT */
/*
 * One media of a session: from the RTP and RTCP packets that a camera sends (RFC 3550) to access units. A video frame is
 * handed out when its last packet has arrived, and not when the next frame begins. Owned by the source that feeds it; one
 * thread; nothing here reads from a socket or waits. The content of packets counts as hostile; every size is bounded;
 * memory is allocated at the start and while buffers grow to what the camera needs, and then no more.
 *
 *     track_put_rtp(track, packet, size, now);
 *     while (track_next(track, &unit) == 1)
 *         …
 */
#ifndef INGEST_RTP_TRACK_H
#define INGEST_RTP_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/media.h"
#include "ingest/codec/nal.h"
#include "ingest/rtsp/sdp.h"

/* Longest access unit: a keyframe of 8K has 2 to 4 MB. Longer ones are dropped and counted. */
#define TRACK_UNIT_SIZE_MAX ((size_t)8 * 1024 * 1024)

/* Bytes that track_report and track_ask_keyframe write at most. */
#define TRACK_REPORT_SIZE 128

/* How long packets wait for one that is missing, and how many over UDP and over TCP. */
#define TRACK_REORDER_MS 100
#define TRACK_REORDER_PACKETS 256
#define TRACK_REORDER_PACKETS_TCP 16

struct track_options {
    bool udp;          /* packets may come in another order, and from elsewhere */
    bool show_damaged; /* incomplete frames are handed out, and no unit is `lost` */
    /* The first picture waits 30 ms for slices after its marker, which some cameras set on every slice: track_deadline. */
    bool doubt_markers;
    uint32_t ssrc; /* of the sender, as the answer to SETUP names it; 0: not named */
};

/* Since the track was created. */
struct track_counters {
    uint64_t packets;       /* packets that belong to the track */
    uint64_t lost;          /* packets that never came, or came too late */
    uint64_t reordered;     /* packets that came after a later one (in time or not) */
    uint64_t duplicates;    /* packets that came again */
    uint64_t malformed;     /* malformed RTP or RTCP packets or payloads; each is a loss to its frame */
    uint64_t foreign;       /* packets of another payload type or sender */
    int other_type;         /* the last payload type among them; -1: none had another one */
    uint64_t marker_errors; /* frames whose end had no marker bit, or a wrong one */
    uint64_t
        discontinuities; /* how often the sender started again: another SSRC, or sequence numbers that jump */
    uint64_t units;      /* access units handed out */
    uint64_t dropped;    /* access units not handed out: incomplete or too long */
    int64_t jitter_ns;   /* RFC 3550, 6.4.1 */
    int64_t late_ns;     /* how much later than the most punctual the last sender report was */
};

struct track;

/*
 * What MEDIA carries: MEDIA_CODEC_OTHER if it is recognised by name only or not at all, MEDIA_CODEC_NONE if
 * it is neither video nor audio.
 */
enum media_codec track_codec(const struct sdp_media *media);

/*
 * A track for MEDIA, which is copied. 0; -ENOTSUP: there is no depacketizer for this encoding or these
 * parameters; -ENOMEM.
 */
int track_create(const struct sdp_media *media, const struct track_options *options, struct track **track);

/* NULL is allowed. A track that follows another one is destroyed first. */
void track_destroy(struct track *track);

/*
 * What the track carries, as the session description states it, for media_description. Belongs to the track. Its codec_name
 * is always set.
 */
const struct media_stream *track_stream(const struct track *track);

/*
 * Gives AUDIO presentation times on VIDEO's clock: by the sender reports of both, once they have come and agree with the
 * arrival within 2 s, else by arrival. VIDEO must outlive AUDIO. A track that follows no other uses its own RTP clock, in
 * nanoseconds.
 */
void track_follow(struct track *audio, const struct track *video);

/*
 * Takes one RTP packet that came at ARRIVAL_NS (CLOCK_MONOTONIC). PACKET must stay as it is until track_next
 * has returned 0, which must be before the next call. 0; -EBADMSG: not an RTP packet; -EPROTO: not for this
 * track (payload type, a stray SSRC). Errors are counted and need no handling.
 */
int track_put_rtp(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns);

/* Over TCP: a packet of another media of the same session came. It may tell what the numbers of this one's count. */
void track_note_elsewhere(struct track *track);

/*
 * Takes one compound RTCP packet. 0; 1: the sender leaves this track (BYE); -EBADMSG: malformed, but the
 * part before the fault was taken.
 */
int track_put_rtcp(struct track *track, const uint8_t *packet, size_t size, int64_t arrival_ns);

/*
 * The next access unit that is complete. 1: *unit is filled, its data valid until the next call with this
 * track; 0: none. Video as NAL units, each after its length in NAL_LENGTH_SIZE bytes; audio as one frame of the codec
 * (PCM and G.711: the samples of one packet, as sent).
 */
int track_next(struct track *track, struct media_unit *unit);

/*
 * When track_flush is due (CLOCK_MONOTONIC), because packets wait for a missing one, or a picture for slices that may follow;
 * INT64_MAX: it is not.
 */
int64_t track_deadline(const struct track *track);

/* Gives up what is overdue. Then call track_next until it returns 0. */
void track_flush(struct track *track, int64_t now_ns);

/*
 * Writes a compound RTCP packet for the sender: receiver report (RFC 3550, 6.4.2) and SDES with a CNAME.
 * Returns its size; 0: nothing has been received yet. To be sent every 5 s or sooner (6.2), on the RTCP channel.
 */
size_t track_report(struct track *track, int64_t now_ns, uint8_t out[TRACK_REPORT_SIZE]);

/*
 * Writes a compound RTCP packet that asks the sender for a keyframe: a report as above with PLI, FIR or both, as MEDIA
 * offers. Returns its size; 0: MEDIA offers neither, or nothing has been received yet.
 */
size_t track_ask_keyframe(struct track *track, const struct sdp_media *media, int64_t now_ns,
                          uint8_t out[TRACK_REPORT_SIZE]);

const struct track_counters *track_counters(const struct track *track);

#endif
