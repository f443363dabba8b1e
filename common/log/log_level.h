/* SPDX-License-Identifier: MIT */
/* How serious a log line is, and the names of the levels. Any process, any thread. */
#ifndef COMMON_LOG_LOG_LEVEL_H
#define COMMON_LOG_LOG_LEVEL_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* 0 and *level, or -EINVAL. Names: error, warning, info, debug. */
int log_level_from_name(const char *name, enum log_level *level);

/* The name of LEVEL; static. */
const char *log_level_name(enum log_level level);

#endif
