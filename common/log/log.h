/* SPDX-License-Identifier: MIT */
/*
 * Log lines, for every process of ringcast. On standard error, plainly:
 *   2026-11-23T06:31:13.123Z info ingest[front] 4711: connected
 * or as JSON (log_form.h), or in the journal with fields (log_journal.h); a line that the journal does not take
 * goes plainly to standard error. A line goes out in one write(2), so lines of several processes do not mix.
 * No process waits for its log: lines that cannot be written at once wait in a small buffer; when it is full,
 * lines are lost and counted (log_output.h). Secrets that were made known with log_add_secret, and the user information of any
 * URL ("rtsp://user:pass@host"), never appear in any form: both are replaced by "***" in every line's text,
 * plain or percent-encoded. Control characters are escaped. A line on standard error is cut at
 * PIPE_BUF bytes. Lines about a camera are limited in number (log_limit.h). Any thread may call; errno is
 * kept. The process must ignore SIGPIPE.
 */
#ifndef COMMON_LOG_LOG_H
#define COMMON_LOG_LOG_H

#include <stddef.h>

#include "common/log/log_level.h"

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_PLAIN, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

/* ROLE: "supervisor", "ingest", …; CAMERA: the name of the camera that the process is for, or NULL. Both are copied.
 * May be called again, as after fork(2). */
void log_open(const char *role, const char *camera);

/*
 * Makes standard error an open file description that only ringcast has, if it is a pipe or a terminal, so that
 * it can be non-blocking without that being seen by a shell or another program that writes there. For ringcastd,
 * before it starts any process; its children inherit it.
 */
void log_detach(void);

/* Logs how many lines were left out, frees all that the log has allocated, and makes the format plain again. */
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

/* The log's own descriptor, which code that closes all descriptors must leave open; -1: the log has none. */
int log_descriptor(void);

/* Lines above LEVEL are dropped. Default: info. */
void log_set_level(enum log_level level);
enum log_level log_level_now(void);

/*
 * From now on RECORDER gets every line, too, also the lines that the log leaves out: plain, whole, with its '\n', and
 * under the log's lock. NULL: there is no recorder. Set it while no other thread logs.
 */
void log_set_recorder(void (*recorder)(const char *line, size_t length));

/*
 * From now on no line shows SECRET or its percent-encoded form; a secret of less than four bytes is hidden only where it
 * stands alone. The empty string and NULL are ignored. SECRET is copied.
 */
void log_add_secret(const char *secret);

/*
 * Replaces secrets and URL user information in TEXT, which holds SIZE bytes, in place; cuts what does not
 * fit. A TEXT that fills its buffer counts as cut, so what may be the beginning of a secret at its end is
 * replaced, too.
 */
void log_redact(char *text, size_t size);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A line about CAMERA, from a process that has several cameras: it counts towards that camera's limit and shows that
 * camera's state. NULL: as log_write. In a process for one camera (log_open) every line is about that camera.
 */
void log_camera(enum log_level level, const char *camera, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* From now on lines about CAMERA show STATE, which is copied. NULL: the state is not known (any more). */
void log_set_state(const char *camera, const char *state);

/*
 * Writes what could not be written before, and logs how many lines were left out or lost as soon as there is room for
 * that. Each process calls it in its regular turn.
 */
void log_settle(void);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
