/* SPDX-License-Identifier: MIT */
#include "common/ipc/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/secret.h"

int memory_file_seal(const char *name, const void *data, size_t length)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return -errno;
    }
    if (pwrite(fd, data, length, 0) != (ssize_t)length ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

int memory_file_seal_json(const char *name, const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);

    if (!text) {
        return -ENOMEM;
    }
    int fd = memory_file_seal(name, text, strlen(text));
    secret_free(text);
    return fd;
}

static json_t *read_text(int fd, size_t length)
{
    char *text = malloc(length);
    json_t *document = NULL;

    if (text && pread(fd, text, length, 0) == (ssize_t)length) {
        document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    }
    if (text) {
        secret_wipe(text, length);
    }
    free(text);
    return document;
}

json_t *memory_file_read_json(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        status.st_size > (off_t)MEMORY_FILE_MAX) {
        return NULL;
    }
    json_t *document = read_text(fd, (size_t)status.st_size);
    if (document && !json_is_object(document)) {
        json_decref(document);
        return NULL;
    }
    return document;
}
