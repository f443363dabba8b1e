/* SPDX-License-Identifier: MIT */
/*
 * Files with keys and certificates, which ringcastd reads and others must not change. Supervisor's main thread, and
 * `ringcastd --check`.
 */
#ifndef SUPERVISOR_HELPERS_KEY_FILE_H
#define SUPERVISOR_HELPERS_KEY_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Bytes of "what is wrong; what to do", with the NUL. */
#define KEY_FILE_PROBLEM_SIZE 256

struct key_file {
    char *text; /* a NUL behind it */
    size_t length;
};

/*
 * Reads PATH, whose mode must have no bit of FORBIDDEN. 0: *file is to be given to key_file_finish. -EINVAL: PROBLEM says why
 * it cannot be used.
 */
int key_file_read(const char *path, mode_t forbidden, struct key_file *file,
                  char problem[KEY_FILE_PROBLEM_SIZE]);

/* Overwrites it first. */
void key_file_finish(struct key_file *file);

#endif
