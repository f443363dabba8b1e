/* SPDX-License-Identifier: MIT */
/*
 * What is behind a ring_writer: private to ring_writer.c, and to tests that read where it writes or kill it at a fault
 * point. Everything that decides where the writer writes is kept here, in its own memory; the ring's own fields are only
 * written after the attachment is made.
 */
#ifndef COMMON_RING_RING_WRITER_PRIVATE_H
#define COMMON_RING_RING_WRITER_PRIVATE_H

#include "common/ring/ring_format.h"
#include "common/ring/ring_writer.h"

struct ring_reservation {
    uint64_t position; /* of the entry */
    size_t length;     /* of the fragment; 0: nothing is reserved */
};

struct ring_writer {
    uint8_t *map;
    struct ring_geometry geometry;
    int wake; /* eventfd, or -1 */
    uint64_t intent;
    uint64_t head;
    uint64_t sequence; /* of the newest entry */
    int64_t end_ns;
    uint64_t indexed;         /* keyframes put into the index so far */
    int64_t index_due_ns;     /* CLOCK_MONOTONIC: no keyframe that is published earlier goes into the index */
    uint32_t generation;      /* newest; the fragments' own once `begun` */
    uint32_t left_generation; /* of the newest entry when this writer attached; 0: there was none */
    uint32_t timescale;
    bool begun;          /* this writer has begun a generation, or goes on with one */
    bool wants_keyframe; /* nothing was published in it yet */
    struct ring_reservation reserved;
};

/* The places where a test kills the writer, to prove R5. Compiled in only for that test. */
enum ring_fault_point {
    RING_FAULT_INTENT = 1,       /* room is claimed, nothing written */
    RING_FAULT_PAYLOAD_HALF,     /* half of the payload is written; the code that fills it raises this */
    RING_FAULT_PAYLOAD,          /* all of it is written, nothing else; raised in the same place */
    RING_FAULT_END,              /* the end of the timeline is known, the entry not */
    RING_FAULT_NOTE_HALF,        /* ... and a part of its note */
    RING_FAULT_NOTE,             /* ... and all of its note */
    RING_FAULT_PADDING_HALF,     /* some fields of the padding are written, its commit word is not */
    RING_FAULT_PADDING,          /* padding is complete, the entry behind it not */
    RING_FAULT_ENTRY_HALF,       /* some fields of the entry are written, its commit word is not */
    RING_FAULT_ENTRY,            /* the entry is complete, nothing points to it */
    RING_FAULT_NEWEST,           /* `newest` points to it, `head` does not include it */
    RING_FAULT_HEAD,             /* readers see it, `keyframe` is behind */
    RING_FAULT_KEYFRAME,         /* `sequence` is behind */
    RING_FAULT_INDEX_HALF,       /* ... and a place in the index is half written */
    RING_FAULT_INDEX_PLACE,      /* ... the place is written, `indexed` does not count it */
    RING_FAULT_INDEX,            /* ... it does */
    RING_FAULT_SEQUENCE,         /* all is written, no reader is woken */
    RING_FAULT_WAKE,             /* the futex word is changed, sleepers not woken */
    RING_FAULT_WOKEN,            /* the eventfd is written, sleepers on the futex are not woken */
    RING_FAULT_SLOT_LOCKED,      /* a generation's slot is odd, nothing in it written */
    RING_FAULT_SLOT_HALF,        /* ... half written */
    RING_FAULT_SLOT_FILLED,      /* ... all written, but still odd */
    RING_FAULT_SLOT,             /* the slot is complete, `generation` does not name it */
    RING_FAULT_GENERATION,       /* it does; nothing is published in the generation */
    RING_FAULT_RECOVER_HEAD,     /* recovery has moved `head` over what was committed, `keyframe` is behind */
    RING_FAULT_RECOVER_KEYFRAME, /* ... `sequence` is behind */
    RING_FAULT_RECOVER_INTENT,   /* recovery has moved `intent` out of all readers' reach */
    RING_FAULT_RECOVER_NEWEST,   /* ... and forgotten the entries, but not moved `head` */
    RING_FAULT_RECOVER_SEQUENCE, /* ... `sequence` goes on, `head` is not moved */
    RING_FAULT_SUCCEED,          /* another ring has the sequence, the note and the end, not the generation */
    RING_FAULT_POINTS
};

#ifdef RING_TEST_FAULTS
void ring_test_fault(enum ring_fault_point point);
#else
static inline void ring_test_fault(enum ring_fault_point point)
{
    (void)point;
}
#endif

#endif
