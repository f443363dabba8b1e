/* SPDX-License-Identifier: MIT */
/*
 * What the stand-ins for ringcast-ingest and ringcast-fanout share. They speak the channel protocol and
 * misbehave on command: by files in the directory $FAKE_DIR, and, for workers, by the path of the camera's
 * URL. Test programs only.
 */
#ifndef TESTS_PROCESS_SUPERVISOR_FAKE_PROGRAM_H
#define TESTS_PROCESS_SUPERVISOR_FAKE_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>

#include "common/ipc/channel.h"

/* True if the test has put a file NAME into $FAKE_DIR. */
bool fake_ordered(const char *name);

/* The same, and takes the file away: for what is to happen once. */
bool fake_ordered_once(const char *name);

/* Appends a line to file NAME in $FAKE_DIR. */
void fake_note(const char *name, const char *line);

/* Sends {"v":1,"type":TYPE} with the members of MEMBERS (consumed, may be NULL) on descriptor 3. */
void fake_send(const char *type, json_t *members);

/* Waits for a message on descriptor 3 for at most TIMEOUT_MS (-1: for ever). As channel_receive; -EAGAIN:
 * time-out. */
int fake_receive(struct channel_message *message, int timeout_ms);

/* Exits with code 90 unless exactly descriptors 0 to 3 are open, and nothing is blocked or ignored. */
void fake_check_inheritance(void);

#endif
