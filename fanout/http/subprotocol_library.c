/* SPDX-License-Identifier: MIT */
/*
 * In front of the library's function (ld.so(8): the program's symbols come before those of its libraries). In a file of its
 * own, so that a test with functions of its own in place of the library's can leave it out.
 */
#include <dlfcn.h>
#include <string.h>

#include "fanout/http/subprotocol.h"

typedef int hdr_copy(struct lws *wsi, char *destination, int length, enum lws_token_indexes token);

static int library_copy(struct lws *wsi, char *destination, int length, enum lws_token_indexes token)
{
    static hdr_copy *copy;

    if (!copy) {
        void *symbol = dlsym(RTLD_NEXT, "lws_hdr_copy");
        memcpy(&copy, &symbol, sizeof(copy)); /* POSIX, dlsym: ISO C has no conversion for this */
    }
    if (!copy) {
        destination[0] = '\0';
        return -1;
    }
    return copy(wsi, destination, length, token);
}

int lws_hdr_copy(struct lws *wsi, char *destination, int length, enum lws_token_indexes token)
{
    const char *name = NULL;

    if (token == WSI_TOKEN_PROTOCOL && lws_hdr_total_length(wsi, token) > 0) {
        name = subprotocol_choose(wsi);
    }
    if (!name || length <= (int)strlen(name)) {
        return library_copy(wsi, destination, length, token);
    }
    memcpy(destination, name, strlen(name) + 1);
    return (int)strlen(name);
}
