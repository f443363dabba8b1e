/* SPDX-License-Identifier: MIT */
#include "tests/support/cluster_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 24

/* Messages that are kept arrive after up to this. */
#define KEPT_MS 10000

/* A node whose watch is behind by so much gets a new one, as when a connection breaks. */
#define WATCH_BROKEN_MS 5000

/* Values, with nodes as numbers. */
struct key {
    bool is_node;
    uint32_t index;
};

struct value {
    struct key key;
    bool exists;
    uint64_t revision;
    struct owner_node node;     /* without its site */
    uint32_t owner, next;       /* of a camera */
    struct owner_camera camera; /* without names */
};

enum message_kind { REQUEST, ANSWER, READY, STOPPED, QUESTION, WORD };

struct message {
    uint64_t at_ms;
    uint64_t order;
    enum message_kind kind;
    uint32_t from;    /* node */
    uint32_t process; /* of the node, that sent it or that it is for */
    uint64_t ticket, expected;
    struct value value;
    enum claim_result result;
    uint64_t revision;
    uint32_t camera;
    /* Between two nodes: what is asked, and the answer. The message is for `from`. */
    uint32_t sender;
    struct owner_question question; /* without its name */
    uint32_t about;
    bool yes;
    uint32_t counted;
};

struct logged {
    uint64_t at_ms;
    struct value value;
};

struct node {
    struct owner *owner; /* NULL: it does not run */
    uint32_t process;    /* counts starts */
    uint64_t incarnation;
    int64_t clock_ms;    /* at time 0 */
    int32_t clock_drift; /* thousandths */
    uint64_t paused_until_ms;
    bool cut_out, cut_in, keeps;
    bool barred;       /* from the bucket */
    uint32_t part;     /* nodes of other parts do not hear it, nor it them */
    size_t watched;    /* entries of the log that it has seen */
    uint64_t watch_ms; /* the last one arrived then */
    bool has_watch;
    uint64_t poll_ms;        /* of its own clock: when to poll; 0: now */
    struct message *waiting; /* what came while it was paused */
    size_t waiting_count, waiting_capacity;
    bool *fetching; /* by camera: from OWNER_FETCH until what OWNER_STOP asks for is done */
};

struct camera_state {
    struct owner_wish wish;
    bool has_wish;
    uint32_t publisher;
    uint64_t since_ms, fence, gap_ms;
    uint32_t was; /* the last node that the key named */
};

struct cluster {
    struct cluster_options options;
    uint64_t random;
    uint64_t now_ms;
    uint64_t orders;
    bool bucket_stopped;
    struct node *nodes;
    struct camera_state *cameras;
    struct value *node_values, *camera_values;
    uint64_t revision;
    struct logged *log;
    size_t log_count, log_capacity;
    struct message *heap;
    size_t heap_count, heap_capacity;
    struct cluster_figures figures;
    char violation[256];
};

uint64_t cluster_random(struct cluster *cluster, uint64_t below)
{
    /* xorshift64* (Vigna, 2016) */
    cluster->random ^= cluster->random >> 12;
    cluster->random ^= cluster->random << 25;
    cluster->random ^= cluster->random >> 27;
    return (cluster->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "cluster model: out of memory\n");
        abort();
    }
    return memory;
}

static const char *name_of(char *name, char kind, uint32_t index)
{
    snprintf(name, NAME_SIZE, "%c%u", kind, index);
    return name;
}

static uint32_t index_of(const char *name)
{
    return name[0] == '\0' ? CLAIM_NOBODY : (uint32_t)strtoul(name + 1, NULL, 10);
}

uint64_t cluster_node_ms(const struct cluster *cluster, uint32_t node)
{
    const struct node *it = &cluster->nodes[node];
    int64_t now_ms = (int64_t)cluster->now_ms;

    return (uint64_t)(it->clock_ms + now_ms + now_ms * it->clock_drift / 1000);
}

/* --- Messages ------------------------------------------------------------------------------------------- */

