/* SPDX-License-Identifier: MIT */
/* What nodes of a cluster say to one another: pieces, their parts, subjects, questions, urls; and the frames between relay and worker. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cluster/attachment.h"
#include "common/cluster/piece.h"
#include "common/cluster/subject.h"

static const struct piece sample = {
    .kind = PIECE_FRAGMENT,
    .flags = RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY,
    .length = 3,
    .generation = 0x01020304,
    .origin = UINT64_C(0x1112131415161718),
    .sequence = UINT64_C(0x2122232425262728),
    .fence = UINT64_C(0x3132333435363738),
    .decode_time = -2,
    .duration = 0x41424344,
    .timescale = 90000,
    .wall_ns = -1500000000,
    .sent_ns = INT64_C(0x5152535455565758),
    .age_us = 0x61626364,
};

/* A message with BODY in memory of exactly its size, so that a sanitizer sees what is read behind it. */
static uint8_t *message_of(const struct piece *piece, const void *body, size_t size)
{
    uint8_t *message = malloc(PIECE_HEADER + size);

    assert_non_null(message);
    piece_write(message, piece);
    if (size > 0) {
        memcpy(message + PIECE_HEADER, body, size);
    }
    return message;
}

static void a_piece_comes_back(void **state)
{
    struct piece piece;
    uint8_t *message = message_of(&sample, "abc", 3);

    (void)state;
    assert_int_equal(message[0], 1);
    assert_memory_equal(message + 16, "\x11\x12\x13\x14\x15\x16\x17\x18",
                        8); /* as docs/design/cluster.md has it */
    assert_memory_equal(message + 76, "\0\0\0\0abc", 7);
    assert_int_equal(piece_read(&piece, message, PIECE_HEADER + 3), 0);
    assert_int_equal(piece.kind, sample.kind);
    assert_int_equal(piece.flags, sample.flags);
    assert_int_equal(piece.generation, sample.generation);
    assert_int_equal(piece.origin, sample.origin);
    assert_int_equal(piece.sequence, sample.sequence);
    assert_int_equal(piece.fence, sample.fence);
    assert_true(piece.decode_time == sample.decode_time && piece.wall_ns == sample.wall_ns);
    assert_int_equal(piece.duration, sample.duration);
    assert_int_equal(piece.timescale, sample.timescale);
    assert_int_equal(piece.sent_ns, sample.sent_ns);
    assert_int_equal(piece.age_us, sample.age_us);
    assert_ptr_equal(piece.data, message + PIECE_HEADER);
    assert_int_equal(piece.size, 3);
    free(message);
}

static void expect_refused(const struct piece *piece, size_t size)
{
    struct piece read;
    uint8_t body[8] = {0};
    uint8_t *message = message_of(piece, body, size);

    assert_int_equal(piece_read(&read, message, PIECE_HEADER + size), -EBADMSG);
    free(message);
}

static struct piece fragment_part(uint32_t length, uint32_t offset)
{
    return (struct piece){.kind = PIECE_FRAGMENT, .length = length, .offset = offset, .timescale = 90000};
}

static void what_is_no_piece_is_refused(void **state)
{
    static const struct {
        uint32_t length, offset;
        size_t size;
    } parts[] = {
        {7, 0, 8},          /* more than its body */
        {8, 1, 8},          /* beyond its end */
        {8, 9, 1},          /* behind it */
        {8, UINT32_MAX, 8}, /* a sum that overflows */
        {8, 8, 0},          /* an empty part */
        {0, 0, 0},          /* an empty fragment */
        {PIECE_BODY_MAX + 1, 0, 8},
    };
    struct piece read;
    uint8_t *message = message_of(&sample, "abc", 3);

    (void)state;
    for (size_t length = 0; length < PIECE_HEADER; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        assert_non_null(cut);
        memcpy(cut, message, length);
        assert_int_equal(piece_read(&read, cut, length), -EBADMSG);
        free(cut);
    }
    message[0] = 2;
    assert_int_equal(piece_read(&read, message, PIECE_HEADER + 3), -EBADMSG);
    free(message);
    expect_refused(&(struct piece){.kind = 0}, 0);
    expect_refused(&(struct piece){.kind = 5, .length = 1, .timescale = 1}, 1);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct piece piece = fragment_part(parts[i].length, parts[i].offset);
        expect_refused(&piece, parts[i].size);
    }
    expect_refused(&(struct piece){.kind = PIECE_FRAGMENT, .length = 8}, 8); /* no timescale */
    expect_refused(&(struct piece){.kind = PIECE_GENERATION, .length = 8}, 8);
    expect_refused(&(struct piece){.kind = PIECE_GENERATION, .timescale = 1, .length = 1u << 20}, 8);
    expect_refused(&(struct piece){.kind = PIECE_BEAT, .length = PIECE_BEAT_MAX + 1}, 8);
    expect_refused(&(struct piece){.kind = PIECE_ECHO, .length = 1}, 1);
}

