/* SPDX-License-Identifier: MIT */
#include "ctl/cluster.h"

#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/await.h"
#include "ctl/central.h"
#include "ctl/request.h"
#include "ctl/table.h"

/* Milliseconds between two looks at a drain that is waited for. */
#define LOOK_MS 100

/* Bytes of an escaped word. */
#define WORD_SIZE 512

/* What a node says of itself; and "silent" if it says nothing any more. */
static void write_status(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    if (json_is_number(json_object_get(row, "silent_s"))) {
        text_copy(cell, TABLE_CELL_SIZE, "silent");
    } else {
        table_write_text(cell, row, member);
    }
}

static void write_site(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    table_write_text(cell, row, member);
    if (cell[0] == '\0') {
        text_copy(cell, TABLE_CELL_SIZE, "-");
    }
}

/* The version of the whole cluster's cameras that a node has; and that it cannot take the newest. */
static void write_version(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    table_write_count(cell, row, member);
    if (message_boolean(row, "refused", false)) {
        size_t used = strlen(cell);
        text_copy(cell + used, TABLE_CELL_SIZE - used, ", not the newest");
    }
}

/* Thousandths as per cent. */
static void write_cpu(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    const json_t *value = json_object_get(row, member);

    if (json_is_integer(value)) {
        snprintf(cell, TABLE_CELL_SIZE, "%" JSON_INTEGER_FORMAT "%%", json_integer_value(value) / 10);
    } else {
        table_write_nothing(cell);
    }
}

static const struct table_column columns[] = {
    {"NODE", false, table_write_text, "name"},   {"STATUS", false, write_status, "status"},
    {"SITE", false, write_site, "site"},         {"CAMERAS", true, table_write_count, "cameras"},
    {"KBIT/S", true, table_write_count, "kbps"}, {"CPU", true, write_cpu, "cpu"},
    {"VERSION", true, write_version, "version"}, {"SILENT", true, table_write_span, "silent_s"},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* MEMBER of OBJECT, safe on a terminal. */
static const char *word(char text[WORD_SIZE], const json_t *object, const char *member)
{
    text_escape(text, WORD_SIZE, message_string(object, member, "?"));
    return text;
}

void cluster_print_nodes(const json_t *reply, FILE *out)
{
    const json_t *nodes = json_object_get(reply, "nodes");

    if (!json_is_array(nodes)) {
        fputs("which nodes there are is not known: ringcast-relay does not run, or no camera here has "
              "`nodes`\n",
              out);
        return;
    }
    if (!message_boolean(reply, "watched", false)) {
        fputs("the cluster's bucket cannot be reached; what was known last:\n", out);
    }
    table_print(columns, COLUMN_COUNT, nodes, out);
}

static void print_relay(const json_t *relay, FILE *out)
{
    char state[WORD_SIZE], why[WORD_SIZE], sent[TABLE_CELL_SIZE], received[TABLE_CELL_SIZE];
    const bool connected = message_boolean(relay, "connected", false);

    table_write_bytes(sent, relay, "sent_bytes");
    table_write_bytes(received, relay, "received_bytes");
    fprintf(out, "ringcast-relay %s, pid %" JSON_INTEGER_FORMAT ", %s, %" JSON_INTEGER_FORMAT " reconnects\n",
            word(state, relay, "state"), message_integer(relay, "pid", 0),
            connected ? "connected to NATS" : "NOT connected to NATS",
            message_integer(relay, "reconnects", 0));
    if (!connected && message_string(relay, "why", NULL)) {
        fprintf(out, "NATS cannot be reached: %s\n", word(why, relay, "why"));
    }
    fprintf(out,
            "streams: %" JSON_INTEGER_FORMAT " sent, %" JSON_INTEGER_FORMAT " received; bytes: %s sent, %s "
            "received; messages dropped: %" JSON_INTEGER_FORMAT "; jumps to a keyframe: %" JSON_INTEGER_FORMAT
            "\n",
            message_integer(relay, "streams_sent", 0), message_integer(relay, "streams_received", 0), sent,
            received, message_integer(relay, "dropped_messages", 0), message_integer(relay, "jumps", 0));
}

static bool is_at(const json_t *camera, const char *place)
{
    return strcmp(message_string(camera, "place", ""), place) == 0;
}

static void print_cameras(const json_t *cameras, FILE *out)
{
    unsigned own = 0, others = 0, nowhere = 0, shared = 0;
    const char *name;
    json_t *camera;

    json_object_foreach((json_t *)cameras, name, camera) {
        own += is_at(camera, "own");
        others += is_at(camera, "node");
        nowhere += is_at(camera, "none");
        shared += message_boolean(camera, "shared", false);
    }
    fprintf(out,
            "cameras: %u fetched by this node, %u from other nodes, %u from nowhere; %u of them are shared\n",
            own, others, nowhere, shared);
}

void cluster_print_status(const json_t *reply, FILE *out)
{
    const json_t *cluster = json_object_get(reply, "cluster");
    char name[WORD_SIZE], node[WORD_SIZE];

    fprintf(out, "cluster %s, node %s%s\n", word(name, cluster, "name"), word(node, cluster, "node"),
            message_boolean(reply, "draining", false) ? ", draining" : "");
    print_relay(json_object_get(reply, "relay"), out);
    print_cameras(json_object_get(reply, "cameras"), out);
    central_print(json_object_get(reply, "central"), out);
    fputc('\n', out);
    cluster_print_nodes(reply, out);
}

void cluster_print_where(const char *camera, const json_t *where, FILE *out)
{
    char name[WORD_SIZE], node[WORD_SIZE], stream[WORD_SIZE], why[WORD_SIZE];
    bool shared = message_boolean(where, "shared", false);

    text_escape(name, sizeof(name), camera);
    if (is_at(where, "own")) {
        fprintf(out, "%s: this node (%s) fetches it%s\n", name, word(node, where, "node"),
                shared ? "" : "; it is not shared");
    } else if (is_at(where, "node") && shared) {
        fprintf(out, "%s: node %s fetches it\n", name, word(node, where, "node"));
    } else if (is_at(where, "node")) {
        fprintf(out, "%s: it comes from node %s, where it is %s\n", name, word(node, where, "node"),
                word(stream, where, "stream"));
    } else {
        fprintf(out, "%s: from nowhere: %s\n", name, word(why, where, "why"));
    }
}

static enum exit_code ask(struct client *client, const struct options *options, const char *camera,
                          json_t **reply)
{
    json_t *request = camera ? request_for_camera("cluster", camera) : message_new("cluster");

    return request ? request_ask(client, options, request, "cluster", reply) : EXIT_CODE_USAGE;
}

static void print_status(const json_t *reply)
{
    cluster_print_status(reply, stdout);
}

static void print_nodes(const json_t *reply)
{
    cluster_print_nodes(reply, stdout);
}

enum exit_code cluster_show_status(struct client *client, const struct options *options)
{
    json_t *reply = NULL;
    enum exit_code code = ask(client, options, NULL, &reply);

    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_status);
    }
    json_decref(reply);
    return code;
}

