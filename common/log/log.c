/* SPDX-License-Identifier: MIT */
/*
 * One lock guards everything: the secrets, the buffers and the limits. The order is format, redact, escape,
 * write: every form that goes out is made of text that is redacted already.
 */
#include "common/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/log/log_form.h"
#include "common/log/log_journal.h"
#include "common/log/log_output.h"
#include "common/log/log_redact.h"
#include "common/log/log_subject.h"

/* A line in bytes, with its newline: what the kernel writes to a pipe in one piece. */
#define LINE_MAX_BYTES PIPE_BUF

/* Text in bytes before redaction: leaves room for long secrets to become short. */
#define TEXT_MAX_BYTES (4 * PIPE_BUF)

/* A process settles at each of its turns; this is often enough for a reader. */
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
static char *own_camera;                                  /* NULL: the process is not a camera's */
static enum log_format form = LOG_FORMAT_PLAIN;
static int journal = -1;

static const char *const format_names[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_PLAIN] = "plain",
    [LOG_FORMAT_JSON] = "json",
    [LOG_FORMAT_JOURNAL] = "journal",
};

static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void release_lock(void)
{
    pthread_mutex_unlock(&lock);
}

static void release_lock_in_child(void)
{
    log_output_forget();
    pthread_mutex_unlock(&lock);
}

/* Without this a child that is forked while another thread writes a line would find the lock taken for ever. */
static void register_fork_handlers(void)
{
    pthread_atfork(take_lock, release_lock, release_lock_in_child);
}

void log_detach(void)
{
    log_output_detach();
}

void log_open(const char *role, const char *camera)
{
    char *role_copy = strdup(role);
    char *camera_copy = !camera ? NULL : strdup(camera);

    pthread_once(&fork_handlers_once, register_fork_handlers);
    take_lock();
    free(own_role);
    free(own_camera);
    own_role = role_copy;
    own_camera = camera_copy;
    release_lock();
}

static void settle(uint64_t now, bool end);

void log_close(void)
{
    take_lock();
    log_output_finish();
    settle(clock_now_ms(), true);
    log_output_finish();
    log_subject_forget_all();
    log_redact_forget();
    free(own_role);
    free(own_camera);
    own_role = NULL;
    own_camera = NULL;
    if (journal >= 0) {
        close(journal);
    }
    journal = -1;
    form = LOG_FORMAT_PLAIN;
    release_lock();
}

/* --- The form ------------------------------------------------------------------------------------------- */

static int set_form(enum log_format format)
{
    const char *path = getenv(JOURNAL_VARIABLE);
    int result = 0;

    take_lock();
    form = format;
    if (format == LOG_FORMAT_JOURNAL && journal < 0) {
        journal = log_journal_open(path && path[0] != '\0' ? path : LOG_JOURNAL_SOCKET);
        result = journal < 0 ? journal : 0;
    }
    release_lock();
    return result;
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

    for (size_t i = 0; given && i < sizeof(format_names) / sizeof(format_names[0]); i++) {
        if (strcmp(given, format_names[i]) == 0) {
            log_set_format((enum log_format)i);
        }
    }
}

int log_descriptor(void)
{
    return journal;
}

/* --- The level ---------------------------------------------------------------------------------- */

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* --- Secrets -------------------------------------------------------------------------------------------- */

void log_add_secret(const char *secret)
{
    take_lock();
    log_redact_add(secret);
    release_lock();
}

void log_redact(char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    size_t length = strnlen(text, size);
    char *copy = strndup(text, length);
    if (!copy) {
        text[0] = '\0';
        return;
    }
    take_lock();
    log_redact_text(copy, length + 1 >= size, text, size);
    release_lock();
    secret_wipe(copy, length);
    free(copy);
}

void log_set_state(const char *camera, const char *state)
{
    take_lock();
    struct log_subject *subject = log_subject_find(camera, clock_now_ms());
    if (subject) {
        snprintf(subject->state, sizeof(subject->state), "%s", !state ? "" : state);
    }
    release_lock();
}

