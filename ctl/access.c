/* SPDX-License-Identifier: MIT */
#include "ctl/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "ctl/client.h"
#include "ctl/probe.h"
#include "ctl/request.h"

/* Milliseconds to wait for another ringcastctl that changes the file. */
#define LOCK_MS 10000

/* Milliseconds in which a ringcastd that runs takes a connection. */
#define PROBE_MS 5000

/* --- Where ---------------------------------------------------------------------------------------------- */

static enum exit_code find_file(const struct options *options, struct access_change *change)
{
    const char *path = options_config_path(options);

    if (options->socket) {
        client_complain(
            "users and tokens are in a file that the configuration names; give --config and not --socket");
        return EXIT_CODE_USAGE;
    }
    if (path) {
        change->config = config_load(path, stderr);
        if (!change->config) {
            return EXIT_CODE_USAGE;
        }
        change->path = config_users_path(change->config);
        change->url = config_control_url(change->config);
    } else {
        change->path = config_default_users_path();
        change->url = config_default_control_url();
    }
    return EXIT_CODE_OK;
}

enum exit_code access_begin_reading(const struct options *options, struct access_change *change)
{
    char why[USER_FILE_WHY_SIZE];

    *change = (struct access_change){.options = options};
    enum exit_code code = find_file(options, change);
    if (code == EXIT_CODE_OK && user_file_read(change->path, &change->document, why) < 0) {
        client_complain("%s", why);
        code = EXIT_CODE_FAILED;
    }
    return code;
}

enum exit_code access_begin(const struct options *options, struct access_change *change)
{
    char why[USER_FILE_WHY_SIZE];

    *change = (struct access_change){.options = options};
    enum exit_code code = find_file(options, change);
    if (code == EXIT_CODE_OK && user_file_open(change->path, LOCK_MS, &change->file, why) < 0) {
        client_complain("%s", why);
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        change->document = json_incref(user_file_document(change->file));
    }
    return code;
}

void access_finish(struct access_change *change)
{
    json_decref(change->document);
    user_file_close(change->file);
    config_free(change->config);
    free(change->path);
    free(change->url);
    *change = (struct access_change){0};
}

/* --- The running ringcastd ------------------------------------------------------------------------------ */

/* Its default for the state directory may be another than ours: it is another user's process. */
static enum exit_code check_place(const struct access_change *change, const json_t *reply)
{
    const char *theirs = message_string(reply, "passwords", change->path);

    if (strcmp(theirs, change->path) == 0) {
        return EXIT_CODE_OK;
    }
    client_complain(
        "%s is changed, but the running ringcastd reads %s; set auth.passwords in the configuration",
        change->path, theirs);
    return EXIT_CODE_FAILED;
}

static enum exit_code check_reply(const struct access_change *change, const json_t *reply)
{
    const char *code = message_string(reply, "code", "");

    if (!message_is(reply, "error")) {
        return check_place(change, reply);
    }
    if (strcmp(code, "unknown-type") == 0) {
        client_complain("%s is changed, but the running ringcastd is too old to know users; start it again",
                        change->path);
        return EXIT_CODE_FAILED;
    }
    client_complain("%s is changed, but the running ringcastd goes on with what it had:", change->path);
    return request_refused(change->options, reply);
}

/* Nobody listens at the socket: there is nobody to tell. */
static bool is_alone(const char *url)
{
    int result = probe_socket(url + strlen("ipc://"), PROBE_REQUESTER, PROBE_MS);

    return result == -ENOENT || result == -ECONNREFUSED;
}

static enum exit_code tell(const struct access_change *change)
{
    struct client *client = NULL;
    json_t *reply = NULL;

    if (is_alone(change->url)) {
        return EXIT_CODE_OK;
    }
    enum exit_code code = client_open(change->url, CLIENT_OF_ONE, &client);
    if (code == EXIT_CODE_OK) {
        code = client_ask(client, message_new("access-reload"), &reply);
    }
    if (code == EXIT_CODE_OK) {
        code = check_reply(change, reply);
    } else {
        client_complain("%s is changed, but the running ringcastd was not told", change->path);
    }
    json_decref(reply);
    client_free(client);
    return code;
}

/* The lock is given back before ringcastd is told, since it reads the file under it. */
enum exit_code access_commit(struct access_change *change)
{
    char why[USER_FILE_WHY_SIZE];

