/* SPDX-License-Identifier: MIT */
/*
 * bench_ring: the ring by itself. What publishing and reading a fragment costs, beside memcpy of the same
 * bytes, and how long a sleeping reader takes to hear of a fragment, through the ring's own wait and through
 * the wake-up eventfd. Prints one line of JSON. One ring of its own, removed at the end.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"
#include "tests/bench/clock.h"
#include "tests/bench/histogram.h"
#include "tests/bench/options.h"

#define BATCH 64
#define KEYFRAME_EVERY 50
#define WAKE_INTERVAL_NS (2 * NS_PER_MS)
#define WAKE_TIMEOUT_MS 2000
#define NAME_SIZE 64

struct settings {
    size_t length, fragments, wakes, capacity;
};

/* One ring with a writer and a reader in this process. */
struct ring {
    char name[NAME_SIZE];
    bool made;
    int eventfd;
    struct ring_descriptors descriptors;
    struct ring_writer *writer;
    ringcast_reader *reader;
};

static int ring_open(struct ring *ring, size_t capacity)
{
    static const uint8_t init[512];
    const struct ring_stream stream = {.codecs = "avc1.64001F",
                                       .init = init,
                                       .init_length = sizeof init,
                                       .timescale = 90000,
                                       .width = 1280,
                                       .height = 720};
    snprintf(ring->name, sizeof ring->name, "/ringcast-bench.%d", (int)getpid());
    int result = ring_create(ring->name, capacity, 0, clock_ns(), &ring->descriptors);
    if (result < 0) {
        return result;
    }
    ring->made = true;
    ring->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int fd = ring->descriptors.writer;
    ring->descriptors.writer = -1;
    if ((result = ring_writer_attach(fd, ring->eventfd, &ring->writer)) < 0 ||
        (result = ring_writer_begin_generation(ring->writer, &stream)) < 0) {
        return result;
    }
    return ringcast_open_fd(ring->descriptors.reader, &ring->reader);
}

static void ring_close(struct ring *ring)
{
    const int fds[] = {ring->descriptors.writer, ring->descriptors.reader, ring->eventfd};
    ringcast_close(ring->reader);
    ring_writer_detach(ring->writer);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (ring->made) {
        ring_unlink(ring->name);
    }
}

static int publish(struct ring *ring, const uint8_t *payload, size_t length, uint64_t number)
{
    const struct ring_fragment fragment = {.flags = number % KEYFRAME_EVERY == 0 ? RINGCAST_KEYFRAME : 0,
                                           .decode_time = (int64_t)number * 3600,
                                           .duration = 3600};
    uint8_t *room = ring_writer_reserve(ring->writer, length);
    if (!room) {
        return -EMSGSIZE;
    }
    memcpy(room, payload, length);
    return ring_writer_publish(ring->writer, &fragment);
}

/* Nanoseconds a fragment: publishing and reading in turns of BATCH, so that neither laps the other. */
static int measure_throughput(struct ring *ring, const struct settings *settings, const uint8_t *payload,
                              uint8_t *buffer, double *publish_ns, double *read_ns)
{
    ringcast_cursor cursor = {0};
    ringcast_entry entry;
    int64_t publishing = 0, reading = 0;
    uint64_t number = 0;
    ringcast_seek_keyframe(ring->reader, &cursor);
    while (number < settings->fragments) {
        int64_t start = clock_ns();
        for (int i = 0; i < BATCH; i++) {
            int result = publish(ring, payload, settings->length, number++);
            if (result < 0) {
                return result;
            }
        }
        int64_t middle = clock_ns();
        for (int i = 0; i < BATCH; i++) {
            int got = ringcast_read(ring->reader, &cursor, buffer, settings->length, &entry);
            if (got != 1 || entry.length != settings->length) {
                return got < 0 ? got : -EBADMSG;
            }
        }
        publishing += middle - start;
        reading += clock_ns() - middle;
    }
    *publish_ns = (double)publishing / (double)number;
    *read_ns = (double)reading / (double)number;
    return 0;
}

/*
 * The same bytes through the same amount of memory, twice: into the area as publishing does, and out of it.
 */
static int measure_memcpy(const struct settings *settings, const uint8_t *payload, uint8_t *buffer,
                          double *in_ns, double *out_ns)
{
    size_t slots = settings->capacity / settings->length;
    int64_t in = 0, out = 0;
    uint64_t number = 0;
    uint8_t *area = mmap(NULL, settings->capacity, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (area == MAP_FAILED) {
        return -errno;
    }
    while (number < settings->fragments) {
        uint64_t first = number;
        int64_t start = clock_ns();
        for (; number < first + BATCH; number++) {
            memcpy(area + number % slots * settings->length, payload, settings->length);
        }
        int64_t middle = clock_ns();
        for (uint64_t i = first; i < first + BATCH; i++) {
            memcpy(buffer, area + i % slots * settings->length, settings->length);
            __asm__ volatile("" : : "r"(buffer) : "memory");
        }
        in += middle - start;
        out += clock_ns() - middle;
    }
    munmap(area, settings->capacity);
    *in_ns = (double)in / (double)number;
    *out_ns = (double)out / (double)number;
    return 0;
}

/*
 * The writer of the wake measurement, a process of its own: it publishes at a steady pace until it is killed.
 */
static void publish_for_ever(struct ring *ring, const uint8_t *payload, size_t length)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t number = 0;; number++) {
        struct timespec pause = clock_timespec(WAKE_INTERVAL_NS);
        nanosleep(&pause, NULL);
        if (publish(ring, payload, length, number) < 0) {
            _exit(1);
        }
    }
}

