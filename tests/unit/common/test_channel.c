/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"

struct fixture {
    int ends[2];
    int fds[16]; /* to send */
    int open_before;
};

static int count_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->open_before = count_open();
    for (size_t i = 0; i < 16; i++) {
        fixture->fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    *state = fixture;
    return channel_pair(fixture->ends);
}

static void close_end(struct fixture *fixture, int index)
{
    if (fixture->ends[index] >= 0) {
        close(fixture->ends[index]);
    }
    fixture->ends[index] = -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close_end(fixture, 0);
    close_end(fixture, 1);
    for (size_t i = 0; i < 16; i++) {
        close(fixture->fds[i]);
    }
    int leaked = count_open() - fixture->open_before;
    free(fixture);
    return leaked;
}

/* A packet made by hand: what a broken or hostile peer may send. */
static void send_raw(const struct fixture *fixture, const void *data, size_t length, int fd_count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(16 * sizeof(int))];
    } control = {0};
    struct iovec payload = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
    struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1};

    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS,
                                          .cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int))};
        memcpy(CMSG_DATA(&control.header), fixture->fds, (size_t)fd_count * sizeof(int));
    }
    assert_int_equal(sendmsg(fixture->ends[0], &header, 0), length);
}

static void send_type(const struct fixture *fixture, const char *type, int fd_count)
{
    json_t *body = message_new(type);

    assert_int_equal(channel_send(fixture->ends[0], body, fixture->fds, fd_count), 0);
    json_decref(body);
}

static void assert_receives(struct fixture *fixture, const char *type, struct channel_message *message)
{
    assert_int_equal(channel_receive(fixture->ends[1], message), 1);
    assert_true(message_is(message->body, type));
}

static void a_message_arrives_with_its_descriptors(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    struct stat status;

    send_type(fixture, "spawn", CHANNEL_FDS_MAX);
    assert_receives(fixture, "spawn", &message);
    assert_int_equal(message.fd_count, CHANNEL_FDS_MAX);
    int taken = channel_message_take_fd(&message, 1);
    assert_int_equal(channel_message_take_fd(&message, 1), -1);
    assert_int_equal(channel_message_take_fd(&message, CHANNEL_FDS_MAX), -1);
    assert_int_equal(channel_message_take_fd(&message, -1), -1);
    assert_true((fcntl(taken, F_GETFD) & FD_CLOEXEC) != 0);
    channel_message_clear(&message);
    assert_int_equal(fstat(taken, &status), 0); /* what was taken out stays open */
    close(taken);
    channel_message_clear(&message); /* twice is harmless */
}

static void messages_keep_their_bounds_and_order(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;

    send_type(fixture, "one", 0);
    send_type(fixture, "two", 1);
    assert_receives(fixture, "one", &message);
    assert_int_equal(message.fd_count, 0);
    channel_message_clear(&message);
    assert_receives(fixture, "two", &message);
    channel_message_clear(&message);
    assert_int_equal(channel_receive(fixture->ends[1], &message), -EAGAIN);
    channel_message_clear(&message);
}

static void ends_are_non_blocking_and_not_inherited(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 2; i++) {
        assert_true((fcntl(fixture->ends[i], F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(fixture->ends[i], F_GETFD) & FD_CLOEXEC) != 0);
    }
}

static void the_end_comes_after_what_was_sent(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    json_t *body = message_new("unread");

    assert_int_equal(channel_send(fixture->ends[1], body, NULL, 0), 0); /* makes the close a reset */
    send_type(fixture, "last", 1);
    close_end(fixture, 0);
    assert_receives(fixture, "last", &message);
    channel_message_clear(&message);
    assert_int_equal(channel_receive(fixture->ends[1], &message), 0);
    assert_int_equal(channel_receive(fixture->ends[1], &message), 0);
    assert_int_equal(channel_send(fixture->ends[1], body, NULL, 0), -EPIPE);
    json_decref(body);
}

