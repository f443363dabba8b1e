/*
 * What the parts of the log (log*.c) are to each other. Everything here is called with the log's lock taken,
 * from any thread; the lock's own functions excepted.
 */
#ifndef COMMON_LOG_LOG_PRIVATE_H
#define COMMON_LOG_LOG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/log/log.h"
#include "common/log/log_limit.h"

/* Bytes of a camera's state, such as "streaming", with its NUL. */
#define LOG_STATE_SIZE 16

/* Bytes of "2026-11-23T06:31:13.123Z" with its NUL. */
#define LOG_TIME_SIZE 25

/* A line before it has a form. */
struct log_entry {
    enum log_level level;
    struct timespec time; /* of CLOCK_REALTIME */
    int pid;
    const char *role;
    const char *camera;  /* whose process this is; NULL: nobody's */
    const char *about;   /* the camera that the line is about; NULL: none */
    const char *state;   /* of that camera; NULL: not known */
    const char *message; /* redacted; may hold newlines and anything else */
};

void log_lock(void);
void log_unlock(void);

/* log.c: RFC 3339, in UTC. */
void log_format_time(const struct timespec *time, char out[LOG_TIME_SIZE]);

/* log_redact.c: writes TEXT to OUT (SIZE > 0 bytes); CUT: it went on, but was cut there. */
void log_redact_text(const char *text, bool cut, char *out, size_t size);
void log_forget_secrets(void);

/* A camera that lines are about. */
struct log_subject {
    struct log_subject *next;
    char *camera;
    char state[LOG_STATE_SIZE]; /* "": not known */
    struct log_limit limit;
};

/* log_subject.c: one is made when it is first asked for. NULL: out of memory. */
struct log_subject *log_subject_find(const char *camera, uint64_t now_ms);
struct log_subject *log_subject_first(void);

/* Frees those that nothing is known of: their limit is as that of a new one. */
void log_subject_sweep(uint64_t now_ms);
void log_subject_forget_all(void);

#endif
