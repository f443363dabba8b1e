/*
 * Where a camera's pictures come from: the interface behind which every way to reach one stands. A source
 * belongs to one worker and one thread. It blocks, but asks its owner's predicate at least every 100 ms
 * whether to stop, and keeps its own deadlines. It never shows a credential in what it returns or logs.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A time that the source does not know. */
#define SOURCE_TIME_UNKNOWN INT64_MIN

/* Deadlines in milliseconds, each with its own message. A camera that wakes from sleep needs some seconds. */
#define SOURCE_CONNECT_DEADLINE_MS 10000
#define SOURCE_FIRST_FRAME_DEADLINE_MS 10000
#define SOURCE_VIDEO_DEADLINE_MS 5000

/* Bytes of an error text with its NUL. */
#define SOURCE_ERROR_SIZE 256

enum source_transport { SOURCE_TRANSPORT_AUTO, SOURCE_TRANSPORT_TCP, SOURCE_TRANSPORT_UDP };

enum source_codec {
    SOURCE_CODEC_NONE,  /* no such stream */
    SOURCE_CODEC_OTHER, /* one that is not served; codec_name says which */
    SOURCE_CODEC_H264,
    SOURCE_CODEC_H265,
    SOURCE_CODEC_AAC,
};

struct source_options {
    const char *url;
    const char *username; /* plain; NULL: that of the URL, if any */
    const char *password; /* plain */
    enum source_transport transport;
    bool audio;                         /* false: the camera's sound is not asked for */
    bool (*interrupted)(void *context); /* true: give up at once */
    void *context;
};

/* One stream. Everything belongs to the source. */
struct source_stream {
    enum source_codec codec;
    const char *codec_name;
    const uint8_t *extradata; /* video: Annex B or avcC/hvcC; AAC: AudioSpecificConfig; may be missing */
    size_t extradata_size;
    uint32_t sample_rate; /* audio, Hz */
    uint32_t channels;    /* audio; 0: not known */
};

struct source_description {
    struct source_stream video;
    struct source_stream audio;
};

/* An access unit. DATA is the source's and valid until the next call. */
struct source_unit {
    bool video; /* else audio */
    bool keyframe;
    const uint8_t *data;
    size_t size;
    int64_t presentation_ns; /* the source's clock, the same for both streams; or SOURCE_TIME_UNKNOWN */
    int64_t decode_ns;       /* or SOURCE_TIME_UNKNOWN: RTP does not carry it */
    int64_t capture_ns;      /* CLOCK_MONOTONIC when it was complete here */
    int64_t wall_ns;         /* CLOCK_REALTIME at the same moment */
};

struct source;

/*
 * Connects. 0; -ECANCELED: interrupted; other negative errno, ERROR then says why in words, without
 * credentials. -ENOTSUP: trying again soon will not help (a scheme or credentials that this source cannot
 * do).
 */
int source_open(const struct source_options *options, struct source **source, char error[SOURCE_ERROR_SIZE]);

/* What the camera sends, as far as its description tells. Valid until source_close. */
const struct source_description *source_describe(const struct source *source);

/*
 * Waits for the next access unit. 1: *unit is filled; 0: the camera ended the stream; -ECANCELED:
 * interrupted; -ETIMEDOUT: no video within its deadline; other negative errno. ERROR is set unless 1 or
 * -ECANCELED.
 */
int source_read(struct source *source, struct source_unit *unit, char error[SOURCE_ERROR_SIZE]);

/* Says goodbye to the camera (TEARDOWN), for which it takes 300 ms at most. NULL is allowed. */
void source_close(struct source *source);

#endif
