/*
 * libmicrohttpd runs in our loop. A request waits, suspended, until ringcastd's status has come or its time
 * is over; statuses are asked for one at a time.
 */
#include "exporter/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "exporter/metrics.h"

/* Connections at a time, seconds that one may be silent, and bytes of a request that are held. */
#define CONNECTIONS_MAX 16
#define SILENCE_S 10
#define REQUEST_MEMORY 16384

/* How often at least it shows that it is alive, and how long that may take: reading what all processes use
 * takes some time. */
#define BEAT_INTERVAL_MS 1000
#define BEAT_ALLOWANCE_MS 10000

/* ringcastd answers in a millisecond; one that takes this long is ill. */
#define ANSWER_MS 2000

#define WHY_SIZE 128

enum page { PAGE_METRICS, PAGE_HEALTH, PAGE_READY };

/* A request that waits. */
struct request {
    struct MHD_Connection *connection;
    enum page page;
    bool suspended;
    struct request *next;
};

struct server {
    int channel;
    struct MHD_Daemon *daemon;
    struct request *waiting;
    bool asked;          /* a status is on its way: that with … */
    json_int_t number;   /* … this number */
    int64_t deadline_ms; /* of its coming */
    json_t *status;      /* the last that came; NULL: none came in time */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* --- Answers -------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned code, const char *type, char *text,
                               size_t size, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, mode);

    if (response == NULL) {
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

    if (status == NULL) {
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
    if (text == NULL) {
        return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    }
    return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, size,
                   MHD_RESPMEM_MUST_FREE);
}

/* --- Requests ------------------------------------------------------------------------------------------- */

static void ask_for_status(struct server *server)
{
    json_t *message = message_new("status");

    if (message != NULL) {
        json_object_set_new(message, "number", json_integer(++server->number));
    }
    if (message != NULL && channel_send(server->channel, message, NULL, 0) == 0) {
        server->asked = true;
        server->deadline_ms = now_ms() + ANSWER_MS;
    }
    json_decref(message);
}

static enum MHD_Result wait_for_status(struct server *server, struct request *request)
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

/* Called when the headers are here, for each piece of a body, at its end, and after each resumption. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **state)
{
    struct server *server = context;
    struct request *request = *state;

    (void)version;
    (void)body;
    if (request == NULL) {
        *state = calloc(1, sizeof(*request));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*body_size > 0) { /* nothing here takes one */
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    }
    int page = find_page(path);
    if (page < 0) {
        return respond_text(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
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

/* Lets all that wait be answered with STATUS (consumed; NULL: it has not come). */
static void answer_waiting(struct server *server, json_t *status)
{
    server->asked = false;
    json_decref(server->status);
    server->status = status;
    for (struct request *request = server->waiting; request != NULL;) {
        struct request *next = request->next;
        MHD_resume_connection(request->connection);
        request = next;
    }
    server->waiting = NULL;
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

/* The JSON object in the memory file FD. NULL: it is none. */
static json_t *read_status(int fd)
{
    struct stat stat;

    if (fstat(fd, &stat) < 0 || stat.st_size <= 0 || stat.st_size > MESSAGE_MAX) {
        return NULL;
    }
    char *text = malloc((size_t)stat.st_size);
    json_t *status = NULL;
    if (text != NULL && pread(fd, text, (size_t)stat.st_size, 0) == stat.st_size) {
        status = message_decode(text, (size_t)stat.st_size, NULL);
    }
    free(text);
    return status;
}

static void on_status(struct server *server, struct channel_message *message)
{
    bool awaited = server->asked && message_integer(message->body, "number", 0) == server->number;
    int fd = channel_message_take_fd(message, 0);
    json_t *status = fd >= 0 ? read_status(fd) : NULL;

    if (fd >= 0) {
        close(fd);
    }
    if (status == NULL) {
        log_warning("a status that cannot be read");
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
static int handle_messages(struct server *server)
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

/* Milliseconds until something must be done. */
static int64_t wait_ms(const struct server *server)
{
    MHD_UNSIGNED_LONG_LONG library = 0;
    int64_t wait = BEAT_INTERVAL_MS;

    if (MHD_get_timeout(server->daemon, &library) == MHD_YES && library < (unsigned long long)wait) {
        wait = (int64_t)library;
    }
    if (server->asked && server->deadline_ms - now_ms() < wait) {
        wait = server->deadline_ms - now_ms();
    }
    return wait > 0 ? wait : 0;
}

/*
 * 1: go on; 0: the end; negative errno. Not with the library's epoll: there a client that sends a part of a
 * request and leaves is noticed only when its time is over. What is resumed must be resumed before the
 * library runs, or it sleeps on.
 */
static int turn(struct server *server)
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
    int64_t wait = wait_ms(server);
    struct timeval limit = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};
    if (select(last + 1, &readable, &writable, &failed, &limit) < 0) {
        return errno == EINTR ? 1 : -errno;
    }
    int result = handle_messages(server);
    if (result <= 0) {
        return result;
    }
    if (server->asked && now_ms() >= server->deadline_ms) {
        answer_waiting(server, NULL);
    }
    return MHD_run_from_select(server->daemon, &readable, &writable, &failed) == MHD_YES ? 1 : -EIO;
}

int server_run(struct server *server)
{
    int result;

    do {
        blackbox_beat(BEAT_ALLOWANCE_MS);
        result = turn(server);
    } while (result > 0);
    return result;
}

int server_create(int channel, int listener, struct server **server)
{
    struct server *created = calloc(1, sizeof(*created));

    if (created == NULL) {
        close(listener);
        return -ENOMEM;
    }
    created->channel = channel;
    created->daemon = MHD_start_daemon(
        MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, created, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY, MHD_OPTION_END);
    if (created->daemon == NULL) {
        close(listener);
        free(created);
        return -EIO;
    }
    *server = created;
    return 0;
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    answer_waiting(server, NULL); /* the library wants nothing suspended at its end */
    MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    free(server);
}
