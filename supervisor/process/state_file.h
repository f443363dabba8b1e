/* SPDX-License-Identifier: MIT */
/*
 * A file of JSON in the state directory that ringcastd keeps over restarts: private (mode 0600), replaced as
 * a whole or not at all, and put aside when it cannot be understood. Owned by what keeps something in it;
 * supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_STATE_FILE_H
#define SUPERVISOR_PROCESS_STATE_FILE_H

#include <jansson.h>
#include <stdbool.h>

struct state_file;

/*
 * The file NAME in DIRECTORY; nothing is made yet. 0; -EPERM: the directory is another user's or can be
 * written by others; -ENOTDIR, both logged; -ENOMEM.
 */
int state_file_create(const char *directory, const char *name, struct state_file **state);

/*
 * The same, whoever owns the directory: for a look at what another user's ringcastd would read, as `sudo ringcastd --check` takes.
 * 0 or -ENOMEM.
 */
int state_file_name(const char *directory, const char *name, struct state_file **state);

/* Frees STATE; the file itself stays. NULL is allowed. */
void state_file_destroy(struct state_file *state);

/* The path, for messages. */
const char *state_file_path(const struct state_file *state);

/*
 * The contents, which the caller frees. NULL: *PROBLEM says why they cannot be read, or is NULL: there is no
 * file.
 */
json_t *state_file_load(const struct state_file *state, const char **problem);

/*
 * Renames a file that cannot be understood, and logs the PROBLEM and WHAT follows from it ("… is ignored").
 */
void state_file_put_aside(const struct state_file *state, const char *what, const char *problem);

/*
 * Makes BODY (borrowed) what is in the file. DURABLE: it is on the disk when this returns, which may take as
 * long as the disk is busy; otherwise it outlives every process, but perhaps not a power cut. 0, or negative
 * errno and the file is as it was.
 */
int state_file_replace(const struct state_file *state, const json_t *body, bool durable);

#endif
