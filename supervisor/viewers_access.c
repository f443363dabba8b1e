/* SPDX-License-Identifier: MIT */
#include "supervisor/viewers_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

static void publish_changes(struct supervisor *supervisor, json_t *changes)
{
    json_t *change;
    size_t index;

    json_array_foreach(changes, index, change) {
        events_publish(supervisor->events, "user-changed", json_incref(change));
    }
}

/* As one process, or none, must be there for the configuration. */
static void match_process(struct supervisor *supervisor, bool take_over)
{
    if (!access_is_on(supervisor->access)) {
        password_end(supervisor->password);
    } else if (password_run(supervisor->password, take_over) < 0) {
        log_error("passwords cannot be checked: out of memory");
    }
}

static int use(struct supervisor *supervisor, struct access_reading *reading, json_t **changes)
{
    struct fd_store *store = keeper_fd_store(supervisor->keeper);

    return access_use(supervisor->access, supervisor->config, reading, store, changes);
}

int viewers_access_open(struct supervisor *supervisor)
{
    char program[PATH_SIZE], why[ACCESS_REASON_SIZE];
    struct access_reading *reading = NULL;
    json_t *changes = NULL;

    snprintf(program, sizeof(program), "%s/ringcast-password", supervisor->options->program_dir);
    supervisor->access = access_create(supervisor->event, supervisor);
    supervisor->password =
        password_create(supervisor->children, program, supervisor->config->log_level, supervisor);
    if (!supervisor->access || !supervisor->password) {
        return -ENOMEM;
    }
    int result = access_read(supervisor->config, &reading, why);
    if (result < 0) {
        log_error("%s", why);
        return result;
    }
    result = use(supervisor, reading, &changes);
    json_decref(changes);
    return result;
}

void viewers_access_start(struct supervisor *supervisor)
{
    match_process(supervisor, supervisor->took_over);
}

void viewers_access_use(struct supervisor *supervisor, struct access_reading *reading)
{
    json_t *changes = NULL;

    if (use(supervisor, reading, &changes) == 0) {
        match_process(supervisor, false);
        publish_changes(supervisor, changes);
    }
    json_decref(changes);
}

json_t *viewers_access_reload(struct supervisor *supervisor)
{
    char why[ACCESS_REASON_SIZE];
    struct access_reading *reading = NULL;
    json_t *changes = NULL;

    if (access_read(supervisor->config, &reading, why) < 0) {
        log_error("users are as before: %s", why);
        return message_error("users", "%s", why);
    }
    if (use(supervisor, reading, &changes) < 0) {
        return message_error("users", "the users cannot be handed out; see the log");
    }
    publish_changes(supervisor, changes);
    char *path = config_users_path(supervisor->config);
    json_t *reply = message_pack("ok", "{s:s, s:b, s:o}", "passwords", path, "auth",
                                 access_is_on(supervisor->access), "changes", changes);
    free(path);
    return reply;
}

bool viewers_access_is_ready(const struct supervisor *supervisor)
{
    return !password_wanted(supervisor->password) ||
           service_state(password_service(supervisor->password)) == SERVICE_RUNNING;
}

bool viewers_access_has_ended(const struct supervisor *supervisor)
{
    struct service *service = password_service(supervisor->password);

    return !service || service_pid(service) == 0;
}

json_t *viewers_access_status(const struct supervisor *supervisor)
{
    struct service *service = password_service(supervisor->password);
    const struct password_counts counts = password_counts(supervisor->password);

    if (!service || !access_is_on(supervisor->access)) {
        return json_null();
    }
    json_t *status = status_of_service(service);
    json_object_set_new(status, "checks",
                        json_pack("{s:I, s:I, s:I, s:I}", "right", counts.right, "wrong", counts.wrong,
                                  "slowed", counts.slowed, "hashed", counts.hashed));
    return status;
}

/* --- Fan-outs and ringcast-password --------------------------------------------------------------------- */

