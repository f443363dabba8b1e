/* SPDX-License-Identifier: MIT */
#include "ctl/viewers.h"

#include <stdio.h>

#include "common/ipc/message.h"
#include "ctl/request.h"
#include "ctl/table.h"

/* Most pages of one list: more viewers than any machine serves. It bounds a reply that never ends. */
#define PAGES_MAX 10000

static const struct table_column columns[] = {
    {"ID", false, table_write_text, "id"},
    {"CAMERA", false, table_write_text, "camera"},
    {"ADDRESS", false, table_write_text, "address"},
    {"USER", false, table_write_text, "user"},
    {"WAY", false, table_write_text, "way"},
    {"STATE", false, table_write_text, "state"},
    {"FOR", true, table_write_span, "since_s"},
    {"SENT", true, table_write_bytes, "sent_bytes"},
    {"BUFFERED", true, table_write_bytes, "buffered_bytes"},
    {"DROPPED", true, table_write_count, "dropped"},
    {"RTT", true, table_write_ms, "rtt_ms"},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static json_t *page_request(const struct options *options, json_t *from)
{
    json_t *request = options->argument_count > 0 ? request_for_camera("viewers", options->arguments[0])
                                                  : message_new("viewers");

    if (request && from) {
        json_object_set(request, "from", from);
    }
    return request;
}

/* Appends the viewers of all pages to VIEWERS, and the fan-outs that did not answer to MISSING. */
static enum exit_code gather(struct client *client, const struct options *options, json_t *viewers,
                             json_t *missing)
{
    enum exit_code code = EXIT_CODE_OK;
    json_t *from = NULL;

    for (int page = 0; page < PAGES_MAX && code == EXIT_CODE_OK; page++) {
        json_t *reply = NULL;
        json_t *request = page_request(options, from);
        json_decref(from);
        from = NULL;
        if (!request) {
            return EXIT_CODE_USAGE;
        }
        code = request_ask(client, options, request, "viewers", &reply);
        if (code == EXIT_CODE_OK) {
            json_array_extend(viewers, json_object_get(reply, "viewers"));
            json_array_extend(missing, json_object_get(reply, "missing"));
            from = json_incref(json_object_get(reply, "next"));
        }
        json_decref(reply);
        if (!json_is_object(from)) {
            break;
        }
    }
    json_decref(from);
    return code;
}

/* Reports which fan-outs did not answer; EXIT_CODE_TIMEOUT if there is one. */
static enum exit_code report_missing(const json_t *missing)
{
    size_t index;
    json_t *fanout;

    json_array_foreach(missing, index, fanout) {
        client_complain("fan-out %" JSON_INTEGER_FORMAT " did not answer: its viewers are left out",
                        json_integer_value(fanout));
    }
    return json_array_size(missing) > 0 ? EXIT_CODE_TIMEOUT : EXIT_CODE_OK;
}

static void print_viewers(const json_t *list)
{
    table_print(columns, COLUMN_COUNT, json_object_get(list, "viewers"), stdout);
}

enum exit_code viewers_list(struct client *client, const struct options *options)
{
    json_t *list = json_pack("{s:[], s:[]}", "viewers", "missing");
    json_t *viewers = json_object_get(list, "viewers"), *missing = json_object_get(list, "missing");
    enum exit_code code = gather(client, options, viewers, missing);

    if (code == EXIT_CODE_OK) {
        code = request_print(options, list, print_viewers);
    }
    if (code == EXIT_CODE_OK) {
        code = report_missing(missing);
    }
    json_decref(list);
    return code;
}

/* Either for the viewer whose id is given or for all viewers of --camera. NULL: wrong usage, reported. */
static json_t *kick_request(const struct options *options)
{
    if (options->camera_count + (size_t)options->argument_count != 1) {
        client_complain(
            "kick takes the id of a viewer, or --camera and a name; \"ringcastctl viewers\" lists the ids");
        return NULL;
    }
    if (options->camera_count > 0) {
        return request_for_camera("kick", options->cameras[0]);
    }
    json_t *request = message_new("kick");
    if (json_object_set_new(request, "viewer", json_string(options->arguments[0])) == 0) {
        return request;
    }
    json_decref(request);
    client_complain("the viewer's id is not UTF-8");
    return NULL;
}

static void print_kicked(const json_t *reply)
{
    printf("%" JSON_INTEGER_FORMAT " closed\n", message_integer(reply, "viewers", 0));
}

enum exit_code viewers_kick(struct client *client, const struct options *options)
{
    json_t *request = kick_request(options), *reply = NULL;

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = request_ask(client, options, request, "kicked", &reply);
    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_kicked);
    }
    if (code == EXIT_CODE_OK) {
        code = report_missing(json_object_get(reply, "missing"));
    }
    json_decref(reply);
    return code;
}
