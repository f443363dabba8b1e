#include "ctl/viewers.h"

#include <stdio.h>

#include "common/ipc/message.h"
#include "ctl/request.h"
#include "ctl/table.h"

/*
 * Pages of one list: more viewers than any machine serves. A ringcastd that goes on for ever is not believed.
 */
#define PAGES_MAX 10000

static void write_id(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "id");
}

static void write_camera(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "camera");
}

static void write_address(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "address");
}

static void write_since(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_span(cell, json_object_get(viewer, "since_s"));
}

static void write_state(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "state");
}

static void write_sent(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_bytes(cell, viewer, "sent_bytes");
}

static void write_buffered(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_bytes(cell, viewer, "buffered_bytes");
}

static void write_dropped(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_count(cell, viewer, "dropped");
}

static void write_round_trip(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_milliseconds(cell, json_number_value(json_object_get(viewer, "rtt_ms")));
}

static const struct table_column columns[] = {
    {"ID", false, write_id},
    {"CAMERA", false, write_camera},
    {"ADDRESS", false, write_address},
    {"STATE", false, write_state},
    {"FOR", true, write_since},
    {"SENT", true, write_sent},
    {"BUFFERED", true, write_buffered},
    {"DROPPED", true, write_dropped},
    {"RTT", true, write_round_trip},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* Appends what REPLY has as MEMBER, an array, to LIST. */
static void take(json_t *list, const json_t *reply, const char *member)
{
    json_array_extend(list, json_object_get(reply, member));
}

static json_t *page_request(const struct options *options, json_t *from)
{
    json_t *request = options->argument_count > 0 ? request_for_camera("viewers", options->arguments[0])
                                                  : message_new("viewers");

    if (request != NULL && from != NULL) {
        json_object_set(request, "from", from);
    }
    return request;
}

/* All pages into VIEWERS, and the fan-outs that did not answer into MISSING. */
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
        if (request == NULL) {
            return EXIT_CODE_USAGE;
        }
        code = request_ask(client, options, request, "viewers", &reply);
        if (code == EXIT_CODE_OK) {
            take(viewers, reply, "viewers");
            take(missing, reply, "missing");
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

/* Says which fan-outs are not in the answer; then it is not whole. */
static enum exit_code tell_missing(const json_t *missing)
{
    size_t index;
    json_t *fanout;

    json_array_foreach(missing, index, fanout) {
        client_complain("fan-out %" JSON_INTEGER_FORMAT " did not answer: its viewers are left out",
                        json_integer_value(fanout));
    }
    return json_array_size(missing) > 0 ? EXIT_CODE_TIMEOUT : EXIT_CODE_OK;
}

static enum exit_code print(const struct options *options, json_t *viewers, json_t *missing)
{
    if (!options->json) {
        table_print(columns, COLUMN_COUNT, viewers, stdout);
        return EXIT_CODE_OK;
    }
    json_t *all = json_pack("{s:O, s:O}", "viewers", viewers, "missing", missing);
    enum exit_code code = request_print_json(all, JSON_INDENT(2));
    json_decref(all);
    return code;
}

enum exit_code audience_list(struct client *client, const struct options *options)
{
    json_t *viewers = json_array(), *missing = json_array();
    enum exit_code code = gather(client, options, viewers, missing);

    if (code == EXIT_CODE_OK) {
        code = print(options, viewers, missing);
    }
    if (code == EXIT_CODE_OK) {
        code = tell_missing(missing);
    }
    json_decref(viewers);
    json_decref(missing);
    return code;
}

/* Of a viewer's id, or of all viewers of a camera; one of them, else NULL and it was told. */
static json_t *kick_request(const struct options *options)
{
    if ((options->camera != NULL) == (options->argument_count > 0)) {
        client_complain(
            "kick takes the id of a viewer, or --camera and a name; \"ringcastctl viewers\" has the ids");
        return NULL;
    }
    if (options->camera != NULL) {
        return request_for_camera("kick", options->camera);
    }
    json_t *request = message_new("kick");
    if (json_object_set_new(request, "viewer", json_string(options->arguments[0])) == 0) {
        return request;
    }
    json_decref(request);
    client_complain("the viewer's id is not UTF-8");
    return NULL;
}

enum exit_code audience_kick(struct client *client, const struct options *options)
{
    json_t *request = kick_request(options), *reply = NULL;

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = request_ask(client, options, request, "kicked", &reply);
    if (code == EXIT_CODE_OK && options->json) {
        code = request_print_json(reply, JSON_INDENT(2));
    } else if (code == EXIT_CODE_OK) {
        printf("%" JSON_INTEGER_FORMAT " closed\n", message_integer(reply, "viewers", 0));
    }
    if (code == EXIT_CODE_OK) {
        code = tell_missing(json_object_get(reply, "missing"));
    }
    json_decref(reply);
    return code;
}
