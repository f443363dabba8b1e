/* SPDX-License-Identifier: MIT */
/* What workers share with the fork server, and what they give back. */
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

#include "ingest/codec/aac_check.h"
#include "ingest/malloc_tuning.h"
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

/* Bytes of memory that no other process shares, and that was written. */
static size_t own_memory(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    size_t kilobytes = 0;

    while (file && fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "Private_Dirty: %zu kB", &kilobytes);
    }
    if (file) {
        fclose(file);
    }
    return kilobytes * KIB;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_share_the_tables_of_codecs),
        cmocka_unit_test(a_worker_takes_no_copies_of_pages_with_holes),
        cmocka_unit_test(pages_of_the_beginning_are_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
