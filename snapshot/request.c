/* SPDX-License-Identifier: MIT */
#include "snapshot/request.h"

#include <string.h>

static bool read_width(const char *text, unsigned *width)
{
    size_t length = strlen(text);

    *width = 0;
    if (length == 0 || length > 4 || strspn(text, "0123456789") != length) {
        return false;
    }
    for (; *text != '\0'; text++) {
        *width = *width * 10 + (unsigned)(*text - '0');
    }
    return *width >= REQUEST_WIDTH_MIN && *width <= REQUEST_WIDTH_MAX;
}

static bool read_switch(const char *text, bool *on)
{
    *on = text[0] == '\0' || strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    return *on || strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
}

const char *request_read(const json_t *query, struct request *request)
{
    const char *width = json_string_value(json_object_get(query, "width"));
    const char *fresh = json_string_value(json_object_get(query, "fresh"));

    *request = (struct request){0};
    if (width && !read_width(width, &request->width)) {
        return "width must be a number of pixels from 16 to 8192";
    }
    if (fresh && !read_switch(fresh, &request->fresh)) {
        return "fresh must be 1, 0, true, false, or without a value";
    }
    return NULL;
}
