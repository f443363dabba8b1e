/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/camera_ring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "supervisor/camera/ring_plan.h"
#include "supervisor/process/timer.h"

/* When a ring of another size could not be made, it is not tried again for so long. */
#define RETRY_MS 30000

#define REASON_SIZE 256

static const struct ring_descriptors no_ring = {.writer = -1, .reader = -1};

struct camera_ring {
    char *camera; /* its name, for the log */
    char name[RING_NAME_SIZE];
    int64_t epoch_ns;
    struct ring_descriptors present, next, old;
    size_t size, next_size;
    size_t size_max; /* 0: fixed */
    struct ring_plan plan;
    json_int_t offers;      /* made so far; the id of the last one */
    bool offered;           /* the worker has not answered */
    uint64_t retry_ms;      /* no ring is made before */
    size_t wanted;          /* the configuration's ring_size */
    bool is_short_told;     /* that `look_back` does not fit ring_size_max */
    struct fd_store *store; /* NULL: not kept */
};

static void close_ring(struct ring_descriptors *ring)
{
    if (ring->writer >= 0) {
        close(ring->writer);
    }
    if (ring->reader >= 0) {
        close(ring->reader);
    }
    *ring = no_ring;
}

/* After every change. */
static void store_ring(const struct camera_ring *ring)
{
    const int fds[KEEPER_RING_FDS] = {[KEEPER_RING_WRITER] = ring->present.writer,
                                      [KEEPER_RING_READER] = ring->present.reader,
                                      [KEEPER_RING_NEXT_WRITER] = ring->next.writer,
                                      [KEEPER_RING_NEXT_READER] = ring->next.reader};
    json_t *body = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", KEEPER_RING_NAME, ring->name,
                             "epoch_ns", (json_int_t)ring->epoch_ns, "size", (json_int_t)ring->size, "wanted",
                             (json_int_t)ring->wanted, "size_max", (json_int_t)ring->size_max, "look_back",
                             (json_int_t)ring->plan.look_back_s, "next_size", (json_int_t)ring->next_size,
                             "offers", ring->offers);

    fd_store_put(ring->store, FD_STORE_RING, ring->camera, body, fds,
                 ring->offered ? KEEPER_RING_FDS : KEEPER_RING_NEXT_WRITER);
}

void camera_ring_set_fd_store(struct camera_ring *ring, struct fd_store *store)
{
    ring->store = store;
    store_ring(ring);
}

static size_t first_size(const struct camera_ring *ring)
{
    if (ring->size_max == 0) {
        return ring->wanted;
    }
    return ring->size_max < RING_PLAN_FIRST ? ring->size_max : RING_PLAN_FIRST;
}

static void explain(size_t size, int error, char *why, size_t why_size)
{
    switch (-error) {
    case ENOSPC:
    case ENOMEM:
        snprintf(
            why, why_size,
            "no room in /dev/shm for a ring of %zu KiB: make `ring_size`, or `ring_size_max`, smaller or "
            "/dev/shm larger",
            size / 1024);
        break;
    case EMFILE:
    case ENFILE:
        snprintf(why, why_size, "no descriptor is free for its ring: raise the limit (LimitNOFILE)");
        break;
    default:
        snprintf(why, why_size, "its ring cannot be made: %s", strerror(-error));
    }
}

void camera_ring_explain(const struct camera_ring *ring, int error, char *why, size_t size)
{
    explain(first_size(ring), error, why, size);
}

struct camera_ring *camera_ring_create(const char *instance, const struct config_camera *config)
{
    struct camera_ring *ring = calloc(1, sizeof(*ring));

    if (!ring) {
        return NULL;
    }
    *ring = (struct camera_ring){.camera = strdup(config->name),
                                 .present = no_ring,
                                 .next = no_ring,
                                 .old = no_ring,
                                 .wanted = config->ring_size,
                                 .plan = {.look_back_s = (unsigned)config->look_back},
                                 .size_max = config->ring_size == 0 ? config->ring_size_max : 0};
    if (!ring->camera || ring_name(ring->name, instance, config->name) < 0) {
        free(ring->camera);
        free(ring);
        return NULL;
    }
    return ring;
}

bool camera_ring_is_open(const struct camera_ring *ring)
{
    return ring->present.writer >= 0;
}