static int wait_eventfd(int epoll)
{
    struct epoll_event event;
    int count = epoll_wait(epoll, &event, 1, WAKE_TIMEOUT_MS);
    return count < 0 ? -errno : count;
}

static int collect_wakes(const struct ring *ring, const struct settings *settings, int epoll, uint8_t *buffer,
                         struct histogram *latency)
{
    ringcast_cursor cursor;
    ringcast_entry entry;
    ringcast_seek_keyframe(ring->reader, &cursor);
    while (ringcast_read(ring->reader, &cursor, buffer, settings->length, &entry) == 1) {
    }
    while (latency->count < settings->wakes) {
        int got = epoll >= 0 ? wait_eventfd(epoll) : ringcast_wait(ring->reader, &cursor, WAKE_TIMEOUT_MS);
        int64_t now = clock_ns();
        if (got == 0) {
            return -ETIMEDOUT;
        }
        if (got < 0 && got != -EINTR) {
            return got;
        }
        ringcast_entry newest = {0};
        while ((got = ringcast_read(ring->reader, &cursor, buffer, settings->length, &entry)) == 1) {
            newest = entry;
        }
        if (got == -ESTALE) {
            ringcast_seek_keyframe(ring->reader, &cursor);
        } else if (got < 0) {
            return got;
        }
        if (newest.sequence > 0 && newest.published_ns <= now) {
            histogram_add(latency, now - newest.published_ns);
        }
    }
    return 0;
}

static int measure_wakes(struct ring *ring, const struct settings *settings, bool by_eventfd,
                         const uint8_t *payload, uint8_t *buffer, struct histogram *latency)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = -1;
    if (by_eventfd) {
        epoll = epoll_create1(EPOLL_CLOEXEC);
        if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ring->eventfd, &event) < 0) {
            return -errno;
        }
    }
    pid_t writer = fork();
    if (writer == 0) {
        publish_for_ever(ring, payload, settings->length);
    }
    int result = writer < 0 ? -errno : collect_wakes(ring, settings, epoll, buffer, latency);
    if (writer > 0) {
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
    }
    if (epoll >= 0) {
        close(epoll);
    }
    return result;
}

static int measure(const struct settings *settings, struct ring *ring, uint8_t *payload, uint8_t *buffer,
                   struct histogram *wakes)
{
    double publish_ns = 0, read_ns = 0, in_ns = 0, out_ns = 0;
    int result = ring_open(ring, settings->capacity);
    if (result == 0) {
        result = measure_throughput(ring, settings, payload, buffer, &publish_ns, &read_ns);
    }
    if (result == 0) {
        result = measure_memcpy(settings, payload, buffer, &in_ns, &out_ns);
    }
    if (result == 0) {
        result = measure_wakes(ring, settings, false, payload, buffer, &wakes[0]);
    }
    if (result == 0) {
        result = measure_wakes(ring, settings, true, payload, buffer, &wakes[1]);
    }
    if (result < 0) {
        return result;
    }
    json_t *object =
        json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:o,s:o}", "event", "result", "length",
                  (json_int_t)settings->length, "capacity", (json_int_t)settings->capacity, "fragments",
                  (json_int_t)settings->fragments, "publish_ns", publish_ns, "read_ns", read_ns,
                  "memcpy_in_ns", in_ns, "memcpy_out_ns", out_ns, "wake_wait_ms", histogram_json(&wakes[0]),
                  "wake_eventfd_ms", histogram_json(&wakes[1]));
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {.length = 10600, .fragments = 200000, .wakes = 1000, .capacity = 4u << 20};
    const struct option_spec specs[] = {
        {"--length", OPTION_COUNT, &settings.length, "bytes of a fragment; default 10600"},
        {"--fragments", OPTION_COUNT, &settings.fragments, "how many to publish and read; default 200000"},
        {"--wakes", OPTION_COUNT, &settings.wakes, "how many wake-ups to time; default 1000"},
        {"--capacity", OPTION_COUNT, &settings.capacity, "of the ring, a power of two; default 4 MiB"},
    };
    if (options_parse(specs, sizeof specs / sizeof specs[0], argc, argv) < 0 || settings.length == 0 ||
        settings.length * BATCH * 2 > settings.capacity) {
        return 2;
    }
    struct ring ring = {.eventfd = -1, .descriptors = {.writer = -1, .reader = -1}};
    uint8_t *payload = calloc(1, settings.length), *buffer = calloc(1, settings.length);
    struct histogram *wakes = calloc(2, sizeof *wakes);
    int result = payload && buffer && wakes ? measure(&settings, &ring, payload, buffer, wakes) : -ENOMEM;
    if (result < 0) {
        fprintf(stderr, "bench_ring: %s\n", strerror(-result));
    }
    ring_close(&ring);
    free(wakes);
    free(buffer);
    free(payload);
    return result < 0 ? 1 : 0;
}
