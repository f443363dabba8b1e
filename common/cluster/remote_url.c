/* SPDX-License-Identifier: MIT */
#include "common/cluster/remote_url.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/base/url.h"

#define SCHEME "ringcast://"
#define SCHEME_LENGTH (sizeof(SCHEME) - 1)

bool remote_url_is(const char *text)
{
    /* Without the slashes, too: it is to be refused for them, and not taken for another kind of url. */
    return strncasecmp(text, SCHEME, strlen("ringcast:")) == 0;
}

int remote_url_parse(struct remote_url *url, const char *text)
{
    char stream[SUBJECT_STREAM_MAX * URL_ENCODE_MAX + 1];

    *url = (struct remote_url){0};
    if (strncasecmp(text, SCHEME, SCHEME_LENGTH) != 0) {
        return -EINVAL;
    }
    const char *node = text + SCHEME_LENGTH;
    size_t length = strcspn(node, "/");
    if (node[length] != '/' || length > SUBJECT_NODE_MAX) {
        return -EINVAL;
    }
    memcpy(url->node, node, length);
    const char *name = node + length + 1;
    if (subject_check_node(url->node) < 0 || strlen(name) >= sizeof(stream) || strpbrk(name, "?#")) {
        return -EINVAL;
    }
    memcpy(stream, name, strlen(name) + 1);
    url_decode(stream);
    length = strlen(stream);
    if (length == 0 || length > SUBJECT_STREAM_MAX || !text_is_utf8(stream) || text_has_control(stream)) {
        return -EINVAL;
    }
    memcpy(url->stream, stream, length + 1);
    return 0;
}
