/* SPDX-License-Identifier: MIT */
#include "supervisor/central.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/config/camera_url.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/descriptors.h"
#include "supervisor/helpers/key_file.h"
#include "supervisor/process/state_file.h"
#include "supervisor/process/timer.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* Of the file, not of the control protocol. */
#define FILE_VERSION 1

/* Milliseconds for a write to the bucket: less than ringcastctl waits for an answer. */
#define WRITE_MS 4000

#define LIMIT_SIZE 256

/* A write to the bucket that somebody waits for. */
struct write {
    struct control_ticket *ticket; /* NULL: there is none */
    json_int_t number;             /* of the last one, so that no answer is taken for another's */
    json_int_t version;
    char *text;
    json_t *report; /* for the reply */
    sd_event_source *timer;
};

struct central {
    struct state_file *state;
    bool wanted, has_key;
    uint8_t key[CLUSTER_KEY_SIZE];
    struct cluster_cameras now; /* in force; version 0: none */
    char *text;                 /* of these, or of those that were left out; NULL: none */
    bool is_stale;              /* it cannot be opened with the present key */
    json_int_t highest;         /* the highest version that this node has had with a key; 0: none */
    /* What the bucket has. */
    bool shown;
    json_int_t revision;
    char *shown_text; /* NULL: nothing is there */
    /* Why that is not in force. */
    bool is_refused;
    char why[CENTRAL_WHY_SIZE];
    struct write write;
};

static const uint8_t *key_of(const struct central *central)
{
    return central->has_key ? central->key : NULL;
}

static const char *cluster_of(const struct supervisor *supervisor)
{
    return supervisor->config->cluster.name;
}

static void set_text(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;

    free(*text);
    *text = copy;
}

/* --- The key --------------------------------------------------------------------------------------------- */

static int refuse_key(const struct config *config, char why[CENTRAL_WHY_SIZE], const char *problem)
{
    snprintf(why, CENTRAL_WHY_SIZE, "%s:%d: cluster.config_key: %s: %s",
             config_file_name(config, config->cluster.file), config->cluster.line, config->cluster.config_key,
             problem);
    return -EINVAL;
}

/* 0 also without one; *HAS says whether there is one. */
static int read_key(const struct config *config, uint8_t key[CLUSTER_KEY_SIZE], bool *has,
                    char why[CENTRAL_WHY_SIZE])
{
    char problem[KEY_FILE_PROBLEM_SIZE];
    struct key_file file = {0};

    *has = config->cluster.line > 0 && config->cluster.config_key;
    if (!*has) {
        return 0;
    }
    if (key_file_read(config->cluster.config_key, S_IWGRP | S_IRWXO, &file, problem) < 0) {
        return refuse_key(config, why, problem);
    }
    int result = cluster_cameras_read_key(key, file.text);
    if (result < 0) {
        result =
            refuse_key(config, why,
                       "not a key of 64 hexadecimal digits; make one with `openssl rand -hex 32`, and give "
                       "all nodes the same");
    }
    key_file_finish(&file);
    return result;
}

int central_check(const struct config *config, char why[CENTRAL_WHY_SIZE])
{
    uint8_t key[CLUSTER_KEY_SIZE];
    bool has;
    int result = read_key(config, key, &has, why);

    secret_wipe(key, sizeof(key));
    return result;
}

/* --- The state file -------------------------------------------------------------------------------------- */

/* Takes over what an earlier ringcastd had of CLUSTER. */
static void load(struct central *central, const char *cluster)
{
    const char *problem = NULL;
    json_t *file = state_file_load(central->state, &problem);
    const char *text = message_string(file, "text", NULL);

    if (file && (message_integer(file, "v", 0) != FILE_VERSION || !text)) {
        problem = "it is of another version";
    }
    if (problem) {
        state_file_put_aside(central->state, "the cameras of the cluster that were kept are ignored",
                             problem);
    } else if (strcmp(message_string(file, "cluster", ""), cluster) == 0) {
        central->highest = message_integer(file, "highest", 0);
        set_text(&central->text, text);
    }
    json_decref(file);
}

