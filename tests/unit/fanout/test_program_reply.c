/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "fanout/http/program_reply.h"

/* Reads an answer with the members of BODY (consumed) and FD (-1: none; consumed). */
static int read_reply(json_t *body, int fd, struct program_reply *reply)
{
    struct channel_message message = {.body = body, .fds = {fd, -1, -1, -1}, .fd_count = fd >= 0};

    assert_non_null(body);
    int result = program_reply_read(&message, reply);
    channel_message_clear(&message);
    return result;
}

static json_t *answer(int status, const char *type)
{
    return message_pack("answer", "{s:i, s:i, s:s?}", "number", 1, "status", status, "content_type", type);
}

static json_t *answer_with_header(const char *name, const char *value)
{
    json_t *body = answer(200, "image/jpeg");

    json_object_set_new(body, "headers", json_pack("{s:s}", name, value));
    return body;
}

static void what_is_allowed_is_passed_on(void **state)
{
    struct program_reply reply;
    json_t *body = answer(200, "image/jpeg");

    (void)state;
    json_object_set_new(body, "etag", json_string("\"1-2\""));
    json_object_set_new(body, "headers",
                        json_pack("{s:s, s:s}", "cache-control", "private, max-age=1", "retry-after", "2"));
    assert_int_equal(read_reply(body, memory_file_seal("body", "picture", 7), &reply), 0);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.type, "image/jpeg");
    assert_string_equal(reply.etag, "\"1-2\"");
    assert_string_equal(reply.cache_control, "private, max-age=1");
    assert_string_equal(reply.headers, "Retry-After: 2\r\n");
    assert_int_equal(reply.length, 7);
    assert_memory_equal(program_reply_body(&reply), "picture", 7);
    program_reply_finish(&reply);

    body = answer(503, "text/plain; charset=utf-8");
    json_object_set_new(body, "text", json_string("no picture"));
    assert_int_equal(read_reply(body, -1, &reply), 0);
    assert_string_equal(program_reply_body(&reply), "no picture");
    assert_int_equal(reply.length, 10);
    program_reply_finish(&reply);
}

/* It may have been taken over by what a camera sent. */
static void nothing_else_is(void **state)
{
    static const char *const types[] = {"text/html", "text/javascript", "image/svg+xml", "image/jpeg\r\nX: y",
                                        ""};
    static const int statuses[] = {0, 101, 302, 401, 500, -1};
    static const struct {
        const char *name, *value;
    } headers[] = {{"Set-Cookie", "ringcast_session=x"},
                   {"Content-Security-Policy", "*"},
                   {"Retry-After", "2\r\nSet-Cookie: a=b"},
                   {"Cache-Control", "public\n"},
                   {"Retry-After: 1\r\nX", "y"}};
    static const char *const etags[] = {"abc", "\"a\"b\"", "\"a, b\"", "\"*\"", "\"\r\n\"", "\""};
    struct program_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(read_reply(answer(200, types[i]), -1, &reply), -EBADMSG);
    }
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_int_equal(read_reply(answer(statuses[i], NULL), -1, &reply), -EBADMSG);
    }
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_int_equal(read_reply(answer_with_header(headers[i].name, headers[i].value), -1, &reply),
                         -EBADMSG);
    }
    for (size_t i = 0; i < sizeof(etags) / sizeof(etags[0]); i++) {
        json_t *body = answer(200, "image/jpeg");
        json_object_set_new(body, "etag", json_string(etags[i]));
        assert_int_equal(read_reply(body, -1, &reply), -EBADMSG);
    }
    json_t *body = answer(200, "image/jpeg");
    char text[PROGRAM_REPLY_TEXT_SIZE + 1];
    memset(text, 'a', sizeof(text));
    json_object_set_new(body, "text", json_stringn(text, sizeof(text)));
    assert_int_equal(read_reply(body, -1, &reply), -EBADMSG);
}

/* It could be cut off while it is sent. */
static void memory_that_can_change_is_no_body(void **state)
{
    struct program_reply reply;
    int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING), pipes[2];

    (void)state;
    assert_int_equal(write(fd, "picture", 7), 7);
    assert_int_equal(read_reply(answer(200, "image/jpeg"), fd, &reply), -EBADMSG);
    fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "picture", 7), 7);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(read_reply(answer(200, "image/jpeg"), fd, &reply), -EBADMSG);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    close(pipes[1]);
    assert_int_equal(read_reply(answer(200, "image/jpeg"), pipes[0], &reply), -EBADMSG);
    assert_int_equal(read_reply(answer(200, "image/jpeg"), memory_file_seal("body", "", 0), &reply),
                     -EBADMSG);
    assert_int_equal(read_reply(answer(200, NULL), memory_file_seal("body", "x", 1), &reply), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_is_passed_on),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(memory_that_can_change_is_no_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
