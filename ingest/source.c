#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source_backend.h"
#include "source_url.h"

static const char *const schemes[] = {"rtsp", "rtsps", "http", "https", "rtmp"};

static bool is_supported(const char *scheme)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(scheme, schemes[i]) == 0)
            return true;
    return false;
}

int source_open(const struct source_options *options, struct source **source, char error[SOURCE_ERROR_SIZE])
{
    struct source_url url;
    int result = source_url_parse(options->url, &url);

    *source = NULL;
    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "the url is not of the form rtsp://host/path");
        return result == -EINVAL ? -ENOTSUP : result;
    }
    if (strcmp(url.scheme, "file") == 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "file: urls cannot be played: files are not paced to real time");
        result = -ENOTSUP;
    } else if (!is_supported(url.scheme)) {
        snprintf(error, SOURCE_ERROR_SIZE, "urls of this scheme are not supported; use rtsp:// or rtsps://");
        result = -ENOTSUP;
    } else if (strcmp(url.scheme, "rtsp") == 0 || strcmp(url.scheme, "rtsps") == 0) {
        result = source_rtsp_open(options, &url, source, error);
    } else {
        result = source_libav_open(options, &url, source, error);
    }
    source_url_finish(&url);
    return result;
}

const struct source_description *source_describe(const struct source *source)
{
    return &source->description;
}

int source_read(struct source *source, struct source_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    return source->operations->read(source, unit, error);
}

void source_statistics(const struct source *source, struct source_statistics *statistics)
{
    *statistics = (struct source_statistics){0};
    if (source->operations->statistics != NULL)
        source->operations->statistics(source, statistics);
}

void source_close(struct source *source)
{
    if (source != NULL)
        source->operations->close(source);
}