static int save(const struct central *central, const char *cluster, const char *text, json_int_t highest)
{
    json_t *file = json_pack("{s:i, s:s, s:I, s:s}", "v", FILE_VERSION, "cluster", cluster, "highest",
                             highest, "text", text);
    int result = file ? state_file_replace(central->state, file, true) : -ENOMEM;

    json_decref(file);
    return result;
}

/* --- Taking a version ------------------------------------------------------------------------------------ */

json_t *central_state(const struct supervisor *supervisor)
{
    const struct central *central = supervisor->central;

    return json_pack("{s:I, s:b}", "version", central->now.version, "refused", central->is_refused);
}

static void tell_relay(struct supervisor *supervisor)
{
    json_t *message = message_new("central-state");

    if (message) {
        json_object_set_new(message, "central", central_state(supervisor));
    }
    cluster_tell(supervisor, message);
}

static void refuse(struct supervisor *supervisor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the bucket has is not taken. The same is said once. */
static void refuse(struct supervisor *supervisor, const char *format, ...)
{
    struct central *central = supervisor->central;
    char why[CENTRAL_WHY_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    if (central->is_refused && strcmp(why, central->why) == 0) {
        return;
    }
    central->is_refused = true;
    memcpy(central->why, why, sizeof(why));
    log_error("the cluster's cameras are not taken as they are in its bucket, and stay as they were: %s",
              why);
    events_publish(supervisor->events, "cluster-config",
                   json_pack("{s:I, s:s}", "version", central->now.version, "refused", why));
    tell_relay(supervisor);
}

static void end_refusal(struct supervisor *supervisor)
{
    struct central *central = supervisor->central;
    bool told = central->is_refused;

    central->is_refused = false;
    central->why[0] = '\0';
    if (told) {
        tell_relay(supervisor);
    }
}

static const char *words_for(int result)
{
    return result == -EKEYREJECTED ? "it was sealed with another key than this node has, or changed by "
                                     "somebody else; give all nodes the "
                                     "same cluster.config_key, and apply the cameras again"
           : result == -EBADMSG    ? "it is no configuration of this cluster that this version of ringcast "
                                     "reads; apply the cameras again"
                                   : strerror(-result);
}

/* DOCUMENT (taken over), whose text is TEXT, is in force from now on; NEXT, the configuration with it, as well. */
static void use(struct supervisor *supervisor, struct cluster_cameras *document, const char *text,
                struct config *next)
{
    struct central *central = supervisor->central;

    cluster_cameras_finish(&central->now);
    central->now = *document;
    *document = (struct cluster_cameras){0};
    if (central->has_key) {
        central->highest = central->now.version;
    }
    central->is_stale = false;
    set_text(&central->text, text);
    json_t *report = reload_use(supervisor, next);
    log_info("the cluster's cameras, version %" JSON_INTEGER_FORMAT
             ", applied by %s at node %s: %zu added, %zu removed, %zu changed",
             central->now.version, central->now.by, central->now.node,
             json_array_size(json_object_get(report, "added")),
             json_array_size(json_object_get(report, "removed")),
             json_array_size(json_object_get(report, "changed")));
    if (central->now.left_out > 0) {
        log_warning("%zu cameras of the cluster are for this node alone, which has no cluster.config_key: "
                    "they are left out",
                    central->now.left_out);
    }
    events_publish(supervisor->events, "cluster-config",
                   json_pack("{s:I, s:n}", "version", central->now.version, "refused"));
    json_decref(report);
    end_refusal(supervisor);
    tell_relay(supervisor);
}

/* DOCUMENT, which could be opened, fits or does not. */
static void try_document(struct supervisor *supervisor, struct cluster_cameras *document, const char *text)
{
    struct central *central = supervisor->central;
    char *why = NULL;
    struct config *next = reload_interpret_central(supervisor, document->cameras, &why);

    if (!next) {
        refuse(supervisor, "version %" JSON_INTEGER_FORMAT ": %s", document->version,
               why ? why : strerror(ENOMEM));
    } else if (save(central, cluster_of(supervisor), text,
                    central->has_key ? document->version : central->highest) < 0) {
        refuse(supervisor,
               "version %" JSON_INTEGER_FORMAT
               " cannot be kept in %s; look at the disk and who may write there",
               document->version, state_file_path(central->state));
        config_free(next);
    } else {
        use(supervisor, document, text, next);
    }
    free(why);
}

/* The bucket has TEXT. Without a key nothing tells an old version from a new one, and what the bucket has counts. */
static void take(struct supervisor *supervisor, const char *text)
{
    struct central *central = supervisor->central;
    struct cluster_cameras document;

    if (central->text && central->now.version > 0 && !central->is_stale && strcmp(text, central->text) == 0) {
        end_refusal(supervisor);
        return;
    }
    int result = cluster_cameras_open(&document, text, strlen(text), cluster_of(supervisor),
                                      supervisor->config->cluster.node, key_of(central));
    if (result < 0) {
        refuse(supervisor, "%s", words_for(result));
    } else if (central->has_key && document.version < central->highest) {
        refuse(supervisor,
               "it is version %" JSON_INTEGER_FORMAT ", and this node has had version %" JSON_INTEGER_FORMAT
               ": somebody has put an old one back; apply the cameras again",
               document.version, central->highest);
    } else if (central->has_key && document.version == central->highest && central->text &&
               strcmp(text, central->text) != 0) {
        refuse(supervisor,
               "it is another version %" JSON_INTEGER_FORMAT
               " than the one that this node has; apply the cameras again",
               document.version);
    } else {
        try_document(supervisor, &document, text);
    }
    cluster_cameras_finish(&document);
}

const json_t *central_cameras(const struct supervisor *supervisor)
{
    return supervisor->central ? supervisor->central->now.cameras : NULL;
}

void central_leave_out(struct supervisor *supervisor, const char *why)
{
    struct central *central = supervisor->central;

    cluster_cameras_finish(&central->now);
    central->is_refused = true;
    snprintf(central->why, sizeof(central->why), "%s", why);
}

/* --- Start and reload ------------------------------------------------------------------------------------ */

/* At the start, what was kept is in force until the bucket shows something else. */
static void open_kept(struct central *central, const struct config *file)
{
    int result = cluster_cameras_open(&central->now, central->text, strlen(central->text), file->cluster.name,
                                      file->cluster.node, key_of(central));

    if (result < 0) {
        log_error("the cameras of the cluster that were kept in %s are not used: %s",
                  state_file_path(central->state), words_for(result));
    } else {
        log_info("the cluster's cameras, version %" JSON_INTEGER_FORMAT
                 ", were kept here, until its bucket shows which version is there",
                 central->now.version);
    }
}

int central_open(struct supervisor *supervisor, const struct config *file)
{
    struct central *central = calloc(1, sizeof(*central));
    char why[CENTRAL_WHY_SIZE], *name = NULL;
    int result = !central || asprintf(&name, "%s-cluster.json", file->instance) < 0 ? -ENOMEM : 0;

    supervisor->central = central;
    if (result == 0) {
        result = state_file_create(file->state_dir, name, &central->state);
        free(name);
    }
    if (result == 0) {
        result = read_key(file, central->key, &central->has_key, why);
        central->wanted = config_has_central(file);
        if (result < 0) {
            log_error("%s", why);
        }
    }
    if (result == 0 && central->wanted) {
        load(central, file->cluster.name);
    }
    if (result == 0 && central->text) {
        open_kept(central, file);
    }
    return result;
}

static void drop_write(struct write *write)
{
    timer_disarm(&write->timer);
    free(write->text);
    json_decref(write->report);
    *write = (struct write){.number = write->number};
}

void central_close(struct supervisor *supervisor)
{
    struct central *central = supervisor->central;

    if (!central) {
        return;
    }
    if (central->write.ticket) {
        control_reply(central->write.ticket, NULL);
    }
    drop_write(&central->write);
    state_file_destroy(central->state);
    cluster_cameras_finish(&central->now);
    free(central->text);
    free(central->shown_text);
    secret_wipe(central, sizeof(*central));
    free(central);
    supervisor->central = NULL;
}

static bool is_same_key(const struct central *central, const struct central_next *next)
{
    return central->has_key == next->has_key && memcmp(central->key, next->key, sizeof(next->key)) == 0;
}

static bool is_same(const struct supervisor *supervisor, const struct config *config,
                    const struct central_next *next)
{
    const struct central *central = supervisor->central;

    return central->wanted && !central->is_stale && is_same_key(central, next) &&
           strcmp(cluster_of(supervisor), config->cluster.name) == 0 &&
           strcmp(supervisor->config->cluster.node, config->cluster.node) == 0;
}

int central_prepare(const struct supervisor *supervisor, const struct config *config,
                    struct central_next *next, char why[CENTRAL_WHY_SIZE])
{
    const struct central *central = supervisor->central;

    *next = (struct central_next){.wanted = config_has_central(config)};
    int result = read_key(config, next->key, &next->has_key, why);
    if (result < 0 || !next->wanted) {
        return result;
    }
    if (is_same(supervisor, config, next)) {
        next->cameras = central->now.cameras;
        return 0;
    }
    struct central kept = {.state = central->state};
    load(&kept, config->cluster.name);
    result = !kept.text
                 ? 0
                 : cluster_cameras_open(&next->opened, kept.text, strlen(kept.text), config->cluster.name,
                                        config->cluster.node, next->has_key ? next->key : NULL);
    /* While keys are changed, nodes go on with what they have. */
    next->reopened = result != -EKEYREJECTED || !central->wanted;
    next->cameras = next->reopened ? next->opened.cameras : central->now.cameras;
    free(kept.text);
    return 0;
}

void central_discard(struct central_next *next)
{
    cluster_cameras_finish(&next->opened);
    secret_wipe(next, sizeof(*next));
}

/* With another key, or as another node, what is there is read anew. */
void central_use(struct supervisor *supervisor, struct central_next *next)
{
    struct central *central = supervisor->central;

    central->is_stale = next->wanted && !next->reopened && (central->is_stale || !is_same_key(central, next));
    memcpy(central->key, next->key, sizeof(central->key));
    central->has_key = next->has_key;
    if (central->wanted && !next->wanted) {
        cluster_cameras_finish(&central->now);
        set_text(&central->text, NULL);
        central->highest = 0;
        end_refusal(supervisor);
    }
    central->wanted = next->wanted;
    if (next->reopened) {
        cluster_cameras_finish(&central->now);
        set_text(&central->text, NULL);
        central->highest = 0;
        load(central, cluster_of(supervisor));
        central->now = next->opened;
        next->opened = (struct cluster_cameras){0};
    }
    central_discard(next);
    if (central->wanted && central->shown_text) {
        take(supervisor, central->shown_text);
    }
}

/* --- What ringcast-relay says ---------------------------------------------------------------------------- */

/* The writer is told, with REPLY (consumed). */
static void conclude(struct supervisor *supervisor, json_t *reply)
{
    struct write *write = &supervisor->central->write;

    control_reply(write->ticket, reply);
    drop_write(write);
}

static void conclude_well(struct supervisor *supervisor)
{
    struct write *write = &supervisor->central->write;
    json_t *reply = message_pack("cluster-applied", "{s:I, s:b}", "version", write->version, "applied", 1);

    json_object_update(reply, write->report);
    conclude(supervisor, reply);
}

static void see(struct supervisor *supervisor, json_int_t revision, const char *text)
{
    struct central *central = supervisor->central;

    central->shown = true;
    central->revision = revision;
    set_text(&central->shown_text, text);
    if (!central->wanted) {
        return;
    }
    if (text) {
        take(supervisor, text);
    } else if (central->now.version > 0) {
        log_warning("the cluster's bucket has no cameras any more; this node goes on with version "
                    "%" JSON_INTEGER_FORMAT ": apply them again",
                    central->now.version);
    }
    if (central->write.ticket && text && strcmp(text, central->write.text) == 0) {
        conclude_well(supervisor);
    }
}

static void on_shown(struct supervisor *supervisor, const struct channel_message *message)
{
    const bool there = message_boolean(message->body, "there", false);
    json_t *file = there && message->fd_count > 0 ? memory_file_read_json(message->fds[0]) : NULL;

    see(supervisor, message_integer(message->body, "revision", 0),
        there ? message_string(file, "text", "") : NULL);
    json_decref(file);
}

static void on_written(struct supervisor *supervisor, const json_t *body)
{
    struct central *central = supervisor->central;
    const char *result = message_string(body, "result", "");

    if (!central->write.ticket || message_integer(body, "ticket", 0) != central->write.number) {
        return;
    }
    if (strcmp(result, "written") == 0) {
        char *text = central->write.text;
        central->write.text = NULL;
        conclude_well(supervisor);
        see(supervisor, message_integer(body, "revision", 0), text);
        free(text);
    } else if (strcmp(result, "conflict") == 0) {
        conclude(supervisor,
                 message_error(
                     "cluster-conflict",
                     "somebody else has applied cameras at the same time, so these were not: look at what is "
                     "there (`ringcastctl cluster config`), and apply again"));
    } /* else the bucket shows it, or the timer ends the wait */
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;

    (void)source, (void)usec;
    conclude(
        supervisor,
        message_error("no-answer",
                      "JetStream has not answered, so it is not known whether version %" JSON_INTEGER_FORMAT
                      " is there: look with `ringcastctl cluster config`",
                      supervisor->central->write.version));
    return 0;
}

bool central_said(struct supervisor *supervisor, const struct channel_message *message)
{
    if (message_is(message->body, "central-shown")) {
        on_shown(supervisor, message);
    } else if (message_is(message->body, "central-written")) {
        on_written(supervisor, message->body);
    } else {
        return false;
    }
    return true;
}

void central_forget(struct supervisor *supervisor)
{
    supervisor->central->shown = false;
    set_text(&supervisor->central->shown_text, NULL);
}

/* --- Applying -------------------------------------------------------------------------------------------- */

/* Version, who and when of what the bucket has. False: it cannot be read. */
static bool look(const struct supervisor *supervisor, struct cluster_cameras *there)
{
    const struct central *central = supervisor->central;

    return central->shown_text &&
           cluster_cameras_open(there, central->shown_text, strlen(central->shown_text),
                                cluster_of(supervisor), supervisor->config->cluster.node,
                                key_of(central)) == 0;
}

static const json_t *as_object(const json_t *request, const char *name)
{
    const json_t *object = json_object_get(request, name);

    return json_is_object(object) ? object : NULL;
}

/* Why nothing can be applied here; NULL: it can. */
static json_t *why_not(const struct supervisor *supervisor, const json_t *request)
{
    const struct central *central = supervisor->central;

    if (!as_object(request, "cameras") || !message_string(request, "by", NULL) ||
        strlen(message_string(request, "by", "")) > CLUSTER_BY_MAX) {
        return message_error("malformed",
                             "cluster-apply needs \"cameras\", an object, and \"by\", at most %d bytes",
                             CLUSTER_BY_MAX);
    }
    if (!supervisor->cluster) {
        return message_error("no-cluster",
                             "this ringcastd is in no cluster: cluster = { … }; in its configuration "
                             "makes it a node of one");
    }
    if (!central->has_key) {
        return message_error("no-key",
                             "this node has no key to the cameras of the cluster: add config_key = \"…\"; to "
                             "cluster in its configuration, or apply at a node that has it");
    }
    if (!central->shown) {
        return message_error("cluster-unknown",
                             "what the cluster's bucket has is not known at this moment: NATS or "
                             "JetStream cannot be reached (`ringcastctl cluster status`)");
    }
    return central->write.ticket
               ? message_error("busy", "other cameras are being applied at this node; look at what is there "
                                       "(`ringcastctl cluster config`), and apply again")
               : NULL;
}

/* 0; -EBADMSG: no node would find CAMERAS in TEXT, because they are such as no file can have. */
static int check_sealed(const struct supervisor *supervisor, const char *text, const json_t *cameras)
{
    struct cluster_cameras document;
    int result = cluster_cameras_open(&document, text, strlen(text), cluster_of(supervisor),
                                      supervisor->config->cluster.node, key_of(supervisor->central));

    if (result == 0 && !json_equal(document.cameras, cameras)) {
        result = -EBADMSG;
    }
    cluster_cameras_finish(&document);
    return result;
}

/* Seals CAMERAS and has them written. NULL: it is answered later. */
static json_t *write_version(struct supervisor *supervisor, const struct cluster_cameras *document,
                             json_t *report)
{
    struct central *central = supervisor->central;
    char *text = NULL;
    int result = cluster_cameras_seal(document, cluster_of(supervisor), central->key, &text);
    result = result == 0 ? check_sealed(supervisor, text, document->cameras) : result;
    json_t *file = result == 0 ? json_pack("{s:s}", "text", text) : NULL;
    int fd = file ? memory_file_seal_json("ringcast-cameras", file) : -ENOMEM;
    struct control_ticket *ticket = NULL;
    json_t *error = NULL;

    json_decref(file);
    if (result == -EMSGSIZE) {
        error = message_error("limit", "too many cameras for one message of NATS: %u bytes at most, sealed",
                              CLUSTER_CAMERAS_MAX);
    } else if (fd < 0) {
        error =
            message_error("limit", "the cameras cannot be sealed: %s", strerror(result < 0 ? -result : -fd));
    } else if (cluster_send(supervisor,
                            message_pack("central-write", "{s:I, s:I}", "ticket", central->write.number + 1,
                                         "expected", central->revision),
                            fd) < 0) {
        error = message_error("cluster-unknown", "ringcast-relay does not run at this moment; see the log");
    } else if ((ticket = control_defer(supervisor->control))) {
        central->write = (struct write){.ticket = ticket,
                                        .number = central->write.number + 1,
                                        .version = document->version,
                                        .text = text,
                                        .report = json_incref(report)};
        text = NULL;
        timer_arm(supervisor->event, &central->write.timer, WRITE_MS, on_late, supervisor);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(text);
    return error;
}

static json_t *not_there(json_int_t over, bool known, const struct cluster_cameras *there)
{
    return known ? message_error(
                       "cluster-conflict",
                       "version %" JSON_INTEGER_FORMAT " is there, applied by %s at node %s, and not version "
                       "%" JSON_INTEGER_FORMAT ": look at it (`ringcastctl cluster config`), and apply again",
                       there->version, there->by, there->node, over)
                 : message_error("cluster-conflict",
                                 "version %" JSON_INTEGER_FORMAT
                                 " is not there; look at what is (`ringcastctl cluster "
                                 "config`), and apply again",
                                 over);
}

/* CAMERAS, which are right, are shown beside THERE, and written unless that is all that is asked for. */
static json_t *apply(struct supervisor *supervisor, const json_t *request,
                     const struct cluster_cameras *there)
{
    struct central *central = supervisor->central;
    const json_int_t highest = there->version > central->highest ? there->version : central->highest;
    json_t *cameras = json_object_get(request, "cameras");
    json_t *report = cluster_cameras_difference(there->cameras, cameras), *reply = NULL;
    const bool same = there->version > 0 && json_object_size(there->cameras) == json_object_size(cameras) &&
                      (size_t)message_integer(report, "unchanged", 0) == json_object_size(cameras);

    if (message_boolean(request, "dry_run", false) || same) {
        reply = message_pack("cluster-applied", "{s:I, s:b}", "version", there->version, "applied", 0);
        json_object_update(reply, report);
    } else {
        const struct cluster_cameras document = {.version = highest + 1,
                                                 .time = (json_int_t)time(NULL),
                                                 .by = (char *)message_string(request, "by", ""),
                                                 .node = supervisor->config->cluster.node,
                                                 .cameras = cameras};
        reply = write_version(supervisor, &document, report);
    }
    json_decref(report);
    return reply;
}

json_t *central_answer_apply(struct supervisor *supervisor, const json_t *request)
{
    struct cluster_cameras there = {0};
    const json_int_t over = message_integer(request, "over", -1);
    char *why = NULL;
    json_t *reply = why_not(supervisor, request);

    if (reply) {
        return reply;
    }
    const bool known = look(supervisor, &there);
    if (over >= 0 && there.version != over) {
        reply = not_there(over, known, &there);
    } else {
        struct config *next = reload_interpret_central(supervisor, json_object_get(request, "cameras"), &why);
        reply = next ? apply(supervisor, request, &there)
                     : message_error("configuration", "%s", why ? why : "out of memory");
        config_free(next);
    }
    free(why);
    cluster_cameras_finish(&there);
    return reply;
}

/* --- Looking --------------------------------------------------------------------------------------------- */

static json_t *describe(const struct central *central)
{
    const struct cluster_cameras *now = &central->now;

    return json_pack("{s:o, s:o, s:s?, s:s?, s:b, s:b, s:s?}", "version",
                     now->version > 0 ? json_integer(now->version) : json_null(), "time",
                     now->version > 0 ? json_integer(now->time) : json_null(), "by", now->by, "node",
                     now->node, "key", central->has_key, "watched", central->shown, "refused",
                     central->is_refused ? central->why : NULL);
}

json_t *central_status(const struct supervisor *supervisor)
{
    return supervisor->central->wanted ? describe(supervisor->central) : json_null();
}

/* Scheme and host alone: a path may hold a password, too. NULL: this node does not know. */
static json_t *address_of(const json_t *settings)
{
    const char *text = message_string(settings, "url", "");
    struct camera_url url;
    json_t *address = NULL;

    if (strcmp(text, CLUSTER_CAMERAS_NO_URL) != 0 && camera_url_parse(text, &url) == 0) {
        address = json_sprintf("%s://%s", url.scheme, url.host);
        camera_url_finish(&url);
    }
    return address ? address : json_null();
}

json_t *central_answer(const struct supervisor *supervisor)
{
    const struct central *central = supervisor->central;
    json_t *cameras = json_array(), *settings, *reply = message_new("cluster-config");
    const char *name;

    if (!supervisor->cluster || !central->wanted) {
        json_decref(cameras);
        json_decref(reply);
        return message_error(
            "no-central",
            "this node has no cameras of the whole cluster: add config_key = \"…\"; or central_cameras "
            "= true; to cluster in its configuration");
    }
    json_object_foreach((json_t *)central->now.cameras, name, settings) {
        json_array_append_new(cameras,
                              json_pack("{s:s, s:O?, s:o, s:b}", "name", name, "nodes",
                                        json_object_get(settings, "nodes"), "address", address_of(settings),
                                        "sub", json_object_get(settings, "sub") ? 1 : 0));
    }
    json_t *described = describe(central);
    json_object_update(reply, described);
    json_decref(described);
    json_object_set_new(reply, "cameras", cameras);
    return reply;
}
