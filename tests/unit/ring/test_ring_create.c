/* SPDX-License-Identifier: MIT */
/* Names, creation, locks and sweeping: what the supervisor does with rings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

static void expect_name(const char *instance, const char *camera, const char *expected)
{
    char name[RING_NAME_SIZE];

    assert_int_equal(ring_name(name, instance, camera), 0);
    assert_string_equal(name, expected);
}

static void test_name_takes_any_camera(void **state)
{
    char name[RING_NAME_SIZE];
    char longest[RING_NAME_SIZE + 1];
    (void)state;

    expect_name("main", "front", "/ringcast.main.front");
    expect_name("a-b_c", "Front_2-b", "/ringcast.a-b_c.Front_2-b");
    expect_name("main", "a.b", "/ringcast.main.a.b");
    expect_name("main", ".a.b", "/ringcast.main.%2Ea.b");
    expect_name("main", "..", "/ringcast.main.%2E.");
    expect_name("a.b", "c", "/ringcast.a%2Eb.c");
    expect_name("main", "<img onerror>", "/ringcast.main.%3Cimg%20onerror%3E");
    expect_name("main", "Küche", "/ringcast.main.K%C3%BCche");
    expect_name("main", "../x/y", "/ringcast.main.%2E.%2Fx%2Fy");
    expect_name("main", "50%", "/ringcast.main.50%25");
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(ring_name(name, "main", longest), -ENAMETOOLONG);
    assert_int_equal(ring_name(name, longest, "front"), -ENAMETOOLONG);
    longest[RING_NAME_SIZE - 1 - strlen("/ringcast.main.")] = '\0';
    assert_int_equal(ring_name(name, "main", longest), 0);
    assert_int_equal(strlen(name), RING_NAME_SIZE - 1);
}

static void test_longest_camera_name_makes_a_ring(void **state)
{
    char name[RING_NAME_SIZE];
    char camera[65];
    char instance[33];
    struct ring_descriptors descriptors;
    (void)state;

    memset(camera, 0xFC, 64); /* every byte of 64 takes three in the name */
    camera[64] = '\0';
    snprintf(instance, sizeof(instance), "unit-%026d", (int)getpid());
    assert_int_equal(ring_name(name, instance, camera), 0);
    assert_int_equal(ring_create(name, 1, 0, 0, &descriptors), 0);
    close(descriptors.writer);
    close(descriptors.reader);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ring_unlink(name), 0); /* not there: no error */
}

static void expect_capacity(size_t wanted, size_t made)
{
    char name[RING_NAME_SIZE];
    struct ring_descriptors descriptors;
    ringcast_reader *reader;

    fixture_name(name);
    assert_int_equal(ring_create(name, wanted, 0, 0, &descriptors), 0);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ringcast_open_fd(descriptors.reader, &reader), 0);
    assert_int_equal(ringcast_capacity(reader), made);
    struct stat status;
    assert_int_equal(fstat(descriptors.writer, &status), 0);
    assert_true((size_t)status.st_blocks * 512 >= made); /* reserved, not only sized */
    ringcast_close(reader);
    close(descriptors.writer);
    close(descriptors.reader);
}

static void test_capacity_is_rounded_up(void **state)
{
    (void)state;
    expect_capacity(0, 65536);
    expect_capacity(65536, 65536);
    expect_capacity(65537, 131072);
    expect_capacity(131073, 196608);
    expect_capacity(4194304, 4194304);
}

