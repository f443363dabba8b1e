/*
 * In step, a '$' announces a packet, whose length is believed unless what follows it makes no sense and is not junk of this
 * camera, and anything else announces a message. Out of step (the bytes make neither) it looks for "RTSP/" or for a '$'
 * with an expected channel, a plausible length and the first bits of RTP or RTCP. So a packet with a wrong length is lost
 * and the next is found, if there is more of it when the wrong one seems complete.
 */
#include "ingest/rtsp/rtsp_input.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INTERLEAVED_MARK '$'
#define INTERLEAVED_HEAD 4

/* Bytes of the shortest RTCP packet that means anything; RTP's header is longer. */
#define PACKET_SIZE_MIN 8

/* Bytes of the longest method name: "GET_PARAMETER", "SET_PARAMETER". */
#define METHOD_MAX 16

/* Bytes between two packets that are neither; more is the rest of a packet whose length is wrong. */
#define JUNK_MAX 256

/* A packet is doubted for what follows it; after so many doubts, none more than so many packets after the one before, it is
 * the camera's way, until it has not happened for so many packets. Lengths that are wrong now and then never become one. */
#define JUNK_DOUBTS 2
#define JUNK_PACKETS 16
#define JUNK_HABIT_PACKETS 8192

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
    /* Moving is rare: what is left is the beginning of one packet. */
    if (input->begin > input->capacity / 2) {
        memmove(input->data, input->data + input->begin, input->end - input->begin);
        input->end -= input->begin;
        input->begin = 0;
    }
    *size = input->capacity - input->end;
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

/* Whether TEXT, of which SIZE bytes are there, may begin a message: a version, or a method, a space and more text. */
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
           (length == size || (text[length] == ' ' && is_text(text, size)));
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

/* Whether this camera puts junk between its packets: what makes no sense behind a packet has come often of late. */
static bool sends_junk(struct rtsp_input *input)
{
    uint64_t since = input->packets - input->doubted;

    if (since > (input->doubts == JUNK_DOUBTS ? JUNK_HABIT_PACKETS : JUNK_PACKETS)) {
        input->doubts = 0;
    }
    input->doubted = input->packets;
    if (input->doubts < JUNK_DOUBTS) {
        input->doubts++;
        return false;
    }
    return true;
}

/*
 * What makes no sense behind a packet of LENGTH bytes at AT, if it is here already, gives away that the length is wrong:
 * part of the packet is missing, and the next one begins within it, or there is more of it. But some cameras send a few
 * bytes of junk between packets, which costs no packet where it can be told: by zeros, or since it comes often.
 */
static bool is_mistaken(struct rtsp_input *input, const uint8_t *at, size_t length, size_t size)
{
    const uint8_t *rest = at + length;
    size_t behind = size - length;

    if (may_follow(rest, behind)) {
        return false;
    }
    for (const uint8_t *inner = at + 1; (inner = memchr(inner, INTERLEAVED_MARK, (size_t)(rest - inner)));
         inner++) {
        if (proven_packet(input, inner, size - (size_t)(inner - at))) {
            return true;
        }
    }
    size_t filling = count_filling(rest, behind);
    if (filling == 0 && !sends_junk(input)) {
        return true;
    }
    return filling < behind && !junk_ends(input, rest + filling, behind - filling);
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
    if (is_mistaken(input, at, length, size)) {
        input->lost = true;
        skip(input, 1);
        return -EAGAIN;
    }
    input->packets++;
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

/* Bytes up to and with the empty line that ends the headers; 0: it is not there yet. */
static size_t head_length(const char *text, size_t size)
{
    for (const char *newline = memchr(text, '\n', size); newline;) {
        const char *next = newline + 1;
        size_t left = size - (size_t)(next - text);
        if (left > 0 && next[0] == '\n') {
            return (size_t)(next + 1 - text);
        }
        if (left > 1 && next[0] == '\r' && next[1] == '\n') {
            return (size_t)(next + 2 - text);
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

/* Parsing writes into the text, and the body may not be here yet, so only a copy tells its length. */
static int64_t body_length(const char *text, size_t head)
{
    for (const char *line = text; line < text + head;) {
        const char *newline = memchr(line, '\n', (size_t)(text + head - line));
        const char *digits = header_value(line, "Content-Length");
        if (digits) {
            int64_t value = 0;
            for (; isdigit((unsigned char)*digits) && value < INT64_MAX / 100; digits++) {
                value = value * 10 + *digits - '0';
            }
            return value;
        }
        line = newline + 1;
    }
    return 0;
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
    int64_t body = body_length(text, head);
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
    if (size >= strlen(other_protocol) && memcmp(at, other_protocol, strlen(other_protocol)) == 0) {
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
