/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/sdp.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of a frame rate as text, with the NUL, and pictures a second beyond which it is none. */
#define FRAME_RATE_SIZE 16
#define FRAME_RATE_MAX 1000

#define PAYLOAD_TYPE_MAX 127

/* Payload types of one m= line that are looked at. */
#define TYPES_MAX 32

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
    sdp_plays plays;         /* or NULL */
    struct sdp_media *media; /* NULL: still the session's part, or a media that is left out */
    bool session;            /* no m= line yet */
    bool secure;             /* the session's part has keys for SRTP */
    enum sdp_direction direction;
    uint32_t bandwidth_kbit;
    char address[SDP_ADDRESS_SIZE];
    struct span section;      /* of the present media: from its m= line to its end, or as far as read */
    uint8_t types[TYPES_MAX]; /* of the present media, in its order */
    size_t type_count;
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

/* Returns the part of *rest before SEPARATOR, or all of it; *rest then begins after the separator. */
static struct span cut(struct span *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
    struct span part = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
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

/* A value with control characters is left out as a whole. */
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

/* False: the payload type is not static. */
static bool take_static_type(struct sdp_media *media)
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
        return true;
    }
    return false;
}

static enum sdp_kind kind_of(struct span name)
{
    if (equals(name, "video")) {
        return SDP_VIDEO;
    }
    return equals(name, "audio") ? SDP_AUDIO : SDP_OTHER;
}