static void test_r8_ring_is_private_and_made_once(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_descriptors descriptors = {.writer = -7, .reader = -7};
    struct stat status;

    assert_int_equal(fstat(fixture->descriptors.writer, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(fcntl(fixture->descriptors.writer, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fixture->descriptors.reader, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(fixture->descriptors.reader, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_string_equal(fixture->header->identity.name, fixture->name);
    assert_int_equal(ring_create(fixture->name, 65536, 0, 0, &descriptors), -EEXIST);
    assert_int_equal(descriptors.writer, -7);
    ringcast_reader *reader;
    assert_int_equal(ringcast_open(fixture->name, &reader), 0); /* the old one is untouched */
    ringcast_close(reader);
}

/* /dev/shm full is hard to have in a test; a limit on the size of files fails at the same place. */
static void test_failed_creation_leaves_nothing(void **state)
{
    char name[RING_NAME_SIZE];
    struct ring_descriptors descriptors;
    struct rlimit before;
    struct rlimit small;
    size_t open_before = fixture_count_descriptors();
    (void)state;

    fixture_name(name);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = ring_create(name, 65536, 0, 0, &descriptors);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(result, -EFBIG);
    assert_int_equal(shm_open(name, O_RDONLY, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fixture_count_descriptors(), open_before);
    assert_true(ring_create("no-slash/in/the/middle", 65536, 0, 0, &descriptors) < 0);
    assert_int_equal(fixture_count_descriptors(), open_before);
}

static bool exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY | O_CLOEXEC, 0);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void test_sweep_takes_what_nobody_holds(void **state)
{
    char instance[32];
    char longer[40];
    char names[3][RING_NAME_SIZE];
    struct ring_descriptors held[3];
    (void)state;

    snprintf(instance, sizeof(instance), "unit-sweep-%d", (int)getpid());
    snprintf(longer, sizeof(longer), "%s-b", instance);
    assert_int_equal(ring_name(names[0], instance, "front"), 0);
    assert_int_equal(ring_name(names[1], instance,
                               "K\xc3\xbc"
                               "che"),
                     0);
    assert_int_equal(ring_name(names[2], longer, "front"), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ring_create(names[i], 65536, 0, 0, &held[i]), 0);
    }
    assert_int_equal(ring_sweep(instance), -EBUSY);
    assert_true(exists(names[0]) && exists(names[1]));

    close(held[0].writer); /* the read-only descriptor alone holds it, too */
    close(held[1].reader);
    close(held[1].writer);
    assert_int_equal(ring_sweep(instance), -EBUSY);
    assert_true(exists(names[0]) && !exists(names[1]));
    close(held[0].reader);
    assert_int_equal(ring_sweep(instance), 1);
    assert_int_equal(ring_sweep(instance), 0);
    assert_true(!exists(names[0]) && exists(names[2])); /* another instance's */

    close(held[2].reader); /* and so does the writable one */
    assert_int_equal(ring_sweep(longer), -EBUSY);
    close(held[2].writer);
    assert_int_equal(ring_sweep(longer), 1);
}

static void test_sweep_sees_a_worker_that_closed_its_copy(void **state)
{
    struct ring_fixture *fixture = *state;

    assert_int_equal(close(dup(fixture->descriptors.writer)), 0); /* as a worker does after mapping */
    int fd = shm_open(fixture->name, O_RDONLY | O_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    close(fd);
}

static void test_sweep_after_kill(void **state)
{
    char instance[32];
    char name[RING_NAME_SIZE];
    (void)state;

    snprintf(instance, sizeof(instance), "unit-kill-%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "front"), 0);
    pid_t child = fixture_fork();
    if (child == 0) {
        struct ring_descriptors descriptors;
        if (ring_create(name, 65536, 0, 0, &descriptors) == 0) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(exists(name));
    assert_int_equal(ring_sweep(instance), 1);
    assert_false(exists(name));
}

static void test_retire_does_not_touch_a_ring_that_was_cut_off(void **state)
{
    struct ring_fixture *fixture = *state;

    assert_int_equal(ftruncate(fixture->descriptors.writer, 0), 0);
    ring_retire(fixture->descriptors.writer);
    ring_retire(-1);
}

/* The objects of /dev/shm whose names begin with that of ring NAME's instance. */
static unsigned count_objects(const char *name)
{
    DIR *folder = opendir("/dev/shm");
    const struct dirent *file;
    size_t prefix = (size_t)(strchr(name + strlen("/ringcast."), '.') - name);
    unsigned count = 0;

    while ((file = readdir(folder))) {
        count += strncmp(file->d_name, name + 1, prefix) == 0;
    }
    closedir(folder);
    return count;
}

static void close_ring(const struct ring_descriptors *ring)
{
    close(ring->writer);
    close(ring->reader);
}

static void test_next_ring_takes_the_place_at_once(void **state)
{
    char name[RING_NAME_SIZE];
    char instance[32];
    struct ring_descriptors now;
    struct ring_descriptors next;
    ringcast_reader *reader;
    (void)state;

    snprintf(instance, sizeof(instance), "unit-next-%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, 65536, 0, 7, &now), 0);
    assert_int_equal(ring_create_unnamed(name, 262144, 0, 7, &next), 0);
    assert_int_equal(count_objects(name), 1); /* no name that another user could take before it */
    assert_false(ring_is_used(next.reader));
    assert_int_equal(ringcast_open(name, &reader), 0);
    assert_int_equal(ringcast_capacity(reader), 65536);
    ringcast_close(reader);
    assert_int_equal(ring_replace(name, next.writer), 0);
    assert_int_equal(count_objects(name), 1);
    assert_int_equal(ringcast_open(name, &reader), 0);
    assert_int_equal(ringcast_capacity(reader), 262144);
    ringcast_close(reader);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ring_replace("/other", now.writer), -EINVAL);
    close_ring(&now);
    close_ring(&next);
}

static int make_foreign(const char *name, uid_t owner)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    assert_true(fd >= 0);
    assert_int_equal(fchown(fd, owner, owner), 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

#define ANOTHER_USER 65534

/* In a process of its own, as another user, with an object of root's in the way. Exit codes tell the step. */
static int without_a_name(const char *name, const char *instance)
{
    struct ring_descriptors ring, next;
    ringcast_reader *reader;

    if (setgid(ANOTHER_USER) < 0 || setuid(ANOTHER_USER) < 0) {
        return 1;
    }
    if (ring_sweep(instance) != 0) {
        return 2;
    }
    if (ring_create(name, 65536, 0, 0, &ring) != RING_UNNAMED || ringcast_open_fd(ring.reader, &reader) < 0) {
        return 3;
    }
    ringcast_close(reader);
    if (ringcast_open(name, &reader) != -EPERM) {
        return 4;
    }
    if (ring_create_unnamed(name, 65536, 0, 0, &next) < 0 || ring_replace(name, next.writer) != -EPERM) {
        return 5;
    }
    return count_objects(name) == 1 ? 0 : 6;
}

static void test_another_users_object_is_no_reason_to_do_without(void **state)
{
    char name[RING_NAME_SIZE];
    char instance[32];
    (void)state;

    if (geteuid() != 0) {
        skip(); /* it takes two users */
    }
    snprintf(instance, sizeof(instance), "unit-foreign-%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    int foreign = make_foreign(name, 0);
    pid_t child = fixture_fork();
    if (child == 0) {
        _exit(without_a_name(name, instance));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(ring_unlink(name), 0);
    close(foreign);
}

static void test_root_removes_what_another_user_put_there(void **state)
{
    char name[RING_NAME_SIZE];
    char instance[32];
    struct ring_descriptors ring, next;
    ringcast_reader *reader;
    (void)state;

    if (geteuid() != 0) {
        skip();
    }
    snprintf(instance, sizeof(instance), "unit-removed-%d", (int)getpid());
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    int foreign = make_foreign(name, ANOTHER_USER);
    assert_int_equal(ring_sweep(instance), 0); /* a lock of another user's says nothing */
    assert_int_equal(ring_create(name, 65536, 0, 0, &ring), 0);
    assert_int_equal(ringcast_open(name, &reader), 0);
    ringcast_close(reader);
    assert_int_equal(ring_unlink(name), 0);

    assert_int_equal(mkdir("/dev/shm/ringcast.unit-removed", 0700) < 0 ? errno : 0, 0);
    char path[512];
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    assert_int_equal(rename("/dev/shm/ringcast.unit-removed", path), 0);
    assert_int_equal(ring_sweep(instance), 0);
    assert_int_equal(ring_create(name, 65536, 0, 0, &next), RING_UNNAMED);
    assert_int_equal(ring_replace(name, next.writer), -EPERM);
    assert_int_equal(rmdir(path), 0);
    close_ring(&ring);
    close_ring(&next);
    close(foreign);
}

static void test_retired_ring_is_not_opened_by_name(void **state)
{
    char name[RING_NAME_SIZE];
    struct ring_descriptors ring;
    ringcast_reader *reader;
    (void)state;

    fixture_name(name);
    assert_int_equal(ring_create(name, 65536, 0, 0, &ring), 0);
    ring_retire(ring.writer);
    assert_int_equal(ringcast_open(name, &reader), -ENOENT);
    assert_int_equal(ring_unlink(name), 0);
    close(ring.writer);
    close(ring.reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_takes_any_camera),
        cmocka_unit_test(test_longest_camera_name_makes_a_ring),
        cmocka_unit_test(test_capacity_is_rounded_up),
        RING_TEST(test_r8_ring_is_private_and_made_once),
        cmocka_unit_test(test_failed_creation_leaves_nothing),
        cmocka_unit_test(test_sweep_takes_what_nobody_holds),
        RING_TEST(test_sweep_sees_a_worker_that_closed_its_copy),
        cmocka_unit_test(test_sweep_after_kill),
        RING_TEST(test_retire_does_not_touch_a_ring_that_was_cut_off),
        cmocka_unit_test(test_next_ring_takes_the_place_at_once),
        cmocka_unit_test(test_another_users_object_is_no_reason_to_do_without),
        cmocka_unit_test(test_root_removes_what_another_user_put_there),
        cmocka_unit_test(test_retired_ring_is_not_opened_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
