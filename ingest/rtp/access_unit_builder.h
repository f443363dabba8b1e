/* SPDX-License-Identifier: MIT */
/*
 * Puts the NAL units of one picture together, for the depacketizers of H.264 and H.265, and knows when it is
 * complete: at the marker bit, or, for cameras that set it wrongly, where the next picture begins. Owned by
 * its depacketizer; one thread. Each NAL unit of the access unit follows its length in NAL_LENGTH_SIZE bytes,
 * so that later stages need not search for start codes.
 *
 * What cameras get wrong, and what is done about it:
 * - a marker on parameter sets alone: the picture goes on;
 * - no marker: the picture ends where the timestamp changes, or a first slice begins;
 * - a marker on every slice: recognised by a slice that goes on with a picture that was already complete.
 *   From then on the picture ends with its timestamp, or with as many slices as those before had. If the owner
 *   wants it, the first picture waits a moment for such a slice, so that not even it is handed out in part;
 * - a marker on each of two fields, with one timestamp or two: they are one picture (H.264, 7.4.1.2.4);
 * - no keyframes, but recovery points: from the second in a row without a keyframe on, each counts as a keyframe;
 * - a whole byte stream with start codes as one unit: it is split into its units;
 * - parameter sets with another timestamp than their picture: they go with the picture that follows;
 * - a start bit on every fragment of a unit, or on none: access_unit_builder_fragment_begins;
 * - another timestamp on every fragment: that of the first counts.
 */
#ifndef INGEST_RTP_ACCESS_UNIT_BUILDER_H
#define INGEST_RTP_ACCESS_UNIT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/nal.h"
#include "ingest/codec/sps.h"
#include "ingest/rtp/byte_buffer.h"
#include "ingest/rtp/depacketizer.h"

/* Bytes after the header of a slice that access_unit_builder_start reads: up to bottom_field_flag. */
#define ACCESS_UNIT_BUILDER_PROBE 20

/* After so many pictures in a row with the same number of slices, the next are expected to have as many. */
#define ACCESS_UNIT_BUILDER_STEADY 8

/* What a payload begins. */
enum access_unit_start { STARTS_NOTHING, STARTS_PICTURE, STARTS_SECOND_FIELD };

enum picture_structure { PICTURE_FRAME, PICTURE_TOP_FIELD, PICTURE_BOTTOM_FIELD };

struct access_unit_builder {
    enum nal_codec codec;
    struct depacketizer *owner; /* counters, show_damaged */
    struct byte_buffer buffer;
    struct byte_buffer split; /* a unit that is being split into several */
    bool pending;             /* there is something in the buffer */
    bool ready;               /* the picture is complete and waits to be taken */
    bool taken;               /* it has been taken, and may be overwritten */
    bool has_slice;
    bool damaged;        /* a part of the picture is missing */
    bool too_long;       /* the picture does not fit the buffer */
    bool lost;           /* a picture before it is missing */
    bool by_timestamp;   /* markers mean nothing */
    bool byte_stream;    /* units may hold start codes and further units */
    bool fragment;       /* a unit has begun and not ended; its length lies at fragment_start */
    bool fragment_noted; /* that unit is a slice, which note_unit has seen */
    bool start_waits;    /* the first piece of a unit was empty: the next one begins the unit */
    size_t fragment_start;
    bool proved;          /* a marker was at the end of a picture, so markers mean something */
    bool waits;           /* the picture is complete if no slice comes after its marker */
    bool keyframe;        /* one of its NAL units is a keyframe's */
    bool recovery;        /* the picture has a recovery point */
    unsigned recoveries;  /* recovery points since the last keyframe */
    bool ends_seen;       /* a unit in pieces has had its end marked, so the next ones must have theirs */
    bool starts_repeated; /* a piece that was not a unit's first had a start bit */
    bool starts_seen;     /* the same of its start */
    bool middles_seen;    /* a piece that was not a unit's first had no start bit, so none may have */
    bool whole; /* no unit goes on behind the last payload: it had a marker or an end bit, or no piece */
    uint16_t fragment_header;                  /* of the unit in pieces */
    size_t fragment_first_size, fragment_size; /* contents of its first and its last piece */
    unsigned slices, slices_before;            /* of this picture and the last one */
    unsigned steady;                           /* pictures in a row with slices_before slices */
    struct sps sps;                            /* H.264: the last one; zeroed: none */
    enum picture_structure structure;          /* of the first slice */
    uint32_t frame_num;                        /* of a field */
    bool paired;                               /* both fields are there, or one is known to be enough */
    int64_t time;                              /* of the last payload */
    int64_t unit_time;                         /* of the first one */
    int64_t arrival_ns;
    bool has_last;
    int64_t last_time; /* of the picture that was complete last */
};

