/*
 * The journal's native protocol: a datagram for each line, with a field for what it is about. Part of the
 * log: called with its lock taken, but for log_journal_is.
 *
 * Not libsystemd's sd_journal_sendv: it keeps its descriptor in a variable of its own and opens it when it is
 * first used. A worker closes what it did not open, and would pull that descriptor away under the library;
 * and no socket can be made in a sandbox. So the socket is made and connected before, and is the log's own.
 */
#ifndef COMMON_LOG_LOG_JOURNAL_H
#define COMMON_LOG_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/log/log_form.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* True if FD is what JOURNAL_STREAM of the environment says it is: a stream to the journal. */
bool log_journal_is(int fd);

/* A socket, close-on-exec, connected to PATH; or negative errno. */
int log_journal_open(const char *path);

/* The datagram in OUT (SIZE bytes); its length, 0: it does not fit. */
size_t log_journal_format(const struct log_entry *entry, char *out, size_t size);

/* 0; or negative errno: the journal did not take it. Never waits. */
int log_journal_send(int fd, const struct log_entry *entry);

#endif