static void a_peer_that_does_not_read_is_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    json_t *body = message_new("flood");
    char *filler = calloc(1, 40000);
    int sent = 0, result, received = 0;

    memset(filler, 'x', 39999);
    json_object_set_new(body, "filler", json_string(filler));
    free(filler);
    while ((result = channel_send(fixture->ends[0], body, NULL, 0)) == 0 && sent < 1000) {
        sent++;
    }
    assert_int_equal(result, -EAGAIN);
    assert_true(sent >= 2); /* a socket buffer has room for several */
    json_decref(body);
    while (channel_receive(fixture->ends[1], &message) == 1) {
        channel_message_clear(&message);
        received++;
    }
    assert_int_equal(received, sent);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    json_t *body = message_new("long");
    char *filler = calloc(1, MESSAGE_CHANNEL_MAX + 1);

    memset(filler, 'x', MESSAGE_CHANNEL_MAX);
    json_object_set_new(body, "filler", json_string(filler));
    free(filler);
    assert_int_equal(channel_send(fixture->ends[0], body, NULL, 0), -EMSGSIZE);
    json_decref(body);
    body = message_new("many");
    assert_int_equal(channel_send(fixture->ends[0], body, fixture->fds, CHANNEL_FDS_MAX + 1), -EINVAL);
    assert_int_equal(channel_send(fixture->ends[0], body, fixture->fds, -1), -EINVAL);
    json_decref(body);
    assert_int_equal(channel_receive(fixture->ends[1], &message), -EAGAIN);
}

/* What comes is closed, the words are not those for a malformed message, and the next one is received. */
static void descriptors_without_room_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct channel_message message;
    struct rlimit before;
    json_t *body = message_new("keep");

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(channel_send(fixture->ends[0], body, fixture->fds, 3), 0);
    assert_int_equal(channel_send(fixture->ends[0], body, fixture->fds, 2), 0);
    int next = dup(fixture->fds[0]);
    close(next);
    const struct rlimit tight = {.rlim_cur = (rlim_t)next + 1,
                                 .rlim_max = before.rlim_max}; /* room for one */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int result = channel_receive(fixture->ends[1], &message);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, -EBADMSG);
    assert_true(message.fds_lost);
    assert_int_equal(message.fd_count, 0);
    assert_non_null(strstr(channel_drop_reason(&message), "LimitNOFILE"));
    assert_int_equal(channel_receive(fixture->ends[1], &message), 1);
    assert_false(message.fds_lost);
    assert_int_equal(message.fd_count, 2);
    channel_message_clear(&message);
    assert_int_equal(send(fixture->ends[0], "{", 1, 0), 1);
    assert_int_equal(channel_receive(fixture->ends[1], &message), -EBADMSG);
    assert_string_equal(channel_drop_reason(&message), "a malformed message was dropped");
    json_decref(body);
}

static void malformed_packets_leave_no_descriptor_behind(void **state)
{
    static char oversized[MESSAGE_CHANNEL_MAX + 1];
    static const char good[] = "{\"v\":1,\"type\":\"x\"}";
    static const struct {
        const char *data;
        size_t length;
        int fd_count;
    } cases[] = {
        {"garbage", 7, 0},
        {"garbage", 7, 4},
        {"{\"v\":2,\"type\":\"x\"}", 18, 2},
        {"{\"v\":1}", 7, 1},
        {"\0\0", 2, 3},
        {good, sizeof(good), 1},                 /* a NUL after it */
        {good, sizeof(good) - 1, 5},             /* one descriptor too many */
        {good, sizeof(good) - 1, 16},            /* control data far too long */
        {oversized, MESSAGE_CHANNEL_MAX + 1, 2}, /* payload too long */
        {"", 0, 2},                              /* descriptors without a message */
    };
    struct fixture *fixture = *state;
    struct channel_message message;
    int before = count_open();

    memset(oversized, ' ', sizeof(oversized));
    memcpy(oversized, good, sizeof(good) - 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_raw(fixture, cases[i].data, cases[i].length, cases[i].fd_count);
        int result = channel_receive(fixture->ends[1], &message);
        if (result != -EBADMSG || message.body != NULL || message.fd_count != 0) {
            fail_msg("case %zu: %d", i, result);
        }
        if (count_open() != before) {
            fail_msg("case %zu: %d descriptors leaked", i, count_open() - before);
        }
    }
    send_type(fixture, "still-works", 1);
    assert_receives(fixture, "still-works", &message);
    channel_message_clear(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_with_its_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_keep_their_bounds_and_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_are_non_blocking_and_not_inherited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_comes_after_what_was_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_does_not_read_is_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors_without_room_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_packets_leave_no_descriptor_behind, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
