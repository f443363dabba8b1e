/* SPDX-License-Identifier: MIT */
/*
 * The journal's native protocol: a datagram for each line, with fields that say what the line is about. Part of the
 * log: called with its lock taken, but for log_journal_is.
 *
 * libsystemd's sd_journal_sendv would not do: it opens its descriptor when it is first used, and keeps it in a variable
 * of its own. A worker closes every descriptor that it did not open, this one included; and in a sandbox no socket can be
 * made. So the log makes and connects a socket of its own, before the sandbox is entered.
 */
#ifndef COMMON_LOG_LOG_JOURNAL_H
#define COMMON_LOG_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/log/log_form.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* True if FD is a stream to the journal: the one that JOURNAL_STREAM in the environment describes. */
bool log_journal_is(int fd);

/* A socket, close-on-exec, connected to PATH; or negative errno. */
int log_journal_open(const char *path);

/* Writes the datagram to OUT (SIZE bytes). Returns its length; 0: it does not fit. */
size_t log_journal_format(const struct log_entry *entry, char *out, size_t size);

/* 0; or negative errno: the journal did not take it. Never waits. */
int log_journal_send(int fd, const struct log_entry *entry);

#endif
