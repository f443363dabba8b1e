/* SPDX-License-Identifier: MIT */
/*
 * In step, a '$' announces a packet, whose length is believed unless what follows it makes no sense and is not junk of this
 * camera, and anything else announces a message. Out of step (the bytes make neither) it looks for "RTSP/" or for a '$'
 * with an expected channel, a plausible length and the first bits of RTP or RTCP. So a packet with a wrong length is lost
 * and the next is found, if there is more of it when the wrong one seems complete.
 *
 * What makes no sense behind a packet is junk, which some cameras put there, or the rest of a packet whose length is too small. It
 * counts as junk, which costs no picture, unless the size of the other packets shows that it is a rest. Where the next packet
 * does not tell yet where it ends, the packet waits, with all behind it.
 */
#include "ingest/rtsp/rtsp_input.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"

#define INTERLEAVED_MARK '$'
#define INTERLEAVED_HEAD 4

/* Bytes of the shortest RTCP packet that means anything; RTP's header is longer. */
#define PACKET_SIZE_MIN 8

/* Bytes of the longest method name: "GET_PARAMETER", "SET_PARAMETER". */
#define METHOD_MAX 16

/* Bytes of the first line of a request. */
#define REQUEST_LINE_MAX 4096

/* Bytes of the next packet that one with too large a length takes, if these are few. */
#define STRADDLE_MAX 16

/* Bytes between two packets that are neither; more is the rest of a packet whose length is wrong. */
#define JUNK_MAX 1024

/* How long the packet behind them is waited for. */
#define JUNK_LOOK_NS NS_PER_SECOND

/* For so many packets, what is found out about one packet is believed of all. */
#define HABIT_PACKETS 8192

/* So many packets with something behind them that no size explains show that this is junk. */
#define HABIT_PROOF 8

/* A size that so many packets have is that of full ones, into which this camera cuts what is larger. */
#define FULL_PROOF 3

/* A larger one that does not come again among so many is an exception. */
#define FULL_PATIENCE 64

/*
 * Bytes of one read: most pictures, and few enough to stay in the processor's cache. A stream then touches little more of
 * the buffer than this.
 */
#define READ_MAX 32768

/* What is left of a packet, if it is not longer, is moved to the beginning of the buffer before each read. */
#define MOVED_MAX 4096

/* The bit of RTP's second byte that marks the last packet of a picture. */
#define RTP_MARKER 0x80

static const char version[] = "RTSP/";
static const char other_protocol[] = "HTTP/";

int rtsp_input_init(struct rtsp_input *input)
{
    *input = (struct rtsp_input){.data = malloc(RTSP_INPUT_SIZE), .capacity = RTSP_INPUT_SIZE};
    return input->data ? 0 : -ENOMEM;
}

void rtsp_input_finish(struct rtsp_input *input)
{
    free(input->data);
    *input = (struct rtsp_input){0};
}

void rtsp_input_reset(struct rtsp_input *input)
{
    *input = (struct rtsp_input){.data = input->data, .capacity = input->capacity};
}

void rtsp_input_expect(struct rtsp_input *input, uint8_t channel)
{
    input->channels[channel / 64] |= UINT64_C(1) << channel % 64;
}

static bool is_expected(const struct rtsp_input *input, uint8_t channel)
{
    return (input->channels[channel / 64] >> channel % 64 & 1) != 0;
}

static void consume_event(struct rtsp_input *input)
{
    input->begin += input->event_size;
    input->event_size = 0;
    if (input->begin == input->end) {
        input->begin = input->end = 0;
    }
}

void rtsp_input_push_back(struct rtsp_input *input)
{
    input->event_size = 0;
}

/* 0; -ENOMEM: all stays as it is. What is there has to fit. */
static int resize(struct rtsp_input *input, size_t capacity)
{
    uint8_t *data = realloc(input->data, capacity);

    if (!data) {
        return -ENOMEM;
    }
    input->data = data;
    input->capacity = capacity;
    return 0;
}

