/* SPDX-License-Identifier: MIT */
#include "relay/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/base/clock.h"
#include "common/base/url.h"
#include "common/cluster/subject.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "relay/ballot.h"
#include "relay/bucket.h"
#include "relay/central.h"
#include "relay/owner/owner.h"
#include "relay/roster.h"
#include "relay/value.h"

#define NODE_PREFIX "node."
#define CAMERA_PREFIX "camera."
#define KEY_SIZE 400
#define NAME_SIZE 256

/* Until ringcastd is told again what it has not read. */
#define TELL_AGAIN_MS 20

/* Where ringcastd takes a camera from. */
enum place {
    PLACE_UNTOLD, /* it does not know yet, and takes it from nowhere */
    PLACE_OWN,    /* from the camera */
    PLACE_NODE,   /* from another node */
    PLACE_NONE,   /* from nowhere, and it says `stopped` when nothing of it is published any more */
    PLACE_PREPARE, /* from the camera, to have a keyframe when it becomes this node's; nothing is published yet */
};

/* A shared camera, and what ringcastd was told of it. */
struct shared {
    TAILQ_ENTRY(shared) link;
    char *name;
    bool fetched;   /* ringcastd is to fetch it */
    bool stopping;  /* ringcastd is to stop it, and has not said that it has */
    bool preparing; /* this node is to have it next: ringcastd is to have it ready */
    json_t *nodes;  /* that may fetch it */
    char site[VALUE_SITE_MAX];
    bool one_session;
    enum place told;
    char told_node[SUBJECT_NODE_MAX + 1];
};

struct ownership {
    struct program *program;
    struct bucket *bucket;
    struct owner *owner;
    struct ballot ballot;
    bool leaving;
    bool writes; /* the cameras of the whole cluster may be applied here */
    enum bucket_state state;
    bool moved; /* ringcastd may have to be told where cameras are */
    uint64_t told_until_ms, told_incarnation;
    struct owner_load load; /* of this node, as ringcastd says; cameras are counted here */
    struct roster roster;
    struct central central;
    json_int_t version; /* of the whole cluster's cameras, as ringcastd has said, 0: none */
    bool refused;       /* and it cannot take the newest */
    char node[SUBJECT_NODE_MAX + 1];
    TAILQ_HEAD(, shared) cameras;
};

/* --- What the bucket shows ------------------------------------------------------------------------------ */

static int see_node(struct ownership *ownership, const struct bucket_entry *entry, const json_t *value)
{
    const char *name = entry->key + strlen(NODE_PREFIX);
    struct owner_node node;

    if (subject_check_node(name) < 0 || (value && !value_read_node(&node, value))) {
        return -EBADMSG;
    }
    if (value) {
        ownership->moved = roster_note(&ownership->roster, name, &node, value) || ownership->moved;
    } else {
        roster_forget(&ownership->roster, name);
    }
    return owner_see_node(ownership->owner, name, value ? &node : NULL, entry->revision, clock_now_ms());
}

static void exchange(char *text, char from, char to)
{
    for (char *c = text; (c = strchr(c, from)); c++) {
        *c = to;
    }
}

/* Keys are written as tokens of subjects are, but for '%', which no key may have. */
static void camera_key(char key[KEY_SIZE], const char *camera)
{
    char token[KEY_SIZE - sizeof(CAMERA_PREFIX)];

    url_encode(token, sizeof(token), camera, strlen(camera), "-_");
    exchange(token, '%', '=');
    snprintf(key, KEY_SIZE, CAMERA_PREFIX "%s", token);
}

static int camera_of_key(const char *key, char name[NAME_SIZE])
{
    char subject[KEY_SIZE];

    if (snprintf(subject, sizeof(subject), "%s", key) >= (int)sizeof(subject)) {
        return -EBADMSG;
    }
    exchange(subject, '=', '%');
    return subject_read_stream(subject, name, NAME_SIZE);
}

static int see_camera(struct ownership *ownership, const struct bucket_entry *entry, const json_t *value)
{
    char name[NAME_SIZE];

    if (camera_of_key(entry->key, name) < 0) {
        return -EBADMSG;
    }
    ownership->moved = true;
    if (!value) {
        return owner_see_camera(ownership->owner, name, NULL, entry->revision, clock_now_ms());
    }
    const struct owner_camera camera = value_read_camera(value);
    return owner_see_camera(ownership->owner, name, &camera, entry->revision, clock_now_ms());
}

