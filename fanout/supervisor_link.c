#include "fanout/supervisor_link.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "fanout/feed/latency_report.h"
#include "fanout/feed/viewer_list.h"
#include "fanout/server.h"

/* Least time between two reports of viewers. */
#define REPORT_INTERVAL_MS 1000

/* The loop is alive, and says so this often; it is hung if it has not for so long. */
#define BEAT_INTERVAL_MS 500
#define BEAT_ALLOWANCE_MS 3000

/* Between two reports of latencies. */
#define LATENCY_INTERVAL_MS 2000

#define NS_PER_MS INT64_C(1000000)

/* Messages taken before others in the loop have their turn. */
#define RECEIVE_TURN 64

/*
 * Bytes of a `viewers` message that its cameras may take: less than MESSAGE_CHANNEL_MAX. Enough for a
 * thousand cameras with ordinary names; beyond it the total is still right.
 */
#define REPORT_BYTES_MAX 40960u

/* Bytes that one camera takes beside its name: quotes, colon, digits, comma. */
#define REPORT_ENTRY_BYTES 16u

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int send_message(struct control *control, json_t *message)
{
    int status = !control->channel.watched ? -EPIPE : message ? 0 : -ENOMEM;
    if (status == 0) {
        status = channel_send(control->channel.fd, message, NULL, 0);
    }
    json_decref(message);
    return status;
}

/* Adds name -> COUNT, unless it is 0 or the message would grow too long. *bytes is what it has so far. */
static void add_count(json_t *counts, const char *name, uint64_t count, size_t *bytes)
{
    if (count > 0) {
        *bytes += 2 * strlen(name) + REPORT_ENTRY_BYTES; /* a quote is escaped: two bytes */
    }
    if (count > 0 && *bytes <= REPORT_BYTES_MAX) {
        json_object_set_new(counts, name, json_integer((json_int_t)count));
    }
}

/*
 * Cameras that have viewers, and viewers that were too slow: name -> count; and how many viewers there are.
 */
static void count_viewers(const struct cameras *cameras, json_t *counts, json_t *drops, json_int_t *total)
{
    size_t bytes = 0;
    *total = 0;
    for (struct camera *camera = cameras->first; camera; camera = camera->next) {
        add_count(counts, camera->name, camera->feed.seats.count, &bytes);
        *total += camera->feed.seats.count;
    }
    for (struct camera *camera = cameras->first; camera; camera = camera->next) {
        add_count(drops, camera->name, camera->feed.drops, &bytes);
    }
}

static int send_report(struct control *control)
{
    json_int_t total;
    json_t *message = message_new("viewers");
    if (!message) {
        return -ENOMEM;
    }
    json_t *counts = json_object(), *drops = json_object();
    count_viewers(&control->server->cameras, counts, drops, &total);
    json_object_set_new(message, "cameras", counts);
    json_object_set_new(message, "drops", drops);
    json_object_set_new(message, "total", json_integer(total));
    return send_message(control, message);
}

static void report(struct control *control)
{
    if (!control->report_due) {
        return;
    }
    int64_t wait = control->reported_ms + REPORT_INTERVAL_MS - now_ms();
    if (wait > 0) {
        watch_timer_arm(&control->report_timer, (long)wait);
        return;
    }
    control->report_due = false;
    control->reported_ms = now_ms();
    if (send_report(control) == -EAGAIN) { /* ringcastd does not read: later, as it will be then */
        control->report_due = true;
        watch_timer_arm(&control->report_timer, REPORT_INTERVAL_MS);
    }
}

static void report_expired(void *context)
{
    report(context);
}

void control_viewers_changed(struct control *control)
{
    if (!control->report_due) {
        control->report_due = true;
        /* Not at once: a caller is amid the change, and a burst of changes makes one report. */
        int64_t wait = control->reported_ms + REPORT_INTERVAL_MS - now_ms();
        watch_timer_arm(&control->report_timer, wait > 1 ? (long)wait : 1);
    }
}

/* Others may listen too; the second descriptor is then where each says how busy it is. */
static void share_socket(struct server *server, struct channel_message *message)
{
    int fd = channel_message_take_fd(message, 1);
    struct load_board *board = fd >= 0 && !server->listener.board ? load_board_map(fd) : NULL;
    if (fd >= 0) {
        close(fd);
    }
    if (board) {
        listener_share(&server->listener, board, (size_t)message_integer(message->body, "index", 0));
    }
}