/* --- Lines ---------------------------------------------------------------------------------------------- */

void log_set_recorder(void (*function)(const char *line, size_t length))
{
    take_lock();
    recorder = function;
    release_lock();
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
        json_length = log_form_json(entry, json, sizeof(json));
    }
    if (json_length > 0) {
        log_output_write(json, json_length);
    } else {
        log_output_write(plain, length);
    }
}

/* LEFT_OUT: the recorder alone gets it. SUBJECT may be NULL. */
static void put(enum log_level level, const char *about, const struct log_subject *subject,
                const char *message, bool left_out)
{
    static char plain[LINE_MAX_BYTES];
    struct log_entry entry = {.level = level,
                              .wall_ns = clock_wall_ns(),
                              .pid = (int)getpid(),
                              .role = own_role ? own_role : program_invocation_short_name,
                              .camera = own_camera,
                              .about = about,
                              .state = !subject || subject->state[0] == '\0' ? NULL : subject->state,
                              .message = message};

    size_t length = log_form_plain(&entry, plain, sizeof(plain));
    if (!left_out) {
        write_formed(&entry, plain, length);
    }
    if (recorder) {
        recorder(plain, length);
    }
}

static void tell_left_out(struct log_subject *subject, uint64_t now, bool end)
{
    uint64_t left_out = log_limit_tell(&subject->limit, now, end);
    bool own = own_camera && strcmp(own_camera, subject->camera) == 0;
    char message[256];

    if (left_out == 0) {
        return;
    }
    snprintf(message, sizeof(message), "%s%.128s%s%" PRIu64 " line%s left out", own ? "" : "camera ",
             own ? "" : subject->camera, own ? "" : ": ", left_out, left_out == 1 ? "" : "s");
    put(LOG_LEVEL_WARNING, subject->camera, subject, message, false);
}

static void tell_lost(void)
{
    uint64_t lost = log_output_settle();
    char message[128];

    if (lost > 0) {
        snprintf(message, sizeof(message), "%" PRIu64 " log line%s lost, because nothing read standard error",
                 lost, lost == 1 ? " was" : "s were");
        put(LOG_LEVEL_WARNING, NULL, NULL, message, false);
    }
}

static void settle(uint64_t now, bool end)
{
    for (struct log_subject *subject = log_subject_first(); subject; subject = subject->next) {
        tell_left_out(subject, now, end);
    }
    log_subject_sweep(now);
    tell_lost();
}

void log_settle(void)
{
    static _Atomic uint64_t settled_ms;
    int saved_errno = errno;
    uint64_t now = clock_now_ms();

    if (now - atomic_load_explicit(&settled_ms, memory_order_relaxed) >= SETTLE_MS) {
        atomic_store_explicit(&settled_ms, now, memory_order_relaxed);
        take_lock();
        settle(now, false);
        release_lock();
    }
    errno = saved_errno;
}

/* ABOUT: NULL: no camera. */
static void write_about(enum log_level level, const char *about, const char *text, bool cut)
{
    static char redacted[TEXT_MAX_BYTES];
    uint64_t now = clock_now_ms();
    struct log_subject *subject = !about ? NULL : log_subject_find(about, now);

    log_redact_text(text, cut, redacted, sizeof(redacted));
    if (subject) {
        tell_left_out(subject, now, false);
    }
    put(level, about, subject, redacted, subject && !log_limit_take(&subject->limit, level, now));
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
    take_lock();
    errno = saved_errno; /* for %m */
    int length = vsnprintf(text, sizeof(text), format, arguments);
    if (length >= 0) {
        write_about(level, about ? about : own_camera, text, (size_t)length >= sizeof(text));
    }
    secret_wipe(text, sizeof(text));
    release_lock();
    errno = saved_errno;
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