    if (user_file_commit(change->file, why) < 0) {
        client_complain("%s", why);
        return EXIT_CODE_FAILED;
    }
    change->written = true;
    user_file_close(change->file);
    change->file = NULL;
    if (change->config && change->config->auth.line == 0) {
        client_complain("note: nobody has to log in yet; add auth = { }; to %s", change->config->path);
    }
    return tell(change);
}

enum exit_code access_report(const struct access_change *change, const char *did, const char *name)
{
    if (change->options->json) {
        json_t *reply = json_pack("{s:i, s:s}", "v", MESSAGE_VERSION, "type", "ok");
        enum exit_code code = request_print_json(reply, JSON_INDENT(2));
        json_decref(reply);
        return code;
    }
    json_t *line = json_array();
    json_array_append_new(line, json_sprintf("%s%s (%s)", did, name, change->path));
    request_print_strings("", line);
    json_decref(line);
    return EXIT_CODE_OK;
}

/* --- Rights --------------------------------------------------------------------------------------------- */

const struct config_user *access_configured(const struct access_change *change, const char *name)
{
    const struct config_auth *auth = change->config ? &change->config->auth : NULL;

    for (size_t i = 0; auth && i < auth->user_count; i++) {
        if (strcmp(auth->users[i].name, name) == 0) {
            return &auth->users[i];
        }
    }
    return NULL;
}

bool access_has_rights(const struct options *options)
{
    return options->camera_count > 0 || options->group_count > 0;
}

static bool has_group(const struct access_change *change, const char *name)
{
    for (size_t i = 0; change->config && i < change->config->group_count; i++) {
        if (strcmp(change->config->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_words(const struct access_change *change)
{
    const struct options *options = change->options;
    char why[ACCESS_WHY_SIZE];

    for (size_t i = 0; i < options->camera_count; i++) {
        if (!access_check_pattern(options->cameras[i], why)) {
            client_complain("--camera %s: %s", options->cameras[i], why);
            return false;
        }
    }
    for (size_t i = 0; i < options->group_count; i++) {
        if (!access_check_group(options->groups[i], why)) {
            client_complain("--group %s: %s", options->groups[i], why);
            return false;
        }
        if (!has_group(change, options->groups[i])) {
            client_complain("--group %s: the configuration has no such group; add it to groups",
                            options->groups[i]);
            return false;
        }
    }
    return true;
}

static json_t *list_of(const char *const *words, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(words[i]));
    }
    return list;
}

enum exit_code access_take_rights(const struct access_change *change, json_t *object)
{
    const struct options *options = change->options;

    if (options->role && access_role_find(options->role) < 0) {
        client_complain("--role %s: write viewer or operator", options->role);
        return EXIT_CODE_USAGE;
    }
    if (!check_words(change)) {
        return EXIT_CODE_USAGE;
    }
    if (options->role) {
        json_object_set_new(object, "role", json_string(options->role));
    }
    if (access_has_rights(options)) { /* both, so that what was given before is replaced as a whole */
        json_object_set_new(object, "cameras", list_of(options->cameras, options->camera_count));
        json_object_set_new(object, "groups", list_of(options->groups, options->group_count));
    }
    return EXIT_CODE_OK;
}

static void print_words(FILE *out, const char *title, const json_t *words)
{
    size_t index;
    const json_t *word;

    if (json_array_size(words) > 0) {
        fprintf(out, ", %s", title);
    }
    json_array_foreach(words, index, word) {
        fprintf(out, " %s", json_string_value(word));
    }
}

char *access_describe(const json_t *object)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        abort();
    }
    fputs(message_string(object, "role", access_role_name(ACCESS_VIEWER)), out);
    print_words(out, "cameras", json_object_get(object, "cameras"));
    print_words(out, "groups", json_object_get(object, "groups"));
    fclose(out);
    return text;
}

/* --- Time ----------------------------------------------------------------------------------------------- */

int64_t access_now(void)
{
    return clock_wall_ns() / NS_PER_SECOND;
}

int64_t access_since(void)
{
    return access_now() + 1;
}

void access_wait_for(int64_t since)
{
    int64_t left = since * NS_PER_SECOND - clock_wall_ns();

    while (left > 0 && left <= NS_PER_SECOND) {
        const struct timespec pause = {.tv_nsec = (long)(left < NS_PER_SECOND ? left : NS_PER_SECOND - 1)};
        nanosleep(&pause, NULL);
        left = since * NS_PER_SECOND - clock_wall_ns();
    }
}