static int64_t limit_of(const json_t *body, const char *name, int64_t fallback)
{
    json_int_t value = message_integer(body, name, fallback);
    return value > 0 ? value : fallback;
}

static void take_limits(struct server *server, const json_t *body)
{
    struct feed_limits limits = {
        .bytes = (uint64_t)limit_of(body, "viewer_bytes", (int64_t)FEED_LIMIT_BYTES),
        .age_ns = NS_PER_MS * limit_of(body, "viewer_age_ms", FEED_LIMIT_AGE_NS / NS_PER_MS),
        .stuck_ns = NS_PER_MS * limit_of(body, "viewer_stuck_ms", FEED_LIMIT_STUCK_NS / NS_PER_MS),
    };
    server_limit(server, &limits, (long)limit_of(body, "ping_ms", server->ping_ms));
}

static int send_ready(struct control *control)
{
    json_t *message = message_new("ready");
    if (message) {
        json_object_set_new(message, "sandbox", sandbox_layers());
    }
    return send_message(control, message);
}

static void on_listen(struct control *control, struct channel_message *message)
{
    enum log_level level;
    if (log_level_from_name(message_string(message->body, "log_level", ""), &level) == 0) {
        log_set_level(level);
    }
    take_limits(control->server, message->body);
    int socket = channel_message_take_fd(message, 0);
    share_socket(control->server, message);
    int status = socket < 0 ? -EBADMSG : server_listen(control->server, socket);
    if (status == 0) {
        status = send_ready(control);
        /* Another ringcastd than the one that was told may ask. */
        control_viewers_changed(control);
        if (latency_report_again(&control->server->cameras)) {
            control_latency_due(control);
        }
    }
    if (status < 0) {
        log_error("cannot serve viewers: %s", strerror(-status));
        server_stop(control->server);
        return;
    }
    log_info("serving viewers on %s", message_string(message->body, "address", "the given socket"));
}

static void on_camera_add(struct control *control, struct channel_message *message)
{
    const char *name = message_string(message->body, "name", "");
    int ring = channel_message_take_fd(message, 0);
    int wake = channel_message_take_fd(message, 1);
    ringcast_reader *reader = NULL;
    struct camera *known = cameras_find(&control->server->cameras, name);
    struct stat identity = {0};
    if (known && ring >= 0 && fstat(ring, &identity) == 0 && camera_has_ring(known, &identity)) {
        /*
         * Another ringcastd, which took over from one that was killed: nothing is new but perhaps the state.
         */
        camera_update(known, message->body);
        close(ring);
        if (wake >= 0) {
            close(wake);
        }
        return;
    }
    if (ring >= 0) {
        fstat(ring, &identity);
    }
    int status = ring < 0 || wake < 0 ? -EBADMSG : ringcast_open_fd(ring, &reader);
    if (ring >= 0) {
        close(ring);
    }
    /* One that comes without a ring has failed, and its state says why. */
    if (status < 0 && message->fd_count > 0) {
        log_camera(LOG_LEVEL_ERROR, name, "camera %s: cannot read its ring: %s", name, strerror(-status));
    }
    /* Without a readable ring the camera is still there, and its viewers wait. */
    status = cameras_add(&control->server->cameras, name, reader, wake);
    if (status < 0) {
        log_camera(LOG_LEVEL_ERROR, name, "camera %s: cannot add it: %s", name, strerror(-status));
        return;
    }
    struct camera *camera = cameras_find(&control->server->cameras, name);
    camera->ring_device = identity.st_dev;
    camera->ring_inode = identity.st_ino;
    camera_update(camera, message->body);
}

void control_viewer_joined(struct control *control, const struct camera *camera)
{
    if (camera->feed.seats.count != 1 || !camera_is_idle(camera)) {
        return;
    }
    json_t *message = message_new("wanted");
    if (message) {
        json_object_set_new(message, "name", json_string(camera->name));
        send_message(control, message);
    }
}

static void on_camera_state(struct control *control, struct camera *camera, const json_t *body)
{
    (void)control;
    camera_update(camera, body);
}

static void on_camera_remove(struct control *control, struct camera *camera, const json_t *body)
{
    log_set_state(message_string(body, "name", ""), NULL);
    cameras_remove(&control->server->cameras, camera, LWS_CLOSE_STATUS_GOINGAWAY);
    control_viewers_changed(control);
}

