/* SPDX-License-Identifier: MIT */
/* How the pages look besides their own files, as ringcastd sends it in the message `http`. ringcast-fanout's only thread. */
#ifndef FANOUT_BRAND_H
#define FANOUT_BRAND_H

#include <jansson.h>

#include "fanout/http/assets.h"

struct brand_part {
    char *text; /* NULL: no document has come */
    size_t length;
    char etag[ASSET_ETAG_SIZE];
};

struct brand {
    struct brand_part about; /* {"title", "logo"}, each a string or null, as JSON */
    struct brand_part style; /* a style sheet; may be empty */
};

/* Takes DOCUMENT (not consumed; NULL: nothing special). 0 or -ENOMEM: then BRAND is as it was. */
int brand_set(struct brand *brand, const json_t *document);

void brand_finish(struct brand *brand);

#endif
