/* SPDX-License-Identifier: MIT */
/*
 * The url of a camera that another node of the cluster fetches: "ringcast://NODE/STREAM", as "ringcast://a/front" or "ringcast://a/front/sub".
 * STREAM is a stream's name there, percent-encoded where it has to be. It holds no secret. Pure functions: any process, any thread.
 */
#ifndef COMMON_CLUSTER_REMOTE_URL_H
#define COMMON_CLUSTER_REMOTE_URL_H

#include <stdbool.h>

#include "common/cluster/subject.h"

struct remote_url {
    char node[SUBJECT_NODE_MAX + 1];
    char stream[SUBJECT_STREAM_MAX + 1]; /* decoded */
};

/* Whether TEXT has this scheme, in any case of its letters. */
bool remote_url_is(const char *text);

/* 0; -EINVAL: not such a url, a node that cannot be one, no stream, or one that is too long or has control characters. */
int remote_url_parse(struct remote_url *url, const char *text);

#endif
