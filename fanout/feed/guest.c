/* SPDX-License-Identifier: MIT */
#include "fanout/feed/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "fanout/feed/codec_choice.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/tracks.h"
#include "fanout/feed/viewer.h"

/* Longest line that tells the length of an answer, and longest text of an error. */
#define LENGTH_LINE_SIZE 64
#define ERROR_SIZE 512

struct guest *guest_new(enum guest_kind kind)
{
    struct guest *guest = calloc(1, sizeof(*guest));

    if (guest) {
        guest->kind = kind;
        guest->picture_only = kind == GUEST_PICTURE;
        guest->from_zero = kind == GUEST_GO2RTC;
    }
    return guest;
}

void guest_free(struct guest *guest)
{
    if (guest) {
        free(guest->head);
        free(guest->source);
        free(guest);
    }
}

void guest_begin_again(struct guest *guest, bool is_streaming)
{
    guest->begun = guest->is_out = false;
    guest->not_before_ns = is_streaming ? 0 : clock_now_ns();
    guest->viewer->init_id = 0;
    guest->viewer->last_sequence = 0;
}

bool guest_is_http(const struct guest *guest)
{
    return guest->kind != GUEST_GO2RTC;
}

bool guest_may_begin(const struct guest *guest, const ringcast_entry *entry)
{
    return guest->begun ||
           ((entry->flags & RINGCAST_KEYFRAME) && entry->published_ns >= guest->not_before_ns);
}

/* ---- Ends ---- */

/* Has the guest closed when it has left its feed. False, for who sends. */
static bool end(struct guest *guest, uint16_t code, const char *reason)
{
    guest->ending = true;
    guest->code = code;
    guest->reason = reason;
    return false;
}

void guest_end_clip(struct guest *guest)
{
    end(guest, GUEST_DONE, "the clip is over");
}

bool guest_has_ended(struct viewer *viewer)
{
    struct guest *guest = viewer->guest;

    if (!guest || !guest->ending) {
        return false;
    }
    guest->ending = false;
    if (guest->is_out) {
        viewer_enter_state(viewer, VIEWER_AT_DOOR);
        viewer_want_writable(viewer); /* the server hears of it */
    } else {
        viewer_close(viewer, guest->code, guest->reason);
    }
    return true;
}

void guest_finish_file(struct viewer *viewer)
{
    static const char last_chunk[] = "0\r\n\r\n";
    unsigned char memory[LWS_PRE + sizeof(last_chunk)];

    if (viewer->guest->kind == GUEST_CHUNKED) {
        memcpy(memory + LWS_PRE, last_chunk, strlen(last_chunk));
        lws_write(viewer->wsi, memory + LWS_PRE, strlen(last_chunk), LWS_WRITE_HTTP);
    }
}

/* ---- What is written ---- */

/* Bytes at the beginning of the fragment in PACKET that the guest does not get. */
static size_t prft_size(const struct guest *guest, const struct packet *packet)
{
    return guest->from_zero ? tracks_prft_size(packet_payload(packet), packet->length) : 0;
}

/* PACKET as one chunk, in one write: its line is in the room before the payload, its end behind that. */
static bool send_chunk(const struct packet *packet, struct lws *wsi)
{
    char line[LWS_PRE + 1];
    uint8_t *payload = packet_payload(packet);
    int length = snprintf(line, sizeof(line), "%zX\r\n", packet->length);

    static_assert(LWS_PRE >= sizeof("FFFFFFFF\r\n") - 1, "a chunk's line is written before the payload");
    memcpy(payload - length, line, (size_t)length);
    memcpy(payload + packet->length, "\r\n", PACKET_TAIL);
    return lws_write(wsi, payload - length, (size_t)length + packet->length + PACKET_TAIL, LWS_WRITE_HTTP) >=
           0;
}

static bool send_bytes(const struct viewer *viewer, const struct packet *packet)
{
    switch (viewer->guest->kind) {
    case GUEST_CHUNKED:
        return send_chunk(packet, viewer->wsi);
    case GUEST_GO2RTC:
        return packet_send(packet, viewer->wsi, LWS_WRITE_BINARY);
    case GUEST_FILE:
    case GUEST_PICTURE:
        break;
    }
    return packet_send(packet, viewer->wsi, LWS_WRITE_HTTP);
}

/*
 * The fragment in PACKET. With other decode times its `prft` would be wrong, and is left away: what libwebsockets or a chunk's line
 * writes before the rest is put back.
 */
static bool send_fragment(const struct viewer *viewer, const struct packet *packet)
{
    size_t skipped = prft_size(viewer->guest, packet);
    const struct packet rest = {.memory = packet->memory + skipped, .length = packet->length - skipped};
    uint8_t before[PACKET_BEFORE];

    memcpy(before, rest.memory, sizeof(before));
    bool sent = send_bytes(viewer, &rest);
    memcpy(rest.memory, before, sizeof(before));
    return sent;
}

