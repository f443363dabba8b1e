/* SPDX-License-Identifier: MIT */
#include "tests/process/fanout/harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ring_writer_private.h"
#include "tests/support/patience.h"

/* A fragment: `moof` with number, keyframe flag and a filler byte, then `mdat` of that byte. */
#define MOOF_SIZE 24u
#define MDAT_HEADER 8u
static const char moof[4] = {'m', 'o', 'o', 'f'}, mdat[4] = {'m', 'd', 'a', 't'};

static void write_player_file(const char *directory, const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void make_player(struct fanout *fanout)
{
    snprintf(fanout->directory, sizeof(fanout->directory), "/tmp/ringcast-fanout-test-XXXXXX");
    assert_non_null(mkdtemp(fanout->directory));
    write_player_file(fanout->directory, "index.html", "<!doctype html><title>wall</title>\n");
    write_player_file(fanout->directory, "login.html", "<!doctype html><title>log in here</title>\n");
    write_player_file(fanout->directory, "ringcast-player.js", "export class RingcastPlayer {}\n");
}

static void remove_player(struct fanout *fanout)
{
    char path[128];
    const char *const names[] = {"index.html", "login.html", "ringcast-player.js"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", fanout->directory, names[i]);
        unlink(path);
    }
    rmdir(fanout->directory);
}

static int listen_anywhere(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 512), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void run_program(int channel, const char *player, int descriptors)
{
    const struct rlimit limit = {(rlim_t)descriptors, (rlim_t)descriptors};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (descriptors > 0) {
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    setenv("RINGCAST_PLAYER_DIR", player, 1);
    if (channel == CHANNEL_CHILD_FD) {
        fcntl(channel, F_SETFD, 0);
    } else {
        dup2(channel, CHANNEL_CHILD_FD);
    }
    close_range(CHANNEL_CHILD_FD + 1, ~0u, 0); /* whatever the test itself was started with */
    execl(RINGCAST_FANOUT, "ringcast-fanout", (char *)NULL);
    _exit(127);
}

/* No limit is reached by accident, however slow the machine. */
static json_t *no_limits(void)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "viewer_bytes", (json_int_t)1 << 30, "viewer_age_ms",
                     (json_int_t)600000, "viewer_stuck_ms", (json_int_t)600000, "ping_ms",
                     (json_int_t)600000);
}

void fanout_start(struct fanout *fanout)
{
    fanout_start_limited(fanout, NULL, 0);
}

void fanout_start_limited(struct fanout *fanout, const char *limit, int value)
{
    fanout_start_small(fanout, limit, value, 0);
}

void fanout_start_small(struct fanout *fanout, const char *limit, int value, int descriptors)
{
    int ends[2];
    *fanout = (struct fanout){0};
    make_player(fanout);
    assert_int_equal(channel_pair(ends), 0);
    fanout->pid = fork();
    assert_true(fanout->pid >= 0);
    if (fanout->pid == 0) {
        run_program(ends[1], fanout->directory, descriptors);
    }
    close(ends[1]);
    fanout->channel = ends[0];
    fanout_tell_access(fanout, json_pack("{s:b}", "on", false), -1);
    int listening = listen_anywhere(&fanout->port);
    json_t *message = message_new("listen");
    json_object_set_new(message, "address", json_string("127.0.0.1"));
    json_object_set_new(message, "log_level", json_string("warning"));
    json_t *limits = no_limits();
    json_object_update(message, limits);
    json_decref(limits);
    if (limit) {
        json_object_set_new(message, limit, json_integer(value));
    }
    fanout_tell(fanout, message, &listening, 1);
    close(listening);
    json_decref(fanout_wait(fanout, "ready"));
    fanout->descriptors = fanout_descriptors(fanout, NULL);
}

void fanout_tell_access(struct fanout *fanout, json_t *document, int once)
{
    int fds[2] = {memory_file_seal_json("access", document), once};

    assert_true(fds[0] >= 0);
    fanout_tell(fanout, message_new("access"), fds, once >= 0 ? 2 : 1);
    close(fds[0]);
    json_decref(document);
}

void fanout_tell_http(struct fanout *fanout, json_t *document)
{
    int fd = memory_file_seal_json("http", document);
    json_t *question = message_new("viewers-list");

    assert_true(fd >= 0);
    fanout_tell(fanout, message_new("http"), &fd, 1);
    close(fd);
    json_decref(document);
    json_object_set_new(question, "number", json_integer(1));
    fanout_tell(fanout, question, NULL, 0); /* answered after it */
    json_decref(fanout_wait(fanout, "viewers-page"));
}

