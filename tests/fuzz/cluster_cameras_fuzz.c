/* SPDX-License-Identifier: MIT */
/*
 * What a node reads from the cluster's bucket. An input is read as it is, without and with the key; and its two lines, the second one sealed with the key
 * first, as only who has it can write them. What is opened must be fit for a configuration to read, and sealing it again must give the same.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/config/cluster_cameras.h"
#include "common/config/config.h"
#include "common/config/config_source.h"

#define NODE                                                                                                 \
    "runtime_dir = \"/run/x\"; state_dir = \"/var/x\"; cluster = { node = \"b\"; nats = ( "                  \
    "\"nats://127.0.0.1\" ); };\n"                                                                           \
    "cameras = ( { name = \"own\"; url = \"rtsp://10.0.0.9/\"; } );\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CLUSTER_KEY_SIZE] = {1, 2, 3};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* As a node does: it is either a configuration, or refused with at least one error. */
static void interpret(const json_t *cameras)
{
    char path[64], *errors = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&errors, &length);
    int fd = memfd_create("config", MFD_CLOEXEC);

    require(out && fd >= 0 && write(fd, NODE, strlen(NODE)) == (ssize_t)strlen(NODE));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config_source *source = config_read_source(path, out);
    require(source != NULL);
    struct config *config = config_interpret(source, path, cameras, NULL, out);
    fclose(out);
    require(config ? length == 0 : length > 0);
    require(!config || config->camera_count >= 1 + json_object_size(cameras));
    config_free(config);
    config_source_destroy(source);
    log_close(); /* forgets the secrets of this input */
    free(errors);
    close(fd);
}

static void seal_again(const struct cluster_cameras *document)
{
    struct cluster_cameras again;
    char *text = NULL;

    if (cluster_cameras_seal(document, "site", key, &text) == -EMSGSIZE) {
        return;
    }
    require(text && cluster_cameras_open(&again, text, strlen(text), "site", "b", key) == 0);
    require(again.version == document->version && again.time == document->time &&
            json_equal(again.cameras, document->cameras));
    cluster_cameras_finish(&again);
    free(text);
}

static void open_text(const char *text, size_t size, const uint8_t *with)
{
    struct cluster_cameras document;
    int result = cluster_cameras_open(&document, text, size, "site", "b", with);

    require(result == 0 || result == -EBADMSG || (with && result == -EKEYREJECTED));
    require((result == 0) == (document.cameras != NULL));
    if (result == 0) {
        require(document.version >= 1 && document.by && document.node);
        interpret(document.cameras);
        if (with) {
            seal_again(&document);
        }
    }
    cluster_cameras_finish(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size ? size : 1); /* of exactly its size */
    const char *end = memchr(data, '\n', size);

    require(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    open_text(text, size, NULL);
    open_text(text, size, key);
    free(text);
    if (end) { /* both lines as JSON of cameras */
        json_t *cameras = json_loadb((const char *)data, size, JSON_DISABLE_EOF_CHECK, NULL);
        const struct cluster_cameras document = {
            .version = 1, .by = (char *)"x", .node = (char *)"a", .cameras = cameras};
        if (json_is_object(cameras) && cluster_cameras_seal(&document, "site", key, &text) == 0) {
            open_text(text, strlen(text), key);
            open_text(text, strlen(text), NULL);
            free(text);
        }
        json_decref(cameras);
    }
    return 0;
}