/* Messages about a camera that is there. */
static void dispatch_camera(struct control *control, const json_t *body)
{
    static const struct {
        const char *type;
        void (*handle)(struct control *control, struct camera *camera, const json_t *body);
    } handlers[] = {{"camera-state", on_camera_state}, {"camera-remove", on_camera_remove}};

    struct camera *camera = cameras_find(&control->server->cameras, message_string(body, "name", ""));
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (message_is(body, handlers[i].type)) {
            if (camera) {
                handlers[i].handle(control, camera, body);
            } else {
                log_warning("%s for a camera that is not here", handlers[i].type);
            }
            return;
        }
    }
    log_warning("unknown message type %s", message_type(body));
}

static void beat_expired(void *context)
{
    struct control *control = context;
    blackbox_beat(BEAT_ALLOWANCE_MS);
    watch_timer_arm(&control->beat_timer, BEAT_INTERVAL_MS);
}

/* Consumes ANSWER. Whoever asked waits for so long only; an answer that cannot be sent is none. */
static void send_answer(struct control *control, const char *type, const json_t *question, json_t *answer)
{
    if (answer) {
        json_object_set_new(answer, "v", json_integer(MESSAGE_VERSION));
        json_object_set_new(answer, "type", json_string(type));
        json_object_set_new(answer, "number", json_integer(message_integer(question, "number", 0)));
    }
    send_message(control, answer);
}

static void on_kick(struct control *control, const json_t *body)
{
    unsigned count = audience_kick(&control->server->cameras, body);
    control_viewers_changed(control);
    send_answer(control, "kicked", body, json_pack("{s:i}", "viewers", (int)count));
}

static void latency_expired(void *context)
{
    struct control *control = context;
    control->latency_due = false;
    if (control->channel.watched && !latency_report_send(&control->server->cameras, control->channel.fd)) {
        control_latency_due(control);
    }
}

void control_latency_due(struct control *control)
{
    if (!control->latency_due) {
        control->latency_due = true;
        watch_timer_arm(&control->latency_timer, LATENCY_INTERVAL_MS);
    }
}

static void on_log_level(const json_t *body)
{
    enum log_level level;
    if (log_level_from_name(message_string(body, "level", ""), &level) == 0) {
        log_set_level(level);
    }
}

static void dispatch(struct control *control, struct channel_message *message)
{
    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        blackbox_carry(channel_message_take_fd(message, 0));
        beat_expired(control);
    } else if (message_is(message->body, "log-level")) {
        on_log_level(message->body);
    } else if (message_is(message->body, "stop")) {
        server_stop(control->server);
    } else if (message_is(message->body, "listen")) {
        on_listen(control, message);
    } else if (message_is(message->body, "viewers-elsewhere")) {
        cameras_set_elsewhere(&control->server->cameras, json_object_get(message->body, "cameras"));
    } else if (message_is(message->body, "viewers-list")) {
        send_answer(control, "viewers-page", message->body,
                    audience_list(&control->server->cameras, message->body));
    } else if (message_is(message->body, "kick")) {
        on_kick(control, message->body);
    } else if (message_is(message->body, "camera-add")) {
        on_camera_add(control, message);
    } else {
        dispatch_camera(control, message->body);
    }
}

static void channel_ready(void *context)
{
    struct control *control = context;
    for (int i = 0; i < RECEIVE_TURN; i++) {
        struct channel_message message;
        int status = channel_receive(control->channel.fd, &message);
        if (status == 1) {
            dispatch(control, &message);
            channel_message_clear(&message);
        } else if (status == -EBADMSG) {
            log_warning("malformed message on the channel");
        } else if (status == -EAGAIN) {
            return;
        } else {
            log_info("ringcastd is gone");
            watch_end(&control->channel);
            server_stop(control->server);
            return;
        }
    }
}

int control_begin(struct control *control, struct server *server, struct loop *loop, int channel)
{
    *control = (struct control){.server = server};
    int status = watch_begin(&control->channel, loop, channel, channel_ready, control);
    if (status == 0) {
        status = watch_timer_begin(&control->report_timer, loop, report_expired, control);
    }
    if (status == 0) {
        status = watch_timer_begin(&control->latency_timer, loop, latency_expired, control);
    }
    return status < 0 ? status : watch_timer_begin(&control->beat_timer, loop, beat_expired, control);
}

void control_end(struct control *control)
{
    watch_end(&control->channel);
    watch_end(&control->report_timer.watch);
    watch_end(&control->latency_timer.watch);
    watch_end(&control->beat_timer.watch);
}