static void beats_and_echoes_are_short(void **state)
{
    const struct piece echo = {.kind = PIECE_ECHO};
    struct piece_beat beat = {.state = PIECE_STALLED}, read;
    struct piece piece;
    uint8_t body[PIECE_BEAT_MAX];
    uint8_t *message = message_of(&echo, NULL, 0);

    (void)state;
    assert_int_equal(piece_read(&piece, message, PIECE_HEADER), 0);
    free(message);
    strcpy(beat.text, "it sends motion JPEG");
    assert_int_equal(piece_write_beat(body, &beat), 1 + strlen(beat.text));
    assert_int_equal(piece_read_beat(&read, body, 1 + strlen(beat.text)), 0);
    assert_int_equal(read.state, PIECE_STALLED);
    assert_string_equal(read.text, beat.text);
    assert_int_equal(piece_read_beat(&read, body, 1), 0);
    assert_string_equal(read.text, "");
    memset(beat.text, 'x', PIECE_TEXT_MAX);
    beat.text[PIECE_TEXT_MAX] = '\0';
    assert_int_equal(piece_write_beat(body, &beat), PIECE_BEAT_MAX);
    assert_int_equal(piece_read_beat(&read, body, PIECE_BEAT_MAX), 0);
    assert_string_equal(read.text, beat.text);
}

static void bad_beats_are_refused(void **state)
{
    static const struct {
        const char *body;
        size_t size;
    } bodies[] = {{"", 0},       {"\4", 1},     {"\1a\nb", 4},   {"\1a\0b", 4},
                  {"\1\xff", 2}, {"\1\xc3", 2}, {"\1\x1b[2J", 5}};
    struct piece_beat beat;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(piece_read_beat(&beat, (const uint8_t *)bodies[i].body, bodies[i].size), -EBADMSG);
    }
    uint8_t large[PIECE_BEAT_MAX + 1];
    memset(large, 'x', sizeof(large));
    large[0] = PIECE_DOWN;
    assert_int_equal(piece_read_beat(&beat, large, sizeof(large)), -EBADMSG);
}

static void a_generation_comes_back(void **state)
{
    struct piece_generation generation = {.width = 1920, .height = 70000}, read;
    uint8_t body[PIECE_GENERATION_HEAD_MAX + 4];

    (void)state;
    strcpy(generation.codecs, "avc1.64001F,mp4a.40.2");
    size_t head = piece_write_generation(body, &generation);
    memcpy(body + head, "init", 4);
    assert_int_equal(piece_read_generation(&read, body, head + 4), 0);
    assert_int_equal(read.width, 1920);
    assert_int_equal(read.height, 65535);
    assert_string_equal(read.codecs, generation.codecs);
    assert_int_equal(read.init_length, 4);
    assert_memory_equal(read.init, "init", 4);
    memset(generation.codecs, 'a', sizeof(generation.codecs) - 1);
    assert_int_equal(piece_write_generation(body, &generation), PIECE_GENERATION_HEAD_MAX - 1);
    assert_int_equal(piece_read_generation(&read, body, PIECE_GENERATION_HEAD_MAX - 1), 0);
}

static void bad_generations_are_refused(void **state)
{
    struct piece_generation read;
    static uint8_t large[5 + RINGCAST_INIT_MAX + 1];

    (void)state;
    assert_int_equal(piece_read_generation(&read, (const uint8_t *)"\1\2\3\4", 4), -EBADMSG);
    assert_int_equal(piece_read_generation(&read, (const uint8_t *)"\1\2\3\4\2a", 6), -EBADMSG);
    assert_int_equal(piece_read_generation(&read, (const uint8_t *)"\1\2\3\4\1<", 6), -EBADMSG);
    assert_int_equal(piece_read_generation(&read, (const uint8_t *)"\1\2\3\4\2a\0", 7), -EBADMSG);
    assert_int_equal(piece_read_generation(&read, large, sizeof(large)), -EBADMSG);
    assert_int_equal(piece_read_generation(&read, large, sizeof(large) - 1), 0);
}

/* --- Parts ---------------------------------------------------------------------------------------------- */

#define BODY "0123456789"
#define BODY_SIZE 10u

