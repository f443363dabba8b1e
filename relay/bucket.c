/* SPDX-License-Identifier: MIT */
#include "relay/bucket.h"

#include <assert.h>
#include <errno.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cluster/subject.h"
#include "common/config/cluster_cameras.h"
#include "common/log/log.h"
#include "relay/link_private.h"

/* An answer that takes longer is given up: a lease lasts for three seconds. */
#define ANSWER_MS 1000

/* After which the bucket is looked for again. */
#define AGAIN_MS 300

/* The watch looks that often whether it is to end. */
#define WATCH_STEP_MS 200

/* What still loses in the same way so much later has not been shown what it lost against. */
#define STALE_MS 1000
/* A loss that was not repeated for so long has been made up for. */
#define LOSS_MS 5000

/* A watch that was silent for long and does not show what was written so long ago is dead. */
#define SHOW_MS 300

/* Bytes of headers, by which a write says what it expects, that count for the longest value. */
#define HEADERS_MAX 1024

#define NAME_SIZE 64
#define KEY_SIZE 400
#define WHY_SIZE 160

/* A write that is to be made. */
struct task {
    STAILQ_ENTRY(task) link;
    uint64_t ticket, expected;
    size_t size;
    char key[KEY_SIZE];
    char value[];
};

enum report_kind { REPORT_STATE, REPORT_ENTRY, REPORT_WRITTEN };

/* What the threads have to say. */
struct report {
    STAILQ_ENTRY(report) link;
    enum report_kind kind;
    enum bucket_state state;
    int result;
    uint64_t ticket, revision;
    bool deleted;
    size_t size;
    char key[KEY_SIZE];
    char value[]; /* of an entry, or why; terminated */
};

STAILQ_HEAD(tasks, task);
STAILQ_HEAD(reports, report);

/* A write that lost against a revision of its key that is to be shown. */
struct loss {
    char key[KEY_SIZE];
    uint64_t expected;
    int64_t since_ns; /* 0: there is none */
};

/* The way over one connection. */
struct route {
    jsCtx *jetstream;
    natsSubscription *news; /* what JetStream publishes of the bucket */
};

struct bucket {
    struct bucket_handlers handlers;
    char name[NAME_SIZE];
    char news_prefix[SUBJECT_SIZE + 1]; /* of the subjects by which JetStream publishes what is written */
    unsigned copies;                    /* that are made of it */
    int wake;                           /* eventfd: there are reports */
    struct route former;                /* over the connection before: the threads may be using it */
    pthread_t writer, watcher, listener;
    bool has_writer, has_watcher, has_listener;
    char told_why[WHY_SIZE]; /* the watcher's */

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    struct tasks tasks;
    struct reports reports;
    bool ending, reader;
    struct route route;
    bool complete;    /* all that there was has been shown */
    uint64_t shown;   /* the newest revision that has been shown since the watch began */
    int64_t shown_ns; /* and when */
    uint64_t owed;    /* one that the bucket is known to have, and that is to be shown */
    int64_t owed_ns;  /* since when; 0: nothing is owed */
    struct loss loss; /* the last write that lost */
    bool stale;       /* the bucket is not as it was shown: the watch is to begin anew */
};

static bool is_ending(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    bool ending = bucket->ending;
    pthread_mutex_unlock(&bucket->mutex);
    return ending;
}

static bool is_reader(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    bool reader = bucket->reader;
    pthread_mutex_unlock(&bucket->mutex);
    return reader;
}

static jsCtx *context_of(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    jsCtx *context = bucket->route.jetstream;
    pthread_mutex_unlock(&bucket->mutex);
    return context;
}

static natsSubscription *news_of(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    natsSubscription *news = bucket->route.news;
    pthread_mutex_unlock(&bucket->mutex);
    return news;
}

/* --- What all threads do -------------------------------------------------------------------------------- */

/* ABOUT->size bytes of VALUE, which may be NULL, go with it. Without memory it is lost, as a message may be: everything is written again, and the watch begins again. */
static struct report *make_report(const struct report *about, const void *value)
{
    struct report *made = malloc(sizeof(*made) + about->size + 1);

    if (made) {
        *made = *about;
        if (value) {
            memcpy(made->value, value, about->size);
        }
        made->value[about->size] = '\0';
    }
    return made;
}

