/* SPDX-License-Identifier: MIT */
#include "ingest/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/camera_remote.h"
#include "common/config/camera_task.h"
#include "common/config/camera_url.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_writer.h"
#include "common/sandbox/sandbox.h"
#include "ingest/login.h"
#include "ingest/publish/publisher.h"
#include "ingest/publish/ring_output.h"
#include "ingest/reconnect_backoff.h"
#include "ingest/remote_worker.h"
#include "ingest/source/source.h"
#include "ingest/stream_notes.h"
#include "ingest/worker_link.h"
#include "ingest/worker_signals.h"

/* Longest wait in one piece while nothing is connected. */
#define BEAT_INTERVAL_MS 1000

/* Keyframes that cannot be shown for so long, because their parameter sets are missing, are a fault. */
#define PARAMETER_SETS_DEADLINE_S 10

/*
 * How long pictures may come without the keyframe that they refer to: cameras have groups of up to 250 s, and a new
 * connection would only begin in the middle of a group again. A camera with longer groups gets twice its longest.
 */
#define KEYFRAME_DEADLINE_S 300

/*
 * When the wait for a keyframe is reported first, and at which intervals then. Most groups are shorter than the first.
 */
#define KEYFRAME_TOLD_FIRST_NS (2500 * NS_PER_MS)
#define KEYFRAME_TOLD_INTERVAL_NS (5 * NS_PER_SECOND)

/* A camera that can be asked for a keyframe is asked at once, and then after these times, doubled each time. */
#define KEYFRAME_ASK_FIRST_NS NS_PER_SECOND
#define KEYFRAME_ASK_LAST_NS (30 * NS_PER_SECOND)

/* The same while the log-in is held, for minutes: ringcastd believes no promise of more than 60 s. */
#define BEAT_HELD_MS 30000

/* Pictures arrive and cannot be shown. */
struct keyframe_wait {
    int64_t since_ns;       /* when the first of them came; 0: what arrives is shown */
    int64_t undescribed_ns; /* when the first keyframe came without its parameter sets; 0: none did */
    int64_t told_ns;        /* when the wait is reported next */
    int64_t ask_ns;         /* when the camera is asked next */
    int64_t ask_interval_ns;
};

struct worker {
    struct worker_link link;
    struct publisher *publisher; /* NULL: the camera is another node's */
    struct reconnect_backoff backoff;
    struct source_memory memory;
    struct login login;
    struct keyframe_wait keyframe;
    int64_t keyframe_ns;  /* when the present connection gave its last keyframe; 0: not yet */
    int64_t group_ns;     /* the longest distance of two keyframes */
    bool sound_hurried;   /* the present connection was asked for a keyframe because of its sound */
    bool connected;       /* the present connection was opened */
    int64_t streaming_ns; /* when the present connection gave its first fragment; 0: not yet */
};

/* As worker_link_tick: called for every frame and at least every 250 ms, except while a connection is opened or closed. */
static bool tick(struct worker *worker)
{
    return worker_link_tick(&worker->link,
                            worker->streaming_ns != 0 ? WORKER_BEAT_STREAMING_MS : WORKER_BEAT_CONNECTING_MS);
}

/* Also called when the channel is readable, which it then reads at once. */
static bool interrupted(void *context)
{
    struct worker *worker = context;

    worker->link.channel_ns = 0;
    return tick(worker);
}

static void after_fragment(struct worker *worker)
{
    worker_link_report_ring(&worker->link);
    worker->keyframe.since_ns = 0;
    if (worker->streaming_ns == 0) {
        worker->streaming_ns = clock_now_ns();
        worker_stats_streaming(&worker->link.stream_stats);
        worker_link_begin_streaming(&worker->link, worker->streaming_ns);
    }
    worker_link_report_streaming(&worker->link);
}

/* A keyframe has come, shown or not. */
static void note_keyframe(struct worker *worker, int64_t now)
{
    if (worker->keyframe_ns != 0 && now - worker->keyframe_ns > worker->group_ns) {
        worker->group_ns = now - worker->keyframe_ns;
    }
    worker->keyframe_ns = now;
}

/* A picture came and could not be shown. */
static void begin_keyframe_wait(struct worker *worker, bool keyframe, int64_t now)
{
    struct keyframe_wait *wait = &worker->keyframe;

    if (wait->since_ns == 0) {
        *wait = (struct keyframe_wait){.since_ns = now,
                                       .told_ns = now + KEYFRAME_TOLD_FIRST_NS,
                                       .ask_ns = now,
                                       .ask_interval_ns = KEYFRAME_ASK_FIRST_NS};
    }
    if (keyframe && wait->undescribed_ns == 0) {
        wait->undescribed_ns = now;
    }
}

