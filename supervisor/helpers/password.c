/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/password.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/message.h"
#include "supervisor/process/timer.h"

struct password {
    struct children *children;
    struct supervisor *supervisor;
    struct service *service; /* NULL: none was wanted yet */
    sd_event_source *renew_timer;
    char *argv[2];
    int users; /* of the message `passwords` */
    enum log_level level;
    struct password_counts counts;
    bool wanted;
};

/* Without the newest users the process would let in who may no longer come. */
static void check_sent(struct password *password, int result)
{
    if (result < 0) {
        service_kill(password->service, "a message could not be sent to it");
    }
}

static void send_users(struct password *password)
{
    json_t *message = message_pack("passwords", "{s:s}", "log_level", log_level_name(password->level));

    check_sent(password,
               message ? service_send_newest(password->service, "passwords", message, &password->users, 1)
                       : -ENOMEM);
    json_decref(message);
}

static void on_begun(void *owner)
{
    struct password *password = owner;

    send_users(password);
    supervisor_password_begun(password->supervisor);
}

static void on_ready(void *owner)
{
    const struct password *password = owner;

    supervisor_password_ready(password->supervisor);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct password *password = owner;
    const json_t *body = message->body;

    if (message_is(body, "refused")) {
        supervisor_password_refused(password->supervisor, body);
    } else if (message_is(body, "counts")) {
        password->counts = (struct password_counts){.right = message_integer(body, "right", 0),
                                                    .wrong = message_integer(body, "wrong", 0),
                                                    .slowed = message_integer(body, "slowed", 0),
                                                    .hashed = message_integer(body, "hashed", 0)};
    } else {
        log_warning("password: unexpected message \"%s\"", message_type(body));
    }
}

static void on_state(void *owner, const char *reason)
{
    const struct password *password = owner;

    supervisor_password_changed(password->supervisor, reason);
}

static int on_renew(sd_event_source *source, uint64_t usec, void *data);

static void on_gone(void *owner, const char *reason)
{
    struct password *password = owner;

    password->counts = (struct password_counts){0};
    if (password->wanted && service_state(password->service) == SERVICE_STOPPED) {
        /* It was ended, and then wanted again: not from within this handler of the old service. */
        timer_arm(children_event(password->children), &password->renew_timer, 0, on_renew, password);
    }
    supervisor_password_gone(password->supervisor, reason);
}

static int make_service(struct password *password)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};

    service_destroy(password->service);
    password->service = service_create(password->children, "password", password->argv, &handlers, password);
    return password->service ? 0 : -ENOMEM;
}

static int on_renew(sd_event_source *source, uint64_t usec, void *data)
{
    struct password *password = data;

    (void)source, (void)usec;
    timer_disarm(&password->renew_timer);
    if (!password->wanted || service_state(password->service) != SERVICE_STOPPED) {
        return 0;
    }
    if (make_service(password) < 0) {
        log_error("passwords cannot be checked: out of memory");
    } else {
        service_start(password->service);
    }
    return 0;
}

struct password *password_create(struct children *children, const char *program, enum log_level level,
                                 struct supervisor *supervisor)
{
    struct password *password = calloc(1, sizeof(*password));

    if (!password) {
        return NULL;
    }
    *password =
        (struct password){.children = children, .supervisor = supervisor, .level = level, .users = -1};
    password->argv[0] = strdup(program);
    if (!password->argv[0]) {
        free(password);
        return NULL;
    }
    return password;
}

void password_destroy(struct password *password)
{
    if (!password) {
        return;
    }
    timer_disarm(&password->renew_timer);
    service_destroy(password->service);
    free(password->argv[0]);
    free(password);
}

/* True if a process is there that has not been told to end. */
static bool runs(const struct password *password)
{
    enum service_state state = password->service ? service_state(password->service) : SERVICE_STOPPED;

    return state == SERVICE_STARTING || state == SERVICE_RUNNING;
}

void password_set_users(struct password *password, int users)
{
    password->users = users;
    if (password->service) {
        send_users(password);
    }
}

int password_run(struct password *password, bool take_over)
{
    if (password->wanted) {
        return 0;
    }
    password->wanted = true;
    if (password->service && service_state(password->service) != SERVICE_STOPPED) {
        return 0; /* one is ending; another one follows (on_gone) */
    }
    if (make_service(password) < 0) {
        password->wanted = false;
        return -ENOMEM;
    }
    if (!take_over || !service_take(password->service)) {
        service_start(password->service);
    }
    return 0;
}

void password_end(struct password *password)
{
    password->wanted = false;
    timer_disarm(&password->renew_timer);
    if (password->service) {
        service_end(password->service);
    }
}

bool password_wanted(const struct password *password)
{
    return password->wanted;
}

bool password_connect(struct password *password, size_t index, int end)
{
    if (!runs(password)) {
        return false;
    }
    json_t *message = message_pack("client", "{s:I}", "index", (json_int_t)index);
    check_sent(password, message ? service_send(password->service, message, &end, 1) : -ENOMEM);
    json_decref(message);
    return true;
}

void password_set_log_level(struct password *password, enum log_level level)
{
    json_t *message = message_pack("log-level", "{s:s}", "level", log_level_name(level));

    password->level = level;
    if (message && runs(password)) {
        service_send_newest(password->service, "log-level", message, NULL, 0);
    }
    json_decref(message);
}

struct service *password_service(struct password *password)
{
    return password->service;
}

struct password_counts password_counts(const struct password *password)
{
    return password->counts;
}
