/* SPDX-License-Identifier: MIT */
/*
 * An init segment or a fragment of any content, as a camera's worker that was taken over may write it: what is found in it lies in it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "snapshot/movie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void require_inside(const uint8_t *part, size_t length, const uint8_t *data, size_t size)
{
    require(length > 0 && part >= data && length <= size && (size_t)(part - data) <= size - length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct movie movie;
    const uint8_t *sample;
    size_t length;

    if (movie_read(data, size, &movie) == 0) {
        require_inside(movie.config, movie.config_length, data, size);
        require(movie.shape_width > 0 && movie.shape_height > 0 && movie.rotation % 90 == 0 &&
                movie.rotation < 360);
    }
    if (movie_find_sample(data, size, &sample, &length) == 0) {
        require_inside(sample, length, data, size);
    }
    return 0;
}
