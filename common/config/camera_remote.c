/* SPDX-License-Identifier: MIT */
#include "common/config/camera_remote.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/base/url.h"

static const char scheme[] = "ringcast://";

bool camera_is_remote(const char *url)
{
    return url && strncasecmp(url, scheme, sizeof(scheme) - 1) == 0;
}

static bool refuse(char problem[CONFIG_PROBLEM_SIZE], const char *why)
{
    snprintf(problem, CONFIG_PROBLEM_SIZE, "%s", why);
    return false;
}

/* LENGTH bytes at TEXT into NAME of SIZE bytes, decoded. False: no camera is called so. */
static bool take_name(const char *text, size_t length, char *name, size_t size)
{
    char copy[CONFIG_CAMERA_NAME_MAX * URL_ENCODE_MAX + 1], why[CONFIG_PROBLEM_SIZE];

    if (length == 0 || length >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    url_decode(copy);
    return strlen(copy) <= CONFIG_CAMERA_NAME_MAX && text_is_utf8(copy) && config_check_name(copy, why) &&
           snprintf(name, size, "%s", copy) < (int)size;
}

bool camera_remote_read(const char *url, struct camera_remote *remote, char problem[CONFIG_PROBLEM_SIZE])
{
    char why[CONFIG_PROBLEM_SIZE];
    const char *node = url + sizeof(scheme) - 1;
    size_t node_length = strcspn(node, "/?#");
    const char *stream = node + node_length + (node[node_length] == '/');
    size_t length = strcspn(stream, "/");

    *remote = (struct camera_remote){0};
    if (memchr(node, '@', node_length)) {
        return refuse(problem, "no user name and password is needed for a camera of another node; take them "
                               "out, and write \"ringcast://node/camera\"");
    }
    if (node_length > 0 && node_length <= SUBJECT_NODE_MAX) {
        memcpy(remote->node, node, node_length);
    }
    if (remote->node[0] == '\0' || !config_check_node(remote->node, why)) {
        return refuse(problem, "no node is called so; write \"ringcast://node/camera\", with the name that "
                               "cluster.node has there");
    }
    if (node[node_length] != '/' || strpbrk(stream, "?#") ||
        !take_name(stream, length, remote->stream, sizeof(remote->stream)) ||
        (stream[length] == '/' && strcmp(stream + length, CONFIG_SUB_SUFFIX) != 0)) {
        return refuse(problem, "no camera is called so; write \"ringcast://node/camera\" with the camera's "
                               "name there, percent-encoded, and \"/sub\" behind it for its sub stream");
    }
    strncat(remote->stream, stream + length, sizeof(remote->stream) - strlen(remote->stream) - 1);
    return true;
}
