/* SPDX-License-Identifier: MIT */
#include "fanout/go2rtc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/url.h"
#include "fanout/feed/codec_choice.h"
#include "fanout/feed/guest.h"
#include "fanout/http/go2rtc_message.h"
#include "fanout/http/http_response.h"
#include "fanout/http/media_query.h"
#include "fanout/media_routes.h"
#include "fanout/router.h"

/*
 * What clients are told of the version: they ask for what their own go2rtc can do. Home Assistant takes 1.9.13 and what is newer
 * below 2.0.0.
 */
#define VERSION_LIKE "1.9.14"

/* What makes a camera's name that of its sub stream. */
#define SUB_SUFFIX "_sub"

/* Viewers of a stream that are listed: a page of a thousand is of no use. */
#define CONSUMERS_MAX 256u

/* Bytes of the longest token in a query that goes along with a redirect, with its NUL. */
#define TOKEN_SIZE 512

/* ---- Sources ---- */

static struct stream *find_one(struct router *router, const struct permit *visitor, const char *camera,
                               enum upgrade_stream wanted, struct permit **permit)
{
    struct stream *stream = router_find_stream(router, camera, wanted);
    struct permit *narrow = gate_narrow(visitor, camera);

    if (!stream || !narrow) {
        permit_unref(narrow);
        return NULL;
    }
    *permit = narrow;
    return stream;
}

struct stream *go2rtc_find(struct router *router, const struct permit *visitor, const char *source,
                           enum upgrade_stream wanted, struct permit **permit)
{
    size_t length = strlen(source), suffix = strlen(SUB_SUFFIX);
    char camera[GO2RTC_SOURCE_SIZE];

    *permit = NULL;
    struct stream *stream = find_one(router, visitor, source, wanted, permit);
    if (stream || length <= suffix || length >= sizeof(camera) || wanted == UPGRADE_STREAM_OTHER ||
        strcmp(source + length - suffix, SUB_SUFFIX) != 0) {
        return stream;
    }
    snprintf(camera, sizeof(camera), "%.*s", (int)(length - suffix), source);
    return find_one(router, visitor, camera, UPGRADE_STREAM_SUB, permit);
}

struct stream *go2rtc_find_asked(const struct visit *visit, struct permit **permit)
{
    char source[GO2RTC_SOURCE_SIZE];

    media_query_value(visit->wsi, "src", source, sizeof(source));
    return go2rtc_find(visit->router, visit->permit, source, upgrade_read_stream(visit->wsi), permit);
}

/* ---- Descriptions ---- */

/* OBJECT is consumed; NULL: there was no memory. */
static int send_json(const struct visit *visit, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text) {
        return http_response_refuse(visit->wsi, visit->request, 503, NULL);
    }
    const struct http_response response = {
        .status = 200,
        .type = "application/json",
        .body = text,
        .length = strlen(text),
    };
    int result = http_response_send(visit->wsi, visit->request, visit->permit, &response);
    free(text);
    return result;
}

int go2rtc_about(const struct visit *visit)
{
    return send_json(visit, json_pack("{s:s, s:s, s:s}", "version", VERSION_LIKE, "ringcast",
                                      RINGCAST_VERSION, "host", visit->request->host));
}

/* Its tracks in go2rtc's words. */
static json_t *describe_medias(const struct stream *stream)
{
    static const struct {
        enum codec codec;
        const char *media;
    } known[] = {
        {CODEC_H264, "video, recvonly, H264"},         {CODEC_H265, "video, recvonly, H265"},
        {CODEC_AAC, "audio, recvonly, MPEG4-GENERIC"}, {CODEC_FLAC, "audio, recvonly, FLAC"},
        {CODEC_OPUS, "audio, recvonly, OPUS/48000/2"},
    };
    const char *codecs = json_string_value(stream->codecs);
    unsigned tracks = codecs ? codec_choice_of_tracks(codecs) : 0;
    json_t *medias = json_array();

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (tracks & (unsigned)known[i].codec) {
            json_array_append_new(medias, json_string(known[i].media));
        }
    }
    return medias;
}

static json_t *describe_consumer(const struct viewer *viewer)
{
    const char *format = "ringcast", *protocol = "ws";

    if (viewer->guest) {
        format = guest_is_http(viewer->guest) ? "mp4" : "mse/fmp4";
        protocol = guest_is_http(viewer->guest) ? "http" : "ws";
    }
    return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)viewer->number, "format_name", format, "protocol",
                     protocol);
}

/* Nothing of the camera's address, and nothing of who watches. */
static json_t *describe(const struct stream *stream)
{
    char encoded[URL_ENCODE_MAX * CAMERA_NAME_MAX + 1];
    size_t length = strcspn(stream->name, "/");
    json_t *consumers = json_array();

    url_encode(encoded, sizeof(encoded), stream->name, length, URL_UNRESERVED);
    for (unsigned i = 0; i < stream->feed.viewers.count && i < CONSUMERS_MAX; i++) {
        json_array_append_new(consumers, describe_consumer(stream->feed.viewers.list[i].viewer));
    }
    return json_pack("{s:[{s:o, s:s, s:s, s:o}], s:o}", "producers", "url",
                     json_sprintf("ringcast:%s%s", encoded, stream_is_sub(stream) ? "?stream=sub" : ""),
                     "format_name", "ringcast", "state", json_string_value(stream->state), "medias",
                     describe_medias(stream), "consumers", consumers);
}