static void on_entry(void *context, const struct bucket_entry *entry)
{
    struct ownership *ownership = context;

    if (strcmp(entry->key, BUCKET_CAMERAS_KEY) == 0) {
        central_see(&ownership->central, entry);
        return;
    }
    json_t *value = entry->value ? json_loadb(entry->value, entry->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int result = -EBADMSG;

    if (!entry->value || json_is_object(value)) {
        if (strncmp(entry->key, NODE_PREFIX, strlen(NODE_PREFIX)) == 0) {
            result = see_node(ownership, entry, value);
        } else if (strncmp(entry->key, CAMERA_PREFIX, strlen(CAMERA_PREFIX)) == 0) {
            result = see_camera(ownership, entry, value);
        }
    }
    if (result < 0) {
        log_debug("the bucket has %s, which is left out: %s", entry->key, strerror(-result));
    }
    json_decref(value);
}

static void on_state(void *context, enum bucket_state state, const char *why)
{
    struct ownership *ownership = context;

    if (state == BUCKET_BEGINNING) {
        owner_snapshot_begin(ownership->owner);
        central_begin(&ownership->central);
    } else if (state == BUCKET_WATCHED) {
        owner_snapshot_done(ownership->owner, clock_now_ms());
        central_shown(&ownership->central);
        log_info("the cluster's bucket is watched");
    } else if (strcmp(why, BUCKET_NO_LINK) != 0) { /* that is said already */
        log_warning(
            "the cluster's bucket cannot be reached: %s; JetStream must be on at a server of NATS, and "
            "this node's key must be allowed to use it",
            why);
    }
    ownership->roster.due = true;
    ownership->state = state;
}

static void on_written(void *context, uint64_t ticket, int result, uint64_t revision)
{
    struct ownership *ownership = context;
    if (ticket == CENTRAL_TICKET) {
        central_written(&ownership->central, result, revision);
        return;
    }
    enum claim_result answer = result == 0 ? CLAIM_WON : result == -EEXIST ? CLAIM_LOST : CLAIM_UNKNOWN;

    ownership->moved = true;
    owner_answer(ownership->owner, ticket, answer, revision, clock_now_ms());
}

/* --- What is to be done --------------------------------------------------------------------------------- */

static struct shared *find_shared(const struct ownership *ownership, const char *name)
{
    struct shared *shared;

    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        if (strcmp(shared->name, name) == 0) {
            return shared;
        }
    }
    return NULL;
}

static void fetch(struct ownership *ownership, const struct owner_action *action)
{
    struct shared *shared = find_shared(ownership, action->name);

    if (!shared) {
        return;
    }
    log_camera(LOG_LEVEL_INFO, shared->name, "camera %s: it is this node's now, fence %llu", shared->name,
               (unsigned long long)action->fence);
    if (shared->stopping) {
        shared->stopping =
            false; /* ringcastd goes on with it, and does not say any more that it has stopped */
        owner_stopped(ownership->owner, action->name);
    }
    shared->fetched = true;
    shared->preparing = false;
    ownership->moved = true;
}

static void prepare_camera(struct ownership *ownership, const struct owner_action *action)
{
    struct shared *shared = find_shared(ownership, action->name);

    if (shared) {
        log_camera(LOG_LEVEL_INFO, shared->name, "camera %s: it is to be this node's, and is made ready",
                   shared->name);
        shared->preparing = true;
        ownership->moved = true;
    }
}

static void stop(struct ownership *ownership, const struct owner_action *action)
{
    struct shared *shared = find_shared(ownership, action->name);

    if (!shared || shared->told != PLACE_OWN || ownership->leaving) {
        if (shared) {
            shared->fetched = false;
            shared->preparing = false;
            ownership->moved = true;
        }
        owner_stopped(ownership->owner, action->name); /* nothing of it was published */
        return;
    }
    log_camera(LOG_LEVEL_INFO, shared->name, "camera %s: it is not this node's any more", shared->name);
    shared->fetched = false;
    shared->stopping = true;
    ownership->moved = true;
}

static void write_value(struct ownership *ownership, const struct owner_action *action, const char *key,
                        json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

    if (!text || bucket_write(ownership->bucket, action->ticket, key, text, action->expected) < 0) {
        owner_answer(ownership->owner, action->ticket, CLAIM_UNKNOWN, 0, clock_now_ms());
    }
    free(text);
    json_decref(value);
}

/* Of itself a node says which of the cluster's cameras it has. */
static json_t *describe_node(const struct ownership *ownership, const struct owner_action *action)
{
    json_t *value = value_of_node(&action->node);

    if (value && strcmp(action->name, ownership->node) == 0) {
        json_object_set_new(value, "version", json_integer(ownership->version));
        json_object_set_new(value, "refused", json_boolean(ownership->refused));
    }
    return value;
}

