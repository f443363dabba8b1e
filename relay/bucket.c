/* SPDX-License-Identifier: MIT */
#include "relay/bucket.h"

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
#include "common/log/log.h"
#include "relay/link_private.h"

/* An answer that takes longer is given up: a lease lasts for three seconds. */
#define ANSWER_MS 1000

/* After which the bucket is looked for again. */
#define AGAIN_MS 500

/* Everything is handed over again in this interval: a notice may have been lost. */
#define REFRESH_MS 15000

#define NAME_SIZE 64
#define KEY_MAX 400
#define WHY_SIZE 160

enum task_kind { TASK_WRITE, TASK_READ, TASK_READ_ALL };

/* What the thread is to do. */
struct task {
    STAILQ_ENTRY(task) link;
    enum task_kind kind;
    uint64_t tag, expected;
    size_t size;
    char key[KEY_MAX];
    char value[];
};

enum report_kind { REPORT_NEWS, REPORT_ENTRY, REPORT_WRITTEN };

/* What the thread has to say. */
struct report {
    STAILQ_ENTRY(report) link;
    enum report_kind kind;
    bool there;
    int result;
    uint64_t tag, revision;
    size_t size;
    char key[KEY_MAX];
    char value[]; /* of news: why, terminated */
};

STAILQ_HEAD(tasks, task);
STAILQ_HEAD(reports, report);

struct bucket {
    struct bucket_handlers handlers;
    char name[NAME_SIZE];
    int wake; /* eventfd: there are reports */
    pthread_t thread;
    bool has_thread;

    /* The thread's own. */
    natsConnection *connection;
    jsCtx *jetstream;
    kvStore *store; /* NULL: away */
    char told_why[WHY_SIZE];
    bool told_there;
    int64_t refresh_ns;

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    struct tasks tasks;
    struct reports reports;
    bool ending;
};

/* --- The thread ----------------------------------------------------------------------------------------- */

