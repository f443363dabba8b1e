/* SPDX-License-Identifier: MIT */
/* What workers share with the fork server, and what they give back. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/give_back.h"
#include "ingest/codec/aac_check.h"
#include "ingest/malloc_tuning.h"
#include "ingest/rtp/byte_buffer.h"
#include "ingest/rtsp/rtsp_connection.h"
#include "ingest/warm_up.h"

#define KIB 1024u

/* Sanitizers have an allocator of their own, and memory beside each page. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Bytes that the kernel tells of this process under NAME. */
static size_t memory(const char *name)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    size_t kilobytes = 0;

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            kilobytes = strtoul(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (file) {
        fclose(file);
    }
    return kilobytes * KIB;
}

/* Bytes of memory that no other process shares, and that was written. */
static size_t own_memory(void)
{
    return memory("Private_Dirty");
}

static void decode(void)
{
    static const uint8_t config[] = {0x14, 0x08}; /* AAC-LC, 16 kHz, mono */
    uint8_t silence[AAC_SILENCE_SIZE];
    struct aac_frame frames[AAC_CHECK_FRAMES_MAX];
    struct aac_check *check = NULL;

    if (aac_check_create(config, sizeof(config), &check) == 0) {
        aac_check_split(check, silence, aac_silence(1, silence), frames);
    }
    aac_check_destroy(check);
}

/* How much memory of its own WORK costs a child process, and leaves. */
static size_t cost_in_child(void (*work)(void))
{
    int ends[2];
    size_t cost = SIZE_MAX;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t before = own_memory();
        work();
        size_t after = own_memory();
        cost = after > before ? after - before : 0;
        _exit(write(ends[1], &cost, sizeof(cost)) == (ssize_t)sizeof(cost) ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &cost, sizeof(cost)), sizeof(cost));
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return cost;
}

static void workers_share_the_tables_of_codecs(void **state)
{
    (void)state;
    malloc_tuning_keep_small();
    size_t cold = cost_in_child(decode);
    warm_up_codecs();
    size_t warm = cost_in_child(decode);
    if (!SANITIZED) {
        assert_true(cold >= warm + 100 * KIB);
    }
}

#define PIECES 2000

static void *first[PIECES];

/* As a worker that needs as many pieces as lie free between what the fork server has. */
static void take_pieces(void)
{
    for (size_t i = 0; i < PIECES / 4; i++) {
        memset(malloc(192), 1, 192);
    }
}

static void a_worker_takes_no_copies_of_pages_with_holes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        first[i] = malloc(192);
        assert_non_null(first[i]);
        memset(first[i], 1, 192);
    }
    for (size_t i = 0; i < PIECES; i += 4) {
        free(first[i]);
    }
    size_t scattered = cost_in_child(take_pieces);
    malloc_tuning_fill_holes();
    size_t together = cost_in_child(take_pieces);
    if (!SANITIZED) {
        assert_true(scattered >= 2 * together);
    }
    for (size_t i = 0; i < PIECES; i++) {
        if (i % 4 != 0) {
            free(first[i]);
        }
    }
}

static void keep_one_of_many(void)
{
    static void *many[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        many[i] = malloc(1024);
        memset(many[i], 1, 1024);
    }
    for (size_t i = 0; i < PIECES - 1; i++) {
        free(many[i]);
    }
    malloc_tuning_give_back();
}

static void pages_of_the_beginning_are_given_back(void **state)
{
    (void)state;
    if (!SANITIZED) {
        assert_true(cost_in_child(keep_one_of_many) < PIECES * KIB / 4);
    }
}

static void code_that_was_needed_once_is_given_back(void **state)
{
    (void)state;
    warm_up_codecs();
    size_t before = memory("Rss");
    give_back_code();
    size_t after = memory("Rss");
    assert_true(after + 2048 * KIB < before);
    decode();
    warm_up_codecs();
}

static void go_deep(void)
{
    volatile char deep[300 * KIB];

    memset((char *)deep, 1, sizeof(deep));
    assert_int_equal(deep[sizeof(deep) / 2], 1);
}

static void go_deep_and_give_back(void)
{
    go_deep();
    give_back_stack();
}

static void the_stack_of_a_deep_call_is_given_back(void **state)
{
    (void)state;
    assert_true(cost_in_child(go_deep) >= 300 * KIB);
    assert_true(cost_in_child(go_deep_and_give_back) < 64 * KIB);
}

/* Clears a buffer after COUNT units of SIZE bytes. */
static void put_units(struct byte_buffer *buffer, unsigned count, size_t size)
{
    static const uint8_t packet[KIB] = {1};

    for (unsigned i = 0; i < count; i++) {
        while (buffer->size < size) {
            assert_int_equal(byte_buffer_add(buffer, packet, sizeof(packet)), 0);
        }
        byte_buffer_clear(buffer);
    }
}

static void put_pictures(void)
{
    static struct byte_buffer buffer;

    byte_buffer_init(&buffer, (size_t)4096 * KIB);
    for (int group = 0; group < 4; group++) {
        put_units(&buffer, 1, (size_t)1000 * KIB);
        put_units(&buffer, 49, (size_t)10 * KIB);
    }
    put_units(&buffer, 1, (size_t)1000 * KIB);
}

static void put_keyframes_only(void)
{
    static struct byte_buffer buffer;

    byte_buffer_init(&buffer, (size_t)4096 * KIB);
    put_units(&buffer, 100, (size_t)1000 * KIB);
}

static void of_a_keyframe_remains_what_other_pictures_need(void **state)
{
    (void)state;
    size_t pictures = cost_in_child(put_pictures);
    size_t keyframes = cost_in_child(put_keyframes_only);
    if (!SANITIZED) {
        assert_true(pictures < 200 * KIB);
        assert_true(keyframes >= 1000 * KIB);
    }
}

/* The part of a connection that takes what comes. */
static void only_listen(void)
{
    static struct rtsp_input input;

    assert_int_equal(rtsp_input_init(&input), 0);
    rtsp_input_finish(&input);
}

static void connect_to_nothing(void)
{
    static struct rtsp_connection connection;

    assert_int_equal(rtsp_connection_init(&connection, "camera", NULL, NULL, NULL), 0);
    rtsp_connection_finish(&connection);
}

static void a_connection_needs_no_memory_for_requests_that_were_not_made(void **state)
{
    (void)state;
    static_assert(sizeof(struct rtsp_connection) > 24 * KIB, "else there is nothing to see");
    size_t cost = cost_in_child(connect_to_nothing);
    if (!SANITIZED) {
        assert_true(cost <= cost_in_child(only_listen) + 12 * KIB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_share_the_tables_of_codecs),
        cmocka_unit_test(a_worker_takes_no_copies_of_pages_with_holes),
        cmocka_unit_test(pages_of_the_beginning_are_given_back),
        cmocka_unit_test(code_that_was_needed_once_is_given_back),
        cmocka_unit_test(the_stack_of_a_deep_call_is_given_back),
        cmocka_unit_test(of_a_keyframe_remains_what_other_pictures_need),
        cmocka_unit_test(a_connection_needs_no_memory_for_requests_that_were_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