static void obey(struct ownership *ownership, const struct owner_action *action)
{
    char key[KEY_SIZE];

    switch (action->kind) {
    case OWNER_WRITE_NODE:
        snprintf(key, sizeof(key), NODE_PREFIX "%.64s", action->name);
        write_value(ownership, action, key, describe_node(ownership, action));
        break;
    case OWNER_WRITE_CAMERA:
        camera_key(key, action->name);
        write_value(ownership, action, key, value_of_camera(&action->camera));
        break;
    case OWNER_FETCH:
        fetch(ownership, action);
        break;
    case OWNER_PREPARE:
        prepare_camera(ownership, action);
        break;
    case OWNER_STOP:
        stop(ownership, action);
        break;
    case OWNER_ASK:
        ballot_ask(&ownership->ballot, action->name, &action->question);
        break;
    }
}

static enum place place_of(const struct ownership *ownership, const struct shared *shared, const char **node)
{
    struct owner_place place;

    *node = "";
    if (shared->fetched) {
        return PLACE_OWN;
    }
    if (shared->stopping || owner_where(ownership->owner, shared->name, &place) < 0) {
        return PLACE_NONE;
    }
    if (shared->preparing) {
        *node = place.node;
        return PLACE_PREPARE;
    }
    if (place.state != CLAIM_FOREIGN || !place.node || *place.node == '\0' ||
        strcmp(place.node, ownership->node) == 0) { /* in its former life */
        return PLACE_NONE;
    }
    *node = place.node;
    return PLACE_NODE;
}

/* This node alone may have it: ringcastd fetches it from the start on, unless the bucket shows that another node still has it. */
static bool is_bound(const struct ownership *ownership, const struct shared *shared)
{
    const char *node = json_string_value(json_array_get(shared->nodes, 0));

    return json_array_size(shared->nodes) == 1 && node && strcmp(node, ownership->node) == 0;
}

/* Tells ringcastd what it does not know yet. What it does not read now is told in the next turn. */
static void tell_places(struct ownership *ownership)
{
    static const char *const names[] = {[PLACE_UNTOLD] = "none",
                                        [PLACE_OWN] = "own",
                                        [PLACE_NODE] = "node",
                                        [PLACE_NONE] = "none",
                                        [PLACE_PREPARE] = "prepare"};
    struct shared *shared;

    ownership->moved = false;
    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        const char *node;
        const enum place place = place_of(ownership, shared, &node);
        bool untold = place == PLACE_NONE && shared->told == PLACE_UNTOLD && is_bound(ownership, shared);
        if (untold || (place == shared->told && strcmp(node, shared->told_node) == 0)) {
            continue;
        }
        if (program_tell(ownership->program,
                         message_pack("place", "{s:s, s:s, s:s?}", "camera", shared->name, "place",
                                      names[place], "node", *node != '\0' ? node : NULL)) < 0) {
            ownership->moved = true;
            return;
        }
        shared->told = place;
        snprintf(shared->told_node, sizeof(shared->told_node), "%s", node);
    }
}

/* Until when ringcastd may fetch shared cameras, whatever becomes of this process; and what the next one goes on with. */
static void tell_lease(struct ownership *ownership)
{
    uint64_t until_ms = owner_held_until_ms(ownership->owner),
             incarnation = owner_incarnation(ownership->owner);

    if (until_ms == ownership->told_until_ms && incarnation == ownership->told_incarnation) {
        return;
    }
    if (program_tell(ownership->program, message_pack("lease", "{s:I, s:I}", "until_ms", (json_int_t)until_ms,
                                                      "incarnation", (json_int_t)incarnation)) == 0) {
        ownership->told_until_ms = until_ms;
        ownership->told_incarnation = incarnation;
    }
}

static void tell_load(struct ownership *ownership)
{
    struct owner_load load = ownership->load;
    const struct shared *shared;

    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        load.cameras += shared->fetched;
    }
    owner_set_load(ownership->owner, &load);
}

void ownership_load(struct ownership *ownership, const json_t *body)
{
    ownership->load.kbps = value_number(body, "kbps");
    ownership->load.cpu = value_number(body, "cpu");
}

