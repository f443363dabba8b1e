/* SPDX-License-Identifier: MIT */
#include "supervisor/cluster.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/config/camera_task.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/helpers/key_file.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

/* Bytes of each file: all of them and the servers fit into one message (MESSAGE_CHANNEL_MAX), with line ends as two bytes each. */
#define SECRET_MAX 8192
#define AUTHORITIES_MAX 16384

/* Characters of an nkey's seed, which begins with its kind: a user's. */
#define SEED_BEGINS "SU"
#define SEED_LENGTH 58
#define SEED_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/* A line of a secret file that is shorter stands in logs by chance. */
#define SECRET_LINE_MIN 16

/* --- Files ---------------------------------------------------------------------------------------------- */

/* Where messages are about: a member of `cluster`, and the file that it names. */
struct subject {
    const struct config *config;
    const char *field;
    const char *path;
    char *why;
};

static int refuse(const struct subject *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct subject *subject, const char *format, ...)
{
    char problem[KEY_FILE_PROBLEM_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, sizeof(problem), format, arguments);
    va_end(arguments);
    snprintf(subject->why, CLUSTER_WHY_SIZE, "%s:%d: cluster.%s: %s: %s",
             config_file_name(subject->config, subject->config->cluster.file), subject->config->cluster.line,
             subject->field, subject->path, problem);
    return -EINVAL;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part);
}

static bool is_seed(const char *text)
{
    size_t skip = strspn(text, " \t\r\n");
    size_t length = strspn(text + skip, SEED_BYTES);
    const char *rest = text + skip + length;

    return length == SEED_LENGTH && strncmp(text + skip, SEED_BEGINS, strlen(SEED_BEGINS)) == 0 &&
           rest[strspn(rest, " \t\r\n")] == '\0';
}

static const char *problem_of_credentials(const char *text)
{
    bool both = has(text, "-----BEGIN NATS USER JWT-----") && has(text, "-----BEGIN USER NKEY SEED-----");

    return both || is_seed(text) ? NULL
                                 : "neither a credentials file of NATS, with JWT and seed, nor the seed of a "
                                   "user's nkey (\"SU…\"); name the one that `nsc` or `nk` has written";
}

static const char *problem_of_certificates(const char *text)
{
    return has(text, "-----BEGIN CERTIFICATE-----")
               ? NULL
               : "no certificate in PEM form; the file begins with \"-----BEGIN CERTIFICATE-----\"";
}

static const char *problem_of_key(const char *text)
{
    if (has(text, "ENCRYPTED")) {
        return "protected by a passphrase; write it without one: openssl pkey -in FILE -out FILE2";
    }
    return has(text, "PRIVATE KEY-----")
               ? NULL
               : "not a private key in PEM form; the file begins with \"-----BEGIN PRIVATE KEY-----\"";
}

/* What a file is to be like. */
struct kind {
    const char *field;
    bool secret;
    size_t most;
    const char *(*problem)(const char *text); /* NULL: there is none */
};

static bool is_text(const struct key_file *file)
{
    if (strlen(file->text) != file->length || !text_is_utf8(file->text)) {
        return false;
    }
    for (const char *c = file->text; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && !strchr("\t\r\n", *c)) || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static int check(const struct subject *subject, const struct kind *kind, const struct key_file *file)
{
    if (file->length > kind->most) {
        return refuse(subject, "%zu bytes; at most %zu: leave out what is not needed", file->length,
                      kind->most);
    }
    const char *problem = is_text(file) ? kind->problem(file->text) : "not a text file; name another";
    return problem ? refuse(subject, "%s", problem) : 0;
}

/* Log lines show lines at most. */
static void hide(const char *text)
{
    char line[SECRET_MAX + 1];

    while (*text != '\0') {
        size_t length = strcspn(text, "\r\n");
        if (length >= SECRET_LINE_MIN && length < sizeof(line) && text[0] != '-') {
            memcpy(line, text, length);
            line[length] = '\0';
            log_add_secret(line);
        }
        text += length + (text[length] != '\0');
    }
}

/* Adds the text of the file PATH, or null, to SETTINGS. */
static int add_file(const struct config *config, const struct kind *kind, const char *path, json_t *settings,
                    char *why)
{
    const struct subject subject = {config, kind->field, path, why};
    struct key_file file = {0};
    char problem[KEY_FILE_PROBLEM_SIZE];

    if (!path) {
        json_object_set_new(settings, kind->field, json_null());
        return 0;
    }
    if (key_file_read(path, kind->secret ? S_IWGRP | S_IRWXO : S_IWGRP | S_IWOTH, &file, problem) < 0) {
        return refuse(&subject, "%s", problem);
    }
    int result = check(&subject, kind, &file);
    if (result == 0 && kind->secret) {
        hide(file.text);
    }
    if (result == 0 && json_object_set_new(settings, kind->field, json_string(file.text)) < 0) {
        snprintf(why, CLUSTER_WHY_SIZE, "cluster.%s: out of memory", kind->field);
        result = -ENOMEM;
    }
    key_file_finish(&file);
    return result;
}

static json_t *list_servers(const struct config_list *servers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < servers->count; i++) {
        camera_task_hide_url(servers->items[i]);
        json_array_append_new(list, json_string(servers->items[i]));
    }
    return list;
}