uint8_t *rtsp_input_room(struct rtsp_input *input, size_t *size)
{
    consume_event(input);
    if (input->capacity > RTSP_INPUT_SIZE && input->begin == input->end) {
        (void)resize(input, RTSP_INPUT_SIZE);
    }
    size_t left = input->end - input->begin;
    if (input->begin > input->capacity / 2 || (input->begin > 0 && left <= MOVED_MAX)) {
        memmove(input->data, input->data + input->begin, left);
        input->end = left;
        input->begin = 0;
    }
    size_t room = input->capacity - input->end;
    *size = room < READ_MAX ? room : READ_MAX;
    return input->data + input->end;
}

void rtsp_input_added(struct rtsp_input *input, size_t size)
{
    input->end += size;
}

static void skip(struct rtsp_input *input, size_t size)
{
    input->begin += size;
    input->garbage += size;
    input->garbage_run += size;
}

static void understood(struct rtsp_input *input, size_t size)
{
    input->event_size = size;
    input->garbage_run = 0;
    input->lost = false;
    input->speaks_rtsp = true;
}

/*
 * Whether what begins at AT, of which SIZE bytes are there, may be an interleaved packet that was asked for.
 */
static bool plausible_packet(const struct rtsp_input *input, const uint8_t *at, size_t size)
{
    if (size > 1 && !is_expected(input, at[1])) {
        return false;
    }
    if (size >= INTERLEAVED_HEAD && (size_t)(at[2] << 8 | at[3]) < PACKET_SIZE_MIN) {
        return false;
    }
    return size <= INTERLEAVED_HEAD || at[INTERLEAVED_HEAD] >> 6 == 2;
}

