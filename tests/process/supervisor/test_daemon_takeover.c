/* SPDX-License-Identifier: MIT */
/*
 * A ringcastd that was killed, and starts after it that fail: cameras and viewers go on, and the next start
 * has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

/* Of a ring of the fixture's size, 64 KiB and its own header, there is no room in this. */
#define NO_RING_BYTES 100000

static const struct camera_line cameras[] = {{"front", "stream"}, {"yard", "stream"}, {NULL, NULL}};

/* Between two looks at the log. */
#define LOOK_MS 20

struct running {
    struct daemon daemon;
    pid_t front, yard, fanout;
    int port;
};

/* A ringcastd that was killed while everything ran. */
static void begin(struct running *running)
{
    struct daemon *daemon = &running->daemon;

    daemon_init(daemon, 0, cameras);
    daemon_start(daemon);
    running->front = daemon_wait_camera(daemon, "front", "streaming", 0);
    running->yard = daemon_wait_camera(daemon, "yard", "streaming", 0);
    running->fanout = daemon_wait_service(daemon, "fanouts", 0);
    running->port = daemon->port;
}

static void begin_and_kill(struct running *running)
{
    begin(running);
    daemon_kill(&running->daemon);
}

static void require_running(struct running *running)
{
    assert_int_equal(kill(running->front, 0), 0);
    assert_int_equal(kill(running->yard, 0), 0);
    assert_int_equal(kill(running->fanout, 0), 0);
    assert_int_equal(daemon_ask_viewer_port(&running->daemon), running->fanout);
}

static int highest_descriptor(pid_t pid)
{
    char path[64];
    int highest = -1;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
        highest = fd > highest ? fd : highest;
    }
    closedir(directory);
    return highest;
}

static void start_in_vain(struct running *running, const char *words)
{
    daemon_launch(&running->daemon);
    assert_int_equal(daemon_wait_exit(&running->daemon), 1);
    if (!daemon_file_has(&running->daemon, "log", words)) {
        fail_msg("the log does not say \"%s\"", words);
    }
    require_running(running);
}

/* The next one has the same processes; and ends all of them in the end. */
static void take_over_and_finish(struct running *running)
{
    struct daemon *daemon = &running->daemon;

    daemon_start(daemon);
    assert_int_equal(daemon->port, running->port);
    assert_int_equal(daemon_wait_camera(daemon, "front", "streaming", 0), running->front);
    assert_int_equal(daemon_wait_camera(daemon, "yard", "streaming", 0), running->yard);
    assert_int_equal(daemon_wait_service(daemon, "fanouts", 0), running->fanout);
    require_running(running);
    daemon_finish_adopted(daemon);
}

/* A socket on the port of the configuration's `admin`, which another program has. */
static int occupy(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void an_address_that_is_taken(void **state)
{
    struct running running;
    char line[64];
    int port;

    (void)state;
    begin_and_kill(&running);
    int fd = occupy(&port);
    snprintf(line, sizeof(line), "admin = \"127.0.0.1:%d\";", port);
    daemon_configure(&running.daemon, line);
    start_in_vain(&running, "another program uses this port");
    start_in_vain(&running, "another program uses this port");
    close(fd);
    take_over_and_finish(&running);
}

static void another_address_that_is_taken(void **state)
{
    struct running running;
    int port;

    (void)state;
    begin_and_kill(&running);
    int fd = occupy(&port);
    daemon_reconfigure(&running.daemon, port, cameras);
    start_in_vain(&running, "another program uses this port");
    daemon_reconfigure(&running.daemon, 0, cameras);
    close(fd);
    take_over_and_finish(&running);
}

static void something_in_place_of_the_control_socket(void **state)
{
    static const char *const names[] = {"control.sock", "events.sock"};
    struct running running;
    char path[128], inside[160];

    (void)state;
    begin_and_kill(&running);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", running.daemon.runtime_dir, names[i]);
        snprintf(inside, sizeof(inside), "%s/x", path);
        unlink(path);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(mkdir(inside, 0700), 0);
        start_in_vain(&running, "cannot be opened");
        assert_int_equal(rmdir(inside), 0);
        assert_int_equal(rmdir(path), 0);
    }
    take_over_and_finish(&running);
}

static void few_descriptors(void **state)
{
    struct running running;

    (void)state;
    begin_and_kill(&running);
    running.daemon.descriptor_limit = 48;
    start_in_vain(&running, "2 cameras need 140 descriptors, and 48 are allowed");
    running.daemon.descriptor_limit = 9;
    start_in_vain(&running, "");
    running.daemon.descriptor_limit = 0;
    take_over_and_finish(&running);
}

/*
 * True if ringcastd has taken everything over, whether it gets ready or has yet to wait for a descriptor; false if it has
 * ended with exit code 1.
 */
static bool takes_over(struct daemon *daemon)
{
    char words[64];

    snprintf(words, sizeof(words), "supervisor %d: took over 2 workers and 1 fan-out", (int)daemon->pid);
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end;) {
        struct pollfd output = {.fd = daemon->output, .events = POLLIN};
        if (poll(&output, 1, LOOK_MS) > 0 && !(output.revents & POLLIN)) {
            assert_int_equal(daemon_wait_exit(daemon), 1);
            return false;
        }
        if (daemon_file_has(daemon, "log", words)) {
            return true;
        }
    }
    fail_msg("ringcastd %d neither takes over nor ends", (int)daemon->pid);
    return false;
}

/*
 * Descriptors run out at each point of the takeover in turn: the first start has none to spare, the last one all that
 * it needs. Whether a start fails or goes on without what it could not open, the cameras run.
 */