void fanout_end(struct fanout *fanout, int signal)
{
    int status;
    if (signal) {
        assert_int_equal(kill(fanout->pid, signal), 0);
    }
    assert_int_equal(waitpid(fanout->pid, &status, 0), fanout->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    fanout->pid = 0;
    if (fanout->channel >= 0) {
        close(fanout->channel);
    }
    remove_player(fanout);
}

int fanout_wait_status(struct fanout *fanout)
{
    int status;

    close(fanout->channel);
    assert_int_equal(waitpid(fanout->pid, &status, 0), fanout->pid);
    fanout->pid = 0;
    remove_player(fanout);
    return status;
}

void fanout_tell(struct fanout *fanout, json_t *message, const int *fds, int count)
{
    struct pollfd wait = {.fd = fanout->channel, .events = POLLOUT};
    assert_non_null(message);
    int result = channel_send(fanout->channel, message, fds, count);
    while (result == -EAGAIN) { /* it is full, and the fan-out is busy */
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        result = channel_send(fanout->channel, message, fds, count);
    }
    assert_int_equal(result, 0);
    json_decref(message);
}

json_t *fanout_wait(struct fanout *fanout, const char *type)
{
    for (;;) {
        struct pollfd wait = {.fd = fanout->channel, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        struct channel_message message;
        assert_int_equal(channel_receive(fanout->channel, &message), 1);
        bool found = message_is(message.body, type);
        json_t *body = json_incref(message.body);
        channel_message_clear(&message);
        if (found) {
            return body;
        }
        json_decref(body);
    }
}

void fanout_wait_viewers(struct fanout *fanout, const char *camera, int count)
{
    int reported = -1;
    while (reported != count) {
        json_t *body = fanout_wait(fanout, "viewers");
        json_t *number = json_object_get(json_object_get(body, "cameras"), camera);
        reported = (int)json_integer_value(number); /* one that is not named has none */
        json_decref(body);
    }
}

int fanout_descriptors(const struct fanout *fanout, int *highest)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", fanout->pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int count = 0, last = -1;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            int fd = atoi(entry->d_name);
            last = fd > last ? fd : last;
            count++;
        }
    }
    closedir(directory);
    if (highest) {
        *highest = last;
    }
    return count;
}

static void make_ring(struct source *source, size_t capacity)
{
    static unsigned made;
    char instance[32];
    struct ring_descriptors ring;
    snprintf(instance, sizeof(instance), "fanout-test-%d-%u", (int)getpid(), made++);
    assert_int_equal(ring_name(source->ring, instance, source->name), 0);
    assert_int_equal(ring_create(source->ring, capacity, source->past_s, 1, &ring), 0);
    source->ring_writer_fd = ring.writer;
    source->ring_reader_fd = ring.reader;
    const uint32_t spacing_ms = 0;
    assert_int_equal(pwrite(ring.writer, &spacing_ms, sizeof(spacing_ms),
                            offsetof(struct ring_identity, index_spacing_ms)),
                     sizeof(spacing_ms));
    source->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_true(source->wake >= 0);
    assert_int_equal(ring_writer_attach(dup(ring.writer), source->wake, &source->writer), 0);
}

static void tell_of_ring(struct source *source)
{
    int fds[2] = {source->ring_reader_fd, source->wake};
    json_t *message = message_new("camera-add");
    json_object_set_new(message, "name", json_string(source->name));
    json_object_set_new(message, "state", json_string("starting"));
    fanout_tell(source->fanout, message, fds, 2);
}

void source_begin(struct source *source, struct fanout *fanout, const char *name, size_t capacity)
{
    source_begin_past(source, fanout, name, capacity, 0);
}

void source_begin_past(struct source *source, struct fanout *fanout, const char *name, size_t capacity,
                       unsigned past_s)
{
    *source = (struct source){.fanout = fanout, .past_s = past_s};
    snprintf(source->name, sizeof(source->name), "%s", name);
    make_ring(source, capacity);
    tell_of_ring(source);
}

static struct ring_entry *entry_at(const struct ring_writer *writer, uint64_t position)
{
    return (struct ring_entry *)(writer->map + writer->geometry.data_offset +
                                 ring_offset(&writer->geometry, position));
}