static bool earlier(const struct message *a, const struct message *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void send(struct cluster *cluster, struct message message, uint64_t delay_ms)
{
    if (cluster->heap_count == cluster->heap_capacity) {
        cluster->heap_capacity = cluster->heap_capacity > 0 ? 2 * cluster->heap_capacity : 1024;
        cluster->heap = must(realloc(cluster->heap, cluster->heap_capacity * sizeof(message)));
    }
    message.at_ms = cluster->now_ms + delay_ms;
    message.order = cluster->orders++;
    size_t place = cluster->heap_count++;
    while (place > 0 && earlier(&message, &cluster->heap[(place - 1) / 2])) {
        cluster->heap[place] = cluster->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    cluster->heap[place] = message;
}

static bool receive(struct cluster *cluster, struct message *message)
{
    if (cluster->heap_count == 0 || cluster->heap->at_ms > cluster->now_ms) {
        return false;
    }
    *message = cluster->heap[0];
    struct message last = cluster->heap[--cluster->heap_count];
    size_t place = 0;
    for (size_t child = 1; child < cluster->heap_count; child = 2 * place + 1) {
        child += child + 1 < cluster->heap_count && earlier(&cluster->heap[child + 1], &cluster->heap[child]);
        if (!earlier(&cluster->heap[child], &last)) {
            break;
        }
        cluster->heap[place] = cluster->heap[child];
        place = child;
    }
    cluster->heap[place] = last;
    return true;
}

static uint64_t latency_ms(struct cluster *cluster)
{
    const struct cluster_options *options = &cluster->options;

    return options->latency_min_ms +
           cluster_random(cluster, options->latency_max_ms - options->latency_min_ms + 1);
}

static bool happens(struct cluster *cluster, uint32_t thousandths)
{
    return thousandths > 0 && cluster_random(cluster, 1000) < thousandths;
}

/* --- The bucket ----------------------------------------------------------------------------------------- */

static struct value *value_of(struct cluster *cluster, struct key key)
{
    return key.is_node ? &cluster->node_values[key.index] : &cluster->camera_values[key.index];
}

static void count(struct cluster *cluster, const struct value *value)
{
    if (value->key.is_node) {
        cluster->figures.burials += value->node.status == OWNER_BURIED;
        cluster->figures.renewals += value->node.status != OWNER_BURIED;
        return;
    }
    struct camera_state *camera = &cluster->cameras[value->key.index];
    if (value->owner != CLAIM_NOBODY) {
        cluster->figures.moves += camera->was != CLAIM_NOBODY && camera->was != value->owner;
        camera->was = value->owner;
    }
}

static void request_arrives(struct cluster *cluster, const struct message *request)
{
    struct value *value = value_of(cluster, request->value.key);
    struct message answer = *request;

    if (cluster->bucket_stopped) {
        return;
    }
    cluster->figures.writes++;
    answer.kind = ANSWER;
    answer.result = value->revision == request->expected ? CLAIM_WON : CLAIM_LOST;
    if (answer.result == CLAIM_WON) {
        *value = request->value;
        value->exists = true;
        value->revision = answer.revision = ++cluster->revision;
        count(cluster, value);
        if (cluster->log_count == cluster->log_capacity) {
            cluster->log_capacity = cluster->log_capacity > 0 ? 2 * cluster->log_capacity : 1024;
            cluster->log = must(realloc(cluster->log, cluster->log_capacity * sizeof(*cluster->log)));
        }
        cluster->log[cluster->log_count++] = (struct logged){cluster->now_ms, *value};
    } else {
        cluster->figures.lost_writes++;
    }
    if (!cluster->nodes[request->from].cut_in && !cluster->nodes[request->from].barred &&
        !happens(cluster, cluster->options.lost)) {
        send(cluster, answer, latency_ms(cluster));
    }
}

/* --- Nodes ---------------------------------------------------------------------------------------------- */

static void tell_value(struct cluster *cluster, uint32_t node, const struct value *value)
{
    char name[NAME_SIZE], other[NAME_SIZE], next[NAME_SIZE], site[NAME_SIZE] = "";
    struct owner *owner = cluster->nodes[node].owner;
    uint64_t now_ms = cluster_node_ms(cluster, node);

    if (value->key.is_node) {
        struct owner_node told = value->node;
        if (cluster->options.sites > 0) {
            name_of(site, 's', value->key.index % cluster->options.sites);
        }
        told.site = site;
        owner_see_node(owner, name_of(name, 'n', value->key.index), value->exists ? &told : NULL,
                       value->revision, now_ms);
    } else {
        struct owner_camera told = value->camera;
        told.node = value->owner != CLAIM_NOBODY ? name_of(other, 'n', value->owner) : "";
        told.next = value->next != CLAIM_NOBODY ? name_of(next, 'n', value->next) : "";
        owner_see_camera(owner, name_of(name, 'c', value->key.index), value->exists ? &told : NULL,
                         value->revision, now_ms);
    }
}

/* A new watch: everything that there is, in the order of revisions as JetStream gives it, then the end of the snapshot. */
static void watch_again(struct cluster *cluster, uint32_t node)
{
    struct node *it = &cluster->nodes[node];
    size_t count = 0;

    owner_snapshot_begin(it->owner);
    for (size_t i = 0; i < cluster->log_count; i++) {
        const struct value *value = &cluster->log[i].value;
        if (value_of(cluster, value->key)->revision == value->revision) {
            tell_value(cluster, node, value);
            count++;
        }
    }
    it->watched = cluster->log_count;
    it->watch_ms = cluster->now_ms;
    it->has_watch = true;
    owner_snapshot_done(it->owner, cluster_node_ms(cluster, node));
    it->poll_ms = 0;
}

static void watch(struct cluster *cluster, uint32_t node)
{
    struct node *it = &cluster->nodes[node];

    if (it->cut_in || it->barred || cluster->bucket_stopped) {
        return;
    }
    if (!it->has_watch || (it->watched < cluster->log_count &&
                           cluster->log[it->watched].at_ms + WATCH_BROKEN_MS < cluster->now_ms)) {
        watch_again(cluster, node);
        return;
    }
    /* One delay for all, so that they stay in order. */
    uint64_t delay_ms = cluster->options.latency_min_ms;
    while (it->watched < cluster->log_count &&
           cluster->log[it->watched].at_ms + delay_ms <= cluster->now_ms) {
        const struct value *value = &cluster->log[it->watched++].value;
        bool overwritten = value_of(cluster, value->key)->revision != value->revision;
        if (!overwritten || !cluster->options.forgetful) {
            tell_value(cluster, node, value);
        }
        it->poll_ms = 0;
    }
}

static struct message request_of(struct cluster *cluster, uint32_t node, const struct owner_action *action)
{
    struct message request = {.kind = REQUEST,
                              .from = node,
                              .process = cluster->nodes[node].process,
                              .ticket = action->ticket,
                              .expected = action->expected};

    request.value.key = (struct key){action->kind == OWNER_WRITE_NODE, index_of(action->name)};
    if (action->kind == OWNER_WRITE_NODE) {
        request.value.node = action->node;
    } else {
        request.value.camera = action->camera;
        request.value.owner = index_of(action->camera.node);
        request.value.next = index_of(action->camera.next);
    }
    return request;
}

static void send_request(struct cluster *cluster, uint32_t node, const struct owner_action *action)
{
    const struct node *it = &cluster->nodes[node];
    uint64_t delay_ms = latency_ms(cluster);

    if ((it->cut_out && !it->keeps) || it->barred || happens(cluster, cluster->options.lost)) {
        return;
    }
    if (it->cut_out || happens(cluster, cluster->options.kept)) {
        delay_ms += cluster_random(cluster, KEPT_MS);
    }
    send(cluster, request_of(cluster, node, action), delay_ms);
}

/* From node SENDER to another one. */
static void send_word(struct cluster *cluster, uint32_t sender, uint32_t to, struct message message)
{
    const struct node *from = &cluster->nodes[sender];
    uint64_t delay_ms = latency_ms(cluster);

    if (from->part != cluster->nodes[to].part || (from->cut_out && !from->keeps) ||
        happens(cluster, cluster->options.lost)) {
        return;
    }
    if (from->cut_out || happens(cluster, cluster->options.kept)) {
        delay_ms += cluster_random(cluster, KEPT_MS);
    }
    message.from = to;
    message.process = cluster->nodes[to].process;
    message.sender = sender;
    send(cluster, message, delay_ms);
}

static void ask(struct cluster *cluster, uint32_t node, const struct owner_action *action)
{
    struct message message = {
        .kind = QUESTION, .question = action->question, .about = index_of(action->question.node)};

    cluster->figures.questions++;
    message.question.node = NULL;
    send_word(cluster, node, index_of(action->name), message);
}

static void hear(struct cluster *cluster, const struct message *message)
{
    struct owner *owner = cluster->nodes[message->from].owner;
    uint64_t now_ms = cluster_node_ms(cluster, message->from);
    char from[NAME_SIZE], about[NAME_SIZE];
    struct owner_question question = message->question;
    struct message answer = *message;

    question.node = name_of(about, 'n', message->about);
    name_of(from, 'n', message->sender);
    if (message->kind == WORD) {
        owner_answered(owner, from, &question, message->yes, message->counted, now_ms);
        return;
    }
    answer.kind = WORD;
    answer.yes = owner_asked(owner, from, &question, &answer.counted, now_ms);
    send_word(cluster, message->from, message->sender, answer);
}

static void carry_out(struct cluster *cluster, uint32_t node, const struct owner_action *action)
{
    struct message later = {.from = node, .process = cluster->nodes[node].process};

    switch (action->kind) {
    case OWNER_WRITE_NODE:
    case OWNER_WRITE_CAMERA:
        send_request(cluster, node, action);
        break;
    case OWNER_FETCH:
        cluster->figures.fetches++;
        cluster->nodes[node].fetching[index_of(action->name)] = true;
        break;
    case OWNER_PREPARE:
        later.kind = READY;
        later.camera = index_of(action->name);
        if (cluster->options.ready_ms > 0) {
            send(cluster, later, cluster->options.ready_ms);
        }
        break;
    case OWNER_STOP:
        cluster->figures.stops++;
        later.kind = STOPPED;
        later.camera = index_of(action->name);
        send(cluster, later, cluster_random(cluster, cluster->options.stop_ms + 1));
        break;
    case OWNER_ASK:
        ask(cluster, node, action);
        break;
    }
}

static void poll(struct cluster *cluster, uint32_t node)
{
    struct node *it = &cluster->nodes[node];
    uint64_t now_ms = cluster_node_ms(cluster, node);
    struct owner_action action;

    if (now_ms < it->poll_ms) {
        return;
    }
    while (owner_poll(it->owner, &action, now_ms)) {
        cluster->figures.polls++;
        carry_out(cluster, node, &action);
    }
    it->poll_ms = owner_next_ms(it->owner);
    if (owner_incarnation(it->owner) > 0) {
        it->incarnation = owner_incarnation(it->owner);
    }
}

static void message_arrives(struct cluster *cluster, const struct message *message)
{
    struct node *it = &cluster->nodes[message->from];
    char name[NAME_SIZE];
    uint64_t now_ms = cluster_node_ms(cluster, message->from);

    bool crosses = message->kind == ANSWER || message->kind == QUESTION || message->kind == WORD;
    if (!it->owner || it->process != message->process || (crosses && it->cut_in)) {
        return;
    }
    if (it->paused_until_ms > cluster->now_ms) {
        if (it->waiting_count == it->waiting_capacity) {
            it->waiting_capacity = it->waiting_capacity > 0 ? 2 * it->waiting_capacity : 64;
            it->waiting = must(realloc(it->waiting, it->waiting_capacity * sizeof(*message)));
        }
        it->waiting[it->waiting_count++] = *message;
        return;
    }
    it->poll_ms = 0;
    name_of(name, 'c', message->camera);
    if (message->kind == ANSWER) {
        owner_answer(it->owner, message->ticket, message->result, message->revision, now_ms);
    } else if (message->kind == QUESTION || message->kind == WORD) {
        hear(cluster, message);
    } else if (message->kind == READY) {
        owner_ready(it->owner, name);
    } else {
        owner_stopped(it->owner, name);
        it->fetching[message->camera] = owner_may_fetch(it->owner, name, now_ms) > 0;
    }
}

static void run_node(struct cluster *cluster, uint32_t node)
{
    struct node *it = &cluster->nodes[node];

    if (!it->owner || it->paused_until_ms > cluster->now_ms) {
        return;
    }
    size_t waiting = it->waiting_count;
    it->waiting_count = 0;
    for (size_t i = 0; i < waiting; i++) {
        message_arrives(cluster, &it->waiting[i]);
    }
    watch(cluster, node);
    poll(cluster, node);
}

/* --- Checking ------------------------------------------------------------------------------------------- */

static void violated(struct cluster *cluster, const char *what, uint32_t node, uint32_t camera,
                     uint64_t fence)
{
    const struct value *value = &cluster->camera_values[camera];

    if (cluster->violation[0] == '\0') {
        snprintf(cluster->violation, sizeof(cluster->violation),
                 "seed %llu, %llu ms: %s: n%u publishes c%u with fence %llu, the bucket has n%d fence %llu "
                 "revision %llu",
                 (unsigned long long)cluster->options.seed, (unsigned long long)cluster->now_ms, what, node,
                 camera, (unsigned long long)fence, (int)value->owner,
                 (unsigned long long)value->camera.fence, (unsigned long long)value->revision);
    }
}

static void check_camera(struct cluster *cluster, uint32_t camera)
{
    struct camera_state *state = &cluster->cameras[camera];
    const struct value *value = &cluster->camera_values[camera];
    uint64_t right = value->camera.fence > 0 ? value->camera.fence : value->revision;
    uint32_t publisher = CLAIM_NOBODY;
    char name[NAME_SIZE];

    name_of(name, 'c', camera);
    bool all = cluster->options.check_ms == 0 || cluster->now_ms % cluster->options.check_ms == 0;
    const uint32_t first = all ? 0 : value->owner, end = all ? cluster->options.nodes : value->owner + 1;
    for (uint32_t node = first; node < end; node++) {
        const struct owner *owner = cluster->nodes[node].owner;
        uint64_t now_ms = cluster_node_ms(cluster, node);
        uint64_t fence = owner ? owner_may_fetch(owner, name, now_ms) : 0;
        if (fence == 0) {
            /* With a lease it stops before it gives anything away; one that was paused could not stop. */
            if (owner && cluster->nodes[node].fetching[camera] &&
                cluster->nodes[node].paused_until_ms + WATCH_BROKEN_MS < cluster->now_ms &&
                owner_held_until_ms(owner) > now_ms && value->revision > 0 && value->owner != node &&
                value->owner != CLAIM_NOBODY) {
                violated(cluster, "still fetching", node, camera, fence);
            }
            continue;
        }
        if (publisher != CLAIM_NOBODY) {
            violated(cluster, "two writers", node, camera, fence);
        } else if (value->owner != node || (fence != right && !(value->camera.bound && fence < right))) {
            violated(cluster, "not the owner", node, camera, fence);
        } else if (fence < state->fence || (node != state->was && fence == state->fence)) {
            violated(cluster, "an old fence", node, camera, fence);
        }
        publisher = node;
        state->fence = fence;
    }
    if (publisher == CLAIM_NOBODY || state->publisher == CLAIM_NOBODY) {
        uint64_t gap_ms = state->publisher == CLAIM_NOBODY ? cluster->now_ms - state->since_ms : 0;
        state->gap_ms = gap_ms > state->gap_ms ? gap_ms : state->gap_ms;
    }
    if (publisher != state->publisher) {
        state->publisher = publisher;
        state->since_ms = cluster->now_ms;
    }
}

static void step(struct cluster *cluster)
{
    struct message message;

    cluster->now_ms += cluster->options.step_ms;
    while (receive(cluster, &message)) {
        if (message.kind == REQUEST) {
            request_arrives(cluster, &message);
        } else {
            message_arrives(cluster, &message);
        }
    }
    /* Before the nodes may notice how late it is, and after. */
    for (uint32_t camera = 0; camera < cluster->options.cameras; camera++) {
        check_camera(cluster, camera);
    }
    for (uint32_t node = 0; node < cluster->options.nodes; node++) {
        run_node(cluster, node);
    }
}

void cluster_run(struct cluster *cluster, uint32_t ms)
{
    uint64_t end_ms = cluster->now_ms + ms;

    while (cluster->now_ms < end_ms) {
        step(cluster);
    }
}

/* --- Making --------------------------------------------------------------------------------------------- */

struct cluster *cluster_create(const struct cluster_options *options)
{
    struct cluster *cluster = must(calloc(1, sizeof(*cluster)));

    cluster->options = *options;
    cluster->options.step_ms = options->step_ms > 0 ? options->step_ms : 1;
    cluster->random = (options->seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    cluster->nodes = must(calloc(options->nodes, sizeof(*cluster->nodes)));
    cluster->cameras = must(calloc(options->cameras, sizeof(*cluster->cameras)));
    cluster->node_values = must(calloc(options->nodes, sizeof(struct value)));
    cluster->camera_values = must(calloc(options->cameras, sizeof(struct value)));
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct node *node = &cluster->nodes[i];
        node->fetching = must(calloc(options->cameras, sizeof(*node->fetching)));
        node->clock_ms = (int64_t)cluster_random(cluster, 7200000);
        node->clock_drift =
            (int32_t)cluster_random(cluster, 2 * options->clock_drift + 1) - (int32_t)options->clock_drift;
    }
    for (uint32_t i = 0; i < options->cameras; i++) {
        cluster->cameras[i].publisher = cluster->cameras[i].was = CLAIM_NOBODY;
        cluster->camera_values[i].owner = cluster->camera_values[i].next = CLAIM_NOBODY;
    }
    return cluster;
}

void cluster_destroy(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        owner_destroy(cluster->nodes[i].owner);
        free(cluster->nodes[i].waiting);
        free(cluster->nodes[i].fetching);
    }
    free(cluster->nodes);
    free(cluster->cameras);
    free(cluster->node_values);
    free(cluster->camera_values);
    free(cluster->log);
    free(cluster->heap);
    free(cluster);
}

static void configure(struct cluster *cluster, uint32_t node, uint32_t camera)
{
    static const struct owner_wish anywhere = {.site = ""};
    const struct camera_state *state = &cluster->cameras[camera];
    char name[NAME_SIZE];

    owner_set_camera(cluster->nodes[node].owner, name_of(name, 'c', camera),
                     state->has_wish ? &state->wish : &anywhere);
    cluster->nodes[node].poll_ms = 0;
}

void cluster_set_wish(struct cluster *cluster, uint32_t camera, const struct owner_wish *wish)
{
    cluster->cameras[camera].wish = *wish;
    cluster->cameras[camera].has_wish = true;
    for (uint32_t node = 0; node < cluster->options.nodes; node++) {
        if (cluster->nodes[node].owner) {
            configure(cluster, node, camera);
        }
    }
}

void cluster_start(struct cluster *cluster, uint32_t node, bool resume)
{
    struct node *it = &cluster->nodes[node];
    char name[NAME_SIZE], site[NAME_SIZE] = "";

    if (cluster->options.sites > 0) {
        name_of(site, 's', node % cluster->options.sites);
    }
    struct owner_options options = {
        .node = name_of(name, 'n', node), .site = site, .resume = resume ? it->incarnation : 0};
    it->owner = must(owner_create(&options));
    memset(it->fetching, 0, cluster->options.cameras * sizeof(*it->fetching));
    it->process++;
    it->has_watch = false;
    it->poll_ms = 0;
    it->paused_until_ms = 0;
    for (uint32_t camera = 0; camera < cluster->options.cameras; camera++) {
        configure(cluster, node, camera);
    }
}

void cluster_kill(struct cluster *cluster, uint32_t node)
{
    owner_destroy(cluster->nodes[node].owner);
    cluster->nodes[node].owner = NULL;
    cluster->nodes[node].waiting_count = 0;
}

bool cluster_runs(const struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].owner;
}

