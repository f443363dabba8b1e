/* SPDX-License-Identifier: MIT */
#include "common/program/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"

/* Milliseconds between two heartbeats at most, and how long one turn may take. */
#define BEAT_INTERVAL_MS 1000
#define BEAT_ALLOWANCE_MS 5000

/* Messages of one peer before others have their turn. */
#define RECEIVE_TURN 32

/* Twice the most fan-outs: one that gets another socket may not have closed the last one yet. */
#define CLIENTS_MAX 128

/* Answers that one client has not taken: its questions are bounded, so this only bounds a client that misbehaves. */
#define UNSENT_MAX 4096

/* How often ringcastd is told what was done. */
#define COUNTS_INTERVAL_MS 500

/* After which ringcastd is told again that the program is idle. */
#define IDLE_AGAIN_MS 5000

/* Events that one wait returns. */
#define EVENTS_MAX 64

struct unsent {
    STAILQ_ENTRY(unsent) link;
    json_t *message;
    int body; /* -1: none */
};

enum source_kind { SOURCE_CHANNEL, SOURCE_CLIENT, SOURCE_CAMERA };

struct program_client {
    struct program_source source;
    TAILQ_ENTRY(program_client) link;
    uint64_t id;
    json_int_t index; /* of the fan-out */
    int fd;
    bool gone; /* freed at the end of the turn */
    STAILQ_HEAD(, unsent) unsent;
    unsigned unsent_count;
};

TAILQ_HEAD(program_clients, program_client);

struct program {
    struct program_source source; /* of the channel */
    int channel, epoll;
    struct program_handlers handlers;
    void *context;
    struct program_cameras cameras;
    struct program_cameras removed; /* freed at the end of the turn */
    struct program_clients clients;
    struct program_questions questions;
    unsigned client_count, question_count;
    uint64_t last_client;
    uint64_t touched_ms, idle_ms, idle_told_ms;
    uint64_t due_ms; /* what the program's own `turn` wants; UINT64_MAX: nothing */
    json_t *counts;  /* what was done; NULL: nothing */
    uint64_t counts_told_ms;
    json_t *avoid; /* camera -> CLOCK_MONOTONIC milliseconds until which it is left alone */
    bool ready, stopped, viewers_due, want_due, counts_due;
    int result; /* negative: it cannot go on */
};

/* ---- Telling ringcastd ---- */

int program_tell_with(struct program *program, json_t *message, int fd)
{
    int result = message ? channel_send(program->channel, message, &fd, fd >= 0 ? 1 : 0) : -ENOMEM;

    json_decref(message);
    return result;
}

int program_tell(struct program *program, json_t *message)
{
    return program_tell_with(program, message, -1);
}

static int tell_viewers(struct program *program)
{
    json_t *counts = json_object();
    const struct program_camera *camera;
    json_int_t total = 0;

    TAILQ_FOREACH(camera, &program->cameras, link) {
        if (camera->viewers > 0) {
            json_object_set_new(counts, camera->name, json_integer(camera->viewers));
            total += camera->viewers;
        }
    }
    return program_tell(program, message_pack("viewers", "{s:o, s:I}", "cameras", counts, "total", total));
}

static void tell_wanted(struct program *program)
{
    struct program_camera *camera;

    program->want_due = false;
    TAILQ_FOREACH(camera, &program->cameras, link) {
        if (camera->want_due) {
            camera->want_due =
                program_tell(program, message_pack("wanted", "{s:s}", "name", camera->name)) == -EAGAIN;
            program->want_due = program->want_due || camera->want_due;
        }
    }
}

static bool has_viewers(const struct program *program)
{
    const struct program_camera *camera;

    TAILQ_FOREACH(camera, &program->cameras, link) {
        if (camera->viewers > 0) {
            return true;
        }
    }
    return false;
}

static uint64_t idle_at_ms(const struct program *program)
{
    uint64_t since = program->touched_ms + program->idle_ms;
    uint64_t told = program->idle_told_ms > 0 ? program->idle_told_ms + IDLE_AGAIN_MS : 0;

    return since > told ? since : told;
}