static bool contains(struct span span, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i + length <= span.length; i++) {
        if (strncasecmp(span.at + i, text, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool lists(const struct reader *reader, int type)
{
    for (size_t i = 0; i < reader->type_count; i++) {
        if (reader->types[i] == type) {
            return true;
        }
    }
    return false;
}

/* Makes room by leaving out a media that is neither video nor audio. False: there is none. */
static bool forget_other(struct sdp *sdp)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        if (sdp->medias[i].kind == SDP_OTHER) {
            sdp->media_count--;
            memmove(&sdp->medias[i], &sdp->medias[i + 1], (sdp->media_count - i) * sizeof(sdp->medias[0]));
            return true;
        }
    }
    return false;
}

/* "video 0 RTP/AVP 96 97" */
static void begin_media(struct reader *reader, struct span value)
{
    struct sdp *sdp = reader->sdp;

    reader->session = false;
    reader->media = NULL;
    reader->type_count = 0;
    if (sdp->media_count == SDP_MEDIA_MAX && !forget_other(sdp)) {
        return;
    }
    reader->media = &sdp->medias[sdp->media_count++];
    *reader->media = (struct sdp_media){.kind = kind_of(word(&value)),
                                        .secure = reader->secure,
                                        .direction = reader->direction,
                                        .bandwidth_kbit = reader->bandwidth_kbit};
    snprintf(reader->media->address, sizeof(reader->media->address), "%s", reader->address);
    reader->media->port = number(word(&value));
    if (contains(word(&value), "SAVP")) {
        reader->media->secure = true;
    }
    for (value = trim(value); value.length > 0 && reader->type_count < TYPES_MAX; value = trim(value)) {
        int type = payload_type(word(&value));
        if (type >= 0) {
            reader->types[reader->type_count++] = (uint8_t)type;
        }
    }
}

/* The next line of *rest. False: there is none. Some cameras end their lines with a carriage return alone. */
static bool next_line(struct span *rest, struct span *line)
{
    size_t length = 0;

    if (rest->length == 0) {
        return false;
    }
    while (length < rest->length && rest->at[length] != '\n' && rest->at[length] != '\r') {
        length++;
    }
    *line = (struct span){rest->at, length};
    length += length < rest->length;
    *rest = (struct span){rest->at + length, rest->length - length};
    return true;
}

/* The next attribute NAME ("a=NAME:…") of *rest: the payload type that it is for and what follows. */
static bool next_attribute(struct span *rest, const char *name, int *type, struct span *value)
{
    struct span line;

    while (next_line(rest, &line)) {
        line = trim(line);
        if (line.length < 2 || tolower((unsigned char)line.at[0]) != 'a' || line.at[1] != '=') {
            continue;
        }
        *value = (struct span){line.at + 2, line.length - 2};
        if (equals(trim(cut(value, ':')), name)) {
            *type = payload_type(word(value));
            return true;
        }
    }
    return false;
}

/* "H264/90000" or "OPUS/48000/2" */
static void take_rtpmap(struct sdp_media *media, struct span value)
{
    media->encoding[0] = '\0';
    copy(media->encoding, sizeof(media->encoding), cut(&value, '/'));
    media->clock_rate = number(trim(cut(&value, '/')));
    uint32_t channels = number(trim(value));
    if (media->kind == SDP_AUDIO) {
        media->channels = channels > 0 ? channels : 1;
    }
}

/* "packetization-mode=1;…"; several lines are joined. */
static void take_fmtp(struct sdp_media *media, struct span value)
{
    size_t used = strlen(media->fmtp);

    value = trim(value);
    if (value.length == 0 || !is_printable(value) || used + value.length + 2 > sizeof(media->fmtp)) {
        return;
    }
    if (used > 0) {
        media->fmtp[used++] = ';';
    }
    copy(media->fmtp + used, sizeof(media->fmtp) - used, value);
}

/* Fills in what the section says of payload type TYPE. False: it describes nothing of this type. */
static bool take_format(const struct reader *reader, uint8_t type)
{
    struct sdp_media *media = reader->media;
    struct span rest = reader->section;
    struct span value;
    int described;

    media->payload_type = type;
    media->encoding[0] = media->fmtp[0] = '\0';
    media->clock_rate = 0;
    media->channels = media->kind == SDP_AUDIO;
    bool known = take_static_type(media);
    while (next_attribute(&rest, "rtpmap", &described, &value)) {
        if (described == type) {
            take_rtpmap(media, value);
            known = true;
        }
    }
    rest = reader->section;
    while (next_attribute(&rest, "fmtp", &described, &value)) {
        if (described == type) {
            take_fmtp(media, value);
        }
    }
    rest = reader->section;
    while (media->fmtp[0] == '\0' && next_attribute(&rest, "fmtp", &described, &value)) {
        if (!lists(reader, described)) {
            take_fmtp(media, value);
        }
    }
    return known;
}

/* An m= line without a list of payload types gets those of its rtpmaps. */
static void list_types(struct reader *reader)
{
    struct span rest = reader->section;
    struct span value;
    int type;

    while (reader->type_count < TYPES_MAX && next_attribute(&rest, "rtpmap", &type, &value)) {
        if (type >= 0) {
            reader->types[reader->type_count++] = (uint8_t)type;
        }
    }
}

/* The present media's section has ended: one of its payload types is chosen. */
static void end_media(struct reader *reader)
{
    size_t described = TYPES_MAX;

    if (!reader->media) {
        return;
    }
    if (reader->type_count == 0) {
        list_types(reader);
    }
    for (size_t i = 0; i < reader->type_count; i++) {
        if (!take_format(reader, reader->types[i])) {
            continue;
        }
        described = described == TYPES_MAX ? i : described;
        if (reader->plays && reader->plays(reader->media)) {
            return;
        }
    }
    if (reader->type_count > 0) {
        take_format(reader, reader->types[described == TYPES_MAX ? 0 : described]);
    } else {
        reader->media->channels = reader->media->kind == SDP_AUDIO;
    }
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
        } else if (reader->media) {
            reader->media->direction = (enum sdp_direction)i;
        }
        return true;
    }
    return false;
}

/* "a=rtcp-fb:96 nack pli", "a=rtcp-fb:* ccm fir" (RFC 4585, 4.2; RFC 5104, 7.1) */
static void take_feedback(struct sdp_media *media, struct span value)
{
    word(&value);
    struct span kind = word(&value);
    struct span parameter = word(&value);

    media->pli = media->pli || (equals(kind, "nack") && equals(parameter, "pli"));
    media->fir = media->fir || (equals(kind, "ccm") && equals(parameter, "fir"));
}