uint64_t ownership_turn(struct ownership *ownership)
{
    struct owner_action action;

    bucket_turn(ownership->bucket);
    tell_load(ownership);
    /* The clock is read each time: what the bucket has just told has its own time, too. */
    while (owner_poll(ownership->owner, &action, clock_now_ms())) {
        obey(ownership, &action);
    }
    if (ownership->moved && !ownership->leaving) {
        tell_places(ownership);
    }
    tell_lease(ownership);
    bool told = central_tell(&ownership->central, ownership->program);
    const uint64_t now_ms = clock_now_ms();
    uint64_t next_ms = owner_next_ms(ownership->owner), again_ms = now_ms + TELL_AGAIN_MS,
             view_ms = roster_tell(&ownership->roster, ownership->program, ownership->state == BUCKET_WATCHED,
                                   now_ms);
    next_ms = view_ms < next_ms ? view_ms : next_ms;
    return (ownership->moved || !told) && again_ms < next_ms ? again_ms : next_ms;
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

void ownership_stopped(struct ownership *ownership, const char *camera)
{
    struct shared *shared = find_shared(ownership, camera);

    if (shared && shared->stopping) {
        shared->stopping = false;
        ownership->moved = true;
        owner_stopped(ownership->owner, camera);
    }
}

/* A camera may be fetched by the nodes that it lists, those of its site first. */
static int set_wish(struct ownership *ownership, const struct program_camera *camera)
{
    const json_t *nodes = json_object_get(camera->about, "nodes");
    struct owner_choice choices[OWNER_WISH_NODES_MAX];
    size_t count =
        json_array_size(nodes) < OWNER_WISH_NODES_MAX ? json_array_size(nodes) : OWNER_WISH_NODES_MAX;

    for (size_t i = 0; i < count; i++) {
        choices[i] = (struct owner_choice){.node = json_string_value(json_array_get(nodes, i)), .tier = 0};
        if (!choices[i].node) {
            return -EBADMSG;
        }
    }
    const struct owner_wish wish = {.site = message_string(camera->about, "site", ""),
                                    .one_session = message_boolean(camera->about, "one_session", false),
                                    .count = count,
                                    .nodes = choices};
    return owner_set_camera(ownership->owner, camera->name, &wish);
}

static bool lists(const json_t *nodes, const char *node)
{
    size_t index;
    json_t *each;

    json_array_foreach(nodes, index, each) {
        if (strcmp(json_string_value(each), node) == 0) {
            return true;
        }
    }
    return false;
}

/* A node that may have none of the shared cameras, nor apply any, only looks, and needs no right to write. */
static void note_part(struct ownership *ownership)
{
    const struct shared *shared;
    bool takes_part = ownership->writes;

    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        takes_part = takes_part || lists(shared->nodes, ownership->node);
    }
    ballot_listen(&ownership->ballot, takes_part);
    bucket_set_reader(ownership->bucket, !takes_part);
    owner_set_looking(ownership->owner, !takes_part, clock_now_ms());
}

static void share(struct ownership *ownership, const struct program_camera *camera)
{
    const char *name = camera->name, *site = message_string(camera->about, "site", "");
    const bool one_session = message_boolean(camera->about, "one_session", false);
    json_t *nodes = json_object_get(camera->about, "nodes");
    struct shared *shared = find_shared(ownership, name);

    if (shared && json_equal(shared->nodes, nodes) && strcmp(shared->site, site) == 0 &&
        shared->one_session == one_session) {
        return;
    }
    int result = set_wish(ownership, camera);
    if (result == 0 && !shared) {
        shared = calloc(1, sizeof(*shared));
        if (shared && (shared->name = strdup(name))) {
            TAILQ_INSERT_TAIL(&ownership->cameras, shared, link);
        } else {
            free(shared);
            result = -ENOMEM;
        }
    }
    if (result < 0) {
        log_camera(LOG_LEVEL_ERROR, name, "camera %s: its nodes cannot be used: %s", name, strerror(-result));
        return;
    }
    json_decref(shared->nodes);
    shared->nodes = json_incref(nodes);
    snprintf(shared->site, sizeof(shared->site), "%s", site);
    shared->one_session = one_session;
    ownership->moved = true;
    note_part(ownership);
}

static void free_shared(struct ownership *ownership, struct shared *shared)
{
    TAILQ_REMOVE(&ownership->cameras, shared, link);
    json_decref(shared->nodes);
    free(shared->name);
    free(shared);
}

void ownership_remove(struct ownership *ownership, const char *camera)
{
    struct shared *shared = find_shared(ownership, camera);

    if (shared) {
        owner_remove_camera(ownership->owner, camera);
        free_shared(ownership, shared);
        note_part(ownership);
    }
}

void ownership_tell_again(struct ownership *ownership)
{
    struct shared *shared;

    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        shared->told = PLACE_UNTOLD;
    }
    ownership->central.told = false;
    ownership->moved = true;
    roster_tell_again(&ownership->roster);
    ownership->told_until_ms = 0;
    ownership->told_incarnation = 0;
}

