/* SPDX-License-Identifier: MIT */
/*
 * This node's part in a cluster (`cluster` in the configuration): what ringcast-relay is told of it, that it runs as long as there is one, and
 * that the workers of other nodes' cameras are connected with it. Supervisor's main thread, and `ringcastd --check`.
 */
#ifndef SUPERVISOR_CLUSTER_H
#define SUPERVISOR_CLUSTER_H

#include <jansson.h>

#include "common/config/config.h"
#include "common/ipc/channel.h"

/* Bytes of what is wrong, with the NUL. */
#define CLUSTER_WHY_SIZE 1024

struct camera;
struct supervisor;

/*
 * Reads the files that CONFIG names; secrets are made known to the log. 0: *SETTINGS, which is the caller's, is the member `cluster` of messages
 * to ringcast-relay (docs/reference/control.md); NULL: there is no cluster. -EINVAL: WHY says "FILE:LINE: FIELD: what is wrong; what to do";
 * -ENOMEM likewise.
 */
int cluster_read(const struct config *config, json_t **settings, char why[CLUSTER_WHY_SIZE]);

/* At the start. 0 or negative errno, logged. */
int cluster_open(struct supervisor *supervisor);
void cluster_close(struct supervisor *supervisor);

/* Starts ringcast-relay, or ends one that was taken over and is not needed any more. */
void cluster_start(struct supervisor *supervisor);

/* ringcast-relay ends, and no other one follows: the other nodes learn that this one is gone. */
void cluster_end(struct supervisor *supervisor);

/* ringcast-relay has said MESSAGE. */
void cluster_said(struct supervisor *supervisor, const struct channel_message *message);

/* Sends MESSAGE (consumed; NULL: no memory) to ringcast-relay, if it runs. */
void cluster_tell(const struct supervisor *supervisor, json_t *message);

/* The same with the descriptor FD, which stays the caller's. 0; negative errno: it does not run. */
int cluster_send(const struct supervisor *supervisor, json_t *message, int fd);

/* A reload: as cluster_read, and the program must be there. Nothing has changed. */
int cluster_prepare(const struct supervisor *supervisor, const struct config *next, json_t **settings,
                    char why[CLUSTER_WHY_SIZE]);

/* From now on SETTINGS (consumed) count: ringcast-relay is told if they are others, started or ended. */
void cluster_use(struct supervisor *supervisor, json_t *settings);

/* Adds what ringcast-relay is to know to MESSAGE. */
void cluster_describe(const struct supervisor *supervisor, json_t *message);

/* For the status: the cluster's name and this node's, or null. A new reference. */
json_t *cluster_status(const struct supervisor *supervisor);

/* ringcast-relay has ended. */
void cluster_gone(struct supervisor *supervisor);

/* The replies to the commands `cluster` and `cluster-drain` (docs/reference/control.md); an error if there is no cluster. New references. */
json_t *cluster_answer(const struct supervisor *supervisor, const char *camera);
json_t *cluster_answer_drain(struct supervisor *supervisor, const json_t *request);

/* The worker of CAMERA, one of another node, asks for a connection with ringcast-relay. Without one it gets no answer, and asks again. */
void cluster_attach(struct supervisor *supervisor, struct camera *camera);

#endif
