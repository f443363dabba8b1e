/* SPDX-License-Identifier: MIT */
/* What `ringcastctl cluster` prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/central.h"
#include "ctl/cluster.h"

#define RELAY                                                                                                \
    "\"relay\":{\"pid\":900,\"state\":\"running\",\"restarts\":0,\"connected\":true,\"reconnects\":2,"       \
    "\"sent_bytes\":1234567,\"received_bytes\":999,\"dropped_messages\":4,\"streams_sent\":3,"               \
    "\"streams_received\":1,\"jumps\":5}"
#define NODES                                                                                                \
    "\"nodes\":[{\"name\":\"a\",\"status\":\"draining\",\"site\":\"\",\"version\":null,\"refused\":false,"   \
    "\"cameras\":2,\"kbps\":8100,\"cpu\":345,\"silent_s\":null},"                                            \
    "{\"name\":\"north\",\"status\":\"live\",\"site\":\"yard\",\"version\":4,\"refused\":true,\"cameras\":"  \
    "10,"                                                                                                    \
    "\"silent_s\":2.5}]"
#define CAMERAS                                                                                              \
    "\"cameras\":{\"own\":{\"place\":\"own\",\"node\":\"a\",\"shared\":false},"                              \
    "\"far\":{\"place\":\"node\",\"node\":\"b\",\"shared\":false},"                                          \
    "\"gate\":{\"place\":\"none\",\"node\":null,\"shared\":true,\"why\":\"nobody has it\"}}"
#define TABLE                                                                                                \
    "NODE   STATUS    SITE  CAMERAS  KBIT/S  CPU            VERSION  SILENT\n"                               \
    "a      draining  -           2    8100  34%                  -       -\n"                               \
    "north  silent    yard       10       -    -  4, not the newest      2s\n"

/* What PRINT writes for REPLY, malloc'ed. */
static char *printed(const char *reply, void (*print)(const json_t *reply, FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *object = json_loads(reply, JSON_DECODE_ANY, NULL);

    assert_non_null(object);
    print(object, out);
    fclose(out);
    json_decref(object);
    return text;
}

static void assert_printed(const char *reply, void (*print)(const json_t *reply, FILE *out),
                           const char *expected)
{
    char *text = printed(reply, print);

    assert_string_equal(text, expected);
    free(text);
}

static void the_status_shows_node_relay_cameras_and_nodes(void **state)
{
    (void)state;
    assert_printed("{\"cluster\":{\"name\":\"site\",\"node\":\"a\"},\"draining\":true,\"watched\":true," RELAY
                   "," NODES "," CAMERAS "}",
                   cluster_print_status,
                   "cluster site, node a, draining\n"
                   "ringcast-relay running, pid 900, connected to NATS, 2 reconnects\n"
                   "streams: 3 sent, 1 received; bytes: 1.2 MB sent, 999 B received; messages dropped: 4; "
                   "jumps to a keyframe: 5\n"
                   "cameras: 1 fetched by this node, 1 from other nodes, 1 from nowhere; 1 of them are "
                   "shared\n"
                   "\n" TABLE);
}

static void nodes_that_are_not_known_are_not_shown_as_none(void **state)
{
    (void)state;
    assert_printed("{\"watched\":false,\"nodes\":null}", cluster_print_nodes,
                   "which nodes there are is not known: ringcast-relay does not run, or no camera here has "
                   "`nodes`\n");
    assert_printed("{\"watched\":false," NODES "}", cluster_print_nodes,
                   "the cluster's bucket cannot be reached; what was known last:\n" TABLE);
}

static void what_was_received_cannot_move_the_cursor(void **state)
{
    (void)state;
    assert_printed(
        "{\"watched\":true,\"nodes\":[{\"name\":\"a\\u001b[2J\",\"status\":[],\"cameras\":\"x\"}]}",
        cluster_print_nodes,
        "NODE      STATUS  SITE  CAMERAS  KBIT/S  CPU  VERSION  SILENT\n"
        "a\\x1b[2J  -       -           -       -    -        -       -\n");
}

static void why_there_is_no_link_is_said(void **state)
{
    (void)state;
    assert_printed(
        "{\"cluster\":{\"name\":\"site\",\"node\":\"a\"},\"watched\":false,\"nodes\":null,\"cameras\":{},"
        "\"relay\":{\"pid\":9,\"state\":\"running\",\"connected\":false,\"why\":\"it is refused\\u001b\"}}",
        cluster_print_status,
        "cluster site, node a\n"
        "ringcast-relay running, pid 9, NOT connected to NATS, 0 reconnects\n"
        "NATS cannot be reached: it is refused\\x1b\n"
        "streams: 0 sent, 0 received; bytes: - sent, - received; messages dropped: 0; jumps to a "
        "keyframe: 0\n"
        "cameras: 0 fetched by this node, 0 from other nodes, 0 from nowhere; 0 of them are shared\n"
        "\n"
        "which nodes there are is not known: ringcast-relay does not run, or no camera here has "
        "`nodes`\n");
}

static void print_front(const json_t *where, FILE *out)
{
    cluster_print_where("front", where, out);
}

static void where_a_camera_is_is_said_in_words(void **state)
{
    static const struct {
        const char *where, *words;
    } cases[] = {
        {"{\"place\":\"own\",\"node\":\"a\",\"stream\":\"front\",\"shared\":true,\"why\":null}",
         "front: this node (a) fetches it\n"},
        {"{\"place\":\"own\",\"node\":\"a\",\"stream\":\"front\",\"shared\":false,\"why\":null}",
         "front: this node (a) fetches it; it is not shared\n"},
        {"{\"place\":\"node\",\"node\":\"b\",\"stream\":\"front\",\"shared\":true,\"why\":null}",
         "front: node b fetches it\n"},
        {"{\"place\":\"node\",\"node\":\"b\",\"stream\":\"door\",\"shared\":false,\"why\":null}",
         "front: it comes from node b, where it is door\n"},
        {"{\"place\":\"none\",\"node\":null,\"stream\":null,\"shared\":true,\"why\":\"no node has it\"}",
         "front: from nowhere: no node has it\n"},
        {"{}", "front: from nowhere: ?\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_printed(cases[i].where, print_front, cases[i].words);
    }
}

static void the_cameras_of_the_cluster_are_shown_without_their_secrets(void **state)
{
    (void)state;
    assert_printed(
        "{\"version\":5,\"time\":1764529331,\"by\":\"root\",\"node\":\"a\",\"key\":true,\"watched\":true,"
        "\"refused\":null,\"cameras\":[{\"name\":\"front\",\"nodes\":[\"a\",\"b\"],"
        "\"address\":\"rtsp://10.0.0.1\",\"sub\":true},{\"name\":\"back\",\"nodes\":[\"b\"],\"address\":null,"
        "\"sub\":false}]}",
        central_print_config,
        "the cluster's cameras: version 5, applied by root at node a, 2025-11-30 19:02:11 UTC\n"
        "\n"
        "CAMERA  NODES  ADDRESS          SUB\n"
        "front   a,b    rtsp://10.0.0.1  yes\n"
        "back    b      sealed           no\n");
    assert_printed(
        "{\"version\":null,\"key\":false,\"watched\":false,\"refused\":\"too \\u001b old\",\"cameras\":[]}",
        central_print_config,
        "the cluster's cameras: none are in force here\n"
        "what the cluster's bucket has is not known at this moment\n"
        "NOT taken as they are in the bucket: too \\x1b old\n");
    assert_printed("null", central_print, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_shows_node_relay_cameras_and_nodes),
        cmocka_unit_test(nodes_that_are_not_known_are_not_shown_as_none),
        cmocka_unit_test(what_was_received_cannot_move_the_cursor),
        cmocka_unit_test(why_there_is_no_link_is_said),
        cmocka_unit_test(where_a_camera_is_is_said_in_words),
        cmocka_unit_test(the_cameras_of_the_cluster_are_shown_without_their_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
