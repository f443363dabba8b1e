/* SPDX-License-Identifier: MIT */
#include "hls/presentation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/memory_file.h"
#include "common/log/log.h"
#include "hls/stream/playlist.h"
#include "hls/stream/rules.h"

/* Milliseconds for which one stream waits for the other. */
#define GRACE_MS 3000

/* How often viewers are counted. */
#define COUNT_MS 3000

/* Seconds after which a client may try again. */
#define RETRY_S 2

#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"
#define MEDIA_TYPE "video/mp4"

/* Playlists change all the time. Media does not, and has another name each time that the camera is held. */
#define PLAYLIST_CACHE "no-cache"
#define MEDIA_CACHE "private, max-age=60"

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct presentation *presentation_create(struct program *program, const char *name,
                                         struct feed_memory *memory, struct answer_counts *counts)
{
    struct presentation *presentation = calloc(1, sizeof(*presentation));

    if (presentation) {
        presentation->name = strdup(name);
    }
    if (!presentation || !presentation->name) {
        free(presentation);
        return NULL;
    }
    presentation->program = program;
    presentation->memory = memory;
    presentation->counts = counts;
    TAILQ_INIT(&presentation->askings);
    return presentation;
}

static const struct segmenter *segmenter_of(const struct presentation *presentation,
                                            enum request_stream stream)
{
    const struct feed *feed = &presentation->feeds[stream];

    return feed->state == FEED_LIVE && !feed->past ? &feed->segmenter : NULL;
}

static bool has_segment(const struct presentation *presentation, enum request_stream stream)
{
    const struct segmenter *segmenter = segmenter_of(presentation, stream);

    return segmenter && !TAILQ_EMPTY(&segmenter->segments);
}

/* --- Holding -------------------------------------------------------------------------------------------- */

static struct program_camera *camera_of(const struct presentation *presentation, enum request_stream stream)
{
    char name[512];

    snprintf(name, sizeof(name), "%s%s", presentation->name, stream == REQUEST_SUB ? "/sub" : "");
    return program_find_camera(presentation->program, name);
}

/* False: the camera has no such stream. */
static bool hold_stream(struct presentation *presentation, enum request_stream stream)
{
    struct feed *feed = &presentation->feeds[stream];
    struct program_camera *camera = camera_of(presentation, stream);

    if (feed->state == FEED_OFF && camera) {
        program_want(camera);
        feed_begin(feed, camera, presentation->memory);
        program_set_viewers(camera, 1);
    }
    return camera != NULL;
}

static void let_go(struct presentation *presentation)
{
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        struct feed *feed = &presentation->feeds[i];
        if (feed->state != FEED_OFF) {
            program_set_viewers(feed->camera, 0);
        }
        feed_end(feed);
    }
    bodies_clear(&presentation->bodies);
    presentation->timing = (struct presentation_timing){0};
    presentation->is_held = presentation->has_targets = false;
    memset(presentation->most, 0, sizeof(presentation->most));
}

void presentation_destroy(struct presentation *presentation)
{
    if (presentation) {
        let_go(presentation);
        free(presentation->name);
        free(presentation);
    }
}

static void hold(struct presentation *presentation, uint64_t now_ms)
{
    presentation->asked_ms = now_ms;
    if (!presentation->is_held) {
        presentation->is_held = true;
        presentation->counts->held++;
        presentation->hold = (uint32_t)(clock_now_ns() / NS_PER_MS);
        presentation->settled_ms = 0;
        presentation->counted_ms = now_ms;
    }
}