static void tell_unnamed(const struct camera_ring *ring)
{
    log_camera(
        LOG_LEVEL_WARNING, ring->camera,
        "camera %s: /dev/shm%s belongs to another user: viewers are served, but recorders and other readers "
        "cannot find the ring; remove that file",
        ring->camera, ring->name);
}

int camera_ring_open(struct camera_ring *ring)
{
    ring->epoch_ns = clock_now_ns();
    ring->size = first_size(ring);
    int result = ring_create(ring->name, ring->size, ring->plan.look_back_s, ring->epoch_ns, &ring->present);
    if (result < 0) {
        ring->present = no_ring;
        return result;
    }
    if (result == RING_UNNAMED) {
        tell_unnamed(ring);
    }
    return 0;
}

static bool install(struct camera_ring *ring);

void camera_ring_discard(struct fd_record *record)
{
    const char *name = message_string(record->body, "ring", "");

    if (record->fds[KEEPER_RING_WRITER] >= 0) {
        ring_retire(record->fds[KEEPER_RING_WRITER]);
    }
    ring_unlink(name);
    fd_record_finish(record);
}

static void take_ring(struct camera_ring *ring, struct fd_record *record)
{
    ring->epoch_ns = message_integer(record->body, "epoch_ns", 0);
    ring->size = (size_t)message_integer(record->body, "size", 0);
    ring->next_size = (size_t)message_integer(record->body, "next_size", 0);
    ring->offers = message_integer(record->body, "offers", 0);
    snprintf(ring->name, sizeof(ring->name), "%s", message_string(record->body, "ring", ""));
    ring->present.writer = fd_record_take_fd(record, KEEPER_RING_WRITER);
    ring->present.reader = fd_record_take_fd(record, KEEPER_RING_READER);
    ring->next.writer = fd_record_take_fd(record, KEEPER_RING_NEXT_WRITER);
    ring->next.reader = fd_record_take_fd(record, KEEPER_RING_NEXT_READER);
    ring->offered = ring->next.writer >= 0;
}

bool camera_ring_recall(struct camera_ring *ring, struct fd_store *store)
{
    struct fd_record record;

    if (!fd_store_take(store, FD_STORE_RING, ring->camera, &record)) {
        return false;
    }
    if (message_integer(record.body, "wanted", -1) != (json_int_t)ring->wanted ||
        message_integer(record.body, "size_max", -1) != (json_int_t)ring->size_max ||
        message_integer(record.body, "look_back", 0) != (json_int_t)ring->plan.look_back_s ||
        record.fds[KEEPER_RING_WRITER] < 0 || record.fds[KEEPER_RING_READER] < 0) {
        camera_ring_discard(&record);
        return false;
    }
    take_ring(ring, &record);
    fd_record_finish(&record);
    ring->store = store;
    /* The worker may have entered it, and the answer may have been read by the ringcastd that is gone. */
    if (ring->offered && ring_is_used(ring->next.reader)) {
        install(ring);
    } else {
        store_ring(ring);
    }
    return true;
}

static void withdraw(struct camera_ring *ring)
{
    if (!ring->offered) {
        return;
    }
    ring->offered = false;
    store_ring(ring);
    close_ring(&ring->next);
}

void camera_ring_destroy(struct camera_ring *ring)
{
    if (!ring) {
        return;
    }
    fd_store_drop(ring->store, FD_STORE_RING, ring->camera);
    ring->store = NULL;
    withdraw(ring);
    camera_ring_retire_old(ring);
    if (camera_ring_is_open(ring)) {
        ring_unlink(ring->name);
        ring_retire(ring->present.writer);
        close_ring(&ring->present);
    }
    free(ring->camera);
    free(ring);
}

const char *camera_ring_name(const struct camera_ring *ring)
{
    return ring->name;
}

size_t camera_ring_size(const struct camera_ring *ring)
{
    return camera_ring_is_open(ring) ? ring->size : 0;
}

size_t camera_ring_size_max(const struct camera_ring *ring)
{
    return ring->size_max;
}

int camera_ring_writer(const struct camera_ring *ring)
{
    return ring->present.writer;
}

int camera_ring_reader(const struct camera_ring *ring)
{
    return ring->present.reader;
}

static uint64_t counted(const json_t *body, const char *name)
{
    double value = json_number_value(json_object_get(body, name));

    return value >= 1 && value < 1e15 ? (uint64_t)value : 0;
}

