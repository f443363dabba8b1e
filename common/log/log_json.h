/*
 * Log lines as JSON objects, one a line: time (RFC 3339 with milliseconds, UTC), level, role, pid, camera,
 * state, message; a member that is not known is null. Nothing but ASCII and nothing that moves a terminal's
 * cursor. Part of the log: called with its lock taken.
 */
#ifndef COMMON_LOG_LOG_JSON_H
#define COMMON_LOG_LOG_JSON_H

#include "common/log/log_private.h"

/*
 * The line with its newline, in OUT (SIZE bytes); of a message that is too long, the end is cut off. Its
 * length; 0: out of memory, or it does not fit even without a message.
 */
size_t log_json_format(const struct log_entry *entry, char *out, size_t size);

#endif
