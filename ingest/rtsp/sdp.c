#include "ingest/rtsp/sdp.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define PAYLOAD_TYPE_MAX 127

/* Payload types of one m= line that are looked at. */
#define TYPES_MAX 16

/* RFC 3551, table 4 and 5: what cameras use of them without an rtpmap. */
static const struct static_type {
    uint8_t payload_type;
    const char *encoding;
    uint32_t clock_rate;
    uint32_t channels;
} static_types[] = {
    {0, "PCMU", 8000, 1},   {3, "GSM", 8000, 1},    {4, "G723", 8000, 1},   {8, "PCMA", 8000, 1},
    {9, "G722", 8000, 1},   {10, "L16", 44100, 2},  {11, "L16", 44100, 1},  {14, "MPA", 90000, 1},
    {18, "G729", 8000, 1},  {26, "JPEG", 90000, 0}, {31, "H261", 90000, 0}, {32, "MPV", 90000, 0},
    {33, "MP2T", 90000, 0}, {34, "H263", 90000, 0},
};

/* A stretch of the text. */
struct span {
    const char *at;
    size_t length;
};

/* While one description is read. */
struct reader {
    struct sdp *sdp;
    struct sdp_media *media; /* NULL: still the session's part, or a media that is left out */
    bool session;            /* no m= line yet */
    enum sdp_direction direction;
    uint32_t bandwidth_kbit;
    uint8_t types[TYPES_MAX]; /* of the present media, in its order */
    size_t type_count;
    size_t best; /* index of the payload type that is described; TYPES_MAX: none yet */
};

static struct span trim(struct span span)
{
    while (span.length > 0 && isspace((unsigned char)span.at[0])) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 && isspace((unsigned char)span.at[span.length - 1])) {
        span.length--;
    }
    return span;
}

/* Cuts what stands before SEPARATOR off *rest, which begins behind it then; all of it if there is none. */
static struct span cut(struct span *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
    struct span part = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->length};
    size_t used = part.length + (end != NULL);

    rest->at += used;
    rest->length -= used;
    return part;
}

/* The next word of *rest, "" at its end. */
static struct span word(struct span *rest)
{
    *rest = trim(*rest);
    return cut(rest, ' ');
}

static bool equals(struct span span, const char *text)
{
    return span.length == strlen(text) && strncasecmp(span.at, text, span.length) == 0;
}

/* The decimal number that SPAN begins with; 0 if there is none or it is too large. */
static uint32_t number(struct span span)
{
    uint64_t value = 0;

    for (size_t i = 0; i < span.length && isdigit((unsigned char)span.at[i]); i++) {
        value = value * 10 + (uint64_t)(span.at[i] - '0');
        if (value > UINT32_MAX) {
            return 0;
        }
    }
    return (uint32_t)value;
}

/* Text with control characters is no text of a description; the whole value is left out then. */
static bool is_printable(struct span span)
{
    for (size_t i = 0; i < span.length; i++) {
        if (iscntrl((unsigned char)span.at[i]) && span.at[i] != '\t') {
            return false;
        }
    }
    return true;
}

static void copy(char *out, size_t size, struct span span)
{
    span = trim(span);
    if (span.length >= size || !is_printable(span)) {
        return;
    }
    memcpy(out, span.at, span.length);
    out[span.length] = '\0';
}

/* -1: none. */
static int payload_type(struct span span)
{
    if (span.length == 0 || !isdigit((unsigned char)span.at[0])) {
        return -1;
    }
    uint32_t value = number(span);
    return value <= PAYLOAD_TYPE_MAX ? (int)value : -1;
}

static void take_static_type(struct sdp_media *media)
{
    for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
        const struct static_type *type = &static_types[i];
        if (type->payload_type != media->payload_type) {
            continue;
        }
        copy(media->encoding, sizeof(media->encoding), (struct span){type->encoding, strlen(type->encoding)});
        media->clock_rate = type->clock_rate;
        if (media->kind == SDP_AUDIO && type->channels > 0) {
            media->channels = type->channels;
        }
    }
}

static bool is_static(uint8_t type)
{
    for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
        if (static_types[i].payload_type == type) {
            return true;
        }
    }
    return false;
}

static void choose_type(struct reader *reader, size_t index)
{
    struct sdp_media *media = reader->media;

    media->payload_type = reader->types[index];
    media->encoding[0] = media->fmtp[0] = '\0';
    media->clock_rate = 0;
    media->channels = media->kind == SDP_AUDIO;
    take_static_type(media);
}

static enum sdp_kind kind_of(struct span name)
{
    if (equals(name, "video")) {
        return SDP_VIDEO;
    }
    return equals(name, "audio") ? SDP_AUDIO : SDP_OTHER;
}

/* "video 0 RTP/AVP 96 97" */
static void begin_media(struct reader *reader, struct span value)
{
    struct sdp *sdp = reader->sdp;

    reader->session = false;
    reader->media = NULL;
    reader->type_count = 0;
    reader->best = TYPES_MAX;
    if (sdp->media_count == SDP_MEDIA_MAX) {
        return;
    }
    reader->media = &sdp->medias[sdp->media_count++];
    *reader->media = (struct sdp_media){.kind = kind_of(word(&value)),
                                        .direction = reader->direction,
                                        .bandwidth_kbit = reader->bandwidth_kbit};
    reader->media->channels = reader->media->kind == SDP_AUDIO;
    word(&value); /* port */
    word(&value); /* protocol */
    for (value = trim(value); value.length > 0 && reader->type_count < TYPES_MAX; value = trim(value)) {
        int type = payload_type(word(&value));
        if (type < 0) {
            continue;
        }
        reader->types[reader->type_count++] = (uint8_t)type;
        if (reader->best == TYPES_MAX && is_static((uint8_t)type)) {
            reader->best = reader->type_count - 1;
        }
    }
    if (reader->type_count > 0) {
        choose_type(reader, reader->best < TYPES_MAX ? reader->best : 0);
    }
}