int cluster_read(const struct config *config, json_t **settings, char why[CLUSTER_WHY_SIZE])
{
    static const struct kind credentials = {"credentials", true, SECRET_MAX, problem_of_credentials},
                             ca = {"ca", false, AUTHORITIES_MAX, problem_of_certificates},
                             certificate = {"certificate", false, SECRET_MAX, problem_of_certificates},
                             key = {"key", true, SECRET_MAX, problem_of_key};
    const struct config_cluster *cluster = &config->cluster;
    const struct {
        const struct kind *kind;
        const char *path;
    } files[] = {{&credentials, cluster->credentials},
                 {&ca, cluster->ca},
                 {&certificate, cluster->certificate},
                 {&key, cluster->key}};
    int result = 0;

    *settings = NULL;
    if (cluster->line == 0) {
        return 0;
    }
    *settings = json_pack("{s:s, s:s, s:I, s:s?, s:I, s:I, s:b, s:b, s:o}", "name", cluster->name, "node",
                          cluster->node, "replicas", (json_int_t)cluster->replicas, "site", cluster->site,
                          "weight", (json_int_t)cluster->weight, "limit", (json_int_t)cluster->limit,
                          "central", config_has_central(config), "config_key",
                          config->cluster.config_key != NULL, "nats", list_servers(&cluster->nats));
    if (!*settings) {
        snprintf(why, CLUSTER_WHY_SIZE, "cluster: out of memory");
        result = -ENOMEM;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && result == 0; i++) {
        result = add_file(config, files[i].kind, files[i].path, *settings, why);
    }
    if (result < 0) {
        json_decref(*settings);
        *settings = NULL;
    }
    return result;
}

/* --- The program ---------------------------------------------------------------------------------------- */

static struct on_demand *program_of(const struct supervisor *supervisor)
{
    return supervisor->programs[PROGRAM_RELAY];
}

/* The program is a part that a machine need not have. */
static int check_program(const struct supervisor *supervisor, char why[CLUSTER_WHY_SIZE])
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/ringcast-relay", supervisor->options->program_dir);
    if (access(path, X_OK) == 0) {
        return 0;
    }
    snprintf(why, CLUSTER_WHY_SIZE,
             "cluster: %.512s is not there: install ringcast-relay, or remove cluster = { … }; from the "
             "configuration",
             path);
    return -ENOENT;
}

int cluster_prepare(const struct supervisor *supervisor, const struct config *next, json_t **settings,
                    char why[CLUSTER_WHY_SIZE])
{
    int result = cluster_read(next, settings, why);

    if (result == 0 && *settings) {
        result = check_program(supervisor, why);
    }
    if (result < 0) {
        json_decref(*settings);
        *settings = NULL;
    }
    return result;
}

int cluster_open(struct supervisor *supervisor)
{
    char why[CLUSTER_WHY_SIZE];
    int result = cluster_prepare(supervisor, supervisor->config, &supervisor->cluster, why);

    if (result < 0) {
        log_error("%s", why);
    }
    return result;
}

void cluster_close(struct supervisor *supervisor)
{
    json_decref(supervisor->cluster);
    supervisor->cluster = NULL;
}

void cluster_start(struct supervisor *supervisor)
{
    if (supervisor->cluster && !supervisor->stopping) {
        on_demand_want(program_of(supervisor));
    } else if (on_demand_wanted(program_of(supervisor))) {
        cluster_end(supervisor);
    }
}

void cluster_end(struct supervisor *supervisor)
{
    if (on_demand_runs(program_of(supervisor))) {
        cluster_tell(supervisor, message_new("leave"));
    }
    on_demand_end(program_of(supervisor));
}

void cluster_said(struct supervisor *supervisor, const struct channel_message *message)
{
    if (!places_said(supervisor, message->body) && !central_said(supervisor, message)) {
        log_warning("relay: unexpected message \"%s\"", message_type(message->body));
    }
}

int cluster_send(const struct supervisor *supervisor, json_t *message, int fd)
{
    return on_demand_send(program_of(supervisor), message, &fd, 1);
}

void cluster_tell(const struct supervisor *supervisor, json_t *message)
{
    if (on_demand_send(program_of(supervisor), message, NULL, 0) < 0) {
        log_debug("relay: a message could not be sent to it; the next one learns of everything");
    }
}