static void tell_idle(struct program *program, uint64_t now_ms)
{
    if (!program->ready || program->question_count > 0 || has_viewers(program)) {
        program_touch(program);
    } else if (now_ms >= idle_at_ms(program) && program_tell(program, message_new("idle")) == 0) {
        program->idle_told_ms = now_ms;
    }
}

void program_set_counts(struct program *program, json_t *counts)
{
    if (json_equal(counts, program->counts)) {
        json_decref(counts);
        return;
    }
    json_decref(program->counts);
    program->counts = counts;
    program->counts_due = true;
}

static void tell_counts(struct program *program, uint64_t now_ms)
{
    if (now_ms < program->counts_told_ms + COUNTS_INTERVAL_MS) {
        return;
    }
    json_t *message = message_new("counts");
    if (message && program->counts) {
        json_object_update(message, program->counts);
    }
    program->counts_due = program_tell(program, message) == -EAGAIN;
    program->counts_told_ms = now_ms;
}

/* What ringcastd is to know: tried again in the next turn when it reads nothing. */
static void tell_news(struct program *program, uint64_t now_ms)
{
    if (program->want_due) {
        tell_wanted(program);
    }
    if (program->viewers_due) {
        program->viewers_due = tell_viewers(program) == -EAGAIN;
    }
    if (program->counts_due) {
        tell_counts(program, now_ms);
    }
    tell_idle(program, now_ms);
}

void program_touch(struct program *program)
{
    program->touched_ms = clock_now_ms();
    program->idle_told_ms = 0;
}

void program_want(struct program_camera *camera)
{
    camera->want_due = camera->program->want_due = true;
}

void program_set_viewers(struct program_camera *camera, json_int_t viewers)
{
    if (camera->viewers != viewers) {
        camera->viewers = viewers;
        camera->program->viewers_due = true;
    }
}

/* ---- Work that may kill ---- */

void program_begin_work(struct program *program, struct program_camera *camera, uint64_t allowance_ms)
{
    program_tell(program, message_pack("working", "{s:s?}", "name", camera ? camera->name : NULL));
    blackbox_beat(allowance_ms);
}

void program_done(struct program *program)
{
    program_tell(program, message_new("working"));
    blackbox_beat(BEAT_ALLOWANCE_MS);
}

uint64_t program_avoid_ms(const struct program_camera *camera)
{
    json_int_t until = json_integer_value(json_object_get(camera->program->avoid, camera->name));
    uint64_t now_ms = clock_now_ms();

    return until > 0 && (uint64_t)until > now_ms ? (uint64_t)until - now_ms : 0;
}

/* ---- Waiting ---- */