/*
 * Where TYPE stands in the m= line, TYPES_MAX if nowhere. A media without a list gets what its rtpmap says.
 */
static size_t index_of(struct reader *reader, int type)
{
    for (size_t i = 0; i < reader->type_count; i++) {
        if (reader->types[i] == type) {
            return i;
        }
    }
    if (reader->type_count > 0 || type < 0) {
        return TYPES_MAX;
    }
    reader->types[reader->type_count++] = (uint8_t)type;
    return 0;
}

/* "96 H264/90000" or "97 OPUS/48000/2" */
static void take_rtpmap(struct reader *reader, struct span value)
{
    size_t index = index_of(reader, payload_type(word(&value)));

    if (index == TYPES_MAX || index > reader->best) {
        return;
    }
    struct sdp_media *media = reader->media;
    if (media->payload_type != reader->types[index]) {
        choose_type(reader, index); /* what came before was of another type */
    }
    media->encoding[0] = '\0';
    reader->best = index;
    copy(media->encoding, sizeof(media->encoding), cut(&value, '/'));
    media->clock_rate = number(trim(cut(&value, '/')));
    uint32_t channels = number(trim(value));
    if (media->kind == SDP_AUDIO) {
        media->channels = channels > 0 ? channels : 1;
    }
}

/* "96 packetization-mode=1;…"; several lines are joined. */
static void take_fmtp(struct reader *reader, struct span value)
{
    struct sdp_media *media = reader->media;
    int type = payload_type(word(&value));
    size_t used = strlen(media->fmtp);

    value = trim(value);
    if (type != media->payload_type || value.length == 0 || !is_printable(value) ||
        used + value.length + 2 > sizeof(media->fmtp)) {
        return;
    }
    if (used > 0) {
        media->fmtp[used++] = ';';
    }
    copy(media->fmtp + used, sizeof(media->fmtp) - used, value);
}

static bool take_direction(struct reader *reader, struct span name)
{
    static const char *const names[] = {
        [SDP_SENDRECV] = "sendrecv",
        [SDP_SENDONLY] = "sendonly",
        [SDP_RECVONLY] = "recvonly",
        [SDP_INACTIVE] = "inactive",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!equals(name, names[i])) {
            continue;
        }
        if (reader->session) {
            reader->direction = (enum sdp_direction)i;
        } else if (reader->media != NULL) {
            reader->media->direction = (enum sdp_direction)i;
        }
        return true;
    }
    return false;
}

static void take_attribute(struct reader *reader, struct span value)
{
    struct span name = trim(cut(&value, ':'));

    if (take_direction(reader, name)) {
        return;
    }
    if (equals(name, "control") && reader->session) {
        copy(reader->sdp->control, sizeof(reader->sdp->control), value);
    }
    if (reader->media == NULL) {
        return;
    }
    if (equals(name, "control")) {
        copy(reader->media->control, sizeof(reader->media->control), value);
    } else if (equals(name, "rtpmap")) {
        take_rtpmap(reader, value);
    } else if (equals(name, "fmtp")) {
        take_fmtp(reader, value);
    }
}

/* "AS:5000" */
static void take_bandwidth(struct reader *reader, struct span value)
{
    if (!equals(trim(cut(&value, ':')), "AS")) {
        return;
    }
    if (reader->session) {
        reader->bandwidth_kbit = number(trim(value));
    } else if (reader->media != NULL) {
        reader->media->bandwidth_kbit = number(trim(value));
    }
}

static void take_line(struct reader *reader, struct span line)
{
    line = trim(line);
    if (line.length < 2 || line.at[1] != '=') {
        return;
    }
    struct span value = {line.at + 2, line.length - 2};
    if (line.at[0] == 'm') {
        begin_media(reader, value);
    } else if (line.at[0] == 'a') {
        take_attribute(reader, value);
    } else if (line.at[0] == 'b') {
        take_bandwidth(reader, value);
    }
}

int sdp_parse(const char *text, size_t size, struct sdp *sdp)
{
    struct reader reader = {.sdp = sdp, .session = true, .best = TYPES_MAX};
    struct span rest = {text, size};

    if (size > SDP_SIZE_MAX) {
        return -EMSGSIZE;
    }
    sdp->control[0] = '\0';
    sdp->media_count = 0;
    while (rest.length > 0) {
        /* Some end their lines with a carriage return alone. */
        size_t length = 0;
        while (length < rest.length && rest.at[length] != '\n' && rest.at[length] != '\r') {
            length++;
        }
        take_line(&reader, (struct span){rest.at, length});
        length += length < rest.length;
        rest = (struct span){rest.at + length, rest.length - length};
    }
    return sdp->media_count > 0 ? 0 : -EBADMSG;
}

const char *sdp_fmtp_find(const char *fmtp, const char *name, size_t *length)
{
    struct span rest = {fmtp, strlen(fmtp)};

    while (rest.length > 0) {
        struct span value = cut(&rest, ';');
        struct span found = trim(cut(&value, '='));
        if (!equals(found, name)) {
            continue;
        }
        value = trim(value);
        *length = value.length;
        return value.at;
    }
    return NULL;
}