static json_t *offer_message(const struct camera_ring *ring)
{
    return message_pack("ring", "{s:I, s:I}", "id", ring->offers, "size", (json_int_t)ring->next_size);
}

json_t *camera_ring_repeat(const struct camera_ring *ring, int *writer)
{
    *writer = ring->next.writer;
    return ring->offered ? offer_message(ring) : NULL;
}

static json_t *offer(struct camera_ring *ring, size_t size, uint64_t now)
{
    char why[REASON_SIZE];
    int result = ring_create_unnamed(ring->name, size, ring->plan.look_back_s, ring->epoch_ns, &ring->next);

    if (result < 0) {
        explain(size, result, why, sizeof(why));
        log_camera(LOG_LEVEL_ERROR, ring->camera, "camera %s: %s", ring->camera, why);
        ring->retry_ms = now + RETRY_MS;
        return NULL;
    }
    log_camera(LOG_LEVEL_INFO, ring->camera, "camera %s: its ring gets %zu KiB instead of %zu", ring->camera,
               size / 1024, ring->size / 1024);
    ring->offered = true;
    ring->next_size = size;
    ring->offers++;
    store_ring(ring);
    return offer_message(ring);
}

/* Bytes a second of the stream and of what the ring keeps beside each fragment. */
static uint64_t rate_in_ring(const json_t *body)
{
    uint64_t bytes = counted(body, "bitrate") / 8;

    return bytes > 0 ? bytes + counted(body, "fps") * RING_WRITER_OVERHEAD : 0;
}

/* The past that is asked for does not fit the largest ring: the log says it once. */
static void tell_short(struct camera_ring *ring, const struct ring_demand *demand)
{
    uint64_t past = ring_plan_past(&ring->plan, demand);

    if (past <= ring->size_max || ring->is_short_told) {
        return;
    }
    ring->is_short_told = true;
    log_camera(LOG_LEVEL_WARNING, ring->camera,
               "camera %s: %u s of it take %" PRIu64
               " MiB, and ring_size_max is %zu: look_back reaches %.0f s",
               ring->camera, ring->plan.look_back_s, past >> 20, ring->size_max >> 20,
               (double)ring->plan.look_back_s * (double)ring->size_max / (double)past);
}

json_t *camera_ring_observe(struct camera_ring *ring, const json_t *body, int *writer)
{
    const struct ring_demand demand = {.gop_bytes = counted(body, "gop_bytes"),
                                       .fragment_bytes = counted(body, "fragment_bytes"),
                                       .bytes_per_second = rate_in_ring(body)};
    uint64_t now = clock_now_ms();

    if (ring->size_max == 0 || ring->offered || now < ring->retry_ms) {
        return NULL;
    }
    size_t size = ring_plan_next(&ring->plan, &demand, ring->size, ring->size_max, now);
    tell_short(ring, &demand);
    if (size == ring->size) {
        return NULL;
    }
    json_t *message = offer(ring, size, now);
    if (!message) {
        withdraw(ring);
    }
    *writer = ring->next.writer;
    return message;
}

static bool install(struct camera_ring *ring)
{
    int result = ring_replace(ring->name, ring->next.writer);

    if (result == -EPERM) {
        tell_unnamed(ring);
    } else if (result < 0) {
        log_camera(LOG_LEVEL_ERROR, ring->camera, "camera %s: its name cannot be given to the new ring: %s",
                   ring->camera, strerror(-result));
    }
    camera_ring_retire_old(ring);
    ring->old = ring->present;
    ring->present = ring->next;
    ring->next = no_ring;
    ring->size = ring->next_size;
    ring->offered = false;
    store_ring(ring);
    return true;
}

bool camera_ring_changed(struct camera_ring *ring, const json_t *body)
{
    return ring->offered && message_integer(body, "id", 0) == ring->offers && install(ring);
}

bool camera_ring_settle(struct camera_ring *ring)
{
    if (ring->offered && ring_is_used(ring->next.reader)) {
        return install(ring);
    }
    withdraw(ring);
    return false;
}

void camera_ring_retire_old(struct camera_ring *ring)
{
    if (ring->old.writer >= 0) {
        ring_retire(ring->old.writer);
    }
    close_ring(&ring->old);
}
