/*
 * One lock guards everything: the secrets, the buffers, the limits, and through them the order format →
 * redact → escape → write. The form that goes out is made of what is redacted already, whichever it is.
 */
#include "common/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/log/log_journal.h"
#include "common/log/log_json.h"
#include "common/log/log_private.h"

/* A line in bytes, with its newline: what the kernel writes to a pipe in one piece. */
#define LINE_MAX_BYTES PIPE_BUF

/* Text in bytes before redaction: leaves room for long secrets to become short. */
#define TEXT_MAX_BYTES (4 * PIPE_BUF)

/* Turns come as often as the process has something to do; this is often enough for whoever reads. */
#define SETTLE_MS 250

/* What ringcastd tells its children of the form. */
#define FORMAT_VARIABLE "RINGCAST_LOG_FORMAT"

/* Where the journal listens, if not at its usual place. */
#define JOURNAL_VARIABLE "RINGCAST_JOURNAL_SOCKET"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_handlers_once = PTHREAD_ONCE_INIT;
static _Atomic int threshold = LOG_LEVEL_INFO;

static void (*recorder)(const char *line, size_t length); /* NULL: none */
static char *own_role;                                    /* NULL: the program's name */
static char *own_camera;                                  /* NULL: the process is nobody's */
static enum log_format form = LOG_FORMAT_PLAIN;
static int journal = -1;

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static const char *const format_names[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_PLAIN] = "plain",
    [LOG_FORMAT_JSON] = "json",
    [LOG_FORMAT_JOURNAL] = "journal",
};

void log_lock(void)
{
    pthread_mutex_lock(&lock);
}

void log_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

/* A child forked while another thread writes a line must not find the lock taken by a thread that it has not
 * got. */