static int64_t keyframe_deadline_ns(const struct worker *worker)
{
    int64_t deadline_ns = KEYFRAME_DEADLINE_S * NS_PER_SECOND;

    if (worker->link.task.keyframe_deadline > 0) {
        return (int64_t)worker->link.task.keyframe_deadline * NS_PER_SECOND;
    }
    return 2 * worker->group_ns > deadline_ns ? 2 * worker->group_ns : deadline_ns;
}

/*
 * By RTCP, if the camera offers that; else by ONVIF, if its settings say where: ringcastd has that done by a process of its own, as often as it finds
 * right.
 */
static void ask_once(struct worker *worker, struct source *source)
{
    if (source_ask_keyframe(source)) {
        log_debug("the camera is asked for a keyframe");
    } else if (worker->link.task.onvif) {
        worker_link_send(&worker->link, message_new("keyframe-wanted"));
    }
}

static void ask_keyframe(struct worker *worker, struct source *source, int64_t now)
{
    struct keyframe_wait *wait = &worker->keyframe;

    if (now < wait->ask_ns) {
        return;
    }
    ask_once(worker, source);
    wait->ask_ns = now + wait->ask_interval_ns;
    wait->ask_interval_ns *= 2;
    if (wait->ask_interval_ns > KEYFRAME_ASK_LAST_NS) {
        wait->ask_interval_ns = KEYFRAME_ASK_LAST_NS;
    }
}

/* `starting` until the connection has shown a picture; later a picture stands still, which is `stalled`. */
static void tell_keyframe_wait(struct worker *worker, int64_t now)
{
    struct keyframe_wait *wait = &worker->keyframe;
    char text[SOURCE_ERROR_SIZE];

    if (now < wait->told_ns) {
        return;
    }
    if (wait->told_ns == wait->since_ns + KEYFRAME_TOLD_FIRST_NS) {
        log_info("waiting for a keyframe");
    }
    wait->told_ns = now + KEYFRAME_TOLD_INTERVAL_NS;
    snprintf(text, sizeof(text), "waiting for a keyframe, %d s so far",
             (int)((now - wait->since_ns) / NS_PER_SECOND));
    worker_link_enter_state(&worker->link, worker->streaming_ns == 0 ? WORKER_STARTING : WORKER_STALLED,
                            text);
}

/* 0; -ETIMEDOUT and ERROR: a new connection is worth more than this one. */
static int watch_keyframes(struct worker *worker, struct source *source, char error[SOURCE_ERROR_SIZE])
{
    const struct keyframe_wait *wait = &worker->keyframe;
    int64_t now = clock_now_ns();

    if (wait->since_ns == 0) {
        return 0;
    }
    if (wait->undescribed_ns != 0 && now - wait->undescribed_ns > PARAMETER_SETS_DEADLINE_S * NS_PER_SECOND) {
        snprintf(error, SOURCE_ERROR_SIZE, "video arrives, but no keyframe with its parameter sets for %d s",
                 PARAMETER_SETS_DEADLINE_S);
        return -ETIMEDOUT;
    }
    if (now - wait->since_ns > keyframe_deadline_ns(worker)) {
        snprintf(error, SOURCE_ERROR_SIZE, "video arrives, but no keyframe for %d s",
                 (int)(keyframe_deadline_ns(worker) / NS_PER_SECOND));
        return -ETIMEDOUT;
    }
    ask_keyframe(worker, source, now);
    tell_keyframe_wait(worker, now);
    return 0;
}

/* Sound that came waits for a keyframe: the camera is asked for one, once, so that it is not long. */
static void hurry_sound(struct worker *worker, struct source *source)
{
    if (worker->sound_hurried || !publisher_status(worker->publisher)->awaits_keyframe) {
        return;
    }
    worker->sound_hurried = true;
    ask_once(worker, source);
}

