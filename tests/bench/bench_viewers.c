/* SPDX-License-Identifier: MIT */
/*
 * bench_viewers: thousands of WebSocket viewers in one process, for tests/bench/run and by hand.
 * Ramps up, waits until everyone has a picture, says {"event":"ready"}, measures, and prints one line of
 * JSON,
 * {"event":"result",…}. docs/benchmarks.md says what each figure means.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/bench/clock.h"
#include "tests/bench/options.h"
#include "tests/bench/viewer.h"

/* Holds a GOP of a fast camera, so that a new viewer's burst is one recv. */
#define BUFFER_SIZE ((size_t)256 * 1024)
#define EVENTS_MAX 256
#define RAMP_TICK_NS NS_PER_MS
#define SLOW_TICK_NS (50 * NS_PER_MS)
/* After the last viewer's first picture: lets the joins' bursts pass before latency counts. */
#define SETTLE_NS (500 * NS_PER_MS)
/* How long slow viewers then read freely, to see what they are told. */
#define DRAIN_NS (1500 * NS_PER_MS)
#define SIZES_MAX 4096

enum run_phase { RUN_RAMPING, RUN_SETTLING, RUN_MEASURING, RUN_DRAINING, RUN_HOLDING, RUN_DONE };

struct options {
    const char *host, *prefix, *ring, *header;
    struct option_list cameras;
    size_t port, viewers, slow, slow_rcvbuf;
    double rate;       /* joins a second */
    double duration_s; /* of the measured interval */
    double join_timeout_s;
    double slow_rate; /* bytes a second; 0: reads nothing */
    bool raw, hold, tls, resume, bundle;
};

struct bench {
    struct options options;
    struct viewer_run run;
    enum run_phase phase;
    int64_t phase_ns; /* when it began */
    int64_t start_ns, measured_ns, slow_ns;
    int epoll, timer;
    char **paths; /* one per camera */
    struct viewer *viewers;
    size_t connected; /* viewers that have been started */
    struct tally *fast_tally, *slow_tally;
};

static const char *strphase(enum run_phase phase)
{
    static const char *const names[] = {"ramping", "settling", "measuring", "draining", "holding", "done"};
    return names[phase];
}

static void print_line(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(object);
}

static json_t *rates_json(const struct bench *bench, double seconds)
{
    uint64_t least = UINT64_MAX, most = 0, sum = 0, count = 0;
    for (size_t i = 0; i < bench->connected; i++) {
        const struct viewer *viewer = &bench->viewers[i];
        if (viewer->slow) {
            continue;
        }
        least = viewer->interval_fragments < least ? viewer->interval_fragments : least;
        most = viewer->interval_fragments > most ? viewer->interval_fragments : most;
        sum += viewer->interval_fragments;
        count++;
    }
    if (count == 0 || seconds <= 0) {
        return json_null();
    }
    return json_pack("{s:f,s:f,s:f}", "min", (double)least / seconds, "mean",
                     (double)sum / (double)count / seconds, "max", (double)most / seconds);
}

static json_t *states_json(const struct bench *bench)
{
    json_t *states = json_object();
    for (size_t i = 0; i < bench->connected; i++) {
        const char *name = viewer_strstate(bench->viewers[i].state);
        json_int_t count = json_integer_value(json_object_get(states, name));
        json_object_set_new(states, name, json_integer(count + 1));
    }
    return states;
}

static json_t *sizes_json(const struct viewer_run *run)
{
    json_t *sizes = json_array();
    for (size_t i = 0; i < run->sizes_count; i++) {
        json_array_append_new(sizes, json_integer(run->sizes[i]));
    }
    return sizes;
}

static void print_result(const struct bench *bench)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = (double)bench->measured_ns / (double)NS_PER_S;
    print_line(json_pack("{s:s,s:f,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "event", "result", "interval_s", seconds,
                         "messages_per_viewer_s", rates_json(bench, seconds), "states", states_json(bench),
                         "fast", tally_json(bench->fast_tally), "slow", tally_json(bench->slow_tally),
                         "sizes", sizes_json(&bench->run), "max_rss_kb", (json_int_t)usage.ru_maxrss,
                         "resumed", (json_int_t)bench->run.resumed));
}