/* What the visitor may watch, by the names that `src` takes. */
static json_t *describe_all(const struct visit *visit)
{
    char name[GO2RTC_SOURCE_SIZE];
    json_t *all = json_object();
    const struct visitor *visitor = permit_visitor(visit->permit);

    for (struct stream *stream = visit->router->streams->first; all && stream; stream = stream->next) {
        if (stream_is_sub(stream) || !visitor_may_watch(visitor, stream->name)) {
            continue;
        }
        json_object_set_new(all, stream->name, describe(stream));
        snprintf(name, sizeof(name), "%s" SUB_SUFFIX, stream->name);
        const struct stream *namesake = streams_find(visit->router->streams, name);
        if (stream->sub && !(namesake && visitor_may_watch(visitor, name))) {
            json_object_set_new(all, name, describe(stream->sub));
        }
    }
    return all;
}

int go2rtc_streams(const struct visit *visit)
{
    struct permit *permit;

    if (!media_query_has(visit->wsi, "src")) {
        return send_json(visit, describe_all(visit));
    }
    const struct stream *stream = go2rtc_find_asked(visit, &permit);
    permit_unref(permit);
    return stream ? send_json(visit, describe(stream))
                  : http_response_refuse(visit->wsi, visit->request, 404, NULL);
}

/* ---- Files ---- */

static int answer_file(const struct visit *visit, enum guest_kind kind)
{
    struct permit *permit;
    struct stream *stream = go2rtc_find_asked(visit, &permit);
    int result = stream ? media_routes_begin(visit, stream, kind, permit, true)
                        : http_response_refuse(visit->wsi, visit->request, 404, NULL);

    permit_unref(permit);
    return result;
}

int go2rtc_stream_file(const struct visit *visit)
{
    return answer_file(visit, http_request_is_1_1(visit->wsi) ? GUEST_CHUNKED : GUEST_FILE);
}

int go2rtc_picture_file(const struct visit *visit)
{
    return answer_file(visit, GUEST_PICTURE);
}

/* The playlist is at one place only, so that what it names can be found from there. A token goes along, as it came. */
int go2rtc_playlist(const struct visit *visit)
{
    char name[URL_ENCODE_MAX * CAMERA_NAME_MAX + 1], token[TOKEN_SIZE],
        query[URL_ENCODE_MAX * TOKEN_SIZE] = "";
    struct permit *permit;
    const struct stream *stream = go2rtc_find_asked(visit, &permit);

    permit_unref(permit);
    if (!stream) {
        return http_response_refuse(visit->wsi, visit->request, 404, NULL);
    }
    const char *sub = stream_is_sub(stream) ? "?stream=sub" : "";
    url_encode(name, sizeof(name), stream->name, strcspn(stream->name, "/"), URL_UNRESERVED);
    if (media_query_value(visit->wsi, "token", token, sizeof(token))) {
        strcpy(query, sub[0] == '\0' ? "?token=" : "&token=");
        url_encode(query + strlen(query), sizeof(query) - strlen(query), token, strlen(token),
                   URL_UNRESERVED);
    }
    char *header = NULL;
    int length =
        asprintf(&header, "Location: %s/hls/%s/index.m3u8%s%s\r\n", visit->request->prefix, name, sub, query);
    int result =
        http_response_refuse(visit->wsi, visit->request, length < 0 ? 503 : 307, length < 0 ? NULL : header);
    free(length < 0 ? NULL : header);
    return result;
}

/* ---- The WebSocket ---- */

int go2rtc_plain_socket(const struct visit *visit)
{
    return http_response_refuse(visit->wsi, visit->request, 426, "Upgrade: websocket\r\n");
}

bool go2rtc_begin(struct connection *connection, struct lws *wsi, enum upgrade_stream wanted)
{
    char source[GO2RTC_SOURCE_SIZE];
    struct guest *guest = guest_new(GUEST_GO2RTC);

    media_query_value(wsi, "src", source, sizeof(source));
    char *copy = guest ? strdup(source) : NULL;
    if (!copy) {
        guest_free(guest);
        return false;
    }
    guest->source = copy;
    guest->wanted = (uint8_t)wanted;
    connection->guest = guest;
    return true;
}

/* An answer to who takes none would only wait. */
static void tell(struct viewer *viewer, const char *type, const char *text)
{
    if (!viewer_is_blocked(viewer) && !guest_send_error(viewer, type, text)) {
        viewer_cut(viewer);
    }
}

static bool obey(struct viewer *viewer, const struct go2rtc_message *message)
{
    struct guest *guest = viewer->guest;

    switch (message->kind) {
    case GO2RTC_REFUSED:
        tell(viewer, message->type, "ringcast has no such thing, ask for mse");
        return false;
    case GO2RTC_MSE:
        if (viewer->state != VIEWER_AT_DOOR) {
            return false; /* it has its stream already */
        }
        guest->codecs = codec_choice_parse(message->codecs);
        guest->has_asked = true;
        return true;
    case GO2RTC_OTHER:
        break;
    }
    return false;
}

bool go2rtc_heard(struct viewer *viewer, const char *text, size_t length)
{
    struct go2rtc_message message;

    go2rtc_message_parse(text, length, &message);
    return obey(viewer, &message);
}

bool go2rtc_choose(struct router *router, struct connection *connection, struct viewer *viewer)
{
    struct guest *guest = viewer->guest;
    struct permit *permit = NULL;
    struct stream *stream = NULL;

    guest->has_asked = false;
    if (gate_is_valid(&router->gate, connection->permit)) {
        stream = go2rtc_find(router, connection->permit, guest->source, (enum upgrade_stream)guest->wanted,
                             &permit);
    }
    if (!stream || !gate_begin_stream(&router->gate, permit)) {
        permit_unref(permit);
        tell(viewer, "mse", "stream not found");
        return false;
    }
    permit_unref(connection->permit);
    connection->permit = permit;
    connection->stream = stream;
    guest_begin_again(guest, stream_is_streaming(stream));
    return true;
}