void cluster_pause(struct cluster *cluster, uint32_t node, uint32_t ms)
{
    cluster->nodes[node].paused_until_ms = cluster->now_ms + ms;
}

void cluster_cut(struct cluster *cluster, uint32_t node, bool out, bool in, bool keeps)
{
    struct node *it = &cluster->nodes[node];

    it->cut_out = out;
    it->cut_in = in;
    it->keeps = keeps;
}

void cluster_part(struct cluster *cluster, uint32_t node, uint32_t part)
{
    cluster->nodes[node].part = part;
}

void cluster_bar(struct cluster *cluster, uint32_t node, bool barred)
{
    cluster->nodes[node].barred = barred;
}

void cluster_stop_bucket(struct cluster *cluster, bool stopped)
{
    cluster->bucket_stopped = stopped;
}

void cluster_calm(struct cluster *cluster)
{
    cluster->options.lost = cluster->options.kept = 0;
}

/* --- Looking -------------------------------------------------------------------------------------------- */

uint64_t cluster_now_ms(const struct cluster *cluster)
{
    return cluster->now_ms;
}

struct owner *cluster_owner(struct cluster *cluster, uint32_t node)
{
    cluster->nodes[node].poll_ms = 0;
    return cluster->nodes[node].owner;
}

uint32_t cluster_publisher(const struct cluster *cluster, uint32_t camera)
{
    return cluster->cameras[camera].publisher;
}

uint64_t cluster_since_ms(const struct cluster *cluster, uint32_t camera)
{
    return cluster->cameras[camera].since_ms;
}

uint64_t cluster_gap_ms(struct cluster *cluster, uint32_t camera)
{
    uint64_t gap_ms = cluster->cameras[camera].gap_ms;

    cluster->cameras[camera].gap_ms = 0;
    return gap_ms;
}

const char *cluster_violation(const struct cluster *cluster)
{
    return cluster->violation[0] != '\0' ? cluster->violation : NULL;
}

const struct cluster_figures *cluster_figures(const struct cluster *cluster)
{
    return &cluster->figures;
}