void access_unit_builder_init(struct access_unit_builder *builder, enum nal_codec codec,
                              struct depacketizer *owner);
void access_unit_builder_finish(struct access_unit_builder *builder);
void access_unit_builder_reset(struct access_unit_builder *builder);

/*
 * Begins to take a payload, which begins what START says. DEPACKETIZER_FULL: fetch the complete picture first.
 */
enum depacketizer_result access_unit_builder_open(struct access_unit_builder *builder,
                                                  const struct depacketizer_payload *payload,
                                                  enum access_unit_start start);

/* Adds a whole NAL unit. */
void access_unit_builder_add(struct access_unit_builder *builder, const uint8_t *data, size_t size);

/* A piece of a NAL unit, as its packet describes it. */
struct access_unit_fragment {
    const uint8_t *header; /* of the unit, rebuilt */
    size_t header_size;
    const uint8_t *data;
    size_t size;
    bool start, end; /* the bits */
};

/*
 * Whether FRAGMENT of PAYLOAD begins its unit. The start bit decides, with two exceptions: cameras that set it on every
 * fragment, which shows in a fragment of full length with the same header that is not the unit's last; and cameras that never
 * set it, where a unit begins behind a complete one. To be asked before access_unit_builder_open.
 */
bool access_unit_builder_fragment_begins(const struct access_unit_builder *builder,
                                         const struct depacketizer_payload *payload,
                                         const struct access_unit_fragment *fragment);

/*
 * PAYLOAD with the time that counts for it. UNIT is the NAL unit that it begins, or its beginning; NULL: it goes on with one. What goes
 * on with a unit, and a slice that is not a picture's first, have the time of what came before, whatever their packet says: some
 * cameras give each packet a time of its own.
 */
struct depacketizer_payload access_unit_builder_with_its_time(const struct access_unit_builder *builder,
                                                              const struct depacketizer_payload *payload,
                                                              const struct nal *unit);

/* The beginning of FRAGMENT's unit, of which it is the first, as long as a slice's header can be. HEAD holds it. */
struct nal access_unit_builder_beginning(const struct access_unit_fragment *fragment,
                                         uint8_t head[2 + ACCESS_UNIT_BUILDER_PROBE]);

/*
 * Adds a piece of a NAL unit, which BEGINS says is its first. A unit in a single piece is against the rules, but whole. So are
 * pieces without content, which some cameras send at the beginning, in the middle or at the end of a unit.
 */
void access_unit_builder_add_fragment(struct access_unit_builder *builder,
                                      const struct depacketizer_payload *payload,
                                      const struct access_unit_fragment *fragment, bool begins);

/* The payload is malformed: counts it, and the picture is damaged. */
void access_unit_builder_spoil(struct access_unit_builder *builder);

/* The payload is used up. */
void access_unit_builder_close(struct access_unit_builder *builder,
                               const struct depacketizer_payload *payload);

/* 1: *unit is complete; 0: there is none. */
int access_unit_builder_next(struct access_unit_builder *builder, struct depacketizer_unit *unit);

/* PAYLOAD without the start code that it begins with if the camera sends a byte stream. */
struct depacketizer_payload
access_unit_builder_without_start_code(const struct depacketizer_payload *payload);

/* Nothing has come behind the marker of a picture that waits: it is complete. */
void access_unit_builder_flush(struct access_unit_builder *builder);

/* Takes a parameter set of the description into account. */
void access_unit_builder_note_set(struct access_unit_builder *builder, const struct nal *nal);

/*
 * What a slice of H.264 begins: a second field goes on with the picture that is pending. NAL may be cut
 * ACCESS_UNIT_BUILDER_PROBE bytes behind its header.
 */
enum access_unit_start access_unit_builder_start(const struct access_unit_builder *builder,
                                                 const struct nal *nal);

/* True for a slice that begins a picture or field. NAL has its header, and one more byte at least if it is true. */
bool access_unit_builder_is_first_slice(enum nal_codec codec, const struct nal *nal);

#endif