/* With the mutex. */
static void put_report(struct bucket *bucket, struct report *made)
{
    const uint64_t one = 1;

    STAILQ_INSERT_TAIL(&bucket->reports, made, link);
    (void)!write(bucket->wake, &one, sizeof(one));
}

static void report(struct bucket *bucket, const struct report *about, const void *value)
{
    struct report *made = make_report(about, value);

    if (made) {
        pthread_mutex_lock(&bucket->mutex);
        put_report(bucket, made);
        pthread_mutex_unlock(&bucket->mutex);
    }
}

/* True: the process ends. */
static bool pause_for(struct bucket *bucket, unsigned ms)
{
    const int64_t until_ns = clock_now_ns() + ms * NS_PER_MS;
    const struct timespec until = {.tv_sec = until_ns / NS_PER_SECOND, .tv_nsec = until_ns % NS_PER_SECOND};

    pthread_mutex_lock(&bucket->mutex);
    while (!bucket->ending && pthread_cond_timedwait(&bucket->changed, &bucket->mutex, &until) == 0) {
    }
    pthread_mutex_unlock(&bucket->mutex);
    return is_ending(bucket);
}

/* --- The watcher ---------------------------------------------------------------------------------------- */

static void tell_state(struct bucket *bucket, enum bucket_state state, const char *why)
{
    const struct report about = {.kind = REPORT_STATE, .state = state, .size = strlen(why)};

    if (state == BUCKET_AWAY && strcmp(why, bucket->told_why) == 0) {
        return; /* it is still away */
    }
    snprintf(bucket->told_why, sizeof(bucket->told_why), "%s", why);
    report(bucket, &about, why);
}

static size_t most_of(const char *key)
{
    return strcmp(key, BUCKET_CAMERAS_KEY) == 0 ? CLUSTER_CAMERAS_MAX : BUCKET_VALUE_MAX;
}

/*
 * An entry that the watch shows, or that JetStream has published: whichever comes first. What is published counts only if nothing is missing before
 * it: revisions of a bucket have no gaps.
 */
static void show(struct bucket *bucket, struct report *about, const void *value, int size, bool published)
{
    about->kind = REPORT_ENTRY;
    about->size = !about->deleted && size > 0 && (size_t)size <= most_of(about->key) ? (size_t)size : 0;
    struct report *made = make_report(about, value);

    pthread_mutex_lock(&bucket->mutex);
    const bool is_next = published ? bucket->complete && about->revision == bucket->shown + 1
                                   : about->revision > bucket->shown;
    if (made && is_next) {
        bucket->shown = about->revision;
        bucket->shown_ns = clock_now_ns();
        bucket->owed_ns = about->revision < bucket->owed ? bucket->owed_ns : 0;
        put_report(bucket, made);
        made = NULL;
    }
    pthread_mutex_unlock(&bucket->mutex);
    free(made);
}

static void tell_entry(struct bucket *bucket, kvEntry *entry)
{
    struct report about = {.revision = kvEntry_Revision(entry),
                           .deleted = kvEntry_Operation(entry) != kvOp_Put};

    snprintf(about.key, sizeof(about.key), "%s", kvEntry_Key(entry));
    show(bucket, &about, kvEntry_Value(entry), kvEntry_ValueLen(entry), false);
}

static natsStatus open_store(struct bucket *bucket, jsCtx *context, kvStore **store)
{
    kvConfig config;
    jsRePublish published;
    char from[NAME_SIZE + sizeof("$KV..>")], to[SUBJECT_SIZE + 2];
    natsStatus status = js_KeyValue(store, context, bucket->name);

    if (status == NATS_NOT_FOUND && !is_reader(bucket)) {
        kvConfig_Init(&config);
        config.Bucket = bucket->name;
        config.History = 1;
        config.MaxValueSize = CLUSTER_CAMERAS_MAX + HEADERS_MAX;
        config.Replicas = (int)bucket->copies;
        snprintf(from, sizeof(from), "$KV.%s.>", bucket->name);
        snprintf(to, sizeof(to), "%s>", bucket->news_prefix);
        jsRePublish_Init(&published);
        published.Source = from;
        published.Destination = to;
        config.RePublish = &published;
        status = js_CreateKeyValue(store, context, &config);
    }
    return status;
}

