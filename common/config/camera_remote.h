/* SPDX-License-Identifier: MIT */
/*
 * A camera of another node of the cluster: its URL is "ringcast://NODE/STREAM", where STREAM is the camera's name there, percent-encoded as in
 * any URL, with "/sub" behind it for the sub stream. Pure functions; any process, any thread.
 */
#ifndef COMMON_CONFIG_CAMERA_REMOTE_H
#define COMMON_CONFIG_CAMERA_REMOTE_H

#include <stdbool.h>

#include "common/cluster/subject.h"
#include "common/config/config.h"
#include "common/config/config_check.h"

struct camera_remote {
    char node[SUBJECT_NODE_MAX + 1];
    char stream[CONFIG_STREAM_NAME_MAX + 1]; /* "front" or "front/sub", decoded */
};

/* True if URL is that of a camera of another node, rightly written or not; NULL is none. */
bool camera_is_remote(const char *url);

/* Reads URL, of which camera_is_remote is true. False, and "what is wrong; what to do" in PROBLEM: it is written wrongly. */
bool camera_remote_read(const char *url, struct camera_remote *remote, char problem[CONFIG_PROBLEM_SIZE]);

#endif