/* The head of the answer. BODY: how long the file is, if that is to be said. */
static bool send_head(const struct viewer *viewer, size_t body)
{
    const struct guest *guest = viewer->guest;
    char line[LENGTH_LINE_SIZE] = "\r\n";
    struct packet packet = {0};

    if (guest->kind == GUEST_CHUNKED) {
        snprintf(line, sizeof(line), "Transfer-Encoding: chunked\r\n\r\n");
    } else if (guest->kind == GUEST_PICTURE) {
        snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", body);
    }
    size_t length = strlen(guest->head) + strlen(line);
    bool sent = packet_reserve(&packet, length + 1) == 0;
    if (sent) {
        snprintf((char *)packet_payload(&packet), length + 1, "%s%s", guest->head, line);
        packet.length = length;
        sent = packet_send(&packet, viewer->wsi, LWS_WRITE_HTTP_HEADERS);
    }
    packet_finish(&packet);
    lws_http_headers_detach(
        viewer->wsi); /* libwebsockets would end a connection that keeps its request for long */
    return sent;
}

static bool send_text(const struct viewer *viewer, json_t *text)
{
    struct packet packet = {0};
    bool sent = packet_set_json(&packet, text) == 0 && packet_send(&packet, viewer->wsi, LWS_WRITE_TEXT);

    packet_finish(&packet);
    return sent;
}

bool guest_send_error(struct viewer *viewer, const char *type, const char *text)
{
    return send_text(viewer, json_pack("{s:s, s:s++}", "type", "error", "value", type, ": ", text));
}

/* ---- Init segments ---- */

/* The init segment in INIT, for a guest that has no sound without that. FRAGMENT follows it. */
static bool send_segment(const struct viewer *viewer, const struct init_cache *init,
                         const struct fragment_buffer *fragment)
{
    const struct guest *guest = viewer->guest;
    struct packet picture = {0};

    if (packet_reserve(&picture, init->segment.length) < 0) {
        return false;
    }
    const struct packet *segment = &init->segment;
    if (guest->picture_only && init->tracks.sound_key != 0) {
        picture.length = tracks_copy_picture(packet_payload(segment), segment->length, &init->tracks,
                                             packet_payload(&picture));
        segment = &picture;
    }
    bool sent =
        guest->begun || !guest_is_http(guest) ||
        send_head(viewer, segment->length + fragment->packet.length - prft_size(guest, &fragment->packet));
    sent = sent && send_bytes(viewer, segment);
    packet_finish(&picture);
    return sent;
}

/* Which tracks the segment has that the guest gets now. */
static void note_tracks(struct guest *guest, const struct tracks *tracks)
{
    guest->video_key = tracks->video_key;
    guest->sound_key = guest->picture_only ? 0 : tracks->sound_key;
    guest->sound_hidden = guest->picture_only && tracks->sound_key != 0;
}

/* The client plays nothing of what the camera has: it is told so, and may ask again. */
static bool refuse_codecs(struct viewer *viewer, unsigned tracks)
{
    struct guest *guest = viewer->guest;
    char has[CODEC_NAMES_SIZE], plays[CODEC_NAMES_SIZE], text[ERROR_SIZE];

    snprintf(text, sizeof(text), "streams: codecs not matched: %s => %s", codec_choice_names(tracks, has),
             codec_choice_names(guest->codecs, plays));
    guest->is_out = true;
    return guest_send_error(viewer, "mse", text) ? end(guest, GUEST_DONE, NULL) : false;
}

/* The answer to {"type":"mse"}: what will come. */
static bool agree(struct viewer *viewer, const struct init_cache *init)
{
    struct guest *guest = viewer->guest;
    unsigned tracks = codec_choice_of_tracks(init->codecs);
    int length = (int)strlen(init->codecs);

    guest->chosen = tracks & guest->codecs;
    guest->picture_only = (guest->chosen & CODEC_SOUND) == 0;
    if ((guest->chosen & CODEC_VIDEO) == 0) {
        return refuse_codecs(viewer, tracks);
    }
    if (guest->picture_only) {
        length = (int)codec_choice_picture_length(init->codecs);
    }
    return send_text(viewer, json_pack("{s:s, s:o}", "type", "mse", "value",
                                       json_sprintf("video/mp4; codecs=\"%.*s\"", length, init->codecs)));
}

/* go2rtc's own player begins to play at 0, and waits for five seconds if nothing is there. */
static void begin_times(struct guest *guest, const struct packet *fragment, const struct tracks *tracks)
{
    guest->shift_timescale = tracks->video_timescale;
    guest->shift = tracks_begin(packet_payload(fragment), fragment->length, tracks, !guest->picture_only);
}

