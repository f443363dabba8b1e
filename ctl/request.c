/* SPDX-License-Identifier: MIT */
#include "ctl/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/status_table.h"

/* Digits of a number: 0.00025 is printed as such, and a time since 1970 keeps its microseconds. */
#define REAL_DIGITS 16

/* Bytes of an escaped line. */
#define LINE_SIZE 4096

enum exit_code request_print_json(const json_t *message, size_t flags)
{
    char *text = json_dumps(message, flags | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(REAL_DIGITS));

    if (!text) {
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == 0x7f) {
            fputs("\\u007f", stdout);
        } else {
            putchar(*at);
        }
    }
    putchar('\n');
    free(text);
    return EXIT_CODE_OK;
}

/* Prints the errors of a configuration, one line each, but not the message that is REPORTED already. */
static void print_errors(const json_t *error, const char *reported)
{
    size_t index;
    json_t *line;

    json_array_foreach(json_object_get(error, "errors"), index, line) {
        if (json_is_string(line) && strcmp(json_string_value(line), reported) != 0) {
            client_complain("%s", json_string_value(line));
        }
    }
}

enum exit_code request_print(const struct options *options, const json_t *reply,
                             void (*print)(const json_t *reply))
{
    if (options->json) {
        return request_print_json(reply, JSON_INDENT(2));
    }
    if (print) {
        print(reply);
    }
    return EXIT_CODE_OK;
}

void request_print_strings(const char *prefix, const json_t *list)
{
    char escaped[LINE_SIZE];
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item) {
        text_escape(escaped, sizeof(escaped), json_is_string(item) ? json_string_value(item) : "?");
        printf("%s%s\n", prefix, escaped);
    }
}

enum exit_code request_refused(const struct options *options, const json_t *error)
{
    if (options->json) {
        request_print_json(error, JSON_INDENT(2));
    }
    const char *message = message_string(error, "message", message_string(error, "code", "unknown error"));
    client_complain("%s", message);
    print_errors(error, message);
    return EXIT_CODE_FAILED;
}

enum exit_code request_malformed(const char *problem)
{
    client_complain("malformed reply: %s", problem);
    return EXIT_CODE_FAILED;
}

enum exit_code request_ask(struct client *client, const struct options *options, json_t *request,
                           const char *type, json_t **reply)
{
    enum exit_code code = client_ask(client, request, reply);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (message_is(*reply, "error")) {
        return request_refused(options, *reply);
    }
    if (!message_is(*reply, type)) {
        client_complain("malformed reply: its type is not \"%s\"", type);
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}

enum exit_code request_ok(struct client *client, const struct options *options, json_t *request)
{
    json_t *reply = NULL;
    enum exit_code code = request_ask(client, options, request, "ok", &reply);
    const char *failed = code == EXIT_CODE_OK ? message_string(reply, "failed", NULL) : NULL;

    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, NULL);
    }
    if (failed) {
        client_complain("the camera is configured but has failed, and will be tried again: %s", failed);
        code = EXIT_CODE_FAILED;
    }
    json_decref(reply);
    return code;
}

enum exit_code request_status_of(struct client *client, const struct options *options, const char *camera,
                                 json_t **status)
{
    json_t *request = camera ? request_for_camera("status", camera) : message_new("status");

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = request_ask(client, options, request, "status", status);
    const char *problem = code == EXIT_CODE_OK ? status_table_check(*status) : NULL;
    return problem ? request_malformed(problem) : code;
}

enum exit_code request_status(struct client *client, const struct options *options, json_t **status)
{
    return request_status_of(client, options, NULL, status);
}

json_t *request_for_camera(const char *type, const char *camera)
{
    json_t *request = message_new(type);

    /* A name that is not UTF-8 can neither be a camera's nor stand in JSON. */
    if (json_object_set_new(request, "camera", json_string(camera)) == 0) {
        return request;
    }
    json_decref(request);
    client_complain("the camera's name is not UTF-8");
    return NULL;
}

const json_t *request_find_camera(const json_t *status, const char *name)
{
    size_t index;
    json_t *camera;

    json_array_foreach(json_object_get(status, "cameras"), index, camera) {
        if (strcmp(message_string(camera, "name", ""), name) == 0) {
            return camera;
        }
    }
    return NULL;
}