/* By the index: it knows every keyframe, and the fragments after each follow it in the ring. */
void source_date(struct source *source, double step, double ago)
{
    const struct ring_writer *writer = source->writer;
    const struct ring_geometry *geometry = &writer->geometry;
    struct ring_index_place *places = (struct ring_index_place *)(writer->map + geometry->index_offset);
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ns = now.tv_sec * 1000000000LL + now.tv_nsec - (int64_t)(ago * 1e9);
    uint64_t oldest = writer->head > geometry->capacity ? writer->head - geometry->capacity : 0;
    uint64_t first = writer->indexed > geometry->index_count ? writer->indexed - geometry->index_count : 0;
    uint64_t position = 0;
    for (uint64_t number = first; number < writer->indexed; number++) {
        struct ring_index_place *place = &places[number & (geometry->index_count - 1)];
        if (place->position < oldest) {
            continue;
        }
        position = position == 0 ? place->position : position;
        uint64_t sequence = entry_at(writer, place->position)->sequence;
        place->published_ns = now_ns - (int64_t)((double)(writer->sequence - sequence) * step * 1e9);
    }
    while (position < writer->head) {
        struct ring_entry *entry = entry_at(writer, position);
        entry->published_ns = now_ns - (int64_t)((double)(writer->sequence - entry->sequence) * step * 1e9);
        position += ring_entry_span(entry->length);
    }
}

void source_end(struct source *source)
{
    ring_writer_detach(source->writer);
    close(source->ring_writer_fd);
    close(source->ring_reader_fd);
    close(source->wake);
    ring_unlink(source->ring);
}

void source_move(struct source *source, size_t capacity)
{
    struct source old = *source;
    make_ring(source, capacity);
    tell_of_ring(source);
    ring_retire(old.ring_writer_fd);
    source_end(&old);
}

void source_restart(struct source *source)
{
    ring_writer_detach(source->writer);
    assert_int_equal(ring_writer_attach(dup(source->ring_writer_fd), source->wake, &source->writer), 0);
}

void source_generation(struct source *source, const char *codecs, const char *init_text)
{
    struct ring_stream stream = {
        .codecs = codecs,
        .init = init_text,
        .init_length = strlen(init_text),
        .timescale = 90000,
        .width = 640,
        .height = 360,
    };
    assert_int_equal(ring_writer_begin_generation(source->writer, &stream), 0);
}

void source_grow(struct source *source, size_t capacity, const char *codecs, const char *init_text,
                 struct source *old)
{
    *old = *source;
    make_ring(source, capacity);
    assert_int_equal(ring_writer_succeed(source->writer, old->writer), 0);
    source_generation(source, codecs, init_text);
}

void source_tell_ring(struct source *source, struct source *old)
{
    tell_of_ring(source);
    ring_retire(old->ring_writer_fd);
    source_end(old);
}

static void put_be32(uint8_t *bytes, size_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void publish(struct source *source, bool keyframe)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct ring_fragment fragment = {
        .flags = keyframe ? RINGCAST_KEYFRAME : 0,
        .decode_time = (int64_t)source->published * 3600,
        .duration = 3600,
        .capture_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
    };
    assert_int_equal(ring_writer_publish(source->writer, &fragment), 0);
    source->published++;
}

void source_publish(struct source *source, size_t size, bool keyframe)
{
    assert_true(size >= MOOF_SIZE + MDAT_HEADER);
    uint64_t number = ring_writer_next_sequence(source->writer);
    uint8_t *data = ring_writer_reserve(source->writer, size);
    assert_non_null(data);
    put_be32(data, MOOF_SIZE);
    memcpy(data + 4, moof, sizeof(moof));
    memcpy(data + 8, &number, sizeof(number));
    memset(data + 16, keyframe, 4);
    memset(data + 20, (int)(number & 0xff), 4);
    put_be32(data + MOOF_SIZE, size - MOOF_SIZE);
    memcpy(data + MOOF_SIZE + 4, mdat, sizeof(mdat));
    memset(data + MOOF_SIZE + MDAT_HEADER, (int)(number & 0xff), size - MOOF_SIZE - MDAT_HEADER);
    publish(source, keyframe);
}