static int set_timer(int timer, int64_t interval_ns)
{
    struct itimerspec spec = {.it_interval = clock_timespec(interval_ns),
                              .it_value = clock_timespec(interval_ns)};
    return timerfd_settime(timer, 0, &spec, NULL) < 0 ? -errno : 0;
}

static void watch(const struct bench *bench, struct viewer *viewer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = viewer};
    if (viewer->fd >= 0 && epoll_ctl(bench->epoll, operation, viewer->fd, &event) < 0) {
        perror("bench_viewers: epoll_ctl");
    }
}

static void watch_stdin(const struct bench *bench)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0) {
        perror("bench_viewers: --hold needs a pipe or terminal as standard input");
    }
}

static void read_slow_freely(struct bench *bench)
{
    for (size_t i = 0; i < bench->connected; i++) {
        if (bench->viewers[i].slow) {
            watch(bench, &bench->viewers[i], EPOLL_CTL_MOD, EPOLLIN);
        }
    }
}

static void enter_phase(struct bench *bench, enum run_phase phase)
{
    int64_t now = clock_ns();
    bench->phase = phase;
    bench->run.measuring = phase == RUN_MEASURING;
    switch (phase) {
    case RUN_SETTLING:
        set_timer(bench->timer, SLOW_TICK_NS);
        break;
    case RUN_MEASURING:
        print_line(json_pack("{s:s}", "event", "ready"));
        now = clock_ns();
        break;
    case RUN_DRAINING:
        bench->measured_ns = now - bench->phase_ns;
        print_line(json_pack("{s:s}", "event", "measured"));
        read_slow_freely(bench);
        break;
    case RUN_HOLDING:
        print_result(bench);
        if (bench->options.hold) {
            watch_stdin(bench);
        }
        break;
    case RUN_RAMPING:
    case RUN_DONE:
        break;
    }
    bench->phase_ns = now;
}

static void connect_due(struct bench *bench)
{
    double elapsed = (double)(clock_ns() - bench->start_ns) / (double)NS_PER_S;
    size_t due = (size_t)(elapsed * bench->options.rate) + 1;
    if (due > bench->options.viewers) {
        due = bench->options.viewers;
    }
    if (bench->options.bundle) {
        due = bench->connected > 0 ? 0 : 1;
    }
    while (bench->connected < due) {
        struct viewer *viewer = &bench->viewers[bench->connected];
        bench->connected += bench->options.bundle ? bench->options.viewers : 1;
        int error = viewer_connect(viewer, &bench->run);
        if (error < 0) {
            fprintf(stderr, "bench_viewers: connect: %s\n", strerror(-error));
        } else {
            watch(bench, viewer, EPOLL_CTL_ADD, EPOLLOUT);
        }
    }
}

static bool everyone_has_joined(const struct bench *bench)
{
    for (size_t i = 0; i < bench->connected; i++) {
        const struct viewer *viewer = &bench->viewers[i];
        bool there = viewer->slow ? viewer->state == VIEWER_STREAMING : viewer->fragments > 0;
        if (!there && viewer->state != VIEWER_CLOSED) {
            return false;
        }
    }
    return bench->connected == bench->options.viewers;
}

static void read_slowly(struct bench *bench)
{
    int64_t now = clock_ns();
    double share = (double)(now - bench->slow_ns) / (double)NS_PER_S * bench->options.slow_rate;
    bench->slow_ns = now;
    for (size_t i = 0; share >= 1 && i < bench->connected; i++) {
        if (bench->viewers[i].slow && bench->viewers[i].state == VIEWER_STREAMING) {
            viewer_readable(&bench->viewers[i], &bench->run, (size_t)share);
        }
    }
}

static void on_tick(struct bench *bench)
{
    uint64_t expirations;
    (void)!read(bench->timer, &expirations, sizeof expirations);
    int64_t in_phase = clock_ns() - bench->phase_ns;
    const struct options *options = &bench->options;
    if (options->slow > 0 && bench->phase != RUN_RAMPING && bench->phase != RUN_DRAINING) {
        read_slowly(bench);
    }
    switch (bench->phase) {
    case RUN_RAMPING:
        connect_due(bench);
        if (everyone_has_joined(bench) || in_phase > (int64_t)(options->join_timeout_s * (double)NS_PER_S)) {
            enter_phase(bench, RUN_SETTLING);
        }
        break;
    case RUN_SETTLING:
        if (in_phase >= SETTLE_NS) {
            enter_phase(bench, RUN_MEASURING);
        }
        break;
    case RUN_MEASURING:
        if (in_phase >= (int64_t)(options->duration_s * (double)NS_PER_S)) {
            enter_phase(bench, RUN_DRAINING);
        }
        break;
    case RUN_DRAINING:
        if (options->slow == 0 || in_phase >= DRAIN_NS) {
            enter_phase(bench, RUN_HOLDING);
        }
        break;
    case RUN_HOLDING:
        if (!options->hold) {
            enter_phase(bench, RUN_DONE);
        }
        break;
    case RUN_DONE:
        break;
    }
}