/* Reads until the connection ends: 0 at a clean end, else negative errno. */
static int stream(struct worker *worker, struct source *source, char error[SOURCE_ERROR_SIZE])
{
    struct media_unit unit;
    int result = publisher_begin(worker->publisher, source_describe(source), error);

    worker->keyframe.since_ns = worker->keyframe_ns = 0;
    worker->sound_hurried = false;
    stream_notes_begin(&worker->link.notes, publisher_status(worker->publisher));
    while (result >= 0) {
        result = source_read(source, &unit, error);
        if (result <= 0) {
            return result;
        }
        if (unit.video && unit.keyframe) {
            note_keyframe(worker, unit.capture_ns);
        }
        result = publisher_put(worker->publisher, &unit, error);
        if (result == -ENOBUFS) {
            worker_link_wait_for_ring(&worker->link, publisher_missing_room(worker->publisher));
            result = publisher_retry(worker->publisher, error);
        }
        if (publisher_status(worker->publisher)->audio_changes != worker->link.reported_audio) {
            worker_link_report_state(&worker->link);
        }
        hurry_sound(worker, source);
        if (result == 1) {
            after_fragment(worker);
        } else if (result == 0 && unit.video) {
            begin_keyframe_wait(worker, unit.keyframe, unit.capture_ns);
        }
        worker_link_watch_stream(&worker->link, unit.capture_ns);
        if (tick(worker)) {
            return -ECANCELED;
        }
        if (result >= 0) {
            result = watch_keyframes(worker, source, error);
        }
    }
    return result;
}

static const char *stream_name(const struct media_stream *stream)
{
    bool played = stream->codec != MEDIA_CODEC_NONE && stream->codec != MEDIA_CODEC_OTHER;

    return played ? stream->codec_name : "no";
}

/* struct source_options: note. */
static void note_opening(void *context, const char *text)
{
    struct worker *worker = context;

    log_info("%s", text);
    worker_link_enter_state(&worker->link, WORKER_STARTING, text);
}

/* One connection to the camera, from opening to closing. */
static int run_connection(struct worker *worker, char error[SOURCE_ERROR_SIZE])
{
    struct source_options options = {
        .task = &worker->link.task,
        .memory = &worker->memory,
        .attention = worker->link.channel,
        .interrupted = interrupted,
        .note = note_opening,
        .context = worker,
        .gate = login_gate(&worker->login),
    };
    struct source *source = NULL;

    worker->streaming_ns = 0;
    worker->connected = false;
    blackbox_beat(WORKER_BEAT_CONNECTING_MS);
    int result = source_open(&options, &source, error);
    if (result < 0) {
        return result;
    }
    worker->connected = true;
    const struct media_description *description = source_describe(source);
    log_info("connected: %s video, %s audio", stream_name(&description->video),
             stream_name(&description->audio));
    worker_stats_connected(&worker->link.stream_stats, source);
    result = stream(worker, source, error);
    worker_stats_disconnected(&worker->link.stream_stats);
    blackbox_beat(WORKER_BEAT_CONNECTING_MS);
    source_close(source);
    return result;
}

static void wait_before_retry(struct worker *worker, int64_t delay_ms)
{
    int64_t until = clock_now_ns() + delay_ms * NS_PER_MS;
    int64_t left = delay_ms;

    while (left > 0 && !worker_signals_ending()) {
        blackbox_beat(WORKER_BEAT_STREAMING_MS);
        worker_signals_wait(worker->link.channel, left < BEAT_INTERVAL_MS ? left : BEAT_INTERVAL_MS);
        worker_link_receive(&worker->link);
        left = (until - clock_now_ns()) / NS_PER_MS;
    }
}

static enum reconnect_end how_it_ended(const struct source_memory *memory, int result)
{
    switch (result) {
    case 0:
        return RECONNECT_CLEAN;
    case -ECONNRESET:
    case -EPIPE:
    case -ETIME:
        return RECONNECT_DROPPED;
    case -ENOTSUP:
        return RECONNECT_HOPELESS;
    case -EACCES:
        /* Cameras lock an account after some wrong passwords. A password that has worked is right; the camera is only
         * starting. */
        return memory->authenticated ? RECONNECT_FAILED : RECONNECT_HOPELESS;
    case -ENOKEY:
        return memory->opened ? RECONNECT_FAILED : RECONNECT_HOPELESS;
    default:
        return RECONNECT_FAILED;
    }
}

/* A worker that is held wakes up for messages, for its signs of life, and when it may go on. */
static void wait_while_held(struct worker *worker)
{
    int64_t left_ns;

    while ((left_ns = login_held_ns(&worker->login, clock_now_ns())) > 0 && !worker_signals_ending()) {
        int64_t left_ms = left_ns / NS_PER_MS + 1;
        int64_t most_ms = worker->link.report_due ? BEAT_INTERVAL_MS : BEAT_HELD_MS;
        left_ms = left_ms < most_ms ? left_ms : most_ms;
        blackbox_beat((uint64_t)left_ms + WORKER_BEAT_STREAMING_MS);
        worker_signals_wait(worker->link.channel, left_ms);
        worker_link_receive(&worker->link);
        if (worker->link.report_due) {
            worker_link_report_state(&worker->link);
        }
    }
}

