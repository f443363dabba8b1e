/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for a process that is slow, and what is kept for a next ringcastd while its keeper is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/outbox.h"

struct bench {
    sd_event *event;
    sd_event_source *source;
    struct outbox outbox;
    int ends[2]; /* of the channel: ours, the slow process's */
};

static void on_stuck(void *data)
{
    (void)data;
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source, (void)fd, (void)events, (void)data;
    return 0;
}

static int set_up(void **state)
{
    static struct bench bench;

    assert_true(sd_event_new(&bench.event) >= 0);
    assert_int_equal(channel_pair(bench.ends), 0);
    assert_true(sd_event_add_io(bench.event, &bench.source, bench.ends[0], EPOLLIN, on_channel, NULL) >= 0);
    outbox_init(&bench.outbox, bench.event, on_stuck, NULL);
    outbox_open(&bench.outbox, bench.ends[0], bench.source);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    outbox_clear(&bench->outbox);
    sd_event_source_unref(bench->source);
    sd_event_unref(bench->event);
    close(bench->ends[0]);
    close(bench->ends[1]);
    return 0;
}

/* The channel takes no more. How many messages it took. */
static int fill(struct bench *bench)
{
    int sent = 0;

    for (; !outbox_waits(&bench->outbox); sent++) {
        json_t *message = message_new("filling");
        assert_int_equal(outbox_send(&bench->outbox, message, NULL, 0), 0);
        json_decref(message);
    }
    return sent;
}

static int send_state(struct bench *bench, const char *key, int number, const int *fds, int fd_count)
{
    json_t *message = message_pack("state", "{s:s, s:i}", "key", key, "number", number);
    int result = outbox_send_newest(&bench->outbox, key, message, fds, fd_count);

    json_decref(message);
    return result;
}

/* The next message that is not one of the filling ones, as the process receives it; false: no other waits. */
static bool receive(struct bench *bench, struct channel_message *message)
{
    for (;;) {
        int result = channel_receive(bench->ends[1], message);
        if (result == -EAGAIN && !outbox_waits(&bench->outbox)) {
            return false;
        }
        if (result == -EAGAIN) {
            assert_int_equal(outbox_flush(&bench->outbox), 0);
        } else if (message_is(message->body, "filling")) {
            channel_message_clear(message);
        } else {
            return true;
        }
    }
}

static void only_the_newest_waits(void **state)
{
    struct bench *bench = *state;
    struct channel_message message;

    fill(bench);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(send_state(bench, i % 2 == 0 ? "even" : "odd", i, NULL, 0), 0);
    }
    assert_true(receive(bench, &message));
    assert_int_equal(message_integer(message.body, "number", -1), 19998);
    channel_message_clear(&message);
    assert_true(receive(bench, &message));
    assert_int_equal(message_integer(message.body, "number", -1), 19999);
    channel_message_clear(&message);
    assert_false(receive(bench, &message));
}

static void messages_without_a_key_all_arrive_and_are_bounded(void **state)
{
    struct bench *bench = *state;
    struct channel_message message;
    json_t *one = message_new("one");
    int result = 0, waiting = 0;

    fill(bench);
    while ((result = outbox_send(&bench->outbox, one, NULL, 0)) == 0) {
        waiting++;
    }
    assert_int_equal(result, -ENOBUFS);
    json_decref(one);
    assert_int_equal(waiting, OUTBOX_MAX - 1); /* one of the filling ones waits, too */
    while (receive(bench, &message)) {
        channel_message_clear(&message);
        waiting--;
    }
    assert_int_equal(waiting, 0);
}

/* Descriptors of what has a key are not copied while it waits: none is needed, however many messages wait. */
static void what_waits_under_a_key_takes_no_descriptors(void **state)
{
    struct bench *bench = *state;
    struct channel_message message;
    int pipes[2];
    char key[16];

    assert_int_equal(pipe(pipes), 0);
    fill(bench);
    int before = dup(pipes[0]);
    close(before);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(send_state(bench, key, i, pipes, 2), 0);
    }
    int after = dup(pipes[0]);
    close(after);
    assert_int_equal(after, before);
    for (int i = 0; i < 500; i++) {
        assert_true(receive(bench, &message));
        assert_int_equal(message.fd_count, 2);
        channel_message_clear(&message);
    }
    close(pipes[0]);
    close(pipes[1]);
}

/* --- What is kept --------------------------------------------------------------------------------------- */

struct heard {
    int count;
    char type[16], key[64];
    int fd_count;
    bool behind;
};

static int on_send(void *data, const char *key, const json_t *message, const int *fds, int fd_count)
{
    struct heard *heard = data;

    (void)fds;
    heard->count++;
    heard->fd_count = fd_count;
    snprintf(heard->type, sizeof(heard->type), "%s", message_type(message));
    snprintf(heard->key, sizeof(heard->key), "%s", key);
    return 0;
}

static bool is_behind(void *data)
{
    const struct heard *heard = data;

    return heard->behind;
}

static void a_keeper_that_is_behind_still_gets_descriptors(void **state)
{
    struct heard heard = {0};
    const struct fd_store_callbacks callbacks = {.data = &heard, .send = on_send, .behind = is_behind};
    struct fd_store *store = fd_store_create(&callbacks);
    const int fds[] = {0, 1};

    (void)state;
    fd_store_put(store, FD_STORE_CAMERA, "front", json_object(), fds, 2);
    assert_string_equal(heard.type, "keep");
    assert_string_equal(heard.key, "camera front");
    fd_store_note(store, FD_STORE_CAMERA, "front", json_object());
    assert_string_equal(heard.type, "note");
    assert_int_equal(heard.fd_count, 0);
    heard.behind = true;
    fd_store_note(store, FD_STORE_CAMERA, "front", json_object());
    assert_string_equal(heard.type, "keep");
    assert_int_equal(heard.fd_count, 2);
    fd_store_drop(store, FD_STORE_CAMERA, "front");
    assert_string_equal(heard.type, "drop");
    fd_store_destroy(store);
}

static void while_it_is_silent_the_keeper_hears_nothing(void **state)
{
    struct heard heard = {0};
    const struct fd_store_callbacks callbacks = {.data = &heard, .send = on_send, .behind = is_behind};
    struct fd_store *store = fd_store_create(&callbacks);
    const int fds[] = {0};

    (void)state;
    fd_store_set_silent(store, true);
    fd_store_put(store, FD_STORE_RING, "front", json_object(), fds, 1);
    fd_store_put(store, FD_STORE_RING, "yard", json_object(), fds, 1);
    fd_store_drop(store, FD_STORE_RING, "yard");
    assert_int_equal(heard.count, 0);
    fd_store_set_silent(store, false);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.key, "ring front");
    fd_store_destroy(store);
}

static void nothing_is_kept_without_a_store(void **state)
{
    (void)state;
    fd_store_put(NULL, FD_STORE_RING, "front", json_object(), NULL, 0);
    fd_store_note(NULL, FD_STORE_RING, "front", json_object());
    fd_store_drop(NULL, FD_STORE_RING, "front");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_newest_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_without_a_key_all_arrive_and_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_under_a_key_takes_no_descriptors, set_up, tear_down),
        cmocka_unit_test(a_keeper_that_is_behind_still_gets_descriptors),
        cmocka_unit_test(while_it_is_silent_the_keeper_hears_nothing),
        cmocka_unit_test(nothing_is_kept_without_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
