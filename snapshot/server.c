/* SPDX-License-Identifier: MIT */
#include "snapshot/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "snapshot/picture.h"
#include "snapshot/shots.h"

/* How long a picture is awaited: less than a fan-out waits for an answer. */
#define PATIENCE_MS 9000

/* Between two times at which a camera that is awaited is said to be wanted; ringcastd takes it for wanted somewhat longer. */
#define WANT_MS 1000

/* The same for a camera that has given a reason why it does not stream. */
#define TROUBLE_PATIENCE_MS 2000

/* How often it is looked for what is too old to be kept. */
#define CLEAN_MS 1000

/* Seconds after which a client may ask again when there is no picture. */
#define RETRY_S 2

/* A question that waits for a picture. */
struct wait {
    struct request request;
    int64_t asked_ns;
    uint64_t until_ms, troubled_until_ms;
};

struct server {
    struct program *program;
    struct program_questions waiting; /* the one that was asked first, first */
    uint64_t want_ms;                 /* when those that are awaited were said to be wanted */
    json_int_t given;                 /* pictures that were sent */
    uint64_t clean_ms;                /* when to look for old pictures; UINT64_MAX: there is none */
};

/* ---- Answers ---- */

/* Moment as HTTP has it (RFC 9110, 5.6.7). */
static void format_date(int64_t wall_ns, char text[40])
{
    time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts); /* in the C locale */
}

static void give(struct server *server, struct program_question *question, const struct shot *shot)
{
    int64_t age_ms = (clock_now_ns() - shot->capture_ns) / NS_PER_MS;
    char age[32], date[40];

    snprintf(age, sizeof(age), "%.3f", (double)(age_ms > 0 ? age_ms : 0) / MS_PER_SECOND);
    format_date(shot->wall_ns, date);
    json_t *headers = json_pack("{s:s, s:s, s:s}", "Cache-Control", "private, max-age=1", "Last-Modified",
                                date, "Ringcast-Picture-Age", age);
    const struct program_answer answer = {
        .status = 200, .type = "image/jpeg", .body = shot->fd, .etag = shot->etag, .headers = headers};
    server->given++;
    program_answer(question, &answer);
    json_decref(headers);
}

static void refuse(struct program_question *question, int result)
{
    const char *why = result == -ENOTSUP   ? "the camera's pictures are of a kind that cannot be decoded here"
                      : result == -EBADMSG ? "the camera's newest picture cannot be decoded"
                      : result == -ENOMEM  ? "the camera's pictures are too large to be decoded here"
                                           : "there is no picture at the moment";

    program_refuse(question, 503, why, RETRY_S);
}

/* ---- Questions ---- */

