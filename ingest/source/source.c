/* SPDX-License-Identifier: MIT */
#include "ingest/source/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/camera_url.h"
#include "ingest/source/source_backend.h"

static const char *const schemes[] = {"http", "https", "rtmp", "rtmps", "srt", "file"};

static bool is_supported(const char *scheme)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strcmp(scheme, schemes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_rtsp(const char *scheme)
{
    return strcmp(scheme, "rtsp") == 0 || strcmp(scheme, "rtsps") == 0;
}

/* "file:///path" or "file:/path" has no host, so camera_url_parse does not take it for a URL. */
static int parse(const char *text, struct camera_url *url)
{
    static const char prefix[] = "file:";
    size_t length = sizeof(prefix) - 1;

    if (strncasecmp(text, prefix, length) != 0) {
        return camera_url_parse(text, url);
    }
    const char *path = strncmp(text + length, "//", 2) == 0 ? text + length + 2 : text + length;
    if (path[0] != '/') {
        return -EINVAL;
    }
    *url = (struct camera_url){.scheme = strdup("file"), .host = strdup(""), .path = strdup(path)};
    if (url->scheme && url->host && url->path) {
        return 0;
    }
    camera_url_finish(url);
    return -ENOMEM;
}

int source_open(const struct source_options *options, struct source **source, char error[SOURCE_ERROR_SIZE])
{
    struct camera_url url;
    int result = parse(options->task->url, &url);

    *source = NULL;
    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "the url is not of the form rtsp://host/path or file:///path");
        return result == -EINVAL ? -ENOTSUP : result;
    }
    if (is_rtsp(url.scheme)) {
        result = source_rtsp_open(options, &url, source, error);
    } else if (is_supported(url.scheme)) {
        result = source_libav_open(options, &url, source, error);
    } else {
        snprintf(error, SOURCE_ERROR_SIZE, "urls of this scheme are not supported; use rtsp:// or rtsps://");
        result = -ENOTSUP;
    }
    camera_url_finish(&url);
    return result;
}

const struct media_description *source_describe(const struct source *source)
{
    return &source->description;
}

int source_read(struct source *source, struct media_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    return source->operations->read(source, unit, error);
}

bool source_ask_keyframe(struct source *source)
{
    return source->operations->ask_keyframe && source->operations->ask_keyframe(source);
}

void source_statistics(const struct source *source, struct source_statistics *statistics)
{
    *statistics = (struct source_statistics){0};
    if (source->operations->statistics) {
        source->operations->statistics(source, statistics);
    }
}

void source_close(struct source *source)
{
    if (source) {
        source->operations->close(source);
    }
}