static void on_viewer(struct bench *bench, struct viewer *viewer, uint32_t events)
{
    if (viewer->state == VIEWER_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        viewer_writable(viewer, &bench->run);
        watch(bench, viewer, EPOLL_CTL_MOD, EPOLLIN);
        return;
    }
    viewer_readable(viewer, &bench->run, viewer->slow && viewer->state == VIEWER_UPGRADING ? 1024 : SIZE_MAX);
    if (viewer->slow && viewer->state == VIEWER_STREAMING && bench->phase != RUN_DRAINING) {
        watch(bench, viewer, EPOLL_CTL_MOD, 0);
    }
}

static int run_loop(struct bench *bench)
{
    struct epoll_event events[EVENTS_MAX];
    while (bench->phase != RUN_DONE) {
        int count = epoll_wait(bench->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == bench) {
                on_tick(bench);
            } else if (events[i].data.ptr == NULL) {
                enter_phase(bench, RUN_DONE);
            } else {
                on_viewer(bench, events[i].data.ptr, events[i].events);
            }
        }
    }
    return 0;
}

static int parse_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.host = "127.0.0.1",
                                .prefix = "/live/",
                                .viewers = 1,
                                .rate = 200,
                                .duration_s = 5,
                                .join_timeout_s = 30};
    const struct option_spec specs[] = {
        {"--host", OPTION_STRING, &options->host, "numeric IPv4 address of the server; default 127.0.0.1"},
        {"--port", OPTION_COUNT, &options->port, "its port"},
        {"--camera", OPTION_LIST, &options->cameras, "percent-encoded name; viewers take turns over them"},
        {"--prefix", OPTION_STRING, &options->prefix, "path before the name; default /live/"},
        {"--header", OPTION_STRING, &options->header, "a header line for each join, such as a cookie"},
        {"--viewers", OPTION_COUNT, &options->viewers, "how many; default 1"},
        {"--rate", OPTION_NUMBER, &options->rate, "joins a second; default 200"},
        {"--join-timeout", OPTION_NUMBER, &options->join_timeout_s, "seconds until measuring begins anyway"},
        {"--duration", OPTION_NUMBER, &options->duration_s, "seconds to measure; default 5"},
        {"--slow", OPTION_COUNT, &options->slow, "how many of them are slow"},
        {"--slow-rate", OPTION_NUMBER, &options->slow_rate, "bytes a second a slow one reads; default 0"},
        {"--slow-rcvbuf", OPTION_COUNT, &options->slow_rcvbuf,
         "SO_RCVBUF of the slow ones; default the system's"},
        {"--ring", OPTION_STRING, &options->ring, "shared-memory name of the one camera's ring"},
        {"--raw", OPTION_FLAG, &options->raw, "the server is bench_floor"},
        {"--bundle", OPTION_FLAG, &options->bundle,
         "all viewers are subscriptions of one WebSocket at /live"},
        {"--tls", OPTION_FLAG, &options->tls, "over TLS; every certificate will do"},
        {"--resume", OPTION_FLAG, &options->resume, "with TLS, resume sessions of viewers before"},
        {"--hold", OPTION_FLAG, &options->hold, "after the result stay connected until standard input ends"},
    };
    int result = options_parse(specs, sizeof specs / sizeof specs[0], argc, argv);
    if (result < 0) {
        return result;
    }
    if (options->raw && options->cameras.count == 0) {
        options->cameras.values[options->cameras.count++] = "";
    }
    bool whole = options->port > 0 && options->port <= UINT16_MAX && options->cameras.count > 0 &&
                 options->viewers > 0 && options->rate > 0 && options->slow <= options->viewers;
    if (!whole) {
        fputs("bench_viewers: --port, --camera, at least one viewer and a rate are needed\n", stderr);
    }
    return whole ? 0 : -EINVAL;
}

