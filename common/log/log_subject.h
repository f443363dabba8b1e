/* SPDX-License-Identifier: MIT */
/*
 * What the log knows of each camera that it has lines about: its state, and how many lines it may still have.
 * Part of the log: called with its lock taken.
 */
#ifndef COMMON_LOG_LOG_SUBJECT_H
#define COMMON_LOG_LOG_SUBJECT_H

#include <stdint.h>

#include "common/log/log_limit.h"

/* Bytes of a camera's state, such as "streaming", with its NUL. */
#define LOG_STATE_SIZE 16

struct log_subject {
    struct log_subject *next;
    char *camera;
    char state[LOG_STATE_SIZE]; /* "": not known */
    struct log_limit limit;
};

/* The subject of CAMERA, which is made with the first call. NULL: out of memory. */
struct log_subject *log_subject_find(const char *camera, uint64_t now_ms);
struct log_subject *log_subject_first(void);

/* Frees the subjects that hold nothing: no state is known, and the limit is as that of a new subject. */
void log_subject_sweep(uint64_t now_ms);
void log_subject_forget_all(void);

#endif
