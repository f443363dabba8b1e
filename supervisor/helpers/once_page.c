/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/once_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipc/message.h"

#define PAGE_BYTES (ONCE_PAGE_SLOTS * sizeof(uint32_t))
#define SEALS (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

struct once_page {
    int fd;
    _Atomic uint32_t *used;            /* written by fan-outs (0 to 1), and here while a number rests */
    json_t *numbers;                   /* {TOKEN ID: number} */
    bool taken[ONCE_PAGE_SLOTS];       /* by a token */
    uint64_t free_ms[ONCE_PAGE_SLOTS]; /* CLOCK_MONOTONIC: from when on it may be given to another one */
};

/* FD becomes that of the page. */
static int map(int fd, struct once_page **made)
{
    struct once_page *page = calloc(1, sizeof(*page));

    if (!page) {
        return -ENOMEM;
    }
    page->numbers = json_object();
    page->used = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page->used == MAP_FAILED || !page->numbers) {
        if (page->used != MAP_FAILED) {
            munmap(page->used, PAGE_BYTES);
        }
        json_decref(page->numbers);
        free(page);
        return -ENOMEM;
    }
    page->fd = fd;
    *made = page;
    return 0;
}

int once_page_create(struct once_page **page)
{
    int fd = memfd_create("ringcast-once", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int result = fd < 0 || ftruncate(fd, PAGE_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;

    if (result == 0) {
        result = map(fd, page);
    }
    if (result < 0 && fd >= 0) {
        close(fd);
    }
    return result;
}

int once_page_adopt(int fd, const json_t *note, uint64_t now_ms, struct once_page **made)
{
    struct stat status;
    const char *id;
    json_t *number;

    if (fstat(fd, &status) < 0 || status.st_size != PAGE_BYTES || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS) {
        return -EPROTO;
    }
    int result = map(fd, made);
    if (result < 0) {
        return result;
    }
    json_object_foreach((json_t *)note, id, number) {
        json_int_t slot = json_is_integer(number) ? json_integer_value(number) : -1;
        if (slot >= 0 && slot < ONCE_PAGE_SLOTS && !(*made)->taken[slot]) {
            (*made)->taken[slot] = true;
            json_object_set((*made)->numbers, id, number);
        }
    }
    for (size_t i = 0; i < ONCE_PAGE_SLOTS;
         i++) { /* one that was used and is nobody's may just have been given up */
        bool rests = !(*made)->taken[i] && atomic_load(&(*made)->used[i]) != 0;
        (*made)->free_ms[i] = rests ? now_ms + ONCE_PAGE_REST_MS : 0;
    }
    return 0;
}

void once_page_destroy(struct once_page *page)
{
    if (!page) {
        return;
    }
    munmap(page->used, PAGE_BYTES);
    close(page->fd);
    json_decref(page->numbers);
    free(page);
}

int once_page_fd(const struct once_page *page)
{
    return page->fd;
}

static int number_of(const struct once_page *page, const char *id)
{
    const json_t *number = json_object_get(page->numbers, id);

    return number ? (int)json_integer_value(number) : -1;
}

/* The one that has rested longest; -1: all are taken or rest. */
static int free_number(const struct once_page *page, uint64_t now_ms)
{
    int best = -1;

    for (int i = 0; i < ONCE_PAGE_SLOTS; i++) {
        if (!page->taken[i] && page->free_ms[i] <= now_ms &&
            (best < 0 || page->free_ms[i] < page->free_ms[best])) {
            best = i;
        }
    }
    return best;
}

int once_page_slot(struct once_page *page, const char *id, uint64_t now_ms)
{
    int number = number_of(page, id);

    if (number >= 0) {
        return number;
    }
    number = free_number(page, now_ms);
    if (number < 0 || json_object_set_new(page->numbers, id, json_integer(number)) < 0) {
        return -1;
    }
    page->taken[number] = true;
    atomic_store(&page->used[number], 0);
    return number;
}

bool once_page_used(const struct once_page *page, const char *id)
{
    int number = number_of(page, id);

    return number >= 0 && atomic_load(&page->used[number]) != 0;
}

void once_page_keep(struct once_page *page, const json_t *tokens, uint64_t now_ms)
{
    json_t *kept = json_object();
    const json_t *token;
    const char *id;
    json_t *number;
    size_t index;

    memset(page->taken, 0, sizeof(page->taken));
    json_array_foreach(tokens, index, token) {
        id = message_string(token, "id", "");
        number = json_object_get(page->numbers, id);
        if (number) {
            json_object_set(kept, id, number);
            page->taken[json_integer_value(number)] = true;
        }
    }
    json_object_foreach(page->numbers, id, number) {
        if (!json_object_get(kept, id)) {
            page->free_ms[json_integer_value(number)] = now_ms + ONCE_PAGE_REST_MS;
        }
    }
    json_decref(page->numbers);
    page->numbers = kept;
}

json_t *once_page_note(const struct once_page *page)
{
    return json_copy(page->numbers);
}
