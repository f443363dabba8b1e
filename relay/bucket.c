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
#include "common/config/cluster_cameras.h"
#include "common/log/log.h"
#include "relay/link_private.h"

/* An answer that takes longer is given up: a lease lasts for three seconds. */
#define ANSWER_MS 1000

/* After which the bucket is looked for again. */
#define AGAIN_MS 300

/* The watch looks that often whether it is to end. */
#define WATCH_STEP_MS 200

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

struct bucket {
    struct bucket_handlers handlers;
    char name[NAME_SIZE];
    unsigned copies; /* that are made of it */
    int wake;        /* eventfd: there are reports */
    jsCtx *former;   /* of the connection before: the threads may be using it */
    pthread_t writer, watcher;
    bool has_writer, has_watcher;
    char told_why[WHY_SIZE]; /* the watcher's */

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    struct tasks tasks;
    struct reports reports;
    bool ending, reader;
    jsCtx *jetstream;
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
    jsCtx *context = bucket->jetstream;
    pthread_mutex_unlock(&bucket->mutex);
    return context;
}

/* --- What both threads do ------------------------------------------------------------------------------- */

/* ABOUT->size bytes of VALUE go with it. Without memory it is lost, as a message may be: everything is written again, and the watch begins again. */
static void report(struct bucket *bucket, const struct report *about, const void *value)
{
    struct report *made = malloc(sizeof(*made) + about->size + 1);
    const uint64_t one = 1;

    if (!made) {
        return;
    }
    *made = *about;
    if (about->size > 0) {
        memcpy(made->value, value, about->size);
    }
    made->value[about->size] = '\0';
    pthread_mutex_lock(&bucket->mutex);
    STAILQ_INSERT_TAIL(&bucket->reports, made, link);
    pthread_mutex_unlock(&bucket->mutex);
    (void)!write(bucket->wake, &one, sizeof(one));
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

static void tell_entry(struct bucket *bucket, kvEntry *entry)
{
    struct report about = {.kind = REPORT_ENTRY, .revision = kvEntry_Revision(entry)};
    const int size = kvEntry_ValueLen(entry);

    snprintf(about.key, sizeof(about.key), "%s", kvEntry_Key(entry));
    about.deleted = kvEntry_Operation(entry) != kvOp_Put;
    about.size = !about.deleted && size > 0 && (size_t)size <= most_of(about.key) ? (size_t)size : 0;
    report(bucket, &about, kvEntry_Value(entry));
}

static natsStatus open_store(struct bucket *bucket, jsCtx *context, kvStore **store)
{
    kvConfig config;
    natsStatus status = js_KeyValue(store, context, bucket->name);

    if (status == NATS_NOT_FOUND && !is_reader(bucket)) {
        kvConfig_Init(&config);
        config.Bucket = bucket->name;
        config.History = 1;
        config.MaxValueSize = CLUSTER_CAMERAS_MAX + HEADERS_MAX;
        config.Replicas = (int)bucket->copies;
        status = js_CreateKeyValue(store, context, &config);
    }
    return status;
}

/* Hands over what the watch shows, until it fails, or the link has another connection. An entry that is NULL says that all that there were have been shown. */
static natsStatus follow(struct bucket *bucket, const jsCtx *context, kvWatcher *watcher)
{
    int64_t heard_ns = clock_now_ns();
    kvEntry *entry = NULL;

    while (!is_ending(bucket) && context_of(bucket) == context) {
        natsStatus status = kvWatcher_Next(&entry, watcher, WATCH_STEP_MS);
        const int64_t silence_ms = is_reader(bucket) ? BUCKET_SILENCE_READER_MS : BUCKET_SILENCE_MS;
        if (status == NATS_TIMEOUT && clock_now_ns() - heard_ns < silence_ms * NS_PER_MS) {
            continue;
        }
        if (status != NATS_OK) {
            return status;
        }
        heard_ns = clock_now_ns();
        if (entry) {
            tell_entry(bucket, entry);
        } else {
            tell_state(bucket, BUCKET_WATCHED, "");
        }
        kvEntry_Destroy(entry);
        entry = NULL;
    }
    return NATS_OK;
}

static natsStatus watch_once(struct bucket *bucket)
{
    kvStore *store = NULL;
    kvWatcher *watcher = NULL;
    jsCtx *context = context_of(bucket);
    natsStatus status = open_store(bucket, context, &store);

    if (status == NATS_OK) {
        status = kvStore_WatchAll(&watcher, store, NULL);
    }
    if (status == NATS_OK) {
        tell_state(bucket, BUCKET_BEGINNING, "");
        status = follow(bucket, context, watcher);
    }
    kvWatcher_Destroy(watcher);
    kvStore_Destroy(store);
    return status;
}

static void *run_watcher(void *data)
{
    struct bucket *bucket = data;

    do {
        natsStatus status = watch_once(bucket);
        if (status != NATS_OK) {
            tell_state(bucket, BUCKET_AWAY,
                       status == NATS_CONNECTION_CLOSED ? BUCKET_NO_LINK : natsStatus_GetText(status));
        }
    } while (!pause_for(bucket, AGAIN_MS));
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
    } else if (code == JSStreamWrongLastSequenceErr) {
        about.result = -EEXIST;
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

static jsCtx *make_context(struct link *link)
{
    jsOptions options;
    jsCtx *context = NULL;

    jsOptions_Init(&options);
    options.Wait = ANSWER_MS;
    return natsConnection_JetStream(&context, link_connection(link), &options) == NATS_OK ? context : NULL;
}

int bucket_create(struct link *link, const char *cluster, unsigned copies,
                  const struct bucket_handlers *handlers, struct bucket **made)
{
    struct bucket *bucket = calloc(1, sizeof(*bucket));

    if (!bucket) {
        return -ENOMEM;
    }
    *bucket = (struct bucket){
        .handlers = *handlers, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .reader = true};
    snprintf(bucket->name, sizeof(bucket->name), "ringcast-%s", cluster);
    bucket->copies = copies > 0 ? copies : 1;
    prepare(bucket);
    bucket->jetstream = make_context(link);
    int result = bucket->wake < 0 ? -errno : bucket->jetstream ? 0 : -ENOMEM;
    if (result == 0) {
        result = -pthread_create(&bucket->writer, NULL, run_writer, bucket);
        bucket->has_writer = result == 0;
    }
    if (result == 0) {
        result = -pthread_create(&bucket->watcher, NULL, run_watcher, bucket);
        bucket->has_watcher = result == 0;
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
    while ((task = STAILQ_FIRST(&bucket->tasks))) {
        STAILQ_REMOVE_HEAD(&bucket->tasks, link);
        free(task);
    }
    while ((told = STAILQ_FIRST(&bucket->reports))) {
        STAILQ_REMOVE_HEAD(&bucket->reports, link);
        free(told);
    }
    jsCtx_Destroy(bucket->former);
    jsCtx_Destroy(bucket->jetstream);
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
    jsCtx *context = make_context(link);

    if (!context) {
        return; /* the connection before is closed soon, and the watch fails */
    }
    jsCtx_Destroy(bucket->former);
    pthread_mutex_lock(&bucket->mutex);
    bucket->former = bucket->jetstream;
    bucket->jetstream = context;
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
    STAILQ_INSERT_TAIL(&bucket->tasks, task, link);
    pthread_cond_broadcast(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
    return 0;
}
