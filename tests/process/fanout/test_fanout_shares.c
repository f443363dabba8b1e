/* SPDX-License-Identifier: MIT */
/*
 * One client address among others, on a real ringcast-fanout with few descriptors: what it may hold without
 * asking for anything, and that there is room for the next request all the same. 127.0.0.1 attacks, and
 * requests come from there and from 127.0.0.2.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "tests/process/fanout/harness.h"

#define CODECS "avc1.64001F"
#define INIT "ftyp+moov"
#define RING_BYTES (8u << 20)

/* The fan-out can have so many descriptors; half of them are for connections. */
#define DESCRIPTORS 400

/* More connections than that. */
#define ATTACKERS 500
#define TRIES 12

#define FRAGMENT_BYTES 20000u

/* The memory of a program with sanitizers cannot be limited. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define ATTACKER "127.0.0.1"
#define HONEST "127.0.0.2"

static struct fanout fanout;
static struct source source;
static struct client attackers[ATTACKERS];

static void begin(const char *limit, int value, int descriptors)
{
    fanout_start_small(&fanout, limit, value, descriptors);
    source_begin(&source, &fanout, "front", RING_BYTES);
    source_generation(&source, CODECS, INIT);
    source_publish(&source, 1000, true);
}

static int tear_down(void **state)
{
    (void)state;
    client_set_source(NULL);
    fanout_end(&fanout, SIGTERM);
    source_end(&source);
    return 0;
}

static void expect_service(const char *address)
{
    client_set_source(address);
    for (int i = 0; i < TRIES; i++) {
        struct client client;
        client_request(&client, fanout.port, "GET", "/api/cameras", "");
        assert_int_equal(client.status, 200);
        client_close(&client, false);
        watch_camera(&client, &fanout, "/live/front", 0);
        expect_init(&client, INIT);
        expect_fragment(&client, 1);
        client_close(&client, false);
    }
}

/* How many of COUNT connections the fan-out has not closed. */
static int count_open(int count)
{
    int open = 0;
    for (int i = 0; i < count; i++) {
        open += recv(attackers[i].fd, &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
    }
    return open;
}

static void close_attackers(int count)
{
    for (int i = 0; i < count; i++) {
        client_close(&attackers[i], true);
    }
}

static void silent_connections_keep_no_other_out(void **state)
{
    (void)state;
    begin(NULL, 0, DESCRIPTORS);
    client_set_source(ATTACKER);
    for (int i = 0; i < ATTACKERS; i++) {
        client_connect(&attackers[i], fanout.port, 0);
        if (i % 2 == 0) {
            client_send(&attackers[i], "GET /api/cameras HTTP/1.1\r\nHost: a\r\nX-");
        }
    }
    expect_service(HONEST);
    expect_service(ATTACKER);
    assert_in_range(fanout_descriptors(&fanout, NULL), 0, fanout.descriptors + DESCRIPTORS / 2 / 16 + 4);
    close_attackers(ATTACKERS);
}

/* Requests are as good as none once they are answered. */
static void connections_that_asked_once_keep_no_other_out(void **state)
{
    (void)state;
    begin("idle_per_client", 10, 0);
    client_set_source(ATTACKER);
    for (int i = 0; i < 40; i++) {
        client_request(&attackers[i], fanout.port, "HEAD", "/api/cameras", "");
        assert_int_equal(attackers[i].status, 200);
    }
    expect_service(HONEST);
    expect_service(ATTACKER);
    assert_in_range(count_open(40), 0, 10);
    close_attackers(40);
}

static void the_newest_of_an_address_stay(void **state)
{
    (void)state;
    begin("idle_per_client", 10, 0);
    client_set_source(ATTACKER);
    for (int i = 0; i < 20; i++) {
        client_connect(&attackers[i], fanout.port, 0);
    }
    for (int i = 0; i < 10; i++) { /* waits for the end */
        client_read_head(&attackers[i]);
        assert_int_equal(attackers[i].status, 0);
    }
    for (int i = 10; i < 20; i++) {
        client_send(&attackers[i], "GET /api/cameras HTTP/1.1\r\nHost: a\r\n\r\n");
        client_read_head(&attackers[i]);
        assert_int_equal(attackers[i].status, 200);
    }
    close_attackers(20);
}

/* They are accepted before any of their requests is read. */
static void a_burst_of_requests_is_answered(void **state)
{
    enum { BURST = 60 };
    (void)state;
    begin("idle_per_client", 10, 0);
    client_set_source(ATTACKER);
    assert_int_equal(kill(fanout.pid, SIGSTOP), 0);
    for (int i = 0; i < BURST; i++) {
        client_connect(&attackers[i], fanout.port, 0);
        client_send(&attackers[i], "GET /api/cameras HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    assert_int_equal(kill(fanout.pid, SIGCONT), 0);
    for (int i = 0; i < BURST; i++) {
        client_read_head(&attackers[i]);
        assert_int_equal(attackers[i].status, 200);
    }
    close_attackers(BURST);
}

static void many_addresses_share_one_bound(void **state)
{
    static const char *const addresses[] = {"127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"};
    (void)state;
    begin("idle_max", 20, 0);
    for (int i = 0; i < 50; i++) {
        client_set_source(addresses[i % 5]);
        client_connect(&attackers[i], fanout.port, 0);
    }
    expect_service(HONEST);
    assert_in_range(count_open(50), 1, 20);
    close_attackers(50);
}

static void pause_viewer(struct client *client)
{
    watch_camera(client, &fanout, "/live/front", 0);
    expect_init(client, INIT);
    expect_fragment(client, 1);
    client_send_frame(client, CLIENT_TEXT, "{\"type\":\"pause\"}", 16);
    /* Answered in order, so the pause has been seen. */
    client_send_frame(client, CLIENT_TEXT, "{\"type\":\"time\",\"client\":1}", 26);
    json_decref(expect_text(client, "time"));
}

/* They answer no close frame either. */
static void paused_viewers_keep_no_other_out(void **state)
{
    struct client_message message;
    (void)state;
    begin(NULL, 0, DESCRIPTORS);
    client_set_source(ATTACKER);
    for (int i = 0; i < ATTACKERS; i++) {
        pause_viewer(&attackers[i]);
    }
    expect_service(HONEST);
    expect_service(ATTACKER);
    assert_true(client_next(&attackers[0], &message));
    assert_int_equal(message.opcode, CLIENT_CLOSE);
    assert_int_equal(message.payload[0] << 8 | message.payload[1], 1013);
    assert_string_equal((const char *)message.payload + 2, "too many paused viewers");
    assert_int_equal(count_open(ATTACKERS), DESCRIPTORS / 2 / 4);
    close_attackers(ATTACKERS);
}

static void a_viewer_that_goes_on_is_no_longer_counted(void **state)
{
    struct client_message message;
    (void)state;
    begin("idle_per_client", 2, 0);
    client_set_source(ATTACKER);
    for (int i = 0; i < 3; i++) {
        pause_viewer(&attackers[i]);
        if (i == 0) {
            client_send_frame(&attackers[i], CLIENT_TEXT, "{\"type\":\"resume\"}", 17);
            client_send_frame(&attackers[i], CLIENT_TEXT, "{\"type\":\"time\",\"client\":1}", 26);
            json_decref(expect_text(&attackers[i], "time"));
        }
    }
    assert_int_equal(count_open(3), 3);
    pause_viewer(&attackers[3]);
    assert_true(client_next(&attackers[1], &message));
    assert_int_equal(message.opcode, CLIENT_CLOSE);
    source_publish(&source, 1000, true);
    expect_fragment(&attackers[0], 2);
    close_attackers(4);
}

/* Reads on until fragment NUMBER, and fails at an end before it. */
static void read_up_to(struct client *client, uint64_t number)
{
    struct client_message message;
    do {
        assert_true(client_next(client, &message));
    } while (message.opcode != CLIENT_BINARY || message.length < FRAGMENT_BYTES ||
             fragment_number(&message, NULL) != number);
}

/* The honest one has taken nothing for longer than any of the attackers, but those hold more together. */
static void memory_is_taken_from_the_address_that_holds_most(void **state)
{
    enum { SLOW = 24, BOUND = 8 << 20, EACH = 100 };
    struct client honest;
    int left = SLOW + 1;
    (void)state;
    begin("send_bytes", BOUND, 0);
    client_set_source(HONEST);
    watch_camera(&honest, &fanout, "/live/front", 4096);
    fanout_wait_viewers(&fanout, "front", 1);
    for (int i = 0; i < EACH; i++) {
        source_publish(&source, FRAGMENT_BYTES, i % 10 == 0);
    }
    poll(NULL, 0, 300); /* it is seen to be stuck */
    client_set_source(ATTACKER);
    for (int i = 0; i < SLOW; i++) {
        watch_camera(&attackers[i], &fanout, "/live/front", 4096);
    }
    for (int i = 0; i < EACH; i++) {
        source_publish(&source, FRAGMENT_BYTES, i % 10 == 0);
        poll(NULL, 0, 2);
    }
    while (left > SLOW / 2) {
        json_t *report = fanout_wait(&fanout, "viewers");
        left = (int)json_integer_value(json_object_get(json_object_get(report, "cameras"), "front"));
        json_decref(report);
    }
    read_up_to(&honest, 1 + 2 * EACH);
    client_close(&honest, true);
    close_attackers(SLOW);
}

static long data_bytes(pid_t pid)
{
    char path[64], line[128];
    long kib = -1;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kib < 0 && fgets(line, sizeof(line), file)) {
        sscanf(line, "VmData: %ld kB", &kib);
    }
    fclose(file);
    assert_true(kib > 0);
    return kib * 1024;
}

/* A connection that has sent TEXT; -1: there is nothing to connect to. */
static int say(const char *text)
{
    const struct timeval patience = {.tv_sec = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fanout.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool serves(void)
{
    static const char expected[] = "HTTP/1.1 200";
    char answer[sizeof(expected)] = "";
    int fd = say("GET /api/cameras HTTP/1.1\r\nHost: a\r\n\r\n");
    bool served =
        fd >= 0 && recv(fd, answer, sizeof(expected) - 1, MSG_WAITALL) > 0 && strcmp(answer, expected) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return served;
}

static bool is_alive(void)
{
    siginfo_t end = {0};

    assert_int_equal(waitid(P_PID, (id_t)fanout.pid, &end, WEXITED | WNOHANG | WNOWAIT), 0);
    return end.si_pid == 0;
}

/* The fan-out may have so many BYTES more than it has. It serves after a crowd, or has ended by itself. */
static void meet_a_crowd_with(long bytes)
{
    int crowd[ATTACKERS];

    fanout_start(&fanout);
    rlim_t data = (rlim_t)(data_bytes(fanout.pid) + bytes);
    const struct rlimit limit = {data, data};
    assert_int_equal(prlimit(fanout.pid, RLIMIT_DATA, &limit, NULL), 0);
    for (int i = 0; i < ATTACKERS; i++) {
        crowd[i] = say("GET /api/cameras HTTP/1.1\r\nHost: a\r\nX-");
    }
    for (int i = 0; i < ATTACKERS; i++) {
        if (crowd[i] >= 0) {
            close(crowd[i]);
        }
    }
    for (int tries = 0; is_alive() && !serves(); tries++) { /* it has yet to see that they are gone */
        assert_true(tries < 1000);
    }
    bool alive = is_alive();
    int status = fanout_wait_status(&fanout);
    assert_true(WIFEXITED(status)); /* not by a signal, such as that of abort() */
    assert_int_equal(WEXITSTATUS(status), alive ? 0 : 1);
}

/* What can be left out is; without memory for what cannot, it ends as after a failure, and ringcastd starts another. */
static void without_memory_it_serves_on_or_ends_with_words(void **state)
{
    (void)state;
    if (SANITIZED) {
        skip();
    }
    for (long kib = 64; kib <= 2048; kib += kib / 2) {
        meet_a_crowd_with(kib * 1024);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(silent_connections_keep_no_other_out, tear_down),
        cmocka_unit_test_teardown(connections_that_asked_once_keep_no_other_out, tear_down),
        cmocka_unit_test_teardown(the_newest_of_an_address_stay, tear_down),
        cmocka_unit_test_teardown(a_burst_of_requests_is_answered, tear_down),
        cmocka_unit_test_teardown(many_addresses_share_one_bound, tear_down),
        cmocka_unit_test_teardown(paused_viewers_keep_no_other_out, tear_down),
        cmocka_unit_test_teardown(a_viewer_that_goes_on_is_no_longer_counted, tear_down),
        cmocka_unit_test(without_memory_it_serves_on_or_ends_with_words),
        cmocka_unit_test_teardown(memory_is_taken_from_the_address_that_holds_most, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