/* Whether the first line of TEXT, as far as it is there, holds nothing that a line of a message cannot. */
static bool is_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size && text[i] != '\n'; i++) {
        if (iscntrl((unsigned char)text[i]) && text[i] != '\t' && text[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* Whether the first line of TEXT, as far as it is there, may be that of a request: it ends in a version. */
static bool is_request_line(const char *text, size_t size)
{
    size_t line = size < REQUEST_LINE_MAX ? size : REQUEST_LINE_MAX;
    const char *newline = memchr(text, '\n', line);

    if (!is_text(text, line)) {
        return false;
    }
    return newline ? memmem(text, (size_t)(newline - text), version, strlen(version)) != NULL
                   : size < REQUEST_LINE_MAX;
}

/* Whether TEXT, of which SIZE bytes are there, may begin a message: a version, or a method, a space and the rest of a request. */
static bool plausible_message(const char *text, size_t size)
{
    size_t compare = size < strlen(version) ? size : strlen(version);
    size_t length = 0;

    if (strncasecmp(text, version, compare) == 0) {
        return true;
    }
    while (length < size && length <= METHOD_MAX &&
           (isupper((unsigned char)text[length]) || text[length] == '_')) {
        length++;
    }
    return length > 0 && length <= METHOD_MAX &&
           (length == size || (text[length] == ' ' && is_request_line(text, size)));
}

/* Out of step: skips to what looks like a beginning. */
static void search(struct rtsp_input *input)
{
    while (input->begin < input->end) {
        const uint8_t *at = input->data + input->begin;
        size_t size = input->end - input->begin;
        size_t compare = size < strlen(version) ? size : strlen(version);
        if (*at == INTERLEAVED_MARK && plausible_packet(input, at, size)) {
            return;
        }
        if (*at == 'R' && memcmp(at, version, compare) == 0) {
            return;
        }
        skip(input, 1);
    }
}

/* Line ends between messages mean nothing. */
static void skip_line_ends(struct rtsp_input *input)
{
    while (input->begin < input->end &&
           (input->data[input->begin] == '\r' || input->data[input->begin] == '\n')) {
        input->begin++;
    }
}

/* Whether a packet of any length and channel may begin at AT, of which SIZE bytes are there. */
static bool any_packet(const uint8_t *at, size_t size)
{
    return *at == INTERLEAVED_MARK && (size <= INTERLEAVED_HEAD || at[INTERLEAVED_HEAD] >> 6 == 2);
}

/*
 * Whether AT, of which SIZE bytes are there, begins an answer or a request that a camera may send (RFC 2326, section 10, table
 * 2). Any capital letters are not enough: sound is padded with the bytes "ZZZ" (ISO/IEC 14496-3, fill_element, by habit).
 */
static bool known_message(const uint8_t *at, size_t size)
{
    static const char *const begins[] = {version,     "OPTIONS ",  "ANNOUNCE ",      "GET_PARAMETER ",
                                         "REDIRECT ", "DESCRIBE ", "SET_PARAMETER ", "TEARDOWN ",
                                         "SETUP ",    "PLAY ",     "PAUSE ",         "RECORD "};

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        size_t length = strlen(begins[i]);
        if (strncasecmp((const char *)at, begins[i], size < length ? size : length) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Whether AT, of which SIZE bytes are there, may come behind a packet. One byte alone is not enough: of the bytes of video
 * each hundredth is a mark or a line end.
 */
static bool may_follow(const uint8_t *at, size_t size)
{
    while (size > 0 && (*at == '\r' || *at == '\n')) {
        at++;
        size--;
    }
    return size == 0 || any_packet(at, size) || known_message(at, size);
}

/*
 * Whether a packet that was asked for begins at AT and ends with the SIZE bytes that are here, or is followed by another one
 * among them.
 */
static bool proven_packet(const struct rtsp_input *input, const uint8_t *at, size_t size)
{
    if (size < INTERLEAVED_HEAD + PACKET_SIZE_MIN || *at != INTERLEAVED_MARK ||
        !plausible_packet(input, at, size)) {
        return false;
    }
    size_t length = INTERLEAVED_HEAD + (size_t)(at[2] << 8 | at[3]);
    return length == size || (length < size && at[length] == INTERLEAVED_MARK &&
                              plausible_packet(input, at + length, size - length));
}

/* Whether the head of a packet that was asked for begins at AT, just before REST, and what follows it is there, before END. */
static bool straddles(const struct rtsp_input *input, const uint8_t *at, const uint8_t *rest,
                      const uint8_t *end)
{
    return rest - at <= STRADDLE_MAX && end - at > INTERLEAVED_HEAD &&
           plausible_packet(input, at, (size_t)(end - at));
}

/* How many of the SIZE bytes at REST, behind a packet, cannot be video that the packet's length leaves out: no NAL unit
 * holds three zeros in a row (ISO/IEC 14496-10, 7.4.1; 23008-2, 7.4.2). */
static size_t count_filling(const uint8_t *rest, size_t size)
{
    size_t zeros = 0;

    while (zeros < size && rest[zeros] == 0) {
        zeros++;
    }
    return zeros >= 3 ? zeros : 0;
}

/* Whether something that is plausible begins within the first JUNK_MAX of the SIZE bytes at REST, or may begin behind them. */
static bool junk_ends(const struct rtsp_input *input, const uint8_t *rest, size_t size)
{
    for (size_t i = 0; i <= JUNK_MAX && i < size; i++) {
        size_t left = size - i;
        size_t compare = left < strlen(version) ? left : strlen(version);
        if ((rest[i] == INTERLEAVED_MARK && plausible_packet(input, rest + i, left)) ||
            strncasecmp((const char *)rest + i, version, compare) == 0) {
            return true;
        }
    }
    return size <= JUNK_MAX;
}

/* Where the junk at REST ends, of whose SIZE bytes it may be some: at something that is plausible. SIZE: not within them. */
static size_t junk_size(const struct rtsp_input *input, const uint8_t *rest, size_t size)
{
    for (size_t i = 0; i <= JUNK_MAX && i < size; i++) {
        size_t left = size - i;
        bool packet =
            left > INTERLEAVED_HEAD && rest[i] == INTERLEAVED_MARK && plausible_packet(input, rest + i, left);
        if (packet ||
            (left >= strlen(version) && strncasecmp((const char *)rest + i, version, strlen(version)) == 0)) {
            return i;
        }
    }
    return size;
}

enum look { LOOK_JUNK, LOOK_REST, LOOK_UNCLEAR };

/* Whether what was found out when so many PACKETS had come still counts; 0: nothing was. */
static bool is_habit(const struct rtsp_input *input, uint64_t packets)
{
    return packets > 0 && input->packets - packets < HABIT_PACKETS;
}

/*
 * What the SIZE bytes at REST are, behind the packet AT of LENGTH bytes that they do not fit to. A full packet is complete; one that
 * would be full with them, and that does not end a picture, is not. What was found so is believed of the other packets, too.
 */
static enum look look_behind(struct rtsp_input *input, const uint8_t *at, size_t length, const uint8_t *rest,
                             size_t size)
{
    size_t junk = junk_size(input, rest, size);
    bool ends = junk < size;

    if (length == input->full_size) {
        input->junk_seen = input->packets;
        return LOOK_JUNK;
    }
    if (ends && length + junk == input->full_size && !(at[INTERLEAVED_HEAD + 1] & RTP_MARKER) &&
        !is_habit(input, input->junk_seen)) {
        input->rest_seen = input->packets;
        input->junk_seen = input->junks = 0;
        return LOOK_REST;
    }
    if (junk > JUNK_MAX || (is_habit(input, input->rest_seen) && input->junk_seen < input->rest_seen)) {
        return LOOK_REST;
    }
    if (is_habit(input, input->junk_seen)) {
        return LOOK_JUNK;
    }
    if (!ends && !input->impatient) {
        return LOOK_UNCLEAR;
    }
    if (++input->junks >= HABIT_PROOF) {
        input->junk_seen = input->packets;
    }
    return LOOK_JUNK;
}

/*
 * What makes no sense behind a packet of LENGTH bytes at AT, if it is here already, may give away that the length is wrong:
 * the next packet begins within this one, or there is more of it.
 */
static enum look judge_packet(struct rtsp_input *input, const uint8_t *at, size_t length, size_t size)
{
    const uint8_t *rest = at + length;
    size_t behind = size - length;

    if (may_follow(rest, behind)) {
        return LOOK_JUNK;
    }
    for (const uint8_t *inner = at + 1; (inner = memchr(inner, INTERLEAVED_MARK, (size_t)(rest - inner)));
         inner++) {
        if (proven_packet(input, inner, size - (size_t)(inner - at)) ||
            straddles(input, inner, rest, at + size)) {
            return LOOK_REST;
        }
    }
    size_t filling = count_filling(rest, behind);
    if (filling == behind) {
        return LOOK_JUNK;
    }
    if (!junk_ends(input, rest + filling, behind - filling)) {
        return LOOK_REST;
    }
    return filling > 0 ? LOOK_JUNK : look_behind(input, at, length, rest, behind);
}

/* As judge_packet, but what stays unclear for long counts as junk. */
static enum look judge_in_time(struct rtsp_input *input, const uint8_t *at, size_t length, size_t size)
{
    int64_t now = input->doubt_ns > 0 ? clock_now_ns() : 0;

    input->impatient = input->doubt_ns > 0 && now - input->doubt_ns > JUNK_LOOK_NS;
    enum look look = judge_packet(input, at, length, size);
    if (look != LOOK_UNCLEAR) {
        input->doubt_ns = 0;
    } else if (input->doubt_ns == 0) {
        input->doubt_ns = clock_now_ns();
    }
    return look;
}

/* Learns the size of full packets: the largest that comes again and again. */
static void note_size(struct rtsp_input *input, size_t length)
{
    if (length <= input->full_size) {
        return;
    }
    if (length == input->larger_size) {
        if (++input->larger_packets == FULL_PROOF) {
            input->full_size = length;
        }
    } else if (length > input->larger_size || input->packets - input->larger > FULL_PATIENCE) {
        input->larger_size = length;
        input->larger_packets = 1;
        input->larger = input->packets;
    }
}

/* -EAGAIN: it was not a packet. */
static int next_packet(struct rtsp_input *input, enum rtsp_event *event)
{
    const uint8_t *at = input->data + input->begin;
    size_t size = input->end - input->begin;

    if (size < INTERLEAVED_HEAD) {
        return 0;
    }
    size_t length = INTERLEAVED_HEAD + (size_t)(at[2] << 8 | at[3]);
    if (size < length) {
        return 0;
    }
    enum look look = judge_in_time(input, at, length, size);
    if (look == LOOK_UNCLEAR) {
        return 0;
    }
    if (look == LOOK_REST) {
        input->lost = true;
        skip(input, 1);
        return -EAGAIN;
    }
    input->packets++;
    note_size(input, length);
    input->channel = at[1];
    input->packet = at + INTERLEAVED_HEAD;
    input->packet_size = length - INTERLEAVED_HEAD;
    understood(input, length);
    if (is_expected(input, input->channel)) {
        *event = RTSP_EVENT_PACKET;
        return 0;
    }
    consume_event(input);
    return -EAGAIN;
}

/* Bytes up to and with the empty line that ends the headers; 0: it is not there yet. Some cameras end lines in CR CR LF. */
static size_t head_length(const char *text, size_t size)
{
    for (const char *newline = memchr(text, '\n', size); newline;) {
        const char *next = newline + 1;
        size_t left = size - (size_t)(next - text);
        size_t returns = 0;
        while (returns < left && next[returns] == '\r') {
            returns++;
        }
        if (returns < left && next[returns] == '\n') {
            return (size_t)(next + returns + 1 - text);
        }
        newline = memchr(next, '\n', left);
    }
    return 0;
}

/* What follows NAME and its colon, before which there may be blanks; NULL: LINE is another header. */
static const char *header_value(const char *line, const char *name)
{
    if (strncasecmp(line, name, strlen(name)) != 0) {
        return NULL;
    }
    line += strlen(name);
    line += strspn(line, " \t");
    return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/* What the headers say of the body. Parsing writes into the text, and the body may not be here yet, so only a copy tells. */
struct body_claim {
    int64_t length; /* -1: not said */
    bool description;
};

static struct body_claim read_claim(const char *text, size_t head)
{
    static const char sdp[] = "application/sdp";
    struct body_claim claim = {.length = -1};

    for (const char *line = text; line < text + head;) {
        const char *newline = memchr(line, '\n', (size_t)(text + head - line));
        const char *digits = header_value(line, "Content-Length");
        const char *type = header_value(line, "Content-Type");
        if (digits && claim.length < 0) {
            claim.length = 0;
            for (; isdigit((unsigned char)*digits) && claim.length < INT64_MAX / 100; digits++) {
                claim.length = claim.length * 10 + *digits - '0';
            }
        }
        claim.description = claim.description || (type && strncasecmp(type, sdp, strlen(sdp)) == 0);
        line = newline + 1;
    }
    return claim;
}

/* Whether SIZE bytes at LINE may begin a line of a description (RFC 4566, section 5), or an empty one. */
static bool is_description_line(const char *line, size_t size)
{
    return line[0] == '\r' || line[0] == '\n' ||
           (isalpha((unsigned char)line[0]) && (size == 1 || line[1] == '='));
}

/* How many of SIZE bytes at BODY are lines of a description, the last one perhaps cut off. */
static size_t description_size(const char *body, size_t size)
{
    size_t at = 0;

    while (at < size && is_description_line(body + at, size - at)) {
        const char *newline = memchr(body + at, '\n', size - at);
        at = newline ? (size_t)(newline + 1 - body) : size;
    }
    return at;
}

/* Whether SIZE bytes at BODY name a media. */
static bool has_media(const char *body, size_t size)
{
    for (const char *at = body; (at = memchr(at, 'm', size - (size_t)(at - body))); at++) {
        if ((size_t)(body + size - at) > 1 && at[1] == '=' && (at == body || at[-1] == '\n')) {
            return true;
        }
    }
    return false;
}

/*
 * Bytes of the body, of which SIZE are here; -1: its end is not. Content-Length is believed if what lies behind it is not more of
 * a description.
 */
static int64_t body_length(struct rtsp_input *input, const struct body_claim *claim, const char *body,
                           size_t size)
{
    static const char begin[] = "v=0";
    bool begins = size >= strlen(begin) && memcmp(body, begin, strlen(begin)) == 0;

    if (!claim->description && !(claim->length <= 0 && begins)) {
        return claim->length < 0 ? 0 : claim->length;
    }
    size_t lines = description_size(body, size);
    bool longer = claim->length >= 0 && begins && lines > (size_t)claim->length + 2;
    if (claim->length > 0 && !longer) {
        input->body_open = size < (size_t)claim->length && lines == size && has_media(body, size);
        return input->body_open && input->body_ends ? (int64_t)size : claim->length;
    }
    if (claim->length == 0 && !begins) {
        return 0;
    }
    input->body_open = lines == size && lines <= RTSP_BODY_SIZE_MAX;
    return input->body_open && !input->body_ends ? -1 : (int64_t)lines;
}

bool rtsp_input_waits_for_body(const struct rtsp_input *input)
{
    return input->body_open;
}

void rtsp_input_end_body(struct rtsp_input *input)
{
    input->body_ends = input->body_open;
}

static int next_message(struct rtsp_input *input, enum rtsp_event *event, const char **what, int64_t *bytes)
{
    char *text = (char *)input->data + input->begin;
    size_t size = input->end - input->begin;
    size_t head = head_length(text, size < RTSP_HEAD_SIZE_MAX ? size : RTSP_HEAD_SIZE_MAX);

    *what = "headers";
    if (head == 0) {
        return size >= RTSP_HEAD_SIZE_MAX ? -EMSGSIZE : 0;
    }
    struct body_claim claim = read_claim(text, head);
    input->body_open = false;
    int64_t body = body_length(input, &claim, text + head, size - head);
    if (body < 0) {
        body = (int64_t)(size - head) + 1; /* at least */
    }
    if (body > RTSP_BODY_SIZE_MAX) {
        *what = "body";
        *bytes = body;
        return -EMSGSIZE;
    }
    if (size < head + (size_t)body) {
        /* What begins in the first half of the room is not moved. */
        size_t needed = 2 * (head + (size_t)body);
        return needed > input->capacity ? resize(input, needed) : 0;
    }
    int result = rtsp_message_parse(text, head, &input->message);
    if (result == -E2BIG) {
        return -EMSGSIZE;
    }
    if (result < 0) {
        skip(input, head);
        input->lost = true;
        return -EAGAIN;
    }
    input->message.body = text + head;
    input->message.body_size = (size_t)body;
    input->body_open = input->body_ends = false;
    understood(input, head + (size_t)body);
    *event = RTSP_EVENT_MESSAGE;
    return 0;
}

/* One attempt at what begins here; -EAGAIN: it was nothing, look on. */
static int attempt(struct rtsp_input *input, enum rtsp_event *event, const char **what, int64_t *bytes)
{
    if (input->lost) {
        search(input);
    } else {
        skip_line_ends(input);
    }
    if (input->begin == input->end) {
        return 0;
    }
    const uint8_t *at = input->data + input->begin;
    size_t size = input->end - input->begin;
    if (*at == INTERLEAVED_MARK) {
        return next_packet(input, event);
    }
    if (!input->speaks_rtsp && size >= strlen(other_protocol) &&
        memcmp(at, other_protocol, strlen(other_protocol)) == 0) {
        return -EPROTONOSUPPORT;
    }
    if (plausible_message((const char *)at, size)) {
        return next_message(input, event, what, bytes);
    }
    input->lost = true;
    skip(input, 1);
    return -EAGAIN;
}

int rtsp_input_next(struct rtsp_input *input, enum rtsp_event *event, const char **what, int64_t *bytes)
{
    int result;

    consume_event(input);
    *event = RTSP_EVENT_NONE;
    do {
        result = attempt(input, event, what, bytes);
    } while (result == -EAGAIN && input->garbage_run <= RTSP_INPUT_GARBAGE_MAX);
    if (input->garbage_run > RTSP_INPUT_GARBAGE_MAX) {
        return -EBADMSG;
    }
    if (input->begin == input->end) {
        input->begin = input->end = 0;
    }
    return result;
}