void cluster_describe(const struct supervisor *supervisor, json_t *message)
{
    json_object_set(message, "cluster", supervisor->cluster);
    json_object_set_new(message, "resume", json_integer(places_resume(&supervisor->places)));
    json_object_set_new(message, "draining", json_boolean(supervisor->places.draining));
    json_object_set_new(message, "central", central_state(supervisor));
}

void cluster_use(struct supervisor *supervisor, json_t *settings)
{
    bool same = json_equal(supervisor->cluster, settings);

    json_decref(supervisor->cluster);
    supervisor->cluster = settings;
    if (!same) {
        places_forget_view(&supervisor->places);
        central_forget(supervisor);
    }
    if (settings && !same) {
        json_t *message = message_new("settings");
        if (message) {
            cluster_describe(supervisor, message);
        }
        on_demand_tell(program_of(supervisor), "settings", message, NULL, 0);
    }
    cluster_start(supervisor);
}

json_t *cluster_status(const struct supervisor *supervisor)
{
    const json_t *cluster = supervisor->cluster;

    return cluster ? json_pack("{s:O, s:O}", "name", json_object_get(cluster, "name"), "node",
                               json_object_get(cluster, "node"))
                   : json_null();
}

void cluster_gone(struct supervisor *supervisor)
{
    central_forget(supervisor);
    places_forget_view(&supervisor->places);
}

/* --- What ringcastctl asks ------------------------------------------------------------------------------ */

static json_t *no_cluster(void)
{
    return message_error(
        "no-cluster",
        "this ringcastd is in no cluster: cluster = { … }; in its configuration makes it a node of one");
}

/* What is known of ringcast-relay, and what it counts. */
static json_t *describe_relay(const struct supervisor *supervisor)
{
    const struct on_demand *program = program_of(supervisor);
    const struct service *service = on_demand_service(program);
    const json_t *counts = on_demand_counts(program);
    const pid_t pid = service ? service_pid(service) : 0;
    json_t *relay = counts ? json_copy((json_t *)counts) : json_object();

    json_object_set_new(relay, "pid", pid > 0 ? json_integer(pid) : json_null());
    json_object_set_new(relay, "state",
                        service ? json_string(service_strstate(service_state(service))) : json_null());
    json_object_set_new(relay, "restarts", json_integer((json_int_t)on_demand_restarts(program)));
    json_object_set_new(relay, "connected",
                        json_boolean(on_demand_runs(program) && message_integer(counts, "connected", 0) > 0));
    const char *why = places_why_no_link(&supervisor->places);
    json_object_set_new(relay, "why", why ? json_string(why) : json_null());
    return relay;
}

json_t *cluster_answer(const struct supervisor *supervisor, const char *camera)
{
    const struct places *places = &supervisor->places;

    if (!supervisor->cluster) {
        return no_cluster();
    }
    return message_pack("cluster", "{s:o, s:o, s:b, s:b, s:o, s:o, s:o}", "cluster",
                        cluster_status(supervisor), "central", central_status(supervisor), "draining",
                        places->draining, "watched", places_watched(places), "relay",
                        describe_relay(supervisor), "nodes", places_describe_nodes(places), "cameras",
                        places_describe(supervisor, camera));
}

json_t *cluster_answer_drain(struct supervisor *supervisor, const json_t *request)
{
    const json_t *on = json_object_get(request, "on");

    if (!supervisor->cluster) {
        return no_cluster();
    }
    if (!json_is_boolean(on)) {
        return message_error("malformed", "cluster-drain needs \"on\", true or false");
    }
    supervisor->places.draining = json_is_true(on);
    log_info(supervisor->places.draining ? "this node hands its shared cameras over to the other nodes"
                                         : "this node takes shared cameras again");
    cluster_tell(supervisor, message_pack("drain", "{s:O}", "on", on));
    return message_new("ok");
}

/* --- Workers -------------------------------------------------------------------------------------------- */

/* ENDS stay the caller's. */
static void hand_out(struct supervisor *supervisor, struct camera *camera, const int ends[2])
{
    const struct camera_remote *remote = camera_remote(camera);
    const char *name = camera_view(camera).name;
    json_t *message = message_pack("attach", "{s:s, s:s, s:s}", "camera", name, "node", remote->node,
                                   "stream", remote->stream);

    if (on_demand_send(program_of(supervisor), message, &ends[0], 1) == 0) {
        camera_give_relay(camera, ends[1]);
    }
}

void cluster_attach(struct supervisor *supervisor, struct camera *camera)
{
    int ends[2];

    if (!camera_remote(camera) || !on_demand_runs(program_of(supervisor)) || supervisor->stopping) {
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
        log_camera(LOG_LEVEL_ERROR, camera_view(camera).name,
                   "camera %s: no connection with ringcast-relay: %s", camera_view(camera).name,
                   strerror(errno));
        return;
    }
    hand_out(supervisor, camera, ends);
    close(ends[0]);
    close(ends[1]);
}
