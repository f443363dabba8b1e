/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target on files, without libFuzzer: replay FILE-OR-DIRECTORY... Each input lies in a block of
 * its exact size, so that AddressSanitizer sees one byte too many. A crash names the file that was being run.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static int replay_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    int result = -1;

    if (data && file && fread(data, 1, size, file) == size) {
        fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(data, size);
        result = 1;
    } else {
        perror(path);
    }
    if (file) {
        fclose(file);
    }
    free(data);
    return result;
}

static int replay_directory(const char *path);

/* How many inputs were run, or -1. */
static int replay(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        perror(path);
        return -1;
    }
    return S_ISDIR(status.st_mode) ? replay_directory(path) : replay_file(path, (size_t)status.st_size);
}

static int replay_directory(const char *path)
{
    struct dirent **entries;
    int total = 0;
    int count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char inner[4096];
        if (entries[i]->d_name[0] != '.' && total >= 0) {
            int length = snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
            int result = length < (int)sizeof(inner) ? replay(inner) : -1;
            total = result < 0 ? -1 : total + result;
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return count < 0 ? -1 : total;
}

int main(int argc, char **argv)
{
    int total = 0;

    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int result = replay(argv[i]);
        if (result < 0) {
            return EXIT_FAILURE;
        }
        total += result;
    }
    fprintf(stderr, "%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* a corpus that is not there is no success */
}
