/* SPDX-License-Identifier: MIT */
/*
 * libmicrohttpd runs in our loop. A request waits, suspended, until ringcastd's status has come or ANSWER_MS
 * are over. One status is asked for at a time.
 */
#include "exporter/admin_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "exporter/metrics.h"

/* The limits: connections at a time, seconds that one may be silent, bytes that a request may take. */
#define CONNECTIONS_MAX 16
#define SILENCE_S 10
#define REQUEST_MEMORY 16384

/*
 * Milliseconds between two heartbeats at most, and how long one turn of the loop may take: reading what all
 * processes use takes some time.
 */
#define BEAT_INTERVAL_MS 1000
#define BEAT_ALLOWANCE_MS 10000

/* Milliseconds for a status. ringcastd answers within one; if it takes this long, it hangs. */
#define ANSWER_MS 2000

#define WHY_SIZE 128

enum page { PAGE_METRICS, PAGE_HEALTH, PAGE_READY };

/* A request; it is in the list of the waiting ones while it is suspended. */
struct request {
    struct MHD_Connection *connection;
    enum page page;
    bool suspended;
    struct request *next;
};

struct admin_server {
    int channel;
    struct MHD_Daemon *daemon;
    struct request *waiting;
    bool asked;           /* a status was asked for and has not come */
    json_int_t number;    /* of the last request for a status */
    uint64_t deadline_ms; /* when that request is given up */
    json_t *status;       /* the last that came; NULL: it did not come in time */
};

/* --- Answers -------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned code, const char *type, char *text,
                               size_t size, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, mode);

    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned code, const char *text)
{
    return respond(connection, code, "text/plain; charset=utf-8", (char *)(uintptr_t)text, strlen(text),
                   MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result respond_page(struct MHD_Connection *connection, enum page page, const json_t *status)
{
    char why[WHY_SIZE];
    size_t size = 0;

    if (!status) {
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "ringcastd does not answer\n");
    }
    if (page == PAGE_HEALTH) {
        return respond_text(connection, MHD_HTTP_OK, "ok\n");
    }
    if (page == PAGE_READY) {
        bool ready = metrics_is_ready(status, why, sizeof(why));
        return respond_text(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, why);
    }
    char *text = metrics_write(status, &size);
    if (!text) {
        return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    }
    return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, size,
                   MHD_RESPMEM_MUST_FREE);
}

/* --- Requests ------------------------------------------------------------------------------------------- */

static void ask_for_status(struct admin_server *server)
{
    json_t *message = message_pack("status", "{s:I}", "number", ++server->number);

    if (message && channel_send(server->channel, message, NULL, 0) == 0) {
        server->asked = true;
        server->deadline_ms = clock_now_ms() + ANSWER_MS;
    }
    json_decref(message);
}

