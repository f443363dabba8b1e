/*
 * A worker's task, from the `camera` message (docs/reference/control.md). Holds secrets. Owned by the worker.
 */
#ifndef INGEST_CAMERA_TASK_H
#define INGEST_CAMERA_TASK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "ingest/codec/transcoder.h"
#include "ingest/source/source.h"

struct camera {
    char *name;
    char *url;
    char *username; /* or NULL */
    char *password; /* or NULL */
    enum source_transport transport;
    bool audio;
    enum audio_codec audio_codec;
    bool show_damaged;
    bool tls_verify;
    char *tls_fingerprint; /* or NULL */
    bool allow_redirect;
    enum log_level log_level;
    size_t ring_size_max; /* largest ring that may be asked for; 0: the ring is as large as it will be */
    int ring;             /* descriptors, owned; -1 once taken */
    int wake;
};

/* Takes the message apart, and its descriptors. 0; -EBADMSG: not a complete camera message; -ENOMEM. */
int camera_read(struct channel_message *message, struct camera *camera);

/* Makes every credential of the camera known to the log, which then never shows it. */
void camera_hide_secrets(const struct camera *camera);

void camera_finish(struct camera *camera);

#endif