/* The credentials must not be tried now. ERROR: why, if ringcastd has not given a reason. */
static void be_held(struct worker *worker, const char *error)
{
    char why[SOURCE_ERROR_SIZE];

    snprintf(why, sizeof(why), "%s", worker->login.error[0] != '\0' ? worker->login.error : error);
    log_warning("%s", why);
    worker_link_enter_state(&worker->link, WORKER_FAILED, why);
    wait_while_held(worker);
    if (!worker_signals_ending()) {
        log_info("the log-in is tried again");
        worker_link_enter_state(&worker->link, WORKER_STARTING, why);
    }
}

static void connection_ended(struct worker *worker, int result, const char *error)
{
    login_settle(&worker->login);
    if (login_held_ns(&worker->login, clock_now_ns()) > 0) {
        be_held(worker, error);
        return;
    }
    bool streamed = worker->streaming_ns != 0;
    int64_t healthy_ms = streamed ? (clock_now_ns() - worker->streaming_ns) / NS_PER_MS + 1 : 0;
    int64_t delay_ms =
        reconnect_backoff_next(&worker->backoff, healthy_ms, how_it_ended(&worker->memory, result));
    bool hangs = worker->connected && (result == -ETIMEDOUT || result == -ETIME || result == -EBADMSG);

    log_warning("%s; next attempt in %.2f s", error, (double)delay_ms / 1000);
    worker_link_enter_state(&worker->link, hangs ? WORKER_STALLED : WORKER_STARTING, error);
    wait_before_retry(worker, delay_ms);
}

static void loop(struct worker *worker)
{
    char error[SOURCE_ERROR_SIZE];

    while (!worker_signals_ending()) {
        int result = 0;
        error[0] = '\0';
        if (login_held_ns(&worker->login, clock_now_ns()) > 0) {
            be_held(worker, "");
        }
        if (!worker_signals_ending()) {
            result = run_connection(worker, error);
        }
        if (!worker_signals_ending()) {
            connection_ended(worker, result, error);
        }
        if (sandbox_is_stale()) {
            log_info("the files of the name service were replaced: ending, to see the new ones");
            worker_signals_begin_end();
        }
    }
}

/* --- Log-in --------------------------------------------------------------------------------------------- */

static int send_of_login(void *context, json_t *message)
{
    struct worker *worker = context;

    return worker_link_send(&worker->link, message);
}

/* struct worker_link: take. */
static bool take_login_message(void *context, struct channel_message *message)
{
    struct worker *worker = context;

    return login_take(&worker->login, message->body);
}

static void wait_for_login(void *context, int64_t timeout_ms)
{
    struct worker *worker = context;

    worker_signals_wait(worker->link.channel, timeout_ms);
    worker_link_receive(&worker->link);
}

static bool ending_login(void *context)
{
    (void)context;
    return worker_signals_ending();
}

static void take_login(struct worker *worker, const json_t *task)
{
    const struct login_callbacks callbacks = {
        .send = send_of_login, .wait = wait_for_login, .ending = ending_login, .context = worker};

    login_init(&worker->login, &callbacks, json_object_get(task, "login"));
    worker->link.take = take_login_message;
    worker->link.context = worker;
}

/* The `camera` message, with the descriptors of the ring and of its event. 0; -EBADMSG: it is not; -ENOMEM. */
static int take_task(struct worker *worker, struct channel_message *message)
{
    worker->link.ring_fd = channel_message_take_fd(message, 0);
    worker->link.wake = channel_message_take_fd(message, 1);
    int result = worker->link.ring_fd < 0 || worker->link.wake < 0
                     ? -EBADMSG
                     : camera_task_from_json(&worker->link.task, message->body);
    if (result < 0) {
        worker_link_finish(&worker->link);
    } else {
        take_login(worker, message->body);
    }
    return result;
}

/* Waits for the first message. 0; -ECANCELED: told to end before there was a task. */
static int receive_camera(struct worker *worker)
{
    struct channel_message message;

    while (!worker_signals_ending()) {
        int result = channel_receive(worker->link.channel, &message);
        if (result == 0) {
            break;
        }
        if (result == -EAGAIN) {
            worker_signals_wait(worker->link.channel, -1);
        }
        if (result != 1) {
            continue;
        }
        if (message_is(message.body, BLACKBOX_MESSAGE)) {
            blackbox_carry(channel_message_take_fd(&message, 0));
            channel_message_clear(&message);
            continue;
        }
        bool stop = message_is(message.body, "stop");
        result = stop ? -ECANCELED : take_task(worker, &message);
        channel_message_clear(&message);
        if (result != -EBADMSG) {
            return result;
        }
        log_warning("a message that is not a camera's task is dropped");
    }
    return -ECANCELED;
}