static bool is_in(const struct program_camera *camera, const char *const *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(camera->state, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* No picture comes soon. */
static bool is_away(const struct program_camera *camera)
{
    static const char *const states[] = {"stalled", "backoff", "failed", "disabled"};

    return is_in(camera, states, sizeof(states) / sizeof(states[0]));
}

/*
 * Answers QUESTION if that can be done now. A camera that streams has its newest keyframe in the ring; of one that wakes up it is
 * awaited. True: it is answered.
 */
static bool try(struct server *server, struct program_question *question, const struct wait *wait)
{
    struct program_camera *camera = question->camera;
    const struct shot *shot;
    char why[96];

    if (is_away(camera)) {
        snprintf(why, sizeof(why), "there is no picture: the camera is %.32s", camera->state);
        program_refuse(question, 503, why, RETRY_S);
        return true;
    }
    uint64_t avoid_ms = program_avoid_ms(camera);
    if (avoid_ms > 0) {
        program_refuse(question, 503, "the camera's pictures could not be decoded",
                       (int)((avoid_ms + MS_PER_SECOND - 1) / MS_PER_SECOND));
        return true;
    }
    int64_t after_ns = strcmp(camera->state, "streaming") == 0 ? 0 : wait->asked_ns;
    int result = shots_get(camera->own, &wait->request, after_ns, &shot);
    if (result == 0) {
        give(server, question, shot);
    } else if (result == -EBADMSG || result == -ENOTSUP || result == -ENOMEM) {
        refuse(question, result);
    } else {
        return false; /* there will be one, or a ring that can be read */
    }
    return true;
}

static void unwatch(const struct server *server, struct program_camera *camera)
{
    const struct program_question *question;

    TAILQ_FOREACH(question, &server->waiting, link) {
        if (question->camera == camera) {
            return;
        }
    }
    program_watch(camera, false);
}

static void forget(struct server *server, struct program_question *question)
{
    TAILQ_REMOVE(&server->waiting, question, link);
    free(question->own);
    question->own = NULL;
    unwatch(server, question->camera);
}

static void on_asked(void *context, struct program_question *question)
{
    struct server *server = context;
    const uint64_t now_ms = clock_now_ms();
    struct wait wait = {.asked_ns = clock_now_ns(),
                        .until_ms = now_ms + PATIENCE_MS,
                        .troubled_until_ms = now_ms + TROUBLE_PATIENCE_MS};
    const char *wrong = request_read(question->query, &wait.request);

    if (wrong) {
        program_refuse(question, 400, wrong, 0);
        return;
    }
    if (!question->camera->own) {
        question->camera->own = shots_create(question->camera);
    }
    struct wait *own = question->camera->own ? malloc(sizeof(*own)) : NULL;
    if (!own) {
        refuse(question, -EAGAIN);
        return;
    }
    *own = wait;
    if (server->clean_ms == UINT64_MAX) {
        server->clean_ms = now_ms + CLEAN_MS;
    }
    if (try(server, question, &wait)) {
        free(own);
        return;
    }
    question->own = own;
    TAILQ_INSERT_TAIL(&server->waiting, question, link);
    program_want(question->camera);
    program_watch(question->camera, true);
}

static void on_cancelled(void *context, struct program_question *question)
{
    forget(context, question);
}

/* Tries again what waits for CAMERA. */
static void try_again(struct server *server, struct program_camera *camera)
{
    struct program_question *question, *next;

    for (question = TAILQ_FIRST(&server->waiting); question; question = next) {
        next = TAILQ_NEXT(question, link);
        if (question->camera == camera) {
            const struct wait wait = *(const struct wait *)question->own;
            /* Out of the list first: it is freed when it is answered. */
            TAILQ_REMOVE(&server->waiting, question, link);
            void *own = question->own;
            if (try(server, question, &wait)) {
                free(own);
            } else if (next) {
                TAILQ_INSERT_BEFORE(next, question, link);
            } else {
                TAILQ_INSERT_TAIL(&server->waiting, question, link);
            }
        }
    }
    unwatch(server, camera);
}

static void on_woken(void *context, struct program_camera *camera)
{
    try_again(context, camera);
}

static void on_camera(void *context, struct program_camera *camera, enum program_news news)
{
    if (news == PROGRAM_CAMERA_REMOVED) {
        shots_destroy(camera->own);
        camera->own = NULL;
    } else if (camera->own) {
        try_again(context, camera);
    }
}

/* ---- Time ---- */

/* It may stream in a moment, or not at all. */
static bool is_troubled(const struct program_camera *camera)
{
    return json_is_string(json_object_get(camera->about, "error"));
}

static void give_up(struct server *server, uint64_t now_ms)
{
    struct program_question *question, *next;

    for (question = TAILQ_FIRST(&server->waiting); question; question = next) {
        next = TAILQ_NEXT(question, link);
        const struct wait *wait = question->own;
        if (now_ms >= (is_troubled(question->camera) ? wait->troubled_until_ms : wait->until_ms)) {
            forget(server, question);
            refuse(question, -EAGAIN);
        }
    }
}

static void say_wanted(struct server *server, uint64_t now_ms)
{
    const struct program_question *question;

    if (now_ms >= server->want_ms + WANT_MS) {
        server->want_ms = now_ms;
        TAILQ_FOREACH(question, &server->waiting, link) {
            program_want(question->camera);
        }
    }
}

static void clean(struct server *server, uint64_t now_ms)
{
    struct program_camera *camera;
    bool kept = false;

    if (now_ms < server->clean_ms) {
        return;
    }
    TAILQ_FOREACH(camera, program_cameras(server->program), link) {
        kept = (camera->own && shots_clean(camera->own, now_ms)) || kept;
    }
    server->clean_ms = kept || !TAILQ_EMPTY(&server->waiting) ? now_ms + CLEAN_MS : UINT64_MAX;
}

static void tell_counts(struct server *server)
{
    const struct shots_counts counts = shots_counts();

    if (server->given > 0 || counts.failed > 0) {
        program_set_counts(server->program,
                           json_pack("{s:I, s:I, s:I, s:I}", "decoded", counts.decoded, "encoded",
                                     counts.encoded, "failed", counts.failed, "answers", server->given));
    }
}

static uint64_t on_turn(void *context, uint64_t now_ms)
{
    struct server *server = context;

    give_up(server, now_ms);
    say_wanted(server, now_ms);
    clean(server, now_ms);
    tell_counts(server);
    return TAILQ_EMPTY(&server->waiting) || server->clean_ms < now_ms + WANT_MS ? server->clean_ms
                                                                                : now_ms + WANT_MS;
}

int server_create(int channel, struct server **made)
{
    static const struct program_handlers handlers = {.camera = on_camera,
                                                     .woken = on_woken,
                                                     .asked = on_asked,
                                                     .cancelled = on_cancelled,
                                                     .turn = on_turn};
    struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        return -ENOMEM;
    }
    server->clean_ms = UINT64_MAX;
    TAILQ_INIT(&server->waiting);
    picture_begin();
    int result = program_create(channel, &handlers, server, &server->program);
    if (result < 0) {
        free(server);
        return result;
    }
    *made = server;
    return 0;
}

void server_destroy(struct server *server)
{
    if (server) {
        program_destroy(server->program);
        free(server);
    }
}

int server_run(struct server *server)
{
    return program_run(server->program);
}