static struct piece part(uint32_t offset, size_t size)
{
    struct piece piece = sample;

    piece.length = BODY_SIZE;
    piece.offset = offset;
    piece.data = (const uint8_t *)BODY + offset;
    piece.size = size;
    return piece;
}

static int add(struct piece_assembly *assembly, struct piece piece, struct piece *whole)
{
    return piece_assembly_add(assembly, &piece, BODY_SIZE, whole);
}

static void parts_are_put_together(void **state)
{
    struct piece_assembly assembly = {0};
    struct piece whole, alone = part(0, BODY_SIZE);

    (void)state;
    assert_int_equal(add(&assembly, part(0, 4), &whole), 0);
    assert_int_equal(add(&assembly, part(4, 1), &whole), 0);
    assert_int_equal(add(&assembly, alone, &whole), 1); /* what is whole comes between, and is not copied */
    assert_ptr_equal(whole.data, alone.data);
    assert_int_equal(add(&assembly, part(5, 5), &whole), 1);
    assert_int_equal(whole.size, BODY_SIZE);
    assert_memory_equal(whole.data, BODY, BODY_SIZE);
    assert_int_equal(whole.sequence, sample.sequence);
    assert_int_equal(add(&assembly, part(5, 5), &whole), -EBADMSG); /* it is complete: nothing goes on */
    piece_assembly_finish(&assembly);
}

static void parts_that_do_not_fit_together_are_dropped(void **state)
{
    struct piece_assembly assembly = {0};
    struct piece whole, other = part(4, 6);

    (void)state;
    assert_int_equal(add(&assembly, part(4, 6), &whole), -EBADMSG); /* the first one is missing */
    assert_int_equal(add(&assembly, part(0, 4), &whole), 0);
    assert_int_equal(add(&assembly, part(5, 5), &whole), -EBADMSG); /* the second one is */
    assert_int_equal(add(&assembly, part(4, 6), &whole), -EBADMSG); /* and the first is gone with it */
    assert_int_equal(add(&assembly, part(0, 4), &whole), 0);
    other.sequence++;
    assert_int_equal(add(&assembly, other, &whole), -EBADMSG);
    assert_int_equal(add(&assembly, part(0, 6), &whole), 0);
    assert_int_equal(add(&assembly, part(0, 4), &whole), 0); /* begins anew */
    assert_int_equal(add(&assembly, part(4, 6), &whole), 1);
    piece_assembly_finish(&assembly);
}

static void what_is_announced_costs_nothing(void **state)
{
    struct piece_assembly assembly = {0};
    struct piece whole, huge = part(0, 4);

    (void)state;
    huge.length = PIECE_BODY_MAX;
    assert_int_equal(piece_assembly_add(&assembly, &huge, PIECE_BODY_MAX, &whole), 0);
    assert_true(assembly.capacity < 1u << 20);
    assert_int_equal(piece_assembly_add(&assembly, &huge, PIECE_BODY_MAX - 1, &whole), -EMSGSIZE);
    piece_assembly_finish(&assembly);
}

/* --- Subjects ------------------------------------------------------------------------------------------- */

static void subjects_hold_one_token_of_each_name(void **state)
{
    const struct subject_stream stream = {"site", "a", "front/sub"};
    const struct subject_stream wild = {"site", "a", "x.>*\xc3\xbc"};
    char subject[SUBJECT_SIZE];
    char name[80];

    (void)state;
    subject_live(subject, &stream);
    assert_string_equal(subject, "ringcast.site.a.live.front%2Fsub");
    assert_int_equal(subject_read_stream(subject, name, sizeof(name)), 0);
    assert_string_equal(name, "front/sub");
    subject_ask(subject, &wild);
    assert_string_equal(subject, "ringcast.site.a.ask.x%2E%3E%2A%C3%BC");
    assert_int_equal(subject_read_stream(subject, name, sizeof(name)), 0);
    assert_string_equal(name, wild.stream);
    assert_int_equal(subject_read_stream(subject, name, strlen(wild.stream)),
                     -EBADMSG); /* no room for its NUL */
    subject_take(subject, &stream, UINT64_MAX);
    assert_string_equal(subject, "ringcast.site.a.take.front%2Fsub.18446744073709551615");
    subject_inbox(subject, "site", "a");
    assert_string_equal(subject, "ringcast.site.a.inbox");
    subject_all_asks(subject, "site", "a");
    assert_string_equal(subject, "ringcast.site.a.ask.*");
}