static void register_fork_handlers(void)
{
    pthread_atfork(log_lock, log_unlock, log_unlock);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void log_open(const char *role, const char *camera)
{
    char *role_copy = strdup(role);
    char *camera_copy = camera == NULL ? NULL : strdup(camera);

    pthread_once(&fork_handlers_once, register_fork_handlers);
    log_lock();
    free(own_role);
    free(own_camera);
    own_role = role_copy;
    own_camera = camera_copy;
    log_unlock();
}

static void settle(uint64_t now, bool end);

void log_close(void)
{
    log_lock();
    settle(now_ms(), true);
    log_subject_forget_all();
    log_forget_secrets();
    free(own_role);
    free(own_camera);
    own_role = NULL;
    own_camera = NULL;
    if (journal >= 0) {
        close(journal);
    }
    journal = -1;
    form = LOG_FORMAT_PLAIN;
    log_unlock();
}

/* --- The form ------------------------------------------------------------------------------------------- */

static int set_form(enum log_format format)
{
    const char *path = getenv(JOURNAL_VARIABLE);
    int error = 0;

    log_lock();
    form = format;
    if (format == LOG_FORMAT_JOURNAL && journal < 0) {
        journal = log_journal_open(path != NULL && path[0] != '\0' ? path : LOG_JOURNAL_SOCKET);
        error = journal < 0 ? journal : 0;
    }
    log_unlock();
    return error;
}

enum log_format log_format_for(enum log_format format, int fd)
{
    if (format != LOG_FORMAT_AUTO) {
        return format;
    }
    return log_journal_is(fd) ? LOG_FORMAT_JOURNAL : LOG_FORMAT_PLAIN;
}

int log_set_format(enum log_format format)
{
    return set_form(log_format_for(format, STDERR_FILENO));
}

int log_tell_format(enum log_format format)
{
    return setenv(FORMAT_VARIABLE, format_names[format], 1) < 0 ? -errno : 0;
}

void log_follow_format(void)
{
    const char *given = getenv(FORMAT_VARIABLE);

    for (size_t i = 0; given != NULL && i < sizeof(format_names) / sizeof(format_names[0]); i++) {
        if (strcmp(given, format_names[i]) == 0) {
            log_set_format((enum log_format)i);
        }
    }
}

int log_descriptor(void)
{
    return journal;
}

/* --- Levels and states ---------------------------------------------------------------------------------- */

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_level_from_name(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_set_state(const char *camera, const char *state)
{
    log_lock();
    struct log_subject *subject = log_subject_find(camera, now_ms());
    if (subject != NULL) {
        snprintf(subject->state, sizeof(subject->state), "%s", state == NULL ? "" : state);
    }
    log_unlock();
}

/* --- Lines ---------------------------------------------------------------------------------------------- */

void log_format_time(const struct timespec *time, char out[LOG_TIME_SIZE])
{
    struct tm utc;

    gmtime_r(&time->tv_sec, &utc);
    size_t used = strftime(out, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, LOG_TIME_SIZE - used, ".%03uZ", (unsigned)(time->tv_nsec / 1000000) % 1000u);
}

/* Returns the length of the line, with its newline. */
static size_t format_plain(const struct log_entry *entry, char *line, size_t size)
{
    char time[LOG_TIME_SIZE];
    char source[256];
    char name[sizeof(source) * TEXT_ESCAPE_MAX];

    log_format_time(&entry->time, time);
    snprintf(source, sizeof(source), entry->camera != NULL ? "%s[%s]" : "%s", entry->role, entry->camera);
    text_escape(name, sizeof(name), source);
    size_t used =
        (size_t)snprintf(line, size, "%s %s %s %d: ", time, level_names[entry->level], name, entry->pid);
    used += text_escape(line + used, size - used - 1, entry->message);
    line[used++] = '\n';
    return used;
}

void log_set_recorder(void (*function)(const char *line, size_t length))
{
    log_lock();
    recorder = function;
    log_unlock();
}

/* A line that cannot be written is lost: there is nowhere to say so. */
static void write_line(const char *line, size_t length)
{
    ssize_t written;

    do {
        written = write(STDERR_FILENO, line, length);
    } while (written < 0 && errno == EINTR);
}

/* PLAIN is for where the wanted form cannot be had. */
static void write_formed(const struct log_entry *entry, const char *plain, size_t length)
{
    static char json[LINE_MAX_BYTES];
    size_t json_length = 0;

    if (form == LOG_FORMAT_JOURNAL && log_journal_send(journal, entry) == 0) {
        return;
    }
    if (form == LOG_FORMAT_JSON) {
        json_length = log_json_format(entry, json, sizeof(json));
    }
    if (json_length > 0) {
        write_line(json, json_length);
    } else {
        write_line(plain, length);
    }
}

/* LEFT_OUT: the recorder alone gets it. SUBJECT may be NULL. */
static void put(enum log_level level, const char *about, const struct log_subject *subject,
                const char *message, bool left_out)
{
    static char plain[LINE_MAX_BYTES];
    struct log_entry entry = {.level = level,
                              .pid = (int)getpid(),
                              .role = own_role != NULL ? own_role : program_invocation_short_name,
                              .camera = own_camera,
                              .about = about,
                              .state = subject == NULL || subject->state[0] == '\0' ? NULL : subject->state,
                              .message = message};

    clock_gettime(CLOCK_REALTIME, &entry.time);
    size_t length = format_plain(&entry, plain, sizeof(plain));
    if (!left_out) {
        write_formed(&entry, plain, length);
    }
    if (recorder != NULL) {
        recorder(plain, length);
    }
}

static void tell_left_out(struct log_subject *subject, uint64_t now, bool end)
{
    uint64_t left_out = log_limit_tell(&subject->limit, now, end);
    bool own = own_camera != NULL && strcmp(own_camera, subject->camera) == 0;
    char message[256];

    if (left_out == 0) {
        return;
    }
    snprintf(message, sizeof(message), "%s%.128s%s%" PRIu64 " line%s left out", own ? "" : "camera ",
             own ? "" : subject->camera, own ? "" : ": ", left_out, left_out == 1 ? "" : "s");
    put(LOG_LEVEL_WARNING, subject->camera, subject, message, false);
}

static void settle(uint64_t now, bool end)
{
    for (struct log_subject *subject = log_subject_first(); subject != NULL; subject = subject->next) {
        tell_left_out(subject, now, end);
    }
    log_subject_sweep(now);
}

void log_settle(void)
{
    static _Atomic uint64_t settled_ms;
    int saved_errno = errno;
    uint64_t now = now_ms();

    if (now - atomic_load_explicit(&settled_ms, memory_order_relaxed) >= SETTLE_MS) {
        atomic_store_explicit(&settled_ms, now, memory_order_relaxed);
        log_lock();
        settle(now, false);
        log_unlock();
    }
    errno = saved_errno;
}

/* ABOUT: NULL: no camera. */
static void write_about(enum log_level level, const char *about, const char *text, bool cut)
{
    static char redacted[TEXT_MAX_BYTES];
    uint64_t now = now_ms();
    struct log_subject *subject = about == NULL ? NULL : log_subject_find(about, now);

    log_redact_text(text, cut, redacted, sizeof(redacted));
    if (subject != NULL) {
        tell_left_out(subject, now, false);
    }
    put(level, about, subject, redacted, subject != NULL && !log_limit_take(&subject->limit, level, now));
}

static void write_arguments(enum log_level level, const char *about, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void write_arguments(enum log_level level, const char *about, const char *format, va_list arguments)
{
    static char text[TEXT_MAX_BYTES];
    int saved_errno = errno;

    if (level > log_level_now()) {
        return;
    }
    log_lock();
    errno = saved_errno; /* for %m */
    int length = vsnprintf(text, sizeof(text), format, arguments);
    if (length >= 0) {
        write_about(level, about != NULL ? about : own_camera, text, (size_t)length >= sizeof(text));
    }
    explicit_bzero(text, sizeof(text));
    log_unlock();
    errno = saved_errno;
}

void log_writev(enum log_level level, const char *format, va_list arguments)
{
    write_arguments(level, NULL, format, arguments);
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_arguments(level, NULL, format, arguments);
    va_end(arguments);
}

void log_camera(enum log_level level, const char *camera, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_arguments(level, camera, format, arguments);
    va_end(arguments);
}
