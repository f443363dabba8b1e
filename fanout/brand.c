/* SPDX-License-Identifier: MIT */
#include "fanout/brand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/ipc/message.h"

/* TEXT is malloc'ed. */
static void set_part(struct brand_part *part, char *text)
{
    free(part->text);
    part->text = text;
    part->length = strlen(text);
    snprintf(part->etag, sizeof(part->etag), "\"%016" PRIx64 "\"", hash_add(HASH_START, text, part->length));
}

int brand_set(struct brand *brand, const json_t *document)
{
    const char *title = message_string(document, "title", NULL),
               *logo = message_string(document, "logo", NULL);
    json_t *about = json_pack("{s:s?, s:s?}", "title", title, "logo", logo);
    char *text = about ? json_dumps(about, JSON_COMPACT) : NULL;
    char *style = strdup(message_string(document, "style", ""));

    json_decref(about);
    if (!text || !style) {
        free(text);
        free(style);
        return -ENOMEM;
    }
    set_part(&brand->about, text);
    set_part(&brand->style, style);
    return 0;
}

void brand_finish(struct brand *brand)
{
    free(brand->about.text);
    free(brand->style.text);
    *brand = (struct brand){0};
}