/* "25", "29.97" (RFC 8866, section 6.11). What no camera sends is left out. */
static void take_frame_rate(struct sdp_media *media, struct span value)
{
    char text[FRAME_RATE_SIZE];
    char *end = text;

    value = trim(value);
    if (value.length == 0 || value.length >= sizeof(text)) {
        return;
    }
    memcpy(text, value.at, value.length);
    text[value.length] = '\0';
    double rate = strtod(text, &end);
    if (*end == '\0' && rate > 0 && rate <= FRAME_RATE_MAX) {
        media->frame_rate = rate;
    }
}

static void take_attribute(struct reader *reader, struct span value)
{
    struct span name = trim(cut(&value, ':'));

    if (take_direction(reader, name)) {
        return;
    }
    bool control = equals(name, "control");
    bool keys = equals(name, "crypto") || equals(name, "key-mgmt");
    if (reader->session) {
        reader->secure = reader->secure || keys;
        if (control) {
            copy(reader->sdp->control, sizeof(reader->sdp->control), value);
        }
    } else if (reader->media) {
        reader->media->secure = reader->media->secure || keys;
        if (control) {
            copy(reader->media->control, sizeof(reader->media->control), value);
        } else if (equals(name, "rtcp-fb")) {
            take_feedback(reader->media, value);
        } else if (equals(name, "framerate")) {
            take_frame_rate(reader->media, value);
        }
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
    } else if (reader->media) {
        reader->media->bandwidth_kbit = number(trim(value));
    }
}

/* "IN IP4 239.1.2.3/127" */
static void take_connection(struct reader *reader, struct span value)
{
    word(&value);
    word(&value);
    struct span address = cut(&value, '/');

    if (reader->session) {
        copy(reader->address, sizeof(reader->address), address);
    } else if (reader->media) {
        copy(reader->media->address, sizeof(reader->media->address), address);
    }
}

static void take_line(struct reader *reader, struct span line)
{
    line = trim(line);
    if (line.length < 2 || line.at[1] != '=') {
        return;
    }
    struct span value = {line.at + 2, line.length - 2};
    int type = tolower((unsigned char)line.at[0]);
    if (type == 'm') {
        end_media(reader);
        begin_media(reader, value);
        reader->section = (struct span){line.at, line.length};
    } else if (type == 'a') {
        take_attribute(reader, value);
    } else if (type == 'b') {
        take_bandwidth(reader, value);
    } else if (type == 'c') {
        take_connection(reader, value);
    }
}

int sdp_parse(const char *text, size_t size, sdp_plays plays, struct sdp *sdp)
{
    struct reader reader = {.sdp = sdp, .plays = plays, .session = true};
    struct span rest = {text, size};
    struct span line;

    if (size > SDP_SIZE_MAX) {
        return -EMSGSIZE;
    }
    sdp->control[0] = '\0';
    sdp->media_count = 0;
    while (next_line(&rest, &line)) {
        take_line(&reader, line);
        if (!reader.session) {
            reader.section.length = (size_t)(line.at + line.length - reader.section.at);
        }
    }
    end_media(&reader);
    return sdp->media_count > 0 ? 0 : -EBADMSG;
}

/* NAME and '=' behind a blank or a comma, where a parameter of its own ought to begin. */
static const char *find_careless(const char *fmtp, const char *name, size_t *length)
{
    for (const char *at = fmtp; *name != '\0' && (at = strcasestr(at, name)) != NULL; at++) {
        const char *value = at + strlen(name);
        value += strspn(value, " \t");
        if (at > fmtp && strchr(" \t,", at[-1]) && *value == '=') {
            struct span found = trim((struct span){value + 1, strcspn(value + 1, ";")});
            *length = found.length;
            return found.at;
        }
    }
    return NULL;
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
    return find_careless(fmtp, name, length);
}