/* Nothing will come of it soon, and nobody waits for it. */
static bool is_away(const struct feed *feed)
{
    static const char *const states[] = {"backoff", "failed", "disabled", "stalled"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (feed->state == FEED_SURVEYING && feed->first_ms == 0 &&
            strcmp(feed->camera->state, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A stream is settled when its survey is done, or has taken long enough. */
static bool is_settled(const struct feed *feed, uint64_t now_ms)
{
    return feed->state == FEED_LIVE || (feed->state == FEED_SURVEYING && feed->first_ms != 0 &&
                                        survey_is_over(&feed->survey, feed->first_ms, now_ms));
}

static void choose_targets(struct presentation *presentation)
{
    const struct survey *surveys[REQUEST_STREAMS];
    size_t count = 0;

    for (int i = 0; i < REQUEST_STREAMS; i++) {
        if (presentation->feeds[i].state == FEED_SURVEYING && presentation->feeds[i].first_ms != 0) {
            surveys[count++] = &presentation->feeds[i].survey;
        }
    }
    presentation->timing.targets = targets_choose(surveys, count);
    presentation->has_targets = true;
    log_debug("%s: segments of %lld s, parts of %lld ms", presentation->name,
              (long long)(presentation->timing.targets.segment_ns / NS_PER_SECOND),
              (long long)(presentation->timing.targets.part_ns / NS_PER_MS));
}

/* The targets are chosen when all streams are settled, or one is and the other one had its time. Returns when that may be. */
static uint64_t settle(struct presentation *presentation, uint64_t now_ms)
{
    unsigned settled = 0, open = 0;
    uint64_t next_ms = UINT64_MAX;

    for (int i = 0; i < REQUEST_STREAMS; i++) {
        const struct feed *feed = &presentation->feeds[i];
        settled += is_settled(feed, now_ms);
        if (feed->state == FEED_SURVEYING && !is_settled(feed, now_ms) && !is_away(feed)) {
            open++;
            next_ms = feed->first_ms != 0 ? sooner(next_ms, feed->first_ms + SURVEY_MS) : next_ms;
        }
    }
    if (settled > 0 && presentation->settled_ms == 0) {
        presentation->settled_ms = now_ms;
    }
    if (settled > 0 && !presentation->has_targets) {
        if (open > 0 && now_ms - presentation->settled_ms < GRACE_MS) {
            return sooner(next_ms, presentation->settled_ms + GRACE_MS);
        }
        choose_targets(presentation);
    }
    for (int i = 0; i < REQUEST_STREAMS && presentation->has_targets; i++) {
        struct feed *feed = &presentation->feeds[i];
        if (feed->state == FEED_SURVEYING && is_settled(feed, now_ms)) {
            feed_go_live(feed, &presentation->timing);
        }
    }
    return next_ms;
}

/* --- Bodies --------------------------------------------------------------------------------------------- */

static int seal(struct presentation *presentation, const struct body_key *key, const void *data,
                size_t length)
{
    int fd = memory_file_seal("hls", data, length);

    if (fd >= 0) {
        bodies_keep(&presentation->bodies, key, fd);
    }
    return fd;
}

static int seal_text(struct presentation *presentation, const struct body_key *key, int result,
                     struct playlist_text *text)
{
    int fd = result == 0 ? seal(presentation, key, text->text, text->length) : result;

    free(text->text);
    return fd;
}

static int body_of_playlist(struct presentation *presentation, const struct request *request,
                            struct body_key *key)
{
    const struct segmenter *segmenter = segmenter_of(presentation, request->stream);
    const struct segmenter *sibling =
        segmenter_of(presentation, request->stream == REQUEST_MAIN ? REQUEST_SUB : REQUEST_MAIN);
    struct playlist_text text;

    key->version = segmenter->version;
    key->number = sibling ? sibling->version : 0;
    key->detail = request->skips;
    int fd = bodies_find(&presentation->bodies, key);
    if (fd >= 0) {
        return fd;
    }
    int result =
        playlist_media(segmenter, sibling, request->stream, presentation->hold, request->skips, &text);
    return seal_text(presentation, key, result, &text);
}

static int body_of_index(struct presentation *presentation, bool sub_only)
{
    const struct body_key key = {.kind = REQUEST_INDEX};
    const struct segmenter *streams[REQUEST_STREAMS];
    struct playlist_text text;

    for (int i = 0; i < REQUEST_STREAMS; i++) {
        bool named = (i == REQUEST_SUB || !sub_only) && has_segment(presentation, (enum request_stream)i);
        streams[i] = named ? segmenter_of(presentation, (enum request_stream)i) : NULL;
    }
    return seal_text(presentation, &key, playlist_index(streams, &text), &text);
}

/* A segment is its parts, one after the other. */
static int body_of_segment(struct presentation *presentation, const struct segment *segment,
                           const struct body_key *key)
{
    uint8_t *joined = malloc(segment->bytes);
    const struct part *part;
    size_t length = 0;

    if (!joined) {
        return -ENOMEM;
    }
    STAILQ_FOREACH(part, &segment->parts, link) {
        memcpy(joined + length, part->blob->data, part->blob->length);
        length += part->blob->length;
    }
    int fd = seal(presentation, key, joined, length);
    free(joined);
    return fd;
}

static int body_of_media(struct presentation *presentation, const struct request *request,
                         struct body_key *key)
{
    const struct segmenter *segmenter = segmenter_of(presentation, request->stream);
    const struct blob *blob;

    key->number = request->number;
    int fd = bodies_find(&presentation->bodies, key);
    if (fd >= 0) {
        return fd;
    }
    switch (request->kind) {
    case REQUEST_SEGMENT:
        return body_of_segment(presentation, segmenter_find_segment(segmenter, request->number), key);
    case REQUEST_INIT:
        blob = segmenter_find_init(segmenter, request->number)->blob;
        break;
    default:
        blob = segmenter_find_part(segmenter, request->number)->blob;
    }
    return seal(presentation, key, blob->data, blob->length);
}

/* --- Answers -------------------------------------------------------------------------------------------- */

static void refuse(struct presentation *presentation, struct program_question *question, int status,
                   const char *text)
{
    presentation->counts->refused++;
    program_refuse(question, status, text, status == 503 ? RETRY_S : 0);
}

static void answer_with(struct presentation *presentation, struct program_question *question, int fd,
                        bool is_playlist)
{
    json_t *headers = json_pack("{s:s}", "Cache-Control", is_playlist ? PLAYLIST_CACHE : MEDIA_CACHE);
    const struct program_answer answer = {
        .status = 200, .type = is_playlist ? PLAYLIST_TYPE : MEDIA_TYPE, .body = fd, .headers = headers};

    if (fd < 0) {
        refuse(presentation, question, 503, "out of memory");
    } else {
        presentation->counts->playlists += is_playlist;
        presentation->counts->media += !is_playlist;
        program_answer(question, &answer);
    }
    json_decref(headers);
}

static void answer_ready(struct presentation *presentation, const struct asking *asking)
{
    const struct request *request = &asking->request;
    struct body_key key = {.kind = request->kind, .stream = request->stream};
    bool is_playlist = request->kind == REQUEST_INDEX || request->kind == REQUEST_PLAYLIST;
    int fd;

    if (request->kind == REQUEST_INDEX) {
        fd = body_of_index(presentation, asking->sub_only);
    } else if (request->kind == REQUEST_PLAYLIST) {
        fd = body_of_playlist(presentation, request, &key);
    } else {
        fd = body_of_media(presentation, request, &key);
    }
    answer_with(presentation, asking->question, fd, is_playlist);
}

/* Whether a multivariant playlist can be made: of what is wanted all is there, or one stream had its time. */
static enum rules_verdict judge_index(const struct presentation *presentation, const struct asking *asking,
                                      uint64_t now_ms)
{
    bool grace_over = presentation->settled_ms != 0 && now_ms - presentation->settled_ms >= GRACE_MS;
    bool there = false, awaited = false;

    for (int i = asking->sub_only ? REQUEST_SUB : REQUEST_MAIN; i < REQUEST_STREAMS; i++) {
        const struct feed *feed = &presentation->feeds[i];
        bool has = has_segment(presentation, (enum request_stream)i);
        there = there || has;
        awaited = awaited || (!has && feed->state != FEED_OFF && !is_away(feed));
    }
    if (there && (grace_over || !awaited)) {
        return RULES_READY;
    }
    return now_ms - asking->since_ms >= RULES_BEGIN_MS ? RULES_LATE : RULES_WAIT;
}

static enum rules_verdict judge(const struct presentation *presentation, const struct asking *asking,
                                uint64_t now_ms)
{
    if (asking->request.kind == REQUEST_INDEX) {
        return judge_index(presentation, asking, now_ms);
    }
    return rules_judge(&asking->request, segmenter_of(presentation, asking->request.stream),
                       presentation->hold, now_ms - asking->since_ms);
}

static bool is_watching(const struct asking *asking)
{
    return asking->request.kind == REQUEST_PLAYLIST && asking->request.blocks;
}

static void leave(struct presentation *presentation, struct asking *asking)
{
    TAILQ_REMOVE(&presentation->askings, asking, link);
    presentation->watching[asking->request.stream] -= is_watching(asking);
    free(asking);
}

/* True: it has an answer. */
static bool try_answer(struct presentation *presentation, const struct asking *asking, uint64_t now_ms)
{
    switch (judge(presentation, asking, now_ms)) {
    case RULES_READY:
        answer_ready(presentation, asking);
        return true;
    case RULES_TOO_FAR:
        refuse(presentation, asking->question, 400, "that is too far in the future");
        return true;
    case RULES_GONE:
        refuse(presentation, asking->question, 404, "that is not there, or not any more");
        return true;
    case RULES_LATE:
        refuse(presentation, asking->question, 503, "the camera sends nothing at the moment");
        return true;
    case RULES_WAIT:
        break;
    }
    return false;
}

static void wait_for_answer(struct presentation *presentation, const struct asking *asking)
{
    struct asking *waiting = malloc(sizeof(*waiting));

    if (!waiting) {
        refuse(presentation, asking->question, 503, "out of memory");
        return;
    }
    *waiting = *asking;
    waiting->question->own = waiting;
    TAILQ_INSERT_TAIL(&presentation->askings, waiting, link);
    if (is_watching(waiting)) {
        unsigned watching = ++presentation->watching[waiting->request.stream];
        unsigned *most = &presentation->most[waiting->request.stream];
        *most = watching > *most ? watching : *most;
    }
}

static const char *text_of(const json_t *query, const char *name)
{
    return json_string_value(json_object_get(query, name));
}

/* Holds what the request is for. False: it was refused. */
static bool hold_for(struct presentation *presentation, struct asking *asking, uint64_t now_ms)
{
    const struct request *request = &asking->request;
    bool there = true;

    switch (request->kind) {
    case REQUEST_UNKNOWN:
        there = false;
        break;
    case REQUEST_BAD:
        refuse(presentation, asking->question, 400, "_HLS_msn and _HLS_part cannot be that");
        return false;
    case REQUEST_INDEX:
    case REQUEST_PLAYLIST:
        there = camera_of(presentation, request->stream) != NULL;
        if (there) {
            hold(presentation, now_ms);
        }
        break;
    default:
        presentation->asked_ms = now_ms;
    }
    if (!there) {
        refuse(presentation, asking->question, 404, "that is not there, or not any more");
        return false;
    }
    if (request->kind == REQUEST_PLAYLIST) {
        hold_stream(presentation, request->stream);
    } else if (request->kind == REQUEST_INDEX) {
        hold_stream(presentation, REQUEST_SUB);
        if (!asking->sub_only) {
            hold_stream(presentation, REQUEST_MAIN);
        }
    }
    return true;
}

bool presentation_ask(struct presentation *presentation, struct program_question *question, uint64_t now_ms)
{
    const struct request_query query = {text_of(question->query, "_HLS_msn"),
                                        text_of(question->query, "_HLS_part"),
                                        text_of(question->query, "_HLS_skip")};
    struct asking asking = {.question = question,
                            .request = request_read(question->what, &query),
                            .sub_only = strcmp(question->camera->name, presentation->name) != 0,
                            .since_ms = now_ms};
    bool was_held = presentation->is_held;

    if (asking.request.kind == REQUEST_INDEX && asking.sub_only) {
        asking.request.stream = REQUEST_SUB;
    }
    if (hold_for(presentation, &asking, now_ms) && !try_answer(presentation, &asking, now_ms)) {
        wait_for_answer(presentation, &asking);
    }
    return presentation->is_held && !was_held;
}

void presentation_cancel(struct presentation *presentation, struct program_question *question)
{
    struct asking *asking = question->own;

    if (asking) {
        leave(presentation, asking);
    }
}

/* --- Turns ---------------------------------------------------------------------------------------------- */

static uint64_t hold_ms(const struct presentation *presentation)
{
    const char *given = getenv(PRESENTATION_HOLD_VARIABLE);
    uint64_t three = 3 * (uint64_t)(presentation->timing.targets.segment_ns / NS_PER_MS);

    if (given) {
        return strtoull(given, NULL, 10);
    }
    return three > PRESENTATION_HOLD_MS ? three : PRESENTATION_HOLD_MS;
}

static uint64_t deadline_ms(const struct presentation *presentation, const struct asking *asking)
{
    uint64_t patience_ms = asking->request.kind == REQUEST_INDEX
                               ? RULES_BEGIN_MS
                               : rules_patience_ms(segmenter_of(presentation, asking->request.stream));

    return asking->since_ms + patience_ms;
}

/* Answers what can be answered. Returns when the next request is late. */
static uint64_t answer_all(struct presentation *presentation, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    struct asking *asking, *next;

    for (asking = TAILQ_FIRST(&presentation->askings); asking; asking = next) {
        next = TAILQ_NEXT(asking, link);
        if (try_answer(presentation, asking, now_ms)) {
            leave(presentation, asking);
        } else {
            next_ms = sooner(next_ms, deadline_ms(presentation, asking));
            if (asking->request.kind == REQUEST_INDEX && presentation->settled_ms != 0) {
                next_ms = sooner(next_ms, presentation->settled_ms + GRACE_MS);
            }
        }
        presentation->asked_ms = now_ms; /* who waits still asks */
    }
    return next_ms > now_ms ? next_ms : now_ms + 1;
}

/* Viewers are as many as have waited at once lately, and one while the camera is held. */
static void count_viewers(struct presentation *presentation, uint64_t now_ms)
{
    if (now_ms - presentation->counted_ms < COUNT_MS) {
        return;
    }
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        unsigned most = presentation->most[i];
        if (presentation->feeds[i].state != FEED_OFF) {
            program_set_viewers(presentation->feeds[i].camera, most > 0 ? most : 1);
        }
        presentation->most[i] = presentation->watching[i];
    }
    presentation->counted_ms = now_ms;
}

uint64_t presentation_turn(struct presentation *presentation, uint64_t now_ms)
{
    uint64_t next_ms;
    bool more = false;

    next_ms = settle(presentation, now_ms);
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        more = feed_read(&presentation->feeds[i]) || more;
    }
    next_ms = sooner(next_ms, settle(presentation, now_ms));
    next_ms = sooner(next_ms, answer_all(presentation, now_ms));
    if (now_ms - presentation->asked_ms >= hold_ms(presentation)) {
        let_go(presentation);
        return UINT64_MAX;
    }
    count_viewers(presentation, now_ms);
    next_ms = sooner(next_ms, presentation->asked_ms + hold_ms(presentation));
    next_ms = sooner(next_ms, presentation->counted_ms + COUNT_MS);
    return more ? now_ms : next_ms;
}

static struct feed *find_feed(struct presentation *presentation, const struct program_camera *camera)
{
    for (int i = 0; i < REQUEST_STREAMS; i++) {
        if (presentation->feeds[i].state != FEED_OFF && presentation->feeds[i].camera == camera) {
            return &presentation->feeds[i];
        }
    }
    return NULL;
}

void presentation_change_ring(struct presentation *presentation, struct program_camera *camera)
{
    struct feed *feed = find_feed(presentation, camera);

    if (feed) {
        program_watch(camera, true); /* its first ring may have come only now */
        feed_change_ring(feed);
    }
}

void presentation_lose(struct presentation *presentation, struct program_camera *camera)
{
    struct feed *feed = find_feed(presentation, camera);

    if (feed) {
        feed_end(feed);
    }
}
