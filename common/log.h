/*
 * Log lines on standard error, for every process of ringcast:
 *   2026-11-23T06:31:13.123Z info ingest[front] 4711: connected
 * A line goes out in one write(2), so lines of several processes do not mix. Secrets that were made known
 * with log_add_secret, and the user information of any URL ("rtsp://user:pass@host"), never appear: both are
 * replaced by
 * "***" in every line's text, plain or percent-encoded. Control characters are escaped. A line longer than
 * PIPE_BUF is cut; one that cannot be written is lost. Call from any thread; errno is kept. SIGPIPE is to be
 * ignored by the process.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* ROLE: "supervisor", "ingest", … ; CAMERA: its name or NULL. Both are copied. May be called again (after
 * fork). */
void log_open(const char *role, const char *camera);

/* Frees what log_open and log_add_secret allocated. */
void log_close(void);

/* Lines above LEVEL are dropped. Default: info. */
void log_set_level(enum log_level level);
enum log_level log_level_now(void);

/*
 * Every line that is written goes to RECORDER too, whole, with its '\n', under the log's lock; NULL: to
 * nobody. Set it while no other thread logs.
 */
void log_set_recorder(void (*recorder)(const char *line, size_t length));

/* 0 and *level, or -EINVAL. Names: error, warning, info, debug. */
int log_level_from_name(const char *name, enum log_level *level);

/*
 * Never show this string, nor its percent-encoded form; one of less than four bytes: where it stands alone.
 * Empty strings and NULL are ignored. Copied.
 */
void log_add_secret(const char *secret);

/*
 * Replaces secrets and URL user information in TEXT, which holds SIZE bytes, in place; cuts what does not
 * fit. If TEXT fills its buffer it is taken to be cut, and what may be the beginning of a secret at its end
 * is replaced too.
 */
void log_redact(char *text, size_t size);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_writev(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