static void the_longest_names_fit(void **state)
{
    char node[SUBJECT_NODE_MAX + 1], name[SUBJECT_STREAM_MAX + 1], again[SUBJECT_STREAM_MAX + 1],
        subject[SUBJECT_SIZE];
    const struct subject_stream stream = {node, node, name};

    (void)state;
    memset(node, 'n', SUBJECT_NODE_MAX);
    memset(name, '\xc3', SUBJECT_STREAM_MAX);
    node[SUBJECT_NODE_MAX] = name[SUBJECT_STREAM_MAX] = '\0';
    subject_take(subject, &stream, UINT64_MAX);
    assert_string_equal(strrchr(subject, '.'), ".18446744073709551615");
    subject_live(subject, &stream);
    assert_int_equal(subject_read_stream(subject, again, sizeof(again)), 0);
    assert_string_equal(again, name);
}

static void a_stream_is_written_in_one_way(void **state)
{
    static const char *const bad[] = {"",      "front",  "a.",    "a.x%2f", "a.%66ront", "a.x%",
                                      "a.x%0", "a.x%00", "a.x/y", "a.*",    "a.>"};
    char name[80];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(subject_read_stream(bad[i], name, sizeof(name)), -EBADMSG);
    }
}

static void names_of_nodes_are_plain(void **state)
{
    (void)state;
    assert_int_equal(subject_check_node("Site-2_b"), 0);
    assert_int_equal(subject_check_node("12345678901234567890123456789012"), 0);
    assert_int_equal(subject_check_node("123456789012345678901234567890123"), -EBADMSG);
    assert_int_equal(subject_check_node(""), -EBADMSG);
    assert_int_equal(subject_check_node("a.b"), -EBADMSG);
    assert_int_equal(subject_check_node("*"), -EBADMSG);
    assert_int_equal(subject_check_node("\xc3\xbc"), -EBADMSG);
}

static void questions_come_back(void **state)
{
    struct ask ask = {.kind = ASK_JOIN, .node = "b"}, read;
    uint8_t message[ASK_SIZE];

    (void)state;
    assert_int_equal(ask_write(message, &ask), 2);
    assert_int_equal(ask_read(&read, message, 2), 0);
    assert_int_equal(read.kind, ASK_JOIN);
    assert_string_equal(read.node, "b");
    assert_int_equal(ask_read(&read, message, 0), -EBADMSG);
    assert_int_equal(ask_read(&read, message, 1), -EBADMSG);
    assert_int_equal(ask_read(&read, (const uint8_t *)"\0b", 2), -EBADMSG);
    assert_int_equal(ask_read(&read, (const uint8_t *)"\4b", 2), -EBADMSG);
    assert_int_equal(ask_read(&read, (const uint8_t *)"\1b.", 3), -EBADMSG);
    assert_int_equal(ask_read(&read, (const uint8_t *)"\1123456789012345678901234567890123", 34), -EBADMSG);
}

/* --- Urls and frames ------------------------------------------------------------------------------------ */

static void frames_have_a_type_and_a_length(void **state)
{
    uint8_t header[ATTACHMENT_HEADER];
    uint8_t type;

    (void)state;
    attachment_write(header, ATTACHMENT_JOIN, 0);
    assert_memory_equal(header, "\0\0\0\1J", 5);
    assert_int_equal(attachment_read(header, &type), 0);
    assert_int_equal(type, ATTACHMENT_JOIN);
    attachment_write(header, ATTACHMENT_PIECE, ATTACHMENT_MAX);
    assert_int_equal(attachment_read(header, &type), ATTACHMENT_MAX);
    assert_int_equal(attachment_read((const uint8_t *)"\0\0\0\0J", &type), -EBADMSG);
    assert_int_equal(attachment_read((const uint8_t *)"\4\0\0\2P", &type), -EBADMSG);
    assert_int_equal(attachment_read((const uint8_t *)"\xff\xff\xff\xffP", &type), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_comes_back),
        cmocka_unit_test(what_is_no_piece_is_refused),
        cmocka_unit_test(beats_and_echoes_are_short),
        cmocka_unit_test(bad_beats_are_refused),
        cmocka_unit_test(a_generation_comes_back),
        cmocka_unit_test(bad_generations_are_refused),
        cmocka_unit_test(parts_are_put_together),
        cmocka_unit_test(parts_that_do_not_fit_together_are_dropped),
        cmocka_unit_test(what_is_announced_costs_nothing),
        cmocka_unit_test(subjects_hold_one_token_of_each_name),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(a_stream_is_written_in_one_way),
        cmocka_unit_test(names_of_nodes_are_plain),
        cmocka_unit_test(questions_come_back),
        cmocka_unit_test(frames_have_a_type_and_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