static void report(struct bucket *bucket, const struct report *about, const void *value)
{
    struct report *made = malloc(sizeof(*made) + about->size + 1);
    const uint64_t one = 1;

    if (!made) {
        return; /* the next refresh says it again */
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

static void tell_news(struct bucket *bucket, bool there, const char *why)
{
    struct report about = {.kind = REPORT_NEWS, .there = there, .size = strlen(why)};

    if (there == bucket->told_there && strcmp(why, bucket->told_why) == 0) {
        return;
    }
    bucket->told_there = there;
    snprintf(bucket->told_why, sizeof(bucket->told_why), "%s", why);
    report(bucket, &about, why);
}

static void go_away(struct bucket *bucket, natsStatus status)
{
    kvStore_Destroy(bucket->store);
    bucket->store = NULL;
    tell_news(bucket, false, natsStatus_GetText(status));
}

static void tell_entry(struct bucket *bucket, const char *key, kvEntry *entry)
{
    struct report about = {.kind = REPORT_ENTRY};
    const int size = entry ? kvEntry_ValueLen(entry) : 0;
    const bool is_there = entry && kvEntry_Operation(entry) == kvOp_Put && size <= BUCKET_VALUE_MAX;

    snprintf(about.key, sizeof(about.key), "%s", key);
    about.revision = is_there ? kvEntry_Revision(entry) : 0;
    about.size = is_there ? (size_t)size : 0;
    report(bucket, &about, entry ? kvEntry_Value(entry) : NULL);
}

static natsStatus read_key(struct bucket *bucket, const char *key)
{
    kvEntry *entry = NULL;
    natsStatus status = kvStore_Get(&entry, bucket->store, key);

    if (status == NATS_OK || status == NATS_NOT_FOUND) {
        tell_entry(bucket, key, entry);
        status = NATS_OK;
    }
    kvEntry_Destroy(entry);
    return status;
}

/* A watcher begins with all that is there, and says when that was all: an entry that is NULL. */
static natsStatus read_all(struct bucket *bucket)
{
    kvWatcher *watcher = NULL;
    kvEntry *entry = NULL;
    natsStatus status = kvStore_WatchAll(&watcher, bucket->store, NULL);

    while (status == NATS_OK && (status = kvWatcher_Next(&entry, watcher, ANSWER_MS)) == NATS_OK && entry) {
        tell_entry(bucket, kvEntry_Key(entry), entry);
        kvEntry_Destroy(entry);
        entry = NULL;
    }
    kvWatcher_Destroy(watcher);
    bucket->refresh_ns = clock_now_ns() + REFRESH_MS * NS_PER_MS;
    return status;
}

static natsStatus bind_store(struct bucket *bucket)
{
    kvConfig config;
    natsStatus status = js_KeyValue(&bucket->store, bucket->jetstream, bucket->name);

    if (status == NATS_NOT_FOUND) {
        kvConfig_Init(&config);
        config.Bucket = bucket->name;
        config.History = 1;
        status = js_CreateKeyValue(&bucket->store, bucket->jetstream, &config);
    }
    return status;
}

static void come(struct bucket *bucket)
{
    natsStatus status = bind_store(bucket);

    if (status == NATS_OK) {
        status = read_all(bucket);
    }
    if (status == NATS_OK) {
        tell_news(bucket, true, "");
    } else {
        go_away(bucket, status);
    }
}

/* Whether a write was refused because something else is there. */
static bool is_conflict(natsStatus status, jsErrCode code)
{
    return status != NATS_OK && code == JSStreamWrongLastSequenceErr;
}

static void write_key(struct bucket *bucket, const struct task *task)
{
    struct report about = {.kind = REPORT_WRITTEN, .tag = task->tag, .result = -EIO};
    jsPubOptions options;
    jsPubAck *ack = NULL;
    jsErrCode code = 0;
    char subject[KEY_MAX + NAME_SIZE + 8];

    jsPubOptions_Init(&options);
    options.MaxWait = ANSWER_MS;
    if (task->expected != BUCKET_ANY) {
        options.ExpectLastSubjectSeq = task->expected;
        options.ExpectNoMessage = task->expected == BUCKET_NOTHING;
    }
    snprintf(subject, sizeof(subject), "$KV.%s.%s", bucket->name, task->key);
    natsStatus status =
        js_Publish(&ack, bucket->jetstream, subject, task->value, (int)task->size, &options, &code);
    if (status == NATS_OK) {
        about.result = 0;
        about.revision = ack->Sequence;
    } else if (is_conflict(status, code)) {
        about.result = -EEXIST;
    }
    jsPubAck_Destroy(ack);
    snprintf(about.key, sizeof(about.key), "%s", task->key);
    report(bucket, &about, NULL);
    if (about.result == -EEXIST) {
        read_key(bucket, task->key);
    } else if (about.result < 0) {
        go_away(bucket, status);
    }
}

static void refuse(struct bucket *bucket, const struct task *task)
{
    struct report about = {.kind = REPORT_WRITTEN, .tag = task->tag, .result = -EIO};

    if (task->kind == TASK_WRITE) {
        snprintf(about.key, sizeof(about.key), "%s", task->key);
        report(bucket, &about, NULL);
    }
}

static void do_task(struct bucket *bucket, const struct task *task)
{
    natsStatus status = NATS_OK;

    if (!bucket->store) {
        refuse(bucket, task);
    } else if (task->kind == TASK_WRITE) {
        write_key(bucket, task);
    } else {
        status = task->kind == TASK_READ ? read_key(bucket, task->key) : read_all(bucket);
    }
    if (status != NATS_OK) {
        go_away(bucket, status);
    }
}

/* The next task; NULL: none has come within AGAIN_MS. */
static struct task *next_task(struct bucket *bucket, bool *ending)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += AGAIN_MS * NS_PER_MS;
    until.tv_sec += until.tv_nsec / NS_PER_SECOND;
    until.tv_nsec %= NS_PER_SECOND;
    pthread_mutex_lock(&bucket->mutex);
    while (STAILQ_EMPTY(&bucket->tasks) && !bucket->ending &&
           pthread_cond_timedwait(&bucket->changed, &bucket->mutex, &until) == 0) {
    }
    struct task *task = STAILQ_FIRST(&bucket->tasks);
    if (task) {
        STAILQ_REMOVE_HEAD(&bucket->tasks, link);
    }
    *ending = bucket->ending;
    pthread_mutex_unlock(&bucket->mutex);
    return task;
}

static void *run(void *data)
{
    struct bucket *bucket = data;
    bool ending = false;

    while (!ending) {
        if (!bucket->store) {
            come(bucket);
        } else if (clock_now_ns() >= bucket->refresh_ns && read_all(bucket) != NATS_OK) {
            go_away(bucket, NATS_TIMEOUT);
        }
        struct task *task = next_task(bucket, &ending);
        if (task) {
            do_task(bucket, task);
        }
        free(task);
    }
    kvStore_Destroy(bucket->store);
    nats_ReleaseThreadMemory();
    return NULL;
}

/* --- The caller ----------------------------------------------------------------------------------------- */

int bucket_create(struct link *link, const char *cluster, const struct bucket_handlers *handlers,
                  struct bucket **made)
{
    struct bucket *bucket = calloc(1, sizeof(*bucket));
    pthread_condattr_t monotonic;
    jsOptions options;

    if (!bucket) {
        return -ENOMEM;
    }
    *bucket = (struct bucket){.handlers = *handlers,
                              .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                              .connection = link_connection(link)};
    snprintf(bucket->name, sizeof(bucket->name), "ringcast-%s", cluster);
    STAILQ_INIT(&bucket->tasks);
    STAILQ_INIT(&bucket->reports);
    pthread_mutex_init(&bucket->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&bucket->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    jsOptions_Init(&options);
    options.Wait = ANSWER_MS;
    int result = bucket->wake < 0 ? -errno : 0;
    if (result == 0 &&
        natsConnection_JetStream(&bucket->jetstream, bucket->connection, &options) != NATS_OK) {
        result = -ENOMEM;
    }
    if (result == 0) {
        result = -pthread_create(&bucket->thread, NULL, run, bucket);
        bucket->has_thread = result == 0;
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
    pthread_cond_signal(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
    if (bucket->has_thread) {
        pthread_join(bucket->thread, NULL);
    }
    while ((task = STAILQ_FIRST(&bucket->tasks))) {
        STAILQ_REMOVE_HEAD(&bucket->tasks, link);
        free(task);
    }
    while ((told = STAILQ_FIRST(&bucket->reports))) {
        STAILQ_REMOVE_HEAD(&bucket->reports, link);
        free(told);
    }
    jsCtx_Destroy(bucket->jetstream);
    if (bucket->wake >= 0) {
        close(bucket->wake);
    }
    pthread_cond_destroy(&bucket->changed);
    pthread_mutex_destroy(&bucket->mutex);
    free(bucket);
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
        const struct bucket_entry entry = {
            .key = told->key, .revision = told->revision, .value = told->value, .size = told->size};
        if (told->kind == REPORT_NEWS) {
            handlers->news(handlers->context, told->there, told->value);
        } else if (told->kind == REPORT_ENTRY) {
            handlers->entry(handlers->context, &entry);
        } else {
            handlers->written(handlers->context, told->tag, told->key, told->result, told->revision);
        }
        free(told);
    }
}

void bucket_subject(const struct bucket *bucket, char subject[128])
{
    snprintf(subject, 128, "$KV.%s.>", bucket->name);
}

static int add_task(struct bucket *bucket, const struct task *about, const void *value)
{
    struct task *task = malloc(sizeof(*task) + about->size);

    if (!task) {
        return -ENOMEM;
    }
    *task = *about;
    if (about->size > 0) {
        memcpy(task->value, value, about->size);
    }
    pthread_mutex_lock(&bucket->mutex);
    STAILQ_INSERT_TAIL(&bucket->tasks, task, link);
    pthread_cond_signal(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
    return 0;
}

int bucket_write(struct bucket *bucket, uint64_t tag, const char *key, const void *value, size_t size,
                 uint64_t expected)
{
    struct task about = {.kind = TASK_WRITE, .tag = tag, .expected = expected, .size = size};

    if (size > BUCKET_VALUE_MAX || strlen(key) >= sizeof(about.key)) {
        return -E2BIG;
    }
    snprintf(about.key, sizeof(about.key), "%s", key);
    return add_task(bucket, &about, value);
}

int bucket_read(struct bucket *bucket, const char *key)
{
    struct task about = {.kind = TASK_READ};

    if (strlen(key) >= sizeof(about.key)) {
        return -E2BIG;
    }
    snprintf(about.key, sizeof(about.key), "%s", key);
    return add_task(bucket, &about, NULL);
}

int bucket_read_all(struct bucket *bucket)
{
    const struct task about = {.kind = TASK_READ_ALL};

    return add_task(bucket, &about, NULL);
}

void bucket_noticed(struct bucket *bucket, const char *subject)
{
    const size_t prefix = strlen("$KV.") + strlen(bucket->name) + 1;

    if (strlen(subject) > prefix) {
        bucket_read(bucket, subject + prefix);
    }
}
