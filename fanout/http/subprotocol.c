/* SPDX-License-Identifier: MIT */
#include "fanout/http/subprotocol.h"

#include <stdlib.h>
#include <string.h>

#include "fanout/http/http_request.h"

bool subprotocol_list_has(const char *text, const char *name)
{
    static const char separators[] = ", \t";
    size_t wanted = strlen(name);

    for (const char *element = text + strspn(text, separators); *element;
         element += strspn(element, separators)) {
        size_t length = strcspn(element, separators);
        if (length == wanted && memcmp(element, name, length) == 0) {
            return true;
        }
        element += length;
    }
    return false;
}

static bool offers(struct lws *wsi, const char *name)
{
    char *list = http_request_header_text(wsi, WSI_TOKEN_PROTOCOL, ",");
    bool has = list && subprotocol_list_has(list, name);

    free(list);
    return has;
}

const char *subprotocol_choose(struct lws *wsi)
{
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0) {
        return SUBPROTOCOL_NAME;
    }
    if (offers(wsi, SUBPROTOCOL_BUNDLE)) {
        return SUBPROTOCOL_BUNDLE;
    }
    return offers(wsi, SUBPROTOCOL_NAME) ? SUBPROTOCOL_NAME : NULL;
}

bool subprotocol_wants_reasons(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0 &&
           (offers(wsi, SUBPROTOCOL_BUNDLE) || offers(wsi, SUBPROTOCOL_REASONS));
}
