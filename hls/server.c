/* SPDX-License-Identifier: MIT */
#include "hls/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/program/program.h"
#include "hls/presentation.h"

#define SUB_SUFFIX "/sub"
#define NAME_SIZE 512

struct server {
    struct program *program;
    struct presentations
        all; /* of cameras that were asked for: they remember numbers, and have nothing else while they are not held */
    struct feed_memory memory;
    struct answer_counts counts, told;
};

/* The camera that the stream NAME belongs to. */
static void camera_name(const char *name, char camera[NAME_SIZE])
{
    size_t length = strlen(name), suffix = strlen(SUB_SUFFIX);

    if (length > suffix && strcmp(name + length - suffix, SUB_SUFFIX) == 0) {
        length -= suffix;
    }
    snprintf(camera, NAME_SIZE, "%.*s", (int)length, name);
}

static struct presentation *find(const struct server *server, const char *stream)
{
    char name[NAME_SIZE];
    struct presentation *presentation;

    camera_name(stream, name);
    TAILQ_FOREACH(presentation, &server->all, link) {
        if (strcmp(presentation->name, name) == 0) {
            return presentation;
        }
    }
    return NULL;
}

static struct presentation *find_or_create(struct server *server, const char *stream)
{
    struct presentation *presentation = find(server, stream);
    char name[NAME_SIZE];

    if (!presentation) {
        camera_name(stream, name);
        presentation = presentation_create(server->program, name, &server->memory, &server->counts);
        if (presentation) {
            TAILQ_INSERT_TAIL(&server->all, presentation, link);
        }
    }
    return presentation;
}

static void on_asked(void *context, struct program_question *question)
{
    struct server *server = context;
    struct presentation *presentation = find_or_create(server, question->camera->name);

    if (presentation) {
        presentation_ask(presentation, question, clock_now_ms());
    } else {
        program_refuse(question, 503, "out of memory", 2);
    }
}

static void on_cancelled(void *context, struct program_question *question)
{
    struct presentation *presentation = find(context, question->camera->name);

    if (presentation) {
        presentation_cancel(presentation, question);
    }
}

static void on_camera(void *context, struct program_camera *camera, enum program_news news)
{
    struct server *server = context;
    struct presentation *presentation = find(server, camera->name);

    if (!presentation) {
        return;
    }
    if (news == PROGRAM_CAMERA_RING) {
        presentation_change_ring(presentation, camera);
    } else if (news == PROGRAM_CAMERA_REMOVED) {
        presentation_lose(presentation, camera);
        if (strcmp(camera->name, presentation->name) == 0 && TAILQ_EMPTY(&presentation->askings)) {
            TAILQ_REMOVE(&server->all, presentation, link);
            presentation_destroy(presentation);
        }
    }
}

/* What nobody needs any more goes back to the system at once: this process may stay for some other camera. */
static void give_memory_back(struct server *server)
{
    free(server->memory.data);
    server->memory.data = NULL;
    server->memory.size = 0;
    malloc_trim(0);
}

static void tell_counts(struct server *server)
{
    const struct answer_counts counts = server->counts;

    if (memcmp(&counts, &server->told, sizeof(counts)) != 0) {
        server->told = counts;
        program_set_counts(server->program,
                           json_pack("{s:I, s:I, s:I, s:I}", "playlists", counts.playlists, "media",
                                     counts.media, "refused", counts.refused, "held", counts.held));
    }
}

static uint64_t on_turn(void *context, uint64_t now_ms)
{
    struct server *server = context;
    struct presentation *presentation;
    uint64_t next_ms = UINT64_MAX;
    bool held = false, let_go = false;

    TAILQ_FOREACH(presentation, &server->all, link) {
        if (presentation->is_held) {
            uint64_t its_ms = presentation_turn(presentation, now_ms);
            next_ms = its_ms < next_ms ? its_ms : next_ms;
            held = held || presentation->is_held;
            let_go = let_go || !presentation->is_held;
        }
    }
    if (held) {
        program_touch(server->program);
    }
    if (let_go) {
        give_memory_back(server);
    }
    tell_counts(server);
    return next_ms;
}

int server_create(int channel, struct server **made)
{
    static const struct program_handlers handlers = {
        .asked = on_asked, .cancelled = on_cancelled, .camera = on_camera, .turn = on_turn};
    struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        return -ENOMEM;
    }
    TAILQ_INIT(&server->all);
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
    struct presentation *presentation;

    if (!server) {
        return;
    }
    program_destroy(server->program); /* its handlers let go of the streams */
    while ((presentation = TAILQ_FIRST(&server->all))) {
        TAILQ_REMOVE(&server->all, presentation, link);
        presentation_destroy(presentation);
    }
    free(server->memory.data);
    free(server);
}

int server_run(struct server *server)
{
    return program_run(server->program);
}