/* HOST as in a URL: "10.0.0.5:554", "[fe80::1]". */
static bool is_numeric(const char *host)
{
    bool bracketed = host[0] == '[';
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t length = strcspn(host + bracketed, bracketed ? "]" : ":");

    if (length >= sizeof(text)) {
        return false;
    }
    memcpy(text, host + bracketed, length);
    text[length] = '\0';
    return inet_pton(bracketed ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* What this camera's connections will open. A redirect, which HTTP always follows, may name any host. */
static struct sandbox_needs needs_of(const struct camera_task *task)
{
    struct sandbox_needs needs = {.names = true, .certificates = true, .memory = task->ring_size_max};
    struct camera_url url;

    if (strncasecmp(task->url, "file:", strlen("file:")) == 0) {
        const char *path = task->url + strlen("file:");
        needs.names = needs.certificates = false;
        needs.file = strncmp(path, "//", 2) == 0 ? path + 2 : path;
        return needs;
    }
    if (camera_is_remote(task->url)) {
        needs.names = needs.certificates = false;
        return needs;
    }
    needs.threads = strncasecmp(task->url, "srt:", strlen("srt:")) == 0;
    if (task->allow_redirect || strncasecmp(task->url, "rtsp", strlen("rtsp")) != 0 ||
        camera_url_parse(task->url, &url) < 0) {
        return needs;
    }
    needs.names = !is_numeric(url.host);
    needs.certificates = strcmp(url.scheme, "rtsps") == 0;
    camera_url_finish(&url);
    return needs;
}

static void set_display(struct worker *worker)
{
    const struct camera_task *task = &worker->link.task;
    struct init_display display = {.rotate = (unsigned)task->rotate};

    if (task->aspect && !camera_task_aspect(task->aspect, &display.aspect_width, &display.aspect_height)) {
        log_warning("the aspect ratio \"%s\" is not of the form \"16:9\" and is left out", task->aspect);
    }
    publisher_set_display(worker->publisher, &display);
}

/* What makes fragments of a camera's pictures. Those of another node's camera are made there. */
static int prepare_publisher(struct worker *worker)
{
    int result = publisher_create(&worker->link.output, &worker->publisher);

    if (result < 0) {
        log_error("out of memory");
        return result;
    }
    worker->link.status = publisher_status(worker->publisher);
    publisher_set_audio_codec(worker->publisher, worker->link.task.audio_codec);
    set_display(worker);
    return 0;
}

static int prepare(struct worker *worker)
{
    const struct camera_task *task = &worker->link.task;
    struct ring_writer *ring = NULL;

    log_open("ingest", task->name);
    log_set_level(task->log_level);
    log_set_state(task->name, worker_link_strstate(worker->link.state));
    camera_task_hide_secrets(task);
    int result = ring_writer_attach(worker->link.ring_fd, worker->link.wake, &ring);
    worker->link.ring_fd = -1;
    if (result < 0) {
        log_error("the ring cannot be used: %s", strerror(-result));
    }
    ring_output_init(&worker->link.output, ring);
    if (result == 0 && !camera_is_remote(task->url)) {
        result = prepare_publisher(worker);
    }
    const struct sandbox_needs needs = needs_of(task);
    if (result == 0) {
        result = sandbox_enter(SANDBOX_INGEST, &needs);
    }
    reconnect_backoff_init(&worker->backoff, (uint32_t)getpid() ^ (uint32_t)clock_now_ns());
    return result;
}

static int run(struct worker *worker)
{
    if (camera_is_remote(worker->link.task.url)) {
        return remote_worker_run(&worker->link);
    }
    worker_link_enter_state(&worker->link, WORKER_STARTING, "");
    loop(worker);
    return 0;
}

int worker_run(int channel)
{
    struct worker worker = {.link = {.channel = channel, .ring_fd = -1, .wake = -1}};

    worker_signals_install();
    int result = receive_camera(&worker);
    if (result == 0) {
        result = prepare(&worker);
    }
    if (result == 0) {
        result = run(&worker);
    }
    publisher_destroy(worker.publisher);
    ring_output_finish(&worker.link.output);
    worker_link_finish(&worker.link);
    log_close();
    return result == 0 || result == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
}