static int listen_to(struct program *program, int fd, struct program_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    return epoll_ctl(program->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- Questions ---- */

static void drop_question(struct program_question *question)
{
    TAILQ_REMOVE(&question->program->questions, question, all);
    question->program->question_count--;
    json_decref(question->message);
    free(question);
}

static void cancel_question(struct program_question *question)
{
    const struct program *program = question->program;

    if (program->handlers.cancelled) {
        program->handlers.cancelled(program->context, question);
    }
    drop_question(question);
}

unsigned program_waiting(const struct program *program)
{
    return program->question_count;
}

/* ---- Clients ---- */

static void drop_unsent(struct program_client *client)
{
    struct unsent *unsent = STAILQ_FIRST(&client->unsent);

    STAILQ_REMOVE_HEAD(&client->unsent, link);
    client->unsent_count--;
    json_decref(unsent->message);
    if (unsent->body >= 0) {
        close(unsent->body);
    }
    free(unsent);
}

static void lose_client(struct program *program, struct program_client *client)
{
    struct program_question *question, *next;

    if (client->gone) {
        return;
    }
    client->gone = true;
    for (question = TAILQ_FIRST(&program->questions); question; question = next) {
        next = TAILQ_NEXT(question, all);
        if (question->client == client->id) {
            cancel_question(question);
        }
    }
    while (!STAILQ_EMPTY(&client->unsent)) {
        drop_unsent(client);
    }
    close(client->fd); /* nobody else has it, so epoll lets it go */
    client->fd = -1;
}

static struct program_client *find_client(struct program *program, uint64_t id)
{
    struct program_client *client;

    TAILQ_FOREACH(client, &program->clients, link) {
        if (client->id == id && !client->gone) {
            return client;
        }
    }
    return NULL;
}

static void await_room(struct program *program, struct program_client *client, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLOUT : EPOLLIN, .data.ptr = &client->source};

    epoll_ctl(program->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

/*
 * Nothing is read from a client that does not take its answers. That it has gone is seen in its own turn, so that nobody is told from
 * within program_answer.
 */
static void send_unsent(struct program *program, struct program_client *client)
{
    while (!client->gone && !STAILQ_EMPTY(&client->unsent)) {
        const struct unsent *first = STAILQ_FIRST(&client->unsent);
        int result = channel_send(client->fd, first->message, &first->body, first->body >= 0 ? 1 : 0);
        if (result == -EAGAIN) {
            await_room(program, client, true);
            return;
        }
        if (result < 0 && result != -EPIPE) {
            log_warning("an answer could not be sent: %s", strerror(-result));
        }
        drop_unsent(client);
    }
    if (!client->gone) {
        await_room(program, client, false);
    }
}

/* Takes MESSAGE and BODY. */
static void send_to(struct program *program, struct program_client *client, json_t *message, int body)
{
    struct unsent *unsent =
        message && client && client->unsent_count < UNSENT_MAX ? malloc(sizeof(*unsent)) : NULL;

    if (!unsent) {
        json_decref(message);
        if (body >= 0) {
            close(body);
        }
        return; /* the asker's time runs out */
    }
    *unsent = (struct unsent){.message = message, .body = body};
    STAILQ_INSERT_TAIL(&client->unsent, unsent, link);
    if (++client->unsent_count == 1) {
        send_unsent(program, client);
    }
}

void program_answer(struct program_question *question, const struct program_answer *answer)
{
    struct program *program = question->program;
    struct program_client *client = find_client(program, question->client);
    int body = answer->body >= 0 ? fcntl(answer->body, F_DUPFD_CLOEXEC, 0) : -1;
    json_t *message = message_pack("answer", "{s:I, s:i, s:s?, s:s?, s:s?}", "number", question->number,
                                   "status", answer->status, "content_type", answer->type, "etag",
                                   answer->etag, "text", answer->text);

    if (message && answer->headers) {
        json_object_set(message, "headers", (json_t *)answer->headers);
    }
    drop_question(question);
    program_touch(program);
    send_to(program, client, message, body);
}

void program_refuse(struct program_question *question, int status, const char *text, int retry_s)
{
    char seconds[16];
    json_t *headers = NULL;

    if (retry_s > 0) {
        snprintf(seconds, sizeof(seconds), "%d", retry_s);
        headers = json_pack("{s:s}", "Retry-After", seconds);
    }
    const struct program_answer answer = {
        .status = status, .type = "text/plain; charset=utf-8", .body = -1, .text = text, .headers = headers};
    program_answer(question, &answer);
    json_decref(headers);
}

static void on_client(struct program *program, struct channel_message *message)
{
    int fd = channel_message_take_fd(message, 0);
    struct program_client *client =
        fd >= 0 && program->client_count < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;

    if (client) {
        *client = (struct program_client){.source = {SOURCE_CLIENT},
                                          .id = ++program->last_client,
                                          .index = message_integer(message->body, "index", 0),
                                          .fd = fd};
        STAILQ_INIT(&client->unsent);
    }
    if (!client || listen_to(program, fd, &client->source, EPOLLIN) < 0) {
        log_warning("a client cannot be taken");
        if (fd >= 0) {
            close(fd);
        }
        free(client);
        return;
    }
    program->client_count++;
    TAILQ_INSERT_TAIL(&program->clients, client, link);
    program_touch(program);
}

/* ---- Cameras ---- */

const struct program_cameras *program_cameras(const struct program *program)
{
    return &program->cameras;
}

struct program_camera *program_find_camera(const struct program *program, const char *name)
{
    struct program_camera *camera;

    TAILQ_FOREACH(camera, &program->cameras, link) {
        if (strcmp(camera->name, name) == 0) {
            return camera;
        }
    }
    return NULL;
}

ringcast_reader *program_camera_reader(struct program_camera *camera)
{
    if (!camera->reader && camera->ring >= 0) {
        int result = ringcast_open_fd(camera->ring, &camera->reader);
        if (result < 0) {
            log_camera(LOG_LEVEL_ERROR, camera->name, "camera %s: cannot read its ring: %s", camera->name,
                       strerror(-result));
            camera->reader = NULL;
        }
    }
    return camera->reader;
}

ringcast_reader *program_camera_last_reader(struct program_camera *camera)
{
    return camera->last_reader;
}

void program_camera_leave_last(struct program_camera *camera)
{
    ringcast_close(camera->last_reader);
    camera->last_reader = NULL;
}

void program_camera_unmap(struct program_camera *camera)
{
    program_camera_leave_last(camera);
    ringcast_close(camera->reader);
    camera->reader = NULL;
}

/* Other processes have the same eventfd, so closing it does not take it out of the epoll instance. */
int program_watch(struct program_camera *camera, bool on)
{
    int result = 0;

    if (on && !camera->watched && camera->wake >= 0) {
        result = listen_to(camera->program, camera->wake, &camera->source, EPOLLIN | EPOLLET);
        camera->watched = result == 0;
    } else if (!on && camera->watched) {
        epoll_ctl(camera->program->epoll, EPOLL_CTL_DEL, camera->wake, NULL);
        camera->watched = false;
    }
    return result;
}

static void tell_of(const struct program *program, struct program_camera *camera, enum program_news news)
{
    if (program->handlers.camera) {
        program->handlers.camera(program->context, camera, news);
    }
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void take_state(struct program_camera *camera, json_t *body)
{
    const char *state = message_string(body, "state", NULL);

    if (state && strcmp(state, camera->state) != 0) {
        char *copy = strdup(state);
        if (copy) {
            free(camera->state);
            camera->state = copy;
        }
    }
    snprintf(camera->node, sizeof(camera->node), "%s", message_string(body, "remote", ""));
    if (message_is(body, "camera-state")) {
        json_decref(camera->about);
        camera->about = json_incref(body);
    }
}

static struct program_camera *add_camera(struct program *program, const char *name)
{
    struct program_camera *camera = calloc(1, sizeof(*camera));

    if (camera) {
        *camera =
            (struct program_camera){.source = {SOURCE_CAMERA}, .program = program, .ring = -1, .wake = -1};
        camera->name = strdup(name);
        camera->state = strdup("");
    }
    if (!camera || !camera->name || !camera->state) {
        if (camera) {
            free(camera->name);
            free(camera->state);
        }
        free(camera);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&program->cameras, camera, link);
    return camera;
}

static bool same_file(int a, int b)
{
    struct stat first, second;

    return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* RING and WAKE become the camera's; what was mapped of the last ring can be read to its end. */
static void change_ring(struct program_camera *camera, int ring, int wake)
{
    bool watched = camera->watched;

    program_watch(camera, false);
    if (camera->reader) {
        program_camera_leave_last(camera);
        camera->last_reader = camera->reader;
        camera->reader = NULL;
    }
    close_fd(camera->ring);
    close_fd(camera->wake);
    camera->ring = ring;
    camera->wake = wake;
    if (watched) {
        program_watch(camera, true);
    }
}

static void on_camera_add(struct program *program, struct channel_message *message)
{
    const char *name = message_string(message->body, "name", "");
    int ring = channel_message_take_fd(message, 0), wake = channel_message_take_fd(message, 1);
    struct program_camera *camera = program_find_camera(program, name);
    bool is_new = !camera;

    if (is_new) {
        camera = add_camera(program, name);
    }
    if (!camera) {
        close_fd(ring);
        close_fd(wake);
        log_error("no memory for camera %s", name);
        return;
    }
    bool same = !is_new && same_file(ring, camera->ring); /* from a ringcastd that has taken over */
    if (same) {
        close_fd(ring);
        close_fd(wake);
    } else {
        change_ring(camera, ring, wake);
    }
    take_state(camera, message->body);
    tell_of(program, camera,
            is_new ? PROGRAM_CAMERA_ADDED
            : same ? PROGRAM_CAMERA_STATE
                   : PROGRAM_CAMERA_RING);
}

static void cancel_of(struct program *program, const struct program_camera *camera)
{
    struct program_question *question, *next;

    for (question = TAILQ_FIRST(&program->questions); question; question = next) {
        next = TAILQ_NEXT(question, all);
        if (question->camera == camera) {
            struct program_client *client = find_client(program, question->client);
            json_t *answer = message_pack("answer", "{s:I, s:i}", "number", question->number, "status", 404);
            cancel_question(question);
            send_to(program, client, answer, -1);
        }
    }
}

static void free_camera(struct program_camera *camera)
{
    program_camera_unmap(camera);
    close_fd(camera->ring);
    close_fd(camera->wake);
    json_decref(camera->about);
    free(camera->state);
    free(camera->name);
    free(camera);
}

static void remove_camera(struct program *program, struct program_camera *camera)
{
    cancel_of(program, camera);
    tell_of(program, camera, PROGRAM_CAMERA_REMOVED);
    program_watch(camera, false);
    program_set_viewers(camera, 0);
    camera->removed = true;
    TAILQ_REMOVE(&program->cameras, camera, link);
    TAILQ_INSERT_TAIL(&program->removed, camera, link);
}

static void on_camera_state(struct program *program, struct channel_message *message)
{
    struct program_camera *camera = program_find_camera(program, message_string(message->body, "name", ""));

    if (camera) {
        take_state(camera, message->body);
        tell_of(program, camera, PROGRAM_CAMERA_STATE);
    }
}

static void on_camera_remove(struct program *program, struct channel_message *message)
{
    struct program_camera *camera = program_find_camera(program, message_string(message->body, "name", ""));

    if (camera) {
        remove_camera(program, camera);
    }
}

/* ---- ringcastd ---- */

static void set_log_level(const json_t *body, const char *member)
{
    enum log_level level;

    if (log_level_from_name(message_string(body, member, ""), &level) == 0) {
        log_set_level(level);
    }
}

/* `ready` answers each of them: it may come from another ringcastd, which has taken over. */
static void on_begin(struct program *program, struct channel_message *message)
{
    set_log_level(message->body, "log_level");
    json_decref(program->avoid);
    program->avoid = json_incref(json_object_get(message->body, "avoid"));
    if (program->handlers.begun) {
        program->result = program->handlers.begun(program->context, message);
    }
    if (program->result == 0) {
        program->ready = program->viewers_due = true;
        program->counts_due = program->counts;
        program_tell(program, message_pack("ready", "{s:o}", "sandbox", sandbox_layers()));
        program_touch(program);
    }
}

static void dispatch(struct program *program, struct channel_message *message)
{
    static const struct {
        const char *type;
        void (*handle)(struct program *program, struct channel_message *message);
    } handlers[] = {
        {"begin", on_begin},
        {"client", on_client},
        {"camera-add", on_camera_add},
        {"camera-state", on_camera_state},
        {"camera-remove", on_camera_remove},
    };

    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (message_is(message->body, handlers[i].type)) {
            handlers[i].handle(program, message);
            return;
        }
    }
    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        blackbox_carry(channel_message_take_fd(message, 0));
        blackbox_beat(BEAT_ALLOWANCE_MS);
    } else if (message_is(message->body, "log-level")) {
        set_log_level(message->body, "level");
    } else if (message_is(message->body, "stop")) {
        program->stopped = true;
    } else if (program->handlers.message) {
        program->handlers.message(program->context, message);
    } else {
        log_warning("unknown message type %s", message_type(message->body));
    }
}

static void read_channel(struct program *program)
{
    while (!program->stopped && program->result == 0) {
        struct channel_message message;
        int result = channel_receive(program->channel, &message);
        if (result == 1) {
            dispatch(program, &message);
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else {
            program->stopped = result != -EAGAIN;
            return;
        }
    }
}

/* ---- What fan-outs ask ---- */

static void refuse_at_once(struct program *program, struct program_client *client, json_int_t number,
                           int status)
{
    send_to(program, client, message_pack("answer", "{s:I, s:i}", "number", number, "status", status), -1);
}

/* ringcastd tells programs of a camera before it tells fan-outs, so a camera that is not here has just been removed. */
static void on_ask(struct program *program, struct program_client *client, json_t *body)
{
    json_int_t number = message_integer(body, "number", 0);
    struct program_camera *camera = program_find_camera(program, message_string(body, "stream", ""));
    struct program_question *question = camera ? calloc(1, sizeof(*question)) : NULL;

    program_touch(program);
    if (!question) {
        refuse_at_once(program, client, number, camera ? 503 : 404);
        return;
    }
    *question = (struct program_question){.camera = camera,
                                          .what = message_string(body, "what", ""),
                                          .query = json_object_get(body, "query"),
                                          .prefix = message_string(body, "prefix", ""),
                                          .program = program,
                                          .client = client->id,
                                          .number = number,
                                          .message = json_incref(body)};
    TAILQ_INSERT_TAIL(&program->questions, question, all);
    program->question_count++;
    program->handlers.asked(program->context, question);
}

static void on_cancel(struct program *program, const struct program_client *client, const json_t *body)
{
    json_int_t number = message_integer(body, "number", 0);
    struct program_question *question;

    TAILQ_FOREACH(question, &program->questions, all) {
        if (question->client == client->id && question->number == number) {
            cancel_question(question);
            return;
        }
    }
}

/* Cameras that changed before a fan-out asked count for its question: they are in the channel by now. */
static void read_client(struct program *program, struct program_client *client)
{
    for (int i = 0; i < RECEIVE_TURN && !client->gone && client->unsent_count == 0; i++) {
        struct channel_message message;
        int result = channel_receive(client->fd, &message);
        if (result == 1) {
            read_channel(program);
            if (message_is(message.body, "ask")) {
                on_ask(program, client, message.body);
            } else if (message_is(message.body, "cancel")) {
                on_cancel(program, client, message.body);
            }
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else {
            if (result != -EAGAIN) {
                lose_client(program, client);
            }
            return;
        }
    }
}

/* ---- The loop ---- */

static void on_event(struct program *program, struct program_source *source)
{
    if (source->kind == SOURCE_CHANNEL) {
        read_channel(program);
    } else if (source->kind == SOURCE_CLIENT) {
        struct program_client *client = (struct program_client *)source; /* its first member */
        if (!client->gone) {
            send_unsent(program, client);
            read_client(program, client);
        }
    } else {
        struct program_camera *camera = (struct program_camera *)source; /* its first member */
        if (!camera->removed && camera->watched && program->handlers.woken) {
            program->handlers.woken(program->context, camera);
        }
    }
}

/* What went during the turn was kept, because an event of it may still have been to come. */
static void bury(struct program *program)
{
    struct program_client *client, *next;
    struct program_camera *camera;

    for (client = TAILQ_FIRST(&program->clients); client; client = next) {
        next = TAILQ_NEXT(client, link);
        if (client->gone) {
            TAILQ_REMOVE(&program->clients, client, link);
            program->client_count--;
            free(client);
        }
    }
    while ((camera = TAILQ_FIRST(&program->removed))) {
        TAILQ_REMOVE(&program->removed, camera, link);
        free_camera(camera);
    }
}

static int turn(struct program *program, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(program->epoll, events, EVENTS_MAX, wait_ms);

    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    blackbox_beat(BEAT_ALLOWANCE_MS);
    for (int i = 0; i < count && program->result == 0; i++) {
        on_event(program, events[i].data.ptr);
    }
    uint64_t now_ms = clock_now_ms();
    if (program->handlers.turn && program->result == 0) {
        program->due_ms = program->handlers.turn(program->context, now_ms);
    }
    tell_news(program, now_ms);
    bury(program);
    return program->result < 0 ? program->result : program->stopped;
}

int program_fd(const struct program *program)
{
    return program->epoll;
}

int program_wait_ms(const struct program *program)
{
    uint64_t now_ms = clock_now_ms(), due_ms = now_ms + BEAT_INTERVAL_MS, idle_ms = idle_at_ms(program);

    due_ms = idle_ms < due_ms ? idle_ms : due_ms;
    due_ms = program->due_ms < due_ms ? program->due_ms : due_ms;
    if (program->counts_due && program->counts_told_ms + COUNTS_INTERVAL_MS < due_ms) {
        due_ms = program->counts_told_ms + COUNTS_INTERVAL_MS;
    }
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

int program_turn(struct program *program)
{
    return turn(program, 0);
}

int program_run(struct program *program)
{
    int result = 0;

    while (result == 0) {
        result = turn(program, program_wait_ms(program));
    }
    return result < 0 ? result : 0;
}

void program_stop(struct program *program)
{
    program->stopped = true;
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < PROGRAM_DESCRIPTORS ? limit.rlim_max : PROGRAM_DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool program_prepare(int argc, const char *name)
{
    struct stat status;

    if (argc > 1 || fstat(CHANNEL_CHILD_FD, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        fprintf(stderr, "ringcast-%s is started by ringcastd, not by hand\n", name);
        return false;
    }
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all; ringcastd says what is to happen */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    log_open(name, NULL);
    log_follow_format();
    raise_descriptors();
    return true;
}

static uint64_t idle_time_ms(void)
{
    const char *given = getenv(PROGRAM_IDLE_VARIABLE);
    long value = given ? strtol(given, NULL, 10) : 0;

    return value > 0 ? (uint64_t)value : PROGRAM_IDLE_MS;
}

int program_create(int channel, const struct program_handlers *handlers, void *context, struct program **made)
{
    struct program *program = calloc(1, sizeof(*program));

    if (!program) {
        return -ENOMEM;
    }
    *program = (struct program){.source = {SOURCE_CHANNEL},
                                .channel = channel,
                                .handlers = *handlers,
                                .context = context,
                                .idle_ms = idle_time_ms(),
                                .due_ms = UINT64_MAX};
    TAILQ_INIT(&program->cameras);
    TAILQ_INIT(&program->removed);
    TAILQ_INIT(&program->clients);
    TAILQ_INIT(&program->questions);
    program_touch(program);
    program->epoll = epoll_create1(EPOLL_CLOEXEC);
    int result = program->epoll < 0 ? -errno : listen_to(program, channel, &program->source, EPOLLIN);
    if (result < 0) {
        program_destroy(program);
        return result;
    }
    *made = program;
    return 0;
}

void program_destroy(struct program *program)
{
    struct program_client *client;
    struct program_camera *camera;

    if (!program) {
        return;
    }
    TAILQ_FOREACH(client, &program->clients, link) {
        lose_client(program, client);
    }
    while ((camera = TAILQ_FIRST(&program->cameras))) {
        remove_camera(program, camera);
    }
    bury(program);
    json_decref(program->avoid);
    json_decref(program->counts);
    close_fd(program->epoll);
    free(program);
}