static bool begin(struct viewer *viewer, const struct init_cache *init,
                  const struct fragment_buffer *fragment)
{
    struct guest *guest = viewer->guest;

    if (!guest_is_http(guest) && !agree(viewer, init)) {
        return false;
    }
    note_tracks(guest, &init->tracks);
    if (!send_segment(viewer, init, fragment)) {
        return false;
    }
    guest->begun = true;
    guest->begun_ns = clock_now_ns();
    guest->begun_at = fragment->entry.decode_time;
    begin_times(guest, &fragment->packet, &init->tracks);
    return true;
}

/* A file has one `moov`. It goes on as long as its picture is the same, without sound that the `moov` does not describe. */
static bool go_on_file(struct guest *guest, const struct tracks *tracks)
{
    if (tracks->video_key != guest->video_key) {
        return end(guest, GUEST_DONE, "the picture has another form");
    }
    guest->sound_hidden = tracks->sound_key != 0 && tracks->sound_key != guest->sound_key;
    return true;
}

/*
 * A source buffer takes another init segment if that has the same kinds of tracks. Sound that is new is left away, and
 * where something is missing the client has to ask again.
 */
static bool go_on_go2rtc(struct viewer *viewer, const struct init_cache *init,
                         const struct fragment_buffer *fragment)
{
    struct guest *guest = viewer->guest;
    const struct tracks *tracks = &init->tracks;
    unsigned present = codec_choice_of_tracks(init->codecs);

    if ((present & guest->chosen) != guest->chosen) {
        return end(guest, GUEST_CHANGED, "the stream has other codecs");
    }
    uint64_t sound_key = guest->picture_only ? 0 : tracks->sound_key;
    bool same = tracks->video_key == guest->video_key && sound_key == guest->sound_key;
    note_tracks(guest, tracks);
    return same || send_segment(viewer, init, fragment);
}

static bool take_init(struct viewer *viewer, const struct init_cache *init,
                      const struct fragment_buffer *fragment)
{
    struct guest *guest = viewer->guest;
    bool taken;

    if (viewer->init_id == init->id) {
        return true;
    }
    if (!guest->begun) {
        taken = begin(viewer, init, fragment);
    } else if (guest_is_http(guest)) {
        taken = go_on_file(guest, &init->tracks);
    } else {
        taken = go_on_go2rtc(viewer, init, fragment);
    }
    viewer->init_id = init->id;
    return taken;
}

/* ---- Fragments ---- */

/* True if ENTRY begins where the file is to end. */
static bool is_long_enough(const struct guest *guest, const ringcast_entry *entry)
{
    if (guest->until_ns) {
        return entry->published_ns > guest->until_ns;
    }
    if (guest->duration_ns == 0 || entry->timescale == 0) {
        return false;
    }
    double seconds = (double)(entry->decode_time - guest->begun_at) / entry->timescale;
    return seconds * (double)NS_PER_SECOND >= (double)guest->duration_ns;
}

static void count_gap(struct viewer *viewer, uint64_t sequence)
{
    if (viewer->last_sequence && sequence > viewer->last_sequence + 1) {
        viewer->dropped += sequence - viewer->last_sequence - 1;
    }
}

/* Makes of the fragment in PACKET what the guest is to get. */
static void change(const struct guest *guest, const struct packet *packet, const struct tracks *tracks,
                   struct tracks_edits *edits)
{
    if (guest->from_zero) {
        tracks_shift(packet_payload(packet), packet->length, tracks, guest->shift, guest->shift_timescale,
                     edits);
    }
    if (guest->sound_hidden) {
        tracks_hide(packet_payload(packet), packet->length, tracks, edits);
    }
}

bool guest_send_fragment(struct viewer *viewer, struct init_cache *init, struct fragment_buffer *fragment)
{
    struct guest *guest = viewer->guest;
    struct tracks_edits edits = {0};

    if (!guest_may_begin(guest, &fragment->entry)) {
        return true;
    }
    count_gap(viewer, fragment->entry.sequence);
    if (!take_init(viewer, init, fragment)) {
        return false;
    }
    if (is_long_enough(guest, &fragment->entry)) {
        return end(guest, GUEST_DONE, "the file is as long as it was to be");
    }
    change(guest, &fragment->packet, &init->tracks, &edits);
    bool sent = send_fragment(viewer, &fragment->packet);
    tracks_restore(&edits);
    viewer->last_sequence = fragment->entry.sequence;
    return sent && guest->kind == GUEST_PICTURE ? end(guest, GUEST_DONE, NULL) : sent;
}