void source_publish_raw(struct source *source, const void *bytes, size_t size, bool keyframe)
{
    uint8_t *data = ring_writer_reserve(source->writer, size);
    assert_non_null(data);
    memcpy(data, bytes, size);
    publish(source, keyframe);
}

uint64_t fragment_number(const struct client_message *message, bool *keyframe)
{
    uint64_t number;
    assert_int_equal(message->opcode, CLIENT_BINARY);
    assert_true(message->length >= MOOF_SIZE + MDAT_HEADER);
    assert_memory_equal(message->payload + 4, "moof", 4);
    assert_memory_equal(message->payload + MOOF_SIZE + 4, "mdat", 4);
    memcpy(&number, message->payload + 8, sizeof(number));
    for (size_t i = MOOF_SIZE + MDAT_HEADER; i < message->length; i++) {
        if (message->payload[i] != (number & 0xff)) {
            fail_msg("byte %zu of fragment %d is wrong", i, (int)number);
        }
    }
    if (keyframe) {
        *keyframe = message->payload[16];
    }
    return number;
}

void next_data(struct client *client, struct client_message *message)
{
    do {
        assert_true(client_next(client, message));
    } while (message->opcode == CLIENT_PING);
}

json_t *expect_text(struct client *client, const char *type)
{
    struct client_message message;
    next_data(client, &message);
    assert_int_equal(message.opcode, CLIENT_TEXT);
    json_t *object = json_loadb((const char *)message.payload, message.length, 0, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "type")), type);
    return object;
}

static bool is_state(const struct client_message *message)
{
    return message->opcode == CLIENT_TEXT &&
           memmem(message->payload, message->length, "\"type\":\"state\"", 14);
}

void expect_fragment(struct client *client, uint64_t number)
{
    struct client_message message;
    do { /* a state may be told a moment later to those who have joined meanwhile, too */
        next_data(client, &message);
    } while (is_state(&message));
    assert_int_equal(fragment_number(&message, NULL), number);
}

void expect_init(struct client *client, const char *init_text)
{
    struct client_message message;
    json_decref(expect_text(client, "init"));
    next_data(client, &message);
    assert_int_equal(message.opcode, CLIENT_BINARY);
    assert_int_equal(message.length, strlen(init_text));
    assert_memory_equal(message.payload, init_text, message.length);
}

void watch_camera(struct client *client, struct fanout *fanout, const char *path, int receive_bytes)
{
    client_open(client, fanout->port, path, "", receive_bytes);
    assert_int_equal(client->status, 101);
    json_decref(expect_text(client, "state"));
}

void fanout_tell_state(struct fanout *fanout, const char *name, const char *camera_state, const char *error)
{
    json_t *message = message_new("camera-state");
    json_object_set_new(message, "name", json_string(name));
    json_object_set_new(message, "state", json_string(camera_state));
    json_object_set_new(message, "error", error ? json_string(error) : json_null());
    fanout_tell(fanout, message, NULL, 0);
}

void fanout_tell_look_back(struct fanout *fanout, const char *name, int seconds)
{
    json_t *message = message_new("camera-state");
    char wanted[32];
    bool known = false;

    snprintf(wanted, sizeof(wanted), "\"look_back\":%d,", seconds);
    json_object_set_new(message, "name", json_string(name));
    json_object_set_new(message, "state", json_string("streaming"));
    json_object_set_new(message, "look_back", json_integer(seconds));
    fanout_tell(fanout, message, NULL, 0);
    while (!known) { /* client_ functions fail when the time is over */
        struct client client;
        client_request(&client, fanout->port, "GET", "/api/cameras", "");
        char *length = client_header(&client, "Content-Length");
        size_t size = strtoul(length, NULL, 10);
        known = memmem(client_read_bytes(&client, size), size, wanted, strlen(wanted));
        free(length);
        client_close(&client, false);
    }
}

void expect_close(struct client *client, int code)
{
    struct client_message message;
    const uint64_t end_ms =
        clock_now_ms() + PATIENCE_MS; /* of a viewer that is not closed the pings have no end */
    do {
        assert_true(clock_now_ms() < end_ms);
        assert_true(client_next(client, &message));
    } while (message.opcode != CLIENT_CLOSE);
    assert_true(message.length >= 2);
    assert_int_equal(message.payload[0] << 8 | message.payload[1], code);
    client_send_frame(client, CLIENT_CLOSE, message.payload, 2);
    assert_false(client_next(client, &message));
    client_close(client, false);
}