static int make_paths(struct bench *bench)
{
    const struct options *options = &bench->options;
    bench->paths = calloc(options->cameras.count, sizeof *bench->paths);
    if (!bench->paths) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < options->cameras.count; i++) {
        if (asprintf(&bench->paths[i], "%s%s", options->prefix, options->cameras.values[i]) < 0) {
            bench->paths[i] = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

/* Slow viewers are spread evenly among the others. */
static void make_viewers(struct bench *bench)
{
    const struct options *options = &bench->options;
    bool recording = false;
    for (size_t i = 0; i < options->viewers; i++) {
        bool slow = (i + 1) * options->slow / options->viewers > i * options->slow / options->viewers;
        bench->viewers[i] =
            (struct viewer){.fd = -1,
                            .slow = slow,
                            .records_sizes = !slow && !recording,
                            .path = options->bundle ? "/live" : bench->paths[i % options->cameras.count],
                            .camera = options->cameras.values[i % options->cameras.count],
                            .tally = slow ? bench->slow_tally : bench->fast_tally};
        recording = recording || !slow;
    }
    if (options->bundle) {
        bench->viewers[0].members = bench->viewers;
        bench->viewers[0].member_count = options->viewers;
    }
}

static int bench_init(struct bench *bench)
{
    const struct options *options = &bench->options;
    struct viewer_run *run = &bench->run;
    run->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    if (inet_pton(AF_INET, options->host, &run->server.sin_addr) != 1) {
        return -EINVAL;
    }
    run->raw = options->raw;
    run->header = options->header;
    run->resume = options->resume;
    if (options->tls && !(run->tls = secure_client())) {
        return -ENOMEM;
    }
    run->slow_rcvbuf = (int)options->slow_rcvbuf;
    run->buffer_size = BUFFER_SIZE;
    run->sizes_max = SIZES_MAX;
    run->buffer = malloc(BUFFER_SIZE);
    run->sizes = calloc(SIZES_MAX, sizeof *run->sizes);
    bench->viewers = calloc(options->viewers, sizeof *bench->viewers);
    bench->fast_tally = tally_create();
    bench->slow_tally = tally_create();
    if (!run->buffer || !run->sizes || !bench->viewers || !bench->fast_tally || !bench->slow_tally) {
        return -ENOMEM;
    }
    if (options->ring && !(run->watch = ring_watch_create(options->ring))) {
        return -ENOENT;
    }
    int result = make_paths(bench);
    if (result == 0) {
        make_viewers(bench);
    }
    return result;
}

static int bench_open(struct bench *bench)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (bench->epoll < 0 || bench->timer < 0) {
        return -errno;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = bench};
    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, bench->timer, &event) < 0) {
        return -errno;
    }
    bench->start_ns = bench->slow_ns = clock_ns();
    enter_phase(bench, RUN_RAMPING);
    return set_timer(bench->timer, RAMP_TICK_NS);
}

static void bench_finish(struct bench *bench)
{
    for (size_t i = 0; i < bench->connected; i++) {
        viewer_finish(&bench->viewers[i]);
    }
    for (size_t i = 0; bench->paths && i < bench->options.cameras.count; i++) {
        free(bench->paths[i]);
    }
    free(bench->paths);
    ring_watch_destroy(bench->run.watch);
    SSL_SESSION_free(bench->run.session);
    SSL_CTX_free(bench->run.tls);
    free(bench->run.buffer);
    free(bench->run.sizes);
    free(bench->viewers);
    tally_destroy(bench->fast_tally);
    tally_destroy(bench->slow_tally);
    if (bench->epoll >= 0) {
        close(bench->epoll);
    }
    if (bench->timer >= 0) {
        close(bench->timer);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {.epoll = -1, .timer = -1};
    int result = parse_options(&bench.options, argc, argv);
    if (result < 0) {
        return 2;
    }
    result = bench_init(&bench);
    if (result == 0) {
        result = bench_open(&bench);
    }
    if (result == 0) {
        result = run_loop(&bench);
    }
    if (result < 0) {
        fprintf(stderr, "bench_viewers: %s: %s\n", strphase(bench.phase), strerror(-result));
    }
    bench_finish(&bench);
    return result < 0 ? 1 : 0;
}
