/* SPDX-License-Identifier: MIT */
#include "ctl/central.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/config/cluster_cameras.h"
#include "common/config/config.h"
#include "common/ipc/message.h"
#include "ctl/request.h"
#include "ctl/table.h"

/* Bytes of an escaped word, and of what is wrong. */
#define WORD_SIZE 512
#define WHY_SIZE 2048

/* Bytes of "2026-11-30 19:02:11 UTC". */
#define TIME_SIZE 64

/* --- Looking --------------------------------------------------------------------------------------------- */

static const char *word(char text[WORD_SIZE], const json_t *object, const char *member)
{
    text_escape(text, WORD_SIZE, message_string(object, member, "?"));
    return text;
}

static const char *when(char text[TIME_SIZE], json_int_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm broken;

    if (!gmtime_r(&time, &broken) || strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &broken) == 0) {
        text_copy(text, TIME_SIZE, "?");
    }
    return text;
}

void central_print(const json_t *central, FILE *out)
{
    char by[WORD_SIZE], node[WORD_SIZE], time[TIME_SIZE], why[WHY_SIZE];
    const json_int_t version = message_integer(central, "version", 0);

    if (!json_is_object(central)) {
        return;
    }
    if (version > 0) {
        fprintf(out,
                "the cluster's cameras: version %" JSON_INTEGER_FORMAT ", applied by %s at node %s, %s%s\n",
                version, word(by, central, "by"), word(node, central, "node"),
                when(time, message_integer(central, "time", 0)),
                message_boolean(central, "key", false) ? "" : "; this node has no key to them");
    } else {
        fputs("the cluster's cameras: none are in force here\n", out);
    }
    if (!message_boolean(central, "watched", false)) {
        fputs("what the cluster's bucket has is not known at this moment\n", out);
    }
    if (json_is_string(json_object_get(central, "refused"))) {
        text_escape(why, sizeof(why), message_string(central, "refused", ""));
        fprintf(out, "NOT taken as they are in the bucket: %s\n", why);
    }
}

static void write_nodes(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    size_t index, used = 0;
    json_t *node;

    cell[0] = '\0';
    json_array_foreach(json_object_get(row, member), index, node) {
        char name[WORD_SIZE];
        text_escape(name, sizeof(name), json_is_string(node) ? json_string_value(node) : "?");
        used += text_copy(cell + used, TABLE_CELL_SIZE - used, index > 0 ? "," : "");
        used += text_copy(cell + used, TABLE_CELL_SIZE - used, name);
    }
}

static void write_address(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    if (json_is_string(json_object_get(row, member))) {
        table_write_text(cell, row, member);
    } else {
        text_copy(cell, TABLE_CELL_SIZE, "sealed");
    }
}

static void write_sub(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    text_copy(cell, TABLE_CELL_SIZE, message_boolean(row, member, false) ? "yes" : "no");
}

void central_print_config(const json_t *reply, FILE *out)
{
    static const struct table_column columns[] = {
        {"CAMERA", false, table_write_text, "name"},
        {"NODES", false, write_nodes, "nodes"},
        {"ADDRESS", false, write_address, "address"},
        {"SUB", false, write_sub, "sub"},
    };

    central_print(reply, out);
    if (json_array_size(json_object_get(reply, "cameras")) > 0) {
        fputc('\n', out);
        table_print(columns, sizeof(columns) / sizeof(columns[0]), json_object_get(reply, "cameras"), out);
    }
}

static void print_config(const json_t *reply)
{
    central_print_config(reply, stdout);
}

enum exit_code central_show(struct client *client, const struct options *options)
{
    json_t *reply = NULL;
    enum exit_code code =
        request_ask(client, options, message_new("cluster-config"), "cluster-config", &reply);

    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_config);
    }
    json_decref(reply);
    return code;
}

/* --- Applying -------------------------------------------------------------------------------------------- */

/* Who has applied it: the user who became root by sudo, or is one. */
static void find_user(char name[CLUSTER_BY_MAX + 1])
{
    const char *before = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());
    const char *found = geteuid() == 0 && before && *before ? before : user ? user->pw_name : "?";

    text_escape(name, CLUSTER_BY_MAX + 1, found);
}

/* --over as a number. False: it is none, which was reported. */
static bool read_over(const char *text, json_int_t *over)
{
    char *end = NULL;

    *over = text ? strtoll(text, &end, 10) : -1;
    if (!text || (*end == '\0' && end != text && *over >= 0)) {
        return true;
    }
    client_complain("--over %s: not a version; `ringcastctl cluster config` shows which one is there", text);
    return false;
}

static void print_applied(const json_t *reply)
{
    const json_int_t version = message_integer(reply, "version", 0);

    request_print_strings("added ", json_object_get(reply, "added"));
    request_print_strings("removed ", json_object_get(reply, "removed"));
    request_print_strings("changed ", json_object_get(reply, "changed"));
    printf("%" JSON_INTEGER_FORMAT " unchanged\n", message_integer(reply, "unchanged", 0));
    if (message_boolean(reply, "applied", false)) {
        printf("version %" JSON_INTEGER_FORMAT
               " is there; `ringcastctl cluster status` shows which nodes have it\n",
               version);
    } else if (version > 0) {
        printf("nothing was applied; version %" JSON_INTEGER_FORMAT " is there\n", version);
    } else {
        puts("nothing was applied, and nothing is there");
    }
}

enum exit_code central_apply(struct client *client, const struct options *options)
{
    char by[CLUSTER_BY_MAX + 1];
    json_int_t over;
    json_t *reply = NULL, *cameras;

    if (!read_over(options->over, &over) || !(cameras = config_load_cluster(options->arguments[0], stderr))) {
        return EXIT_CODE_USAGE;
    }
    find_user(by);
    enum exit_code code =
        request_ask(client, options,
                    message_pack("cluster-apply", "{s:o, s:s, s:b, s:I}", "cameras", cameras, "by", by,
                                 "dry_run", options->dry_run, "over", over),
                    "cluster-applied", &reply);
    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_applied);
    }
    json_decref(reply);
    return code;
}
