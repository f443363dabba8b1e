#include "camera_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "message.h"
#include "ring_create.h"
#include "ring_plan.h"
#include "timer.h"

/* When a ring of another size could not be made, it is not tried again for so long. */
#define RETRY_MS 30000

static const struct ring_descriptors no_ring = {.writer = -1, .reader = -1};

struct camera_ring {
    char *camera; /* its name, for the log */
    char name[RING_NAME_SIZE];
    int64_t epoch_ns;
    struct ring_descriptors present, next, old;
    size_t size, next_size;
    size_t size_max; /* 0: fixed */
    struct ring_plan plan;
    json_int_t offers; /* made so far; the id of the last one */
    bool offered;      /* the worker has not answered */
    uint64_t retry_ms; /* no ring is made before */
};

static void close_ring(struct ring_descriptors *ring)
{
    if (ring->writer >= 0)
        close(ring->writer);
    if (ring->reader >= 0)
        close(ring->reader);
    *ring = no_ring;
}

static size_t first_size(const struct camera_ring *ring, const struct config_camera *config)
{
    if (ring->size_max == 0)
        return config->ring_size;
    return ring->size_max < RING_PLAN_FIRST ? ring->size_max : RING_PLAN_FIRST;
}

static void report_failure(const struct camera_ring *ring, size_t size, int error)
{
    if (error == -ENOSPC || error == -ENOMEM)
        log_error(
            "camera %s: no room in /dev/shm for a ring of %zu KiB: make `ring_size`, or `ring_size_max`, "
            "smaller or /dev/shm larger",
            ring->camera, size / 1024);
    else
        log_error("camera %s: the ring cannot be made: %s", ring->camera, strerror(-error));
}

int camera_ring_create(const char *instance, const struct config_camera *config, struct camera_ring **result)
{
    struct camera_ring *ring = calloc(1, sizeof(*ring));

    if (ring == NULL)
        return -ENOMEM;
    *ring = (struct camera_ring){.camera = strdup(config->name),
                                 .epoch_ns = (int64_t)timer_now_ms() * 1000000,
                                 .present = no_ring,
                                 .next = no_ring,
                                 .old = no_ring};
    ring->size_max = config->ring_size == 0 ? config->ring_size_max : 0;
    ring->size = first_size(ring, config);
    int error = ring->camera == NULL ? -ENOMEM : ring_name(ring->name, instance, config->name);
    if (error == 0)
        error = ring_create(ring->name, ring->size, ring->epoch_ns, &ring->present);
    if (error == 0) {
        *result = ring;
        return 0;
    }
    if (ring->camera != NULL)
        report_failure(ring, ring->size, error);
    free(ring->camera);
    free(ring);
    return error;
}

static void withdraw(struct camera_ring *ring)
{
    if (!ring->offered)
        return;
    ring->offered = false;
    ring_unlink_next(ring->name);
    close_ring(&ring->next);
}

void camera_ring_destroy(struct camera_ring *ring)
{
    if (ring == NULL)
        return;
    withdraw(ring);
    camera_ring_retire_old(ring);
    ring_unlink(ring->name);
    ring_retire(ring->present.writer);
    close_ring(&ring->present);
    free(ring->camera);
    free(ring);
}

const char *camera_ring_name(const struct camera_ring *ring)
{
    return ring->name;
}

size_t camera_ring_size(const struct camera_ring *ring)
{
    return ring->size;
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

static json_t *offer(struct camera_ring *ring, size_t size, uint64_t now)
{
    int error = ring_create_next(ring->name, size, ring->epoch_ns, &ring->next);

    if (error < 0) {
        report_failure(ring, size, error);
        ring->retry_ms = now + RETRY_MS;
        return NULL;
    }
    log_info("camera %s: its ring gets %zu KiB instead of %zu", ring->camera, size / 1024, ring->size / 1024);
    ring->offered = true;
    ring->next_size = size;
    ring->offers++;
    return json_pack("{s:i, s:s, s:I, s:I}", "v", MESSAGE_VERSION, "type", "ring", "id", ring->offers, "size",
                     (json_int_t)size);
}

json_t *camera_ring_observe(struct camera_ring *ring, const json_t *body, int *writer)
{
    const struct ring_demand demand = {.gop_bytes = counted(body, "gop_bytes"),
                                       .fragment_bytes = counted(body, "fragment_bytes"),
                                       .bytes_per_second = counted(body, "bitrate") / 8};
    uint64_t now = timer_now_ms();

    if (ring->size_max == 0 || ring->offered || now < ring->retry_ms)
        return NULL;
    size_t size = ring_plan_next(&ring->plan, &demand, ring->size, ring->size_max, now);
    if (size == ring->size)
        return NULL;
    json_t *message = offer(ring, size, now);
    if (message == NULL)
        withdraw(ring);
    *writer = ring->next.writer;
    return message;
}

static bool install(struct camera_ring *ring)
{
    int error = ring_install_next(ring->name);

    if (error < 0)
        log_error("camera %s: the ring cannot be renamed: %s", ring->camera, strerror(-error));
    camera_ring_retire_old(ring);
    ring->old = ring->present;
    ring->present = ring->next;
    ring->next = no_ring;
    ring->size = ring->next_size;
    ring->offered = false;
    return true;
}

bool camera_ring_changed(struct camera_ring *ring, const json_t *body)
{
    return ring->offered && message_integer(body, "id", 0) == ring->offers && install(ring);
}

bool camera_ring_settle(struct camera_ring *ring)
{
    if (ring->offered && ring_is_used(ring->next.reader))
        return install(ring);
    withdraw(ring);
    return false;
}

void camera_ring_retire_old(struct camera_ring *ring)
{
    if (ring->old.writer >= 0)
        ring_retire(ring->old.writer);
    close_ring(&ring->old);
}