/* Does nothing if either has no process: the one that begins later is connected then. */
static void connect_fanout(struct supervisor *supervisor, size_t index)
{
    struct fanout *fanout = supervisor->fanouts[index];
    enum service_state state = service_state(fanout_service(fanout));
    int ends[2];

    if ((state != SERVICE_STARTING && state != SERVICE_RUNNING) || !password_wanted(supervisor->password)) {
        return;
    }
    int result = channel_pair(ends);
    if (result < 0) {
        log_error("fanout[%zu]: passwords cannot be checked for it: %s", index, strerror(-result));
        return;
    }
    if (password_connect(supervisor->password, index, ends[0])) {
        fanout_connect_password(fanout, ends[1]);
    }
    close(ends[0]);
    close(ends[1]);
}

static void send_access(const struct supervisor *supervisor, struct fanout *fanout)
{
    fanout_set_access(fanout, access_document(supervisor->access), access_page(supervisor->access));
}

/* ringcast-password first: when a fan-out forgets which passwords were right, the old ones must count no longer. */
void supervisor_access_changed(struct supervisor *supervisor)
{
    password_set_users(supervisor->password, access_passwords(supervisor->access));
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        send_access(supervisor, supervisor->fanouts[i]);
    }
    programs_set_access(supervisor);
}

void supervisor_fanout_admits(struct supervisor *supervisor, struct fanout *fanout)
{
    send_access(supervisor, fanout);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        if (supervisor->fanouts[i] == fanout) {
            connect_fanout(supervisor, i);
        }
    }
}

void supervisor_password_begun(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        connect_fanout(supervisor, i);
    }
    programs_connect_password(supervisor);
}

void supervisor_password_ready(struct supervisor *supervisor)
{
    supervisor_check_ready(supervisor);
}

/* --- What they say -------------------------------------------------------------------------------------- */

/* Names and addresses come from viewers. The log escapes them. */
void supervisor_password_refused(struct supervisor *supervisor, const json_t *message)
{
    const char *user = message_string(message, "user", ""), *address = message_string(message, "address", "");
    json_int_t count = message_integer(message, "count", 0), slowed = message_integer(message, "slowed", 0);

    if (address[0] == '\0') {
        log_warning("log-ins refused from many addresses: %" JSON_INTEGER_FORMAT
                    " wrong passwords, %" JSON_INTEGER_FORMAT " not tried",
                    count, slowed);
    } else if (count > 0) {
        log_warning("log-in refused: user \"%s\" from %s: wrong user or password (%" JSON_INTEGER_FORMAT
                    " times, and %" JSON_INTEGER_FORMAT " not tried)",
                    user, address, count, slowed);
    } else {
        log_warning("log-in refused: user \"%s\" from %s: too many wrong passwords (%" JSON_INTEGER_FORMAT
                    " not tried)",
                    user, address, slowed);
    }
    events_publish(supervisor->events, "login-refused",
                   json_pack("{s:s, s:s, s:I, s:I}", "user", user, "address", address, "count", count,
                             "slowed", slowed));
}

/* A token, session or JWT that was refused. */
static void say_refused(struct supervisor *supervisor, const json_t *message)
{
    const char *address = message_string(message, "address", ""), *what = message_string(message, "what", "");
    json_int_t count = message_integer(message, "count", 1);

    log_warning("access refused: %s from %s (%" JSON_INTEGER_FORMAT " times)", what, address, count);
    events_publish(supervisor->events, "access-refused",
                   json_pack("{s:s, s:s, s:I}", "address", address, "what", what, "count", count));
}

void supervisor_fanout_says(struct supervisor *supervisor, const json_t *message)
{
    if (message_is(message, "session-end")) {
        access_session_ended(supervisor->access, message);
    } else if (message_is(message, "token-used")) {
        access_token_used(supervisor->access, message);
    } else {
        say_refused(supervisor, message);
    }
}
