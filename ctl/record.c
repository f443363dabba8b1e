/* SPDX-License-Identifier: MIT */
#include "ctl/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/follow.h"
#include "ctl/request.h"
#include "ctl/shift_timestamps.h"

/* Seconds without a picture after which a recording ends. */
#define RECORD_TIMEOUT 30

/* Bytes of a file's name. */
#define FILE_NAME_SIZE 4096

struct recording {
    const struct options *options;
    char stem[FILE_NAME_SIZE]; /* the name without ".mp4" */
    char name[FILE_NAME_SIZE + 32];
    unsigned files;
    int fd; /* -1: no file yet */
    struct shift_timestamps shift;
    double seconds; /* recorded so far */
    uint64_t fragments, bytes;
    time_t shown; /* when the progress was last printed */
    enum exit_code code;
};

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

static bool tap(const uint8_t *data, size_t size, enum exit_code *code)
{
    int result = write_all(STDOUT_FILENO, data, size);

    if (result < 0 && result != -EPIPE) {
        client_complain("standard output: %s", strerror(-result));
        *code = EXIT_CODE_FAILED;
    }
    return result == 0;
}

static bool tap_init(void *context, const uint8_t *data, size_t size)
{
    return tap(data, size, context);
}

static bool tap_fragment(void *context, uint8_t *data, size_t size, const ringcast_entry *entry,
                         const ringcast_generation *generation)
{
    (void)entry;
    (void)generation;
    return tap(data, size, context);
}

enum exit_code record_tap(const struct options *options, const char *url)
{
    enum exit_code failed = EXIT_CODE_OK;
    struct follow_handlers handlers = {.init = tap_init, .fragment = tap_fragment, .context = &failed};

    if (isatty(STDOUT_FILENO)) {
        client_complain("tap writes MP4; send it to a program or a file: ringcastctl tap %s | ffplay -",
                        options->arguments[0]);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = follow_camera(url, options, options->arguments[0], options->timeout, &handlers);
    return failed != EXIT_CODE_OK ? failed : code;
}

static bool fail(struct recording *recording, int error)
{
    client_complain("%s: %s", recording->name, strerror(error));
    recording->code = EXIT_CODE_FAILED;
    return false;
}

static bool put(struct recording *recording, const uint8_t *data, size_t size)
{
    int result = write_all(recording->fd, data, size);

    recording->bytes += size;
    return result == 0 || fail(recording, -result);
}

static bool close_file(struct recording *recording)
{
    int fd = recording->fd;

    recording->fd = -1;
    return fd < 0 || close(fd) == 0 || fail(recording, errno);
}

static bool write_init(void *context, const uint8_t *data, size_t size)
{
    struct recording *recording = context;

    if (!close_file(recording)) {
        return false;
    }
    recording->files++;
    if (recording->files == 1) {
        snprintf(recording->name, sizeof(recording->name), "%s.mp4", recording->stem);
    } else {
        snprintf(recording->name, sizeof(recording->name), "%s-%u.mp4", recording->stem, recording->files);
    }
    recording->fd = open(recording->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (recording->fd < 0) {
        return fail(recording, errno);
    }
    shift_timestamps_init(&recording->shift, data, size);
    return put(recording, data, size);
}

static void print_progress(struct recording *recording)
{
    time_t now = time(NULL);

    if (now == recording->shown || !isatty(STDERR_FILENO)) {
        return;
    }
    recording->shown = now;
    fprintf(stderr, "\r%s: %.0f s, %.1f MB ", recording->name, recording->seconds,
            (double)recording->bytes / 1e6);
}

static bool write_fragment(void *context, uint8_t *data, size_t size, const ringcast_entry *entry,
                           const ringcast_generation *generation)
{
    struct recording *recording = context;
    double limit = recording->options->seconds;

    shift_timestamps_fragment(&recording->shift, data, size);
    if (!put(recording, data, size)) {
        return false;
    }
    recording->fragments++;
    recording->seconds += (double)entry->duration / generation->timescale;
    print_progress(recording);
    return limit <= 0 || recording->seconds < limit;
}

/*
 * What --output says, or CAMERA-20261123T093000.mp4 in the working directory, for a sub stream CAMERA-sub-….
 */
static void choose_name(struct recording *recording)
{
    const char *output = recording->options->output;
    char stamp[32];
    struct tm local;
    time_t now = time(NULL);

    if (output) {
        size_t length = strlen(output);
        bool suffixed = length > 4 && strcmp(output + length - 4, ".mp4") == 0;
        snprintf(recording->stem, sizeof(recording->stem), "%.*s", (int)(suffixed ? length - 4 : length),
                 output);
        return;
    }
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", localtime_r(&now, &local));
    snprintf(recording->stem, sizeof(recording->stem), "%s-%s", recording->options->arguments[0], stamp);
    for (char *slash = strchr(recording->stem, '/'); slash; slash = strchr(slash, '/')) {
        *slash = '-';
    }
}

static enum exit_code summarize(const struct recording *recording)
{
    if (isatty(STDERR_FILENO) && recording->shown != 0) {
        fputc('\n', stderr);
    }
    if (recording->fragments == 0) {
        client_complain("nothing was recorded");
        return EXIT_CODE_FAILED;
    }
    if (!recording->options->json) { /* a file's name need not be UTF-8, which JSON is */
        printf("%s: %.1f s, %" PRIu64 " bytes\n", recording->name, recording->seconds, recording->bytes);
        return EXIT_CODE_OK;
    }
    json_t *summary = json_pack("{s:s, s:i, s:f, s:I, s:I}", "file", recording->name, "files",
                                (int)recording->files, "seconds", recording->seconds, "fragments",
                                (json_int_t)recording->fragments, "bytes", (json_int_t)recording->bytes);
    enum exit_code code = request_print_json(summary, JSON_INDENT(2));
    json_decref(summary);
    return code;
}

enum exit_code record_file(const struct options *options, const char *url)
{
    struct recording *recording = calloc(1, sizeof(*recording));
    double timeout = options->timeout > 0 ? options->timeout : RECORD_TIMEOUT;

    if (!recording) {
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    recording->options = options;
    recording->fd = -1;
    choose_name(recording);
    struct follow_handlers handlers = {.init = write_init, .fragment = write_fragment, .context = recording};
    enum exit_code code = follow_camera(url, options, options->arguments[0], timeout, &handlers);
    close_file(recording);
    if (recording->code != EXIT_CODE_OK) {
        code = recording->code;
    }
    if (code == EXIT_CODE_OK) {
        code = summarize(recording);
    }
    free(recording);
    return code;
}