/* The bucket has REVISION. */
static void note_owed(struct bucket *bucket, uint64_t revision)
{
    pthread_mutex_lock(&bucket->mutex);
    if (revision > bucket->shown) {
        bucket->owed = revision;
        bucket->owed_ns = bucket->owed_ns > 0 ? bucket->owed_ns : clock_now_ns();
    }
    pthread_mutex_unlock(&bucket->mutex);
}

/* TASK has lost. Its key has another revision than was expected, and who wrote it writes again as soon as that is shown. */
static void note_loss(struct bucket *bucket, const struct task *task)
{
    const int64_t now_ns = clock_now_ns();

    note_owed(bucket, task->expected + 1);
    pthread_mutex_lock(&bucket->mutex);
    struct loss *loss = &bucket->loss;
    if (loss->expected == task->expected && strcmp(loss->key, task->key) == 0 && loss->since_ns > 0 &&
        now_ns - loss->since_ns < LOSS_MS * NS_PER_MS) {
        bucket->stale = bucket->stale || now_ns - loss->since_ns >= STALE_MS * NS_PER_MS;
    } else if (loss->since_ns == 0 || now_ns - loss->since_ns >= LOSS_MS * NS_PER_MS) {
        *loss = (struct loss){.expected = task->expected, .since_ns = now_ns};
        snprintf(loss->key, sizeof(loss->key), "%s", task->key);
    }
    pthread_mutex_unlock(&bucket->mutex);
}

/* A new watch begins, or has shown all that there was. */
static void note_watch(struct bucket *bucket, bool complete)
{
    pthread_mutex_lock(&bucket->mutex);
    bucket->complete = complete;
    bucket->shown = complete ? bucket->shown : 0;
    bucket->loss.since_ns = complete ? bucket->loss.since_ns : 0;
    bucket->stale = complete && bucket->stale;
    bucket->shown_ns = clock_now_ns();
    pthread_mutex_unlock(&bucket->mutex);
}

/*
 * What is to be thought of the silence of a watch. It need not be dead: while no write is answered it is the bucket that is away, and the watch goes on by
 * itself.
 */
enum silence { SILENCE_SHORT, SILENCE_AWAY, SILENCE_DEAD };

static enum silence judge_silence(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    const int64_t now_ns = clock_now_ns(), silent_ns = now_ns - bucket->shown_ns,
                  owed_ns = bucket->owed_ns > 0 ? now_ns - bucket->owed_ns : 0;
    const bool reader = bucket->reader, stale = bucket->stale;
    pthread_mutex_unlock(&bucket->mutex);
    if (stale) {
        return SILENCE_DEAD;
    }
    if (silent_ns < (reader ? BUCKET_SILENCE_READER_MS : BUCKET_SILENCE_MS) * NS_PER_MS) {
        return SILENCE_SHORT;
    }
    return reader || owed_ns >= SHOW_MS * NS_PER_MS ? SILENCE_DEAD : SILENCE_AWAY;
}

/* The newest revision that the bucket has now. */
static natsStatus find_last(struct bucket *bucket, jsCtx *context, uint64_t *last)
{
    char stream[NAME_SIZE + sizeof("KV_")];
    jsStreamInfo *info = NULL;

    snprintf(stream, sizeof(stream), "KV_%s", bucket->name);
    natsStatus status = js_GetStreamInfo(&info, context, stream, NULL, NULL);
    *last = status == NATS_OK ? info->State.LastSeq : UINT64_MAX;
    jsStreamInfo_Destroy(info);
    return status;
}

static bool has_shown(struct bucket *bucket, uint64_t revision)
{
    pthread_mutex_lock(&bucket->mutex);
    const bool shown = bucket->shown >= revision;
    pthread_mutex_unlock(&bucket->mutex);
    return shown;
}

/*
 * Hands over what the watch shows, until it fails, or the link has another connection. All that there were have been shown when LAST has been, since they come
 * in order, or when the library says so with an entry that is NULL: it counts what the server says is pending, and that need not be right after a failure.
 */