static enum MHD_Result wait_for_status(struct admin_server *server, struct request *request)
{
    if (!server->asked) {
        ask_for_status(server);
    }
    if (!server->asked) {
        return respond_page(request->connection, request->page, NULL);
    }
    request->next = server->waiting;
    server->waiting = request;
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* -1: no such page. */
static int find_page(const char *path)
{
    static const char *const paths[] = {
        [PAGE_METRICS] = "/metrics", [PAGE_HEALTH] = "/healthz", [PAGE_READY] = "/readyz"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(path, paths[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Called when the headers have come, for each piece of a body, at its end, and after each resumption. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **state)
{
    struct admin_server *server = context;
    struct request *request = *state;

    (void)version;
    (void)body;
    if (!request) {
        *state = calloc(1, sizeof(*request));
        return *state ? MHD_YES : MHD_NO;
    }
    if (*body_size > 0) { /* a body is read and ignored */
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are supported\n");
    }
    int page = find_page(path);
    if (page < 0) {
        return respond_text(connection, MHD_HTTP_NOT_FOUND,
                            "the pages here are /metrics, /healthz and /readyz\n");
    }
    if (request->suspended) {
        request->suspended = false;
        return respond_page(connection, request->page, server->status);
    }
    request->connection = connection;
    request->page = (enum page)page;
    return wait_for_status(server, request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode reason)
{
    (void)context;
    (void)connection;
    (void)reason;
    free(*state);
    *state = NULL;
}

/* Resumes all waiting requests, which are then answered from STATUS (consumed; NULL: it has not come). */
static void answer_waiting(struct admin_server *server, json_t *status)
{
    server->asked = false;
    json_decref(server->status);
    server->status = status;
    for (struct request *request = server->waiting; request;) {
        struct request *next = request->next;
        MHD_resume_connection(request->connection);
        request = next;
    }
    server->waiting = NULL;
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

/* The message in the memory file FD. NULL: it holds none. */
static json_t *read_status(int fd)
{
    struct stat stat;

    if (fstat(fd, &stat) < 0 || stat.st_size <= 0 || stat.st_size > MESSAGE_MAX) {
        return NULL;
    }
    char *text = malloc((size_t)stat.st_size);
    json_t *status = NULL;
    if (text && pread(fd, text, (size_t)stat.st_size, 0) == stat.st_size) {
        status = message_decode(text, (size_t)stat.st_size, NULL);
    }
    free(text);
    return status;
}

static void on_status(struct admin_server *server, struct channel_message *message)
{
    bool awaited = server->asked && message_integer(message->body, "number", 0) == server->number;
    int fd = channel_message_take_fd(message, 0);
    json_t *status = fd >= 0 ? read_status(fd) : NULL;

    if (fd >= 0) {
        close(fd);
    }
    if (!status) {
        log_warning("the status that ringcastd sent cannot be read");
    }
    if (awaited) {
        answer_waiting(server, status);
    } else {
        json_decref(status); /* too late */
    }
}

static void on_log_level(const json_t *message)
{
    enum log_level level;

    if (log_level_from_name(message_string(message, "level", ""), &level) == 0) {
        log_set_level(level);
    }
}

/* 1: go on; 0: the end; negative errno. */
static int handle_messages(struct admin_server *server)
{
    for (;;) {
        struct channel_message message;
        int result = channel_receive(server->channel, &message);
        if (result == -EAGAIN) {
            return 1;
        }
        if (result == -EBADMSG) {
            continue;
        }
        if (result <= 0) {
            return result;
        }
        bool stop = message_is(message.body, "stop");
        if (message_is(message.body, "status")) {
            on_status(server, &message);
        } else if (message_is(message.body, "log-level")) {
            on_log_level(message.body);
        }
        channel_message_clear(&message);
        if (stop) {
            return 0;
        }
    }
}

/* Milliseconds until something must be done, at most BEAT_INTERVAL_MS. */
static uint64_t wait_ms(const struct admin_server *server)
{
    MHD_UNSIGNED_LONG_LONG library = 0;
    uint64_t wait = BEAT_INTERVAL_MS, now = clock_now_ms();

    if (MHD_get_timeout(server->daemon, &library) == MHD_YES && library < wait) {
        wait = library;
    }
    if (server->asked && server->deadline_ms < now + wait) {
        wait = server->deadline_ms > now ? server->deadline_ms - now : 0;
    }
    return wait;
}

/*
 * 1: go on; 0: the end; negative errno. It uses select instead of the library's epoll, which notices only
 * after SILENCE_S that a client has left in the middle of a request. Requests must be resumed before the
 * library runs; otherwise they sleep until its next turn.
 */
static int turn(struct admin_server *server)
{
    fd_set readable, writable, failed;
    MHD_socket last = server->channel;

    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&failed);
    FD_SET(server->channel, &readable);
    if (MHD_get_fdset(server->daemon, &readable, &writable, &failed, &last) != MHD_YES) {
        return -EIO;
    }
    uint64_t wait = wait_ms(server);
    struct timeval limit = {.tv_sec = (time_t)(wait / MS_PER_SECOND),
                            .tv_usec = (suseconds_t)(wait % MS_PER_SECOND * 1000)};
    if (select(last + 1, &readable, &writable, &failed, &limit) < 0) {
        return errno == EINTR ? 1 : -errno;
    }
    int result = handle_messages(server);
    if (result <= 0) {
        return result;
    }
    if (server->asked && clock_now_ms() >= server->deadline_ms) {
        answer_waiting(server, NULL);
    }
    return MHD_run_from_select(server->daemon, &readable, &writable, &failed) == MHD_YES ? 1 : -EIO;
}

int admin_server_run(struct admin_server *server)
{
    int result;

    do {
        blackbox_beat(BEAT_ALLOWANCE_MS);
        result = turn(server);
    } while (result > 0);
    return result;
}

int admin_server_create(int channel, int listener, struct admin_server **server)
{
    struct admin_server *created = calloc(1, sizeof(*created));

    if (!created) {
        close(listener);
        return -ENOMEM;
    }
    created->channel = channel;
    created->daemon = MHD_start_daemon(
        MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, created, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY, MHD_OPTION_END);
    if (!created->daemon) {
        close(listener);
        free(created);
        return -EIO;
    }
    *server = created;
    return 0;
}

void admin_server_destroy(struct admin_server *server)
{
    if (!server) {
        return;
    }
    answer_waiting(server, NULL); /* the library must not have suspended requests at its end */
    MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    free(server);
}
