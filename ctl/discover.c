/* SPDX-License-Identifier: MIT */
#include "ctl/discover.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/ipc/message.h"
#include "common/sandbox/sandbox.h"
#include "ctl/camera_draft.h"
#include "ctl/client.h"
#include "ctl/discovery.h"
#include "ctl/interrupt.h"
#include "ctl/password.h"
#include "ctl/request.h"

/* Seconds for everything, unless --timeout says otherwise. */
#define DISCOVER_SECONDS 30

/* As the configuration takes them. */
#define USERNAME_MAX 256

/* The user that sandbox_configure takes if none is named, and the one that stands in for it. */
#define RINGCAST_USER "ringcast"
#define NOBODY "nobody"

static bool check_username(const char *username)
{
    if (username && (username[0] == '\0' || strlen(username) > USERNAME_MAX || !text_is_utf8(username) ||
                     text_has_control(username))) {
        client_complain("--user: 1 to %d bytes of UTF-8 without control characters", USERNAME_MAX);
        return false;
    }
    return true;
}

/* As whom the processes run that read what devices answer, if root asks: ringcast's user, if there is one. */
static void confine(void)
{
    sandbox_configure(SANDBOX_ON, NOBODY);
    if (getpwnam(RINGCAST_USER)) {
        sandbox_configure(SANDBOX_ON, NULL);
    }
}

/* The file for the configuration: a new one, since it has a password. NULL: reported. */
static FILE *open_output(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!file) {
        client_complain("%s: %s", path, strerror(errno));
    }
    return file;
}

static enum exit_code print_json(const json_t *devices, const json_t *cameras)
{
    json_t *list = json_array(), *camera;
    size_t index;

    json_array_foreach(cameras, index, camera) {
        const json_t *sub = json_object_get(camera, "sub");
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:o}", "name", message_string(camera, "name", ""), "device",
                      message_string(camera, "device", ""), "url",
                      message_string(json_object_get(camera, "main"), "uri", ""), "sub",
                      json_is_object(sub) ? message_text(message_string(sub, "uri", "")) : json_null()));
    }
    json_t *result =
        json_pack("{s:i, s:s, s:O, s:o}", "v", 1, "type", "discover", "devices", devices, "cameras", list);
    enum exit_code code = request_print_json(result, JSON_INDENT(1));
    json_decref(result);
    return code;
}

static enum exit_code print_configuration(const struct options *options, const json_t *devices,
                                          const json_t *cameras, const char *password)
{
    FILE *out = options->output ? open_output(options->output) : stdout;

    if (!out) {
        return EXIT_CODE_FAILED;
    }
    camera_draft_print(cameras, devices, options->user, password, out);
    if (options->output && fclose(out) != 0) {
        client_complain("%s: %s", options->output, strerror(errno));
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}

static enum exit_code print(const struct options *options, const json_t *devices, const char *password)
{
    json_t *cameras = camera_draft(devices);
    size_t count = json_array_size(cameras);
    enum exit_code code = options->json ? print_json(devices, cameras)
                          : json_array_size(devices) > 0
                              ? print_configuration(options, devices, cameras, password)
                              : EXIT_CODE_OK;

    json_decref(cameras);
    if (code != EXIT_CODE_OK || count > 0) {
        return code;
    }
    if (json_array_size(devices) > 0) {
        return EXIT_CODE_FOUND;
    }
    client_complain(
        "no camera has answered; is ONVIF switched on in the cameras, and are they in this network? One that "
        "is in "
        "another is asked with --address; one without ONVIF has its address in docs/guide/cameras.md");
    return EXIT_CODE_TIMEOUT;
}

enum exit_code discover_cameras(const struct options *options)
{
    char password[PASSWORD_SIZE] = "";
    json_t *devices = NULL;
    struct discovery discovery = {
        .address = options->address,
        .interface = options->interface,
        .username = options->user,
        .password = options->user ? password : NULL,
        .ms = (uint64_t)((options->timeout > 0 ? options->timeout : DISCOVER_SECONDS) * MS_PER_SECOND),
        .silent = options->json,
    };

    if (!check_username(options->user)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code =
        options->user ? password_read_known(options, options->user, password) : EXIT_CODE_OK;
    if (code == EXIT_CODE_OK) {
        confine();
        interrupt_catch();
        code = discovery_run(&discovery, &devices);
    }
    if (code == EXIT_CODE_OK) {
        code = print(options, devices, password);
    }
    json_decref(devices);
    secret_wipe(password, sizeof(password));
    return code;
}