enum exit_code cluster_show_nodes(struct client *client, const struct options *options)
{
    json_t *reply = NULL;
    enum exit_code code = ask(client, options, NULL, &reply);

    if (code == EXIT_CODE_OK) {
        json_t *nodes = json_pack("{s:O?, s:O?}", "watched", json_object_get(reply, "watched"), "nodes",
                                  json_object_get(reply, "nodes"));
        code = request_print(options, nodes, print_nodes);
        json_decref(nodes);
    }
    json_decref(reply);
    return code;
}

enum exit_code cluster_show_where(struct client *client, const struct options *options)
{
    const char *camera = options->arguments[0];
    json_t *reply = NULL;
    enum exit_code code = ask(client, options, camera, &reply);
    json_t *where = json_object_get(json_object_get(reply, "cameras"), camera);

    if (code == EXIT_CODE_OK && !json_is_object(where)) {
        code = request_malformed("it does not tell of the camera");
    } else if (code == EXIT_CODE_OK && options->json) {
        code = request_print_json(where, JSON_INDENT(2));
    } else if (code == EXIT_CODE_OK) {
        cluster_print_where(camera, where, stdout);
    }
    json_decref(reply);
    return code;
}

/* The first shared camera of CAMERAS that another node does not have yet; NULL: they have all. */
static const char *first_not_given(const json_t *cameras)
{
    const char *name;
    json_t *camera;

    json_object_foreach((json_t *)cameras, name, camera) {
        if (message_boolean(camera, "shared", false) && !is_at(camera, "node")) {
            return name;
        }
    }
    return NULL;
}

/* Whether a node other than this one takes cameras; also if that is not known. One that is silent may be heard again, or is buried soon. */
static bool somebody_takes(const json_t *reply)
{
    const json_t *nodes = json_object_get(reply, "nodes"), *node;
    const char *own = message_string(json_object_get(reply, "cluster"), "node", "");
    bool found = !json_is_array(nodes);
    size_t i;

    json_array_foreach(nodes, i, node) {
        found = found || (strcmp(message_string(node, "name", ""), own) != 0 &&
                          strcmp(message_string(node, "status", ""), "live") == 0);
    }
    return found;
}

/* Waits until other nodes have all shared cameras, unless there is none that takes any. */
static enum exit_code await_drained(struct client *client, const struct options *options)
{
    const double seconds = options->timeout > 0 ? options->timeout : AWAIT_SECONDS;
    const uint64_t deadline = clock_now_ms() + (uint64_t)(seconds * MS_PER_SECOND);
    char left[WORD_SIZE] = "";
    bool taken = true;

    for (;;) {
        json_t *reply = NULL;
        enum exit_code code = ask(client, options, NULL, &reply);
        const char *name = code == EXIT_CODE_OK ? first_not_given(json_object_get(reply, "cameras")) : NULL;
        text_escape(left, sizeof(left), name ? name : "");
        taken = somebody_takes(reply);
        json_decref(reply);
        if (code != EXIT_CODE_OK || !name) {
            return code;
        }
        if (!taken || clock_now_ms() >= deadline) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
    }
    if (taken) {
        client_complain("not done within %g s; %s is not another node's yet", seconds, left);
    } else {
        client_complain("no other node takes cameras now, so %s stays here", left);
    }
    return EXIT_CODE_TIMEOUT;
}

enum exit_code cluster_drain(struct client *client, const struct options *options)
{
    enum exit_code code =
        request_ok(client, options, message_pack("cluster-drain", "{s:b}", "on", (int)!options->off));

    return code == EXIT_CODE_OK && options->wait && !options->off ? await_drained(client, options) : code;
}