static void descriptors_that_run_out_in_between(void **state)
{
    enum { LIMIT = 140, TAKEN_FIRST = 128, STEP = 4, TAKEN_LAST = 60 };
    struct running running;
    struct daemon *daemon = &running.daemon;
    int taken_over = 0, failed = 0;

    (void)state;
    begin_and_kill(&running);
    daemon->descriptor_limit = LIMIT;
    for (daemon->descriptors_taken = TAKEN_FIRST; daemon->descriptors_taken >= TAKEN_LAST;
         daemon->descriptors_taken -= STEP) {
        daemon_launch(daemon);
        if (takes_over(daemon)) {
            taken_over++;
            daemon_kill(daemon);
        } else {
            failed++;
        }
        require_running(&running);
    }
    assert_true(taken_over > 0 && failed > 0);
    daemon->descriptor_limit = daemon->descriptors_taken = 0;
    take_over_and_finish(&running);
}

/* It has no room for what belongs to a new camera, says so, and gives the next ringcastd all the rest. */
static void a_keeper_without_descriptors(void **state)
{
    struct running running;
    struct daemon *daemon = &running.daemon;

    (void)state;
    begin(&running);
    pid_t keeper = daemon_wait_service(daemon, "keeper", 0);
    int highest = highest_descriptor(keeper);
    const struct rlimit tight = {.rlim_cur = (rlim_t)highest + 1, .rlim_max = (rlim_t)highest + 1};
    assert_int_equal(prlimit(keeper, RLIMIT_NOFILE, &tight, NULL), 0);
    json_decref(daemon_ask_text(daemon, "{\"v\":1,\"type\":\"camera-add\",\"camera\":\"gate\","
                                        "\"settings\":{\"url\":\"rtsp://127.0.0.1:9/stream\"}}"));
    daemon_wait_camera(daemon, "gate", "streaming", 0);
    daemon_wait_file(daemon, "log", "there was no room for those that came with it: raise the limit");
    daemon_kill(daemon);
    require_running(&running);
    daemon_start(daemon);
    daemon_wait_camera(daemon, "gate", "streaming", 0); /* another one, or the same */
    assert_int_equal(daemon_wait_camera(daemon, "front", "streaming", 0), running.front);
    assert_int_equal(daemon_wait_camera(daemon, "yard", "streaming", 0), running.yard);
    daemon_finish_adopted(daemon);
}

/* Puts COUNT descriptors under way, until ENDS are closed. */
static void send_descriptors(int ends[2], size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control = {0};
    struct iovec payload = {.iov_base = &(char){0}, .iov_len = 1};
    struct msghdr header = {.msg_iov = &payload,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(count * sizeof(int))};

    assert_true(count <= 253); /* SCM_MAX_FD */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++) {
        memcpy(CMSG_DATA(rights) + i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
    }
    assert_int_equal(sendmsg(ends[0], &header, 0), 1);
}

/*
 * A process may send descriptors only while all processes of its user together have no more under way than it may have open
 * (unix(7)): for a keeper with few, what other programs do, or a ringcastd that has not read them yet, is enough.
 */
static void descriptors_under_way_are_waited_for(void **state)
{
    struct running running;
    struct daemon *daemon = &running.daemon;
    int ends[2];

    (void)state;
    begin(&running);
    pid_t keeper = daemon_wait_service(daemon, "keeper", 0);
    rlim_t most = (rlim_t)highest_descriptor(keeper) + 1;
    const struct rlimit tight = {.rlim_cur = most, .rlim_max = most};
    assert_int_equal(prlimit(keeper, RLIMIT_NOFILE, &tight, NULL), 0);
    daemon_kill(daemon);
    send_descriptors(ends, (size_t)most + 1);
    daemon_launch(daemon);
    daemon_wait_file(daemon, "log", "too many descriptors are under way: waiting");
    close(ends[0]);
    close(ends[1]);
    assert_true(takes_over(daemon));
    assert_int_equal(daemon_wait_camera(daemon, "front", "streaming", 0), running.front);
    assert_int_equal(daemon_wait_camera(daemon, "yard", "streaming", 0), running.yard);
    require_running(&running);
    daemon_finish_adopted(daemon);
}

/* The new camera alone has failed, and the others are taken over. */
static void one_ring_that_cannot_be_made(void **state)
{
    static const struct camera_line more[] = {
        {"front", "stream"}, {"yard", "stream"}, {"gate", "stream"}, {NULL, NULL}};
    struct running running;
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    (void)state;
    begin_and_kill(&running);
    daemon_reconfigure(&running.daemon, 0, more);
    running.daemon.file_limit = NO_RING_BYTES;
    daemon_start(&running.daemon);
    daemon_wait_camera(&running.daemon, "gate", "failed", 0);
    assert_int_equal(daemon_wait_camera(&running.daemon, "front", "streaming", 0), running.front);
    require_running(&running);
    assert_int_equal(prlimit(running.daemon.pid, RLIMIT_FSIZE, &none, NULL), 0);
    daemon_wait_camera(&running.daemon, "gate", "streaming", 0);
    daemon_kill(&running.daemon);
    running.daemon.file_limit = 0;
    take_over_and_finish(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_is_taken),
        cmocka_unit_test(another_address_that_is_taken),
        cmocka_unit_test(something_in_place_of_the_control_socket),
        cmocka_unit_test(few_descriptors),
        cmocka_unit_test(descriptors_that_run_out_in_between),
        cmocka_unit_test(descriptors_under_way_are_waited_for),
        cmocka_unit_test(a_keeper_without_descriptors),
        cmocka_unit_test(one_ring_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
