/* SPDX-License-Identifier: MIT */
/*
 * Documents that are too large for a message, or secret: a memory file whose descriptor goes with the message. It is sealed, so
 * what was written is what every process reads. Any process, any thread.
 */
#ifndef COMMON_IPC_MEMORY_FILE_H
#define COMMON_IPC_MEMORY_FILE_H

#include <jansson.h>
#include <stddef.h>

/* Bytes of the largest document that is read. */
#define MEMORY_FILE_MAX 8388608u

/*
 * A memory file with LENGTH bytes of DATA, which no process can change any more; NAME is what /proc shows. The descriptor, which
 * the caller closes and other processes may get, or negative errno.
 */
int memory_file_seal(const char *name, const void *data, size_t length);

/* The same with DOCUMENT in JSON; the text is wiped from this process's memory. */
int memory_file_seal_json(const char *name, const json_t *document);

/*
 * The document in memory file FD, which stays the caller's and need not be at its beginning; the text is wiped from this
 * process's memory. NULL: it is not JSON, not an object, larger than MEMORY_FILE_MAX, or there is no memory. A new reference.
 */
json_t *memory_file_read_json(int fd);

#endif