/* A camera that sleeps has nothing that could be missed. */
static bool is_prepared(const struct shared *shared, const struct program_camera *camera)
{
    return shared->preparing && shared->told == PLACE_PREPARE && camera->node[0] == '\0' &&
           (strcmp(camera->state, "streaming") == 0 || strcmp(camera->state, "idle") == 0);
}

void ownership_camera(struct ownership *ownership, const struct program_camera *camera)
{
    if (json_is_array(json_object_get(camera->about, "nodes"))) {
        share(ownership, camera);
    } else if (camera->about) {
        ownership_remove(ownership, camera->name);
    }
    const struct shared *shared = find_shared(ownership, camera->name);
    if (shared && is_prepared(shared, camera)) {
        owner_ready(ownership->owner, camera->name);
    }
    if (shared && shared->fetched) {
        owner_set_well(ownership->owner, camera->name, strcmp(camera->state, "streaming") == 0,
                       clock_now_ms());
    }
}

void ownership_drain(struct ownership *ownership, bool on)
{
    owner_set_draining(ownership->owner, on, clock_now_ms());
}

void ownership_leave(struct ownership *ownership, uint64_t now_ms)
{
    struct shared *shared;

    ownership->leaving = true;
    owner_leave(ownership->owner, now_ms);
    TAILQ_FOREACH(shared, &ownership->cameras, link) {
        if (shared->stopping) {
            shared->stopping = false;
            owner_stopped(ownership->owner, shared->name);
        }
    }
}

bool ownership_has_left(const struct ownership *ownership)
{
    return owner_has_left(ownership->owner);
}

void ownership_set_central(struct ownership *ownership, const json_t *state)
{
    ownership->version = message_integer(state, "version", 0);
    ownership->refused = message_boolean(state, "refused", false);
}

void ownership_write_central(struct ownership *ownership, const struct channel_message *message)
{
    central_write(&ownership->central, ownership->bucket, message);
}

bool ownership_may_publish(const struct ownership *ownership, const char *camera, uint64_t *fence)
{
    struct owner_place place;

    *fence = owner_may_fetch(ownership->owner, camera, clock_now_ms());
    if (ownership->leaving) {
        return false;
    }
    return *fence > 0 || owner_where(ownership->owner, camera, &place) == -ENOENT;
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

static int prepare(struct ownership *ownership, struct link *link, const json_t *settings, uint64_t resume)
{
    const struct bucket_handlers handlers = {
        .context = ownership, .state = on_state, .entry = on_entry, .written = on_written};
    const struct owner_options options = {.node = message_string(settings, "node", ""),
                                          .site = message_string(settings, "site", ""),
                                          .weight = value_number(settings, "weight"),
                                          .limit = value_number(settings, "limit"),
                                          .resume = resume};

    ownership->owner = owner_create(&options);
    ballot_init(&ownership->ballot, link, ownership->owner, message_string(settings, "name", ""),
                ownership->node);
    return !ownership->owner
               ? -ENOMEM
               : bucket_create(link, message_string(settings, "name", ""),
                               (unsigned)value_count(settings, "replicas"), &handlers, &ownership->bucket);
}

int ownership_create(struct program *program, struct link *link, const json_t *settings, uint64_t resume,
                     struct ownership **made)
{
    struct ownership *ownership = calloc(1, sizeof(*ownership));

    *made = NULL;
    if (!ownership) {
        return -ENOMEM;
    }
    ownership->program = program;
    roster_init(&ownership->roster);
    snprintf(ownership->node, sizeof(ownership->node), "%s", message_string(settings, "node", ""));
    ownership->writes = message_boolean(settings, "config_key", false);
    TAILQ_INIT(&ownership->cameras);
    int result = prepare(ownership, link, settings, resume);
    if (result < 0) {
        ownership_destroy(ownership);
        return result;
    }
    note_part(ownership);
    *made = ownership;
    return 0;
}

void ownership_destroy(struct ownership *ownership)
{
    if (!ownership) {
        return;
    }
    ballot_listen(&ownership->ballot, false);
    bucket_destroy(ownership->bucket);
    central_finish(&ownership->central);
    owner_destroy(ownership->owner);
    while (!TAILQ_EMPTY(&ownership->cameras)) {
        free_shared(ownership, TAILQ_FIRST(&ownership->cameras));
    }
    roster_finish(&ownership->roster);
    free(ownership);
}

bool ownership_came(struct ownership *ownership, const struct link_message *message)
{
    return ballot_take(&ownership->ballot, message);
}

int ownership_fd(const struct ownership *ownership)
{
    return bucket_fd(ownership->bucket);
}

void ownership_use_link(struct ownership *ownership, struct link *link)
{
    bucket_use_link(ownership->bucket, link);
}
