/*
 * Log lines, for every process of ringcast. On standard error, plainly:
 *   2026-11-23T06:31:13.123Z info ingest[front] 4711: connected
 * or as JSON (log_form.h), or in the journal with fields (log_journal.h); a line that the journal does not take
 * goes plainly to standard error. A line goes out in one write(2), so lines of several processes do not mix.
 * No process waits for its log: lines that nothing reads wait in a small buffer, and are lost and counted
 * after that (log_output.h). Secrets that were made known with log_add_secret, and the user information of any
 * URL ("rtsp://user:pass@host"), never appear in any form: both are replaced by "***" in every line's text,
 * plain or percent-encoded. Control characters are escaped. A line on standard error that is longer than
 * PIPE_BUF is cut. Lines about a camera are limited in number (log_limit.h). Call from any thread; errno is
 * kept. SIGPIPE is to be ignored by the process.
 */
#ifndef COMMON_LOG_LOG_H
#define COMMON_LOG_LOG_H

#include <stddef.h>

#include "common/log/log_level.h"

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_PLAIN, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

/* ROLE: "supervisor", "ingest", … ; CAMERA: its name or NULL. Both are copied. May be called again (after
 * fork). */
void log_open(const char *role, const char *camera);

/*
 * Makes standard error an open file description that only ringcast has, if it is a pipe or a terminal, so that
 * it can be non-blocking without that being seen by a shell or another program that writes there. For ringcastd,
 * before it starts any process; its children inherit it.
 */
void log_detach(void);

/* Tells what was left out; frees what all of these allocated; the format is plain again. */
void log_close(void);

/*
 * Auto: the journal if FD is a stream to it (JOURNAL_STREAM, systemd.exec(5)), else plain. Any other format
 * is returned as it is.
 */
enum log_format log_format_for(enum log_format format, int fd);

/*
 * The format of this process's lines from now on. Before the sandbox is entered: the journal's socket is made
 * here. 0; or negative errno: the journal cannot be reached, and the lines go plainly to standard error.
 */
int log_set_format(enum log_format format);

/*
 * How the format comes from ringcastd to its children: log_tell_format puts it into the environment
 * (RINGCAST_LOG_FORMAT), log_follow_format is log_set_format with what is there. 0 or negative errno.
 */
int log_tell_format(enum log_format format);
void log_follow_format(void);

/* The descriptor that whoever closes descriptors must leave open; -1: none. */
int log_descriptor(void);

/* Lines above LEVEL are dropped. Default: info. */
void log_set_level(enum log_level level);
enum log_level log_level_now(void);

/*
 * Every line goes to RECORDER too, plain and whole, with its '\n', under the log's lock, those that are left
 * out of the log as well; NULL: to nobody. Set it while no other thread logs.
 */
void log_set_recorder(void (*recorder)(const char *line, size_t length));

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

/*
 * A line about CAMERA, from a process that has several: its limit counts the line, its state is shown with
 * it. NULL: as log_write. A process that was opened with a camera's name has all its lines about that.
 */
void log_camera(enum log_level level, const char *camera, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* CAMERA's state in lines from now on; copied. NULL: not known (any more). */
void log_set_state(const char *camera, const char *state);

/*
 * Writes what could not be written before, and tells how many lines were left out or lost where there is room
 * again. To be called from each process's regular turn.
 */
void log_settle(void);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
