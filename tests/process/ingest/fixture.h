/* SPDX-License-Identifier: MIT */
/*
 * Plays ringcastd's part towards ringcast-ingest: the fork_server and workers in processes of their own,
 * channels, rings. Every wait is for a condition and bounded.
 */
#ifndef TESTS_PROCESS_INGEST_FIXTURE_H
#define TESTS_PROCESS_INGEST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "common/ring/ring_create.h"
#include "common/ring/ringcast.h"

struct fork_server_process {
    pid_t pid;
    int channel;
    int log; /* descriptor of the file that its and its workers' standard error goes to */
};

struct worker_process {
    pid_t pid; /* 0: gone */
    int channel;
    struct ring_descriptors ring;
    int wake;
    ringcast_reader *reader;
};

int64_t fixture_now_ms(void);

/* Starts `ringcast-ingest --fork-server` and waits for `ready`. */
void fork_server_start(struct fork_server_process *fork_server);

/* Closes the channel and waits for the end, which must be clean. Fails if the log holds the CANARY (may be
 * NULL). */
void fork_server_stop(struct fork_server_process *fork_server, const char *canary);

/* What has been logged so far; to be freed. */
char *fork_server_log(const struct fork_server_process *fork_server);

/* A ring of CAPACITY bytes and a worker for it, waiting for its `camera` message. */
void worker_spawn(struct fork_server_process *fork_server, struct worker_process *worker, size_t capacity);

/* Another worker for the ring that WORKER had. */
void worker_respawn(struct fork_server_process *fork_server, struct worker_process *worker);

/* Sends `camera`. USERNAME and PASSWORD may be NULL. */
void worker_send_camera(struct worker_process *worker, const char *url, const char *username,
                        const char *password);

/* The same; they are not to be tried for WAIT_MS. */
void worker_send_held(struct worker_process *worker, const char *url, const char *password, int wait_ms);

/* The same without credentials, with this audio_codec. */
void worker_send_camera_audio(struct worker_process *worker, const char *url, const char *audio_codec);

/* Waits for the next message of TYPE whose member NAME, if any, is the string VALUE; others are discarded.
 * Owned by the caller. */
json_t *worker_wait_message(struct worker_process *worker, const char *type, const char *name,
                            const char *value);

/* Waits for the worker's end; returns its exit status and fails if a signal killed it. */
int worker_wait_end(struct worker_process *worker);

/* Ends the worker if it still runs, which must be clean, and lets go of its ring. */
void worker_finish(struct worker_process *worker);

/* Reads the next fragment of the ring into BUFFER, waiting for it. */
void worker_read_fragment(struct worker_process *worker, ringcast_cursor *cursor, void *buffer, size_t size,
                          ringcast_entry *entry);

/* Waits for a keyframe and puts CURSOR on the newest one. */
void worker_seek(struct worker_process *worker, ringcast_cursor *cursor);

/* A message as it should not be: raw bytes on a channel. */
void fixture_send_raw(int channel, const void *data, size_t size);

#endif