static natsStatus follow(struct bucket *bucket, const jsCtx *context, kvWatcher *watcher, uint64_t last)
{
    enum silence silence = SILENCE_SHORT;
    kvEntry *entry = NULL;
    bool complete = false;

    while (!is_ending(bucket) && context_of(bucket) == context) {
        natsStatus status = kvWatcher_Next(&entry, watcher, WATCH_STEP_MS);
        const enum silence before = silence;
        const bool was_complete = complete;
        if (status == NATS_OK && entry) {
            tell_entry(bucket, entry);
        }
        if (!complete && ((status == NATS_OK && !entry) || has_shown(bucket, last))) {
            note_watch(bucket, true);
            complete = true;
        }
        kvEntry_Destroy(entry);
        entry = NULL;
        silence = judge_silence(bucket);
        if (silence == SILENCE_DEAD || (status != NATS_OK && status != NATS_TIMEOUT)) {
            return status == NATS_OK ? NATS_TIMEOUT : status;
        }
        if (silence == SILENCE_AWAY) {
            tell_state(bucket, BUCKET_AWAY, "no write is answered");
        } else if (complete && (!was_complete || before == SILENCE_AWAY)) {
            tell_state(bucket, BUCKET_WATCHED, "");
        }
    }
    return NATS_OK;
}

static natsStatus watch_once(struct bucket *bucket)
{
    kvStore *store = NULL;
    kvWatcher *watcher = NULL;
    jsCtx *context = context_of(bucket);
    uint64_t last = UINT64_MAX;
    natsStatus status = open_store(bucket, context, &store);

    if (status == NATS_OK) {
        status = kvStore_WatchAll(&watcher, store, NULL);
    }
    if (status == NATS_OK) {
        status = find_last(bucket, context, &last);
    }
    if (status == NATS_OK) {
        note_watch(bucket, false);
        tell_state(bucket, BUCKET_BEGINNING, "");
        status = follow(bucket, context, watcher, last);
    }
    kvWatcher_Destroy(watcher);
    kvStore_Destroy(store);
    return status;
}

/* Without a watch, too, what JetStream publishes goes on being shown. */
static bool is_shown_without(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    const bool shown = bucket->complete && clock_now_ns() - bucket->shown_ns < BUCKET_SILENCE_MS * NS_PER_MS;
    pthread_mutex_unlock(&bucket->mutex);
    return shown;
}

static void *run_watcher(void *data)
{
    struct bucket *bucket = data;

    do {
        natsStatus status = watch_once(bucket);
        if (status != NATS_OK && !is_shown_without(bucket)) {
            tell_state(bucket, BUCKET_AWAY,
                       status == NATS_CONNECTION_CLOSED ? BUCKET_NO_LINK : natsStatus_GetText(status));
        }
    } while (!pause_for(bucket, AGAIN_MS));
    nats_ReleaseThreadMemory();
    return NULL;
}

/* --- The listener --------------------------------------------------------------------------------------- */

static void hear(struct bucket *bucket, natsMsg *message)
{
    struct report about = {0};
    const char *revision = NULL, *operation = NULL,
               *key = natsMsg_GetSubject(message) + strlen(bucket->news_prefix);

    if (natsMsgHeader_Get(message, "Nats-Sequence", &revision) != NATS_OK) {
        return;
    }
    about.revision = strtoull(revision, NULL, 10);
    about.deleted =
        natsMsgHeader_Get(message, "KV-Operation", &operation) == NATS_OK; /* none: it was written */
    if (snprintf(about.key, sizeof(about.key), "%s", key) < (int)sizeof(about.key)) {
        show(bucket, &about, natsMsg_GetData(message), natsMsg_GetDataLength(message), true);
    }
}

/*
 * What is written JetStream publishes as well. So nothing need be known of the consumer that a watch has at one of the servers, which may die and take
 * it along; and only JetStream's own leader, which may then have to be chosen first, can make another one.
 */
