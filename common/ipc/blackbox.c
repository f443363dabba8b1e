/* SPDX-License-Identifier: MIT */
/*
 * Lines lie one after the other, each ended by '\n', in a circle: byte N of all that was ever logged is at N
 * modulo the size. `logged` is stored (release) when a line is complete. A reader that copies while the child
 * goes on may get a torn line at the beginning, which the first '\n' cuts off, or, from a hostile child,
 * anything: so what it gets is cleaned.
 */
#include "common/ipc/blackbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own_usage.h"
#include "common/base/text.h"
#include "common/log/log.h"

#define BLACKBOX_MAGIC "RCBLKBX2"
#define PAGE_BYTES 8192u
#define LOG_BYTES (PAGE_BYTES - 40u)

/* How often a process says what it uses: at once, more often while it is young, for it grows then, and from then on. */
#define USAGE_YOUNG_MS 20000
#define USAGE_YOUNG_INTERVAL_MS 5000
#define USAGE_INTERVAL_MS 20000

/* No process has more: whoever says so says nothing. */
#define SHARE_MAX (UINT64_C(1) << 50)
#define DESCRIPTORS_MAX (UINT64_C(1) << 31)

struct blackbox {
    char magic[8];
    /* Writer: the child, relaxed: nothing else depends on it. Reader: ringcastd. */
    _Atomic uint64_t due_ms;
    /* Bytes logged so far. Writer: the child, release, after the bytes. Reader: ringcastd, acquire. */
    _Atomic uint64_t logged;
    /* What the child uses: bytes and a number, 0: not known. Writer: the child, relaxed. Reader: ringcastd. */
    _Atomic uint64_t share_bytes, descriptors;
    char log[LOG_BYTES];
};

static_assert(sizeof(struct blackbox) == PAGE_BYTES, "no padding");

/* The child's own. */
static struct blackbox *carried;
static uint64_t carried_ms, usage_due_ms;

static int map(int fd, struct blackbox **box)
{
    void *memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        return -errno;
    }
    *box = memory;
    return 0;
}

int blackbox_create(struct blackbox **box, int *result)
{
    int fd = memfd_create("ringcast-blackbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return -errno;
    }
    int error = ftruncate(fd, PAGE_BYTES) < 0 ? -errno : 0;
    if (error == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        error = -errno;
    }
    if (error == 0) {
        error = map(fd, box);
    }
    if (error < 0) {
        close(fd);
        return error;
    }
    memcpy((*box)->magic, BLACKBOX_MAGIC, sizeof((*box)->magic));
    *result = fd;
    return 0;
}

int blackbox_open(int fd, struct blackbox **box)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &status) < 0 || status.st_size != PAGE_BYTES) {
        return -EPROTO;
    }
    return map(fd, box);
}

void blackbox_close(struct blackbox *box)
{
    if (box) {
        munmap(box, PAGE_BYTES);
    }
}

uint64_t blackbox_due_ms(const struct blackbox *box)
{
    return atomic_load_explicit(&box->due_ms, memory_order_relaxed);
}

json_t *blackbox_usage(const struct blackbox *box)
{
    uint64_t share = atomic_load_explicit(&box->share_bytes, memory_order_relaxed);
    uint64_t descriptors = atomic_load_explicit(&box->descriptors, memory_order_relaxed);
    bool told = memcmp(box->magic, BLACKBOX_MAGIC, sizeof(box->magic)) == 0 && descriptors > 0 &&
                descriptors <= DESCRIPTORS_MAX && share <= SHARE_MAX;

    return !told ? json_null()
                 : json_pack("{s:o, s:I}", "pss", share > 0 ? json_integer((json_int_t)share) : json_null(),
                             "descriptors", (json_int_t)descriptors);
}

/* The newest bytes, oldest first; the length. */
static size_t copy_log(const struct blackbox *box, char out[LOG_BYTES])
{
    uint64_t end = atomic_load_explicit(&box->logged, memory_order_acquire);
    size_t length = end < LOG_BYTES ? (size_t)end : LOG_BYTES;

    for (size_t i = 0; i < length; i++) {
        out[i] = box->log[(end - length + i) % LOG_BYTES];
    }
    return length;
}

/* Log lines are escaped when they are made; a byte that is not text all the same becomes a question mark. */
static json_t *clean_line(const char *line)
{
    char text[LOG_BYTES * 2]; /* redaction makes a short secret longer */
    bool utf8 = text_is_utf8(line);
    size_t length = 0;

    for (const char *c = line; *c != '\0' && length < LOG_BYTES; c++) {
        unsigned char byte = (unsigned char)*c;
        text[length] = *c;
        if (byte < ' ' || byte == 0x7F || (!utf8 && byte >= 0x80)) {
            text[length] = '?';
        }
        length++;
    }
    text[length] = '\0';
    log_redact(text, sizeof(text));
    return json_string(text);
}

/* Where the last COUNT lines of the LENGTH bytes begin. */
static size_t last_lines(const char *text, size_t length, size_t count)
{
    size_t begin = length;

    while (begin > 0) {
        if (begin < length && text[begin - 1] == '\n' && count-- == 1) {
            return begin;
        }
        begin--;
    }
    return 0;
}

json_t *blackbox_lines(const struct blackbox *box, size_t count)
{
    char text[LOG_BYTES + 2];
    size_t length = copy_log(box, text);
    json_t *lines = json_array();
    bool torn = length == LOG_BYTES;

    text[length] = '\0';
    size_t begin = last_lines(text, length, count);
    for (char *line = text + begin, *end; (end = memchr(line, '\n', (size_t)(text + length - line))) != NULL;
         line = end + 1) {
        *end = '\0';
        if (!(torn && line == text)) {
            json_array_append_new(lines, clean_line(line));
        }
    }
    return lines;
}

static void record_line(const char *line, size_t length)
{
    struct blackbox *box = carried;

    if (!box || length > LOG_BYTES) {
        return;
    }
    uint64_t end = atomic_load_explicit(&box->logged, memory_order_relaxed);
    for (size_t i = 0; i < length; i++) {
        box->log[(end + i) % LOG_BYTES] = line[i];
    }
    atomic_store_explicit(&box->logged, end + length, memory_order_release);
}

int blackbox_carry(int fd)
{
    struct blackbox *box = NULL;
    int error = blackbox_open(fd, &box);

    close(fd);
    if (error < 0) {
        return error;
    }
    blackbox_drop();
    carried = box;
    carried_ms = usage_due_ms = clock_now_ms();
    log_set_recorder(record_line);
    return 0;
}

void blackbox_drop(void)
{
    log_set_recorder(NULL);
    blackbox_close(carried);
    carried = NULL;
}

static void note_usage(uint64_t now_ms)
{
    if (now_ms < usage_due_ms) {
        return;
    }
    struct own_usage usage = own_usage_read();
    usage_due_ms =
        now_ms + (now_ms - carried_ms < USAGE_YOUNG_MS ? USAGE_YOUNG_INTERVAL_MS : USAGE_INTERVAL_MS);
    atomic_store_explicit(&carried->share_bytes, usage.share_bytes, memory_order_relaxed);
    atomic_store_explicit(&carried->descriptors, usage.descriptors, memory_order_relaxed);
}

void blackbox_beat(uint64_t allowance_ms)
{
    log_settle();
    if (carried) {
        uint64_t now_ms = clock_now_ms();
        atomic_store_explicit(&carried->due_ms, now_ms + allowance_ms, memory_order_relaxed);
        note_usage(now_ms);
    }
}