static void *run_listener(void *data)
{
    struct bucket *bucket = data;
    natsMsg *message = NULL;

    while (!is_ending(bucket)) {
        natsStatus status = natsSubscription_NextMsg(&message, news_of(bucket), WATCH_STEP_MS);
        if (status == NATS_OK) {
            hear(bucket, message);
            natsMsg_Destroy(message);
            message = NULL;
        } else if (status != NATS_TIMEOUT) {
            pause_for(bucket, AGAIN_MS);
        }
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

/* --- The writer ----------------------------------------------------------------------------------------- */

static void write_key(struct bucket *bucket, const struct task *task)
{
    struct report about = {.kind = REPORT_WRITTEN, .ticket = task->ticket, .result = -EIO};
    jsPubOptions options;
    jsPubAck *ack = NULL;
    jsErrCode code = 0;
    char subject[KEY_SIZE + NAME_SIZE + sizeof("$KV..")];

    jsPubOptions_Init(&options);
    options.MaxWait = ANSWER_MS;
    options.ExpectLastSubjectSeq = task->expected;
    options.ExpectNoMessage = task->expected == 0;
    snprintf(subject, sizeof(subject), "$KV.%s.%s", bucket->name, task->key);
    natsStatus status =
        js_Publish(&ack, context_of(bucket), subject, task->value, (int)task->size, &options, &code);
    if (status == NATS_OK) {
        about.result = 0;
        about.revision = ack->Sequence;
        note_owed(bucket, about.revision);
    } else if (code == JSStreamWrongLastSequenceErr) {
        about.result = -EEXIST;
        note_loss(bucket, task);
    }
    jsPubAck_Destroy(ack);
    report(bucket, &about, NULL);
}

/* The next write; NULL: the process ends. */
static struct task *next_task(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    while (STAILQ_EMPTY(&bucket->tasks) && !bucket->ending) {
        pthread_cond_wait(&bucket->changed, &bucket->mutex);
    }
    struct task *task = bucket->ending ? NULL : STAILQ_FIRST(&bucket->tasks);
    if (task) {
        STAILQ_REMOVE_HEAD(&bucket->tasks, link);
    }
    pthread_mutex_unlock(&bucket->mutex);
    return task;
}

static void *run_writer(void *data)
{
    struct bucket *bucket = data;
    struct task *task;

    while ((task = next_task(bucket))) {
        write_key(bucket, task);
        free(task);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

/* --- The caller ----------------------------------------------------------------------------------------- */

static void prepare(struct bucket *bucket)
{
    pthread_condattr_t monotonic;

    STAILQ_INIT(&bucket->tasks);
    STAILQ_INIT(&bucket->reports);
    pthread_mutex_init(&bucket->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&bucket->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void route_finish(struct route *route)
{
    natsSubscription_Destroy(route->news);
    jsCtx_Destroy(route->jetstream);
    *route = (struct route){0};
}

/* Without a subscription what JetStream publishes is not heard, and the watch has to do. */
static int route_open(struct route *route, const struct bucket *bucket, struct link *link)
{
    natsConnection *connection = link_connection(link);
    char subjects[SUBJECT_SIZE + 2];
    jsOptions options;

    jsOptions_Init(&options);
    options.Wait = ANSWER_MS;
    snprintf(subjects, sizeof(subjects), "%s>", bucket->news_prefix);
    if (natsConnection_JetStream(&route->jetstream, connection, &options) != NATS_OK) {
        return -ENOMEM;
    }
    (void)natsConnection_SubscribeSync(&route->news, connection, subjects);
    return 0;
}

int bucket_create(struct link *link, const char *cluster, unsigned copies,
                  const struct bucket_handlers *handlers, struct bucket **made)
{
    struct bucket *bucket = calloc(1, sizeof(*bucket));
    char prefix[SUBJECT_SIZE];

    if (!bucket) {
        return -ENOMEM;
    }
    *bucket = (struct bucket){
        .handlers = *handlers, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .reader = true};
    snprintf(bucket->name, sizeof(bucket->name), "ringcast-%s", cluster);
    subject_bucket(prefix, cluster);
    snprintf(bucket->news_prefix, sizeof(bucket->news_prefix), "%s.", prefix);
    bucket->copies = copies > 0 ? copies : 1;
    prepare(bucket);
    int result = bucket->wake < 0 ? -errno : route_open(&bucket->route, bucket, link);
    if (result == 0) {
        result = -pthread_create(&bucket->writer, NULL, run_writer, bucket);
        bucket->has_writer = result == 0;
    }
    if (result == 0) {
        result = -pthread_create(&bucket->watcher, NULL, run_watcher, bucket);
        bucket->has_watcher = result == 0;
    }
    if (result == 0) {
        result = -pthread_create(&bucket->listener, NULL, run_listener, bucket);
        bucket->has_listener = result == 0;
    }
    if (result < 0) {
        bucket_destroy(bucket);
        return result;
    }
    *made = bucket;
    return 0;
}

void bucket_destroy(struct bucket *bucket)
{
    struct task *task;
    struct report *told;

    if (!bucket) {
        return;
    }
    pthread_mutex_lock(&bucket->mutex);
    bucket->ending = true;
    pthread_cond_broadcast(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
    if (bucket->has_writer) {
        pthread_join(bucket->writer, NULL);
    }
    if (bucket->has_watcher) {
        pthread_join(bucket->watcher, NULL);
    }
    if (bucket->has_listener) {
        pthread_join(bucket->listener, NULL);
    }
    while ((task = STAILQ_FIRST(&bucket->tasks))) {
        STAILQ_REMOVE_HEAD(&bucket->tasks, link);
        free(task);
    }
    while ((told = STAILQ_FIRST(&bucket->reports))) {
        STAILQ_REMOVE_HEAD(&bucket->reports, link);
        free(told);
    }
    route_finish(&bucket->former);
    route_finish(&bucket->route);
    if (bucket->wake >= 0) {
        close(bucket->wake);
    }
    pthread_cond_destroy(&bucket->changed);
    pthread_mutex_destroy(&bucket->mutex);
    free(bucket);
}

static_assert(ANSWER_MS < LINK_KEPT_MS && WATCH_STEP_MS < LINK_KEPT_MS,
              "nobody uses a context that is not even the former one");

void bucket_use_link(struct bucket *bucket, struct link *link)
{
    struct route route = {0};

    if (route_open(&route, bucket, link) < 0) {
        return; /* the connection before is closed soon, and the watch fails */
    }
    route_finish(&bucket->former);
    pthread_mutex_lock(&bucket->mutex);
    bucket->former = bucket->route;
    bucket->route = route;
    pthread_mutex_unlock(&bucket->mutex);
}

void bucket_set_reader(struct bucket *bucket, bool reader)
{
    pthread_mutex_lock(&bucket->mutex);
    bucket->reader = reader;
    pthread_mutex_unlock(&bucket->mutex);
}

int bucket_fd(const struct bucket *bucket)
{
    return bucket->wake;
}

static struct report *next_report(struct bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    struct report *told = STAILQ_FIRST(&bucket->reports);
    if (told) {
        STAILQ_REMOVE_HEAD(&bucket->reports, link);
    }
    pthread_mutex_unlock(&bucket->mutex);
    return told;
}

void bucket_turn(struct bucket *bucket)
{
    const struct bucket_handlers *handlers = &bucket->handlers;
    struct report *told;
    uint64_t count;

    (void)!read(bucket->wake, &count, sizeof(count));
    while ((told = next_report(bucket))) {
        const struct bucket_entry entry = {.key = told->key,
                                           .revision = told->revision,
                                           .value = told->deleted ? NULL : told->value,
                                           .size = told->size};
        if (told->kind == REPORT_STATE) {
            handlers->state(handlers->context, told->state, told->value);
        } else if (told->kind == REPORT_ENTRY) {
            handlers->entry(handlers->context, &entry);
        } else {
            handlers->written(handlers->context, told->ticket, told->result, told->revision);
        }
        free(told);
    }
}

/* With the mutex. What has not been sent yet is not sent any more: while the bucket is away writes wait, and an old renewal would be worth nothing. */
static void withdraw(struct bucket *bucket, const char *key)
{
    struct task *task;

    STAILQ_FOREACH(task, &bucket->tasks, link) {
        if (strcmp(task->key, key) == 0) {
            const struct report about = {.kind = REPORT_WRITTEN, .ticket = task->ticket, .result = -EIO};
            struct report *made = make_report(&about, NULL);
            STAILQ_REMOVE(&bucket->tasks, task, task, link);
            free(task);
            if (made) {
                put_report(bucket, made);
            }
            return;
        }
    }
}

int bucket_write(struct bucket *bucket, uint64_t ticket, const char *key, const char *value,
                 uint64_t expected)
{
    const size_t size = strlen(value);
    struct task *task = malloc(sizeof(*task) + size);

    if (!task) {
        return -ENOMEM;
    }
    *task = (struct task){.ticket = ticket, .expected = expected, .size = size};
    if (size > most_of(key) || snprintf(task->key, sizeof(task->key), "%s", key) >= (int)sizeof(task->key)) {
        free(task);
        return -E2BIG;
    }
    memcpy(task->value, value, size);
    pthread_mutex_lock(&bucket->mutex);
    /* Each write of the cameras is somebody's command, which waits for its own answer. */
    if (strcmp(key, BUCKET_CAMERAS_KEY) != 0) {
        withdraw(bucket, key);
    }
    STAILQ_INSERT_TAIL(&bucket->tasks, task, link);
    pthread_cond_broadcast(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
    return 0;
}
