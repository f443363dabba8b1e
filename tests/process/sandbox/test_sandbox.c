/* SPDX-License-Identifier: MIT */
/* What each role may and may not do once it is in its sandbox. Every attempt is made, in a process of its
 * own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sandbox/sandbox_parts.h"
#include "tests/process/sandbox/attempt.h"

#define RING_BYTES 4096

static char directory[] = "/tmp/ringcast-sandbox-XXXXXX";

static int as(enum sandbox_role role, const struct sandbox_needs *needs, int (*action)(void *),
              const void *context, const char *call)
{
    struct attempt one = {
        .role = role, .needs = needs, .action = action, .context = (void *)(uintptr_t)context};
    int result = attempt(&one);

    if (result == ATTEMPT_TRAPPED && call != NULL && strstr(one.log, call) == NULL) {
        fail_msg("the log does not name %s: %s", call, one.log);
    }
    return result;
}

static int as_worker(int (*action)(void *), const void *context, const char *call)
{
    return as(SANDBOX_INGEST, NULL, action, context, call);
}

/* --- Files ---------------------------------------------------------------------------------------------- */

static int open_to_read(void *path)
{
    return open(path, O_RDONLY) < 0 ? -1 : 0;
}

static int open_to_write(void *path)
{
    return open(path, O_WRONLY | O_CREAT, 0600) < 0 ? -1 : 0;
}

static void worker_opens_no_file(void **state)
{
    char made[64];

    (void)state;
    snprintf(made, sizeof(made), "%s/made", directory);
    assert_int_equal(as_worker(open_to_read, "/etc/passwd", NULL), EACCES);
    assert_int_equal(as_worker(open_to_read, "/etc/hosts", NULL), EACCES);
    assert_int_equal(as_worker(open_to_write, made, NULL), EACCES);
    assert_int_equal(access(made, F_OK), -1);
}

static void worker_with_a_name_opens_what_names_need(void **state)
{
    const struct sandbox_needs needs = {.names = true};

    (void)state;
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/hosts", NULL), 0);
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_write, "/etc/hosts", NULL), EACCES);
    if (sandbox_files_version() < 0) {
        skip();
    }
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/passwd", NULL), EACCES);
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/ssl/certs", NULL), EACCES);
}

static void worker_with_tls_opens_certificates(void **state)
{
    const struct sandbox_needs needs = {.certificates = true};

    (void)state;
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/ssl/certs", NULL), 0);
    if (sandbox_files_version() < 0) {
        skip();
    }
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/hosts", NULL), EACCES);
    /* What the operator names instead. */
    assert_int_equal(setenv("SSL_CERT_DIR", "/nonexistent:/etc/hosts:", 1), 0);
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/hosts", NULL), 0);
    assert_int_equal(as(SANDBOX_INGEST, &needs, open_to_read, "/etc/group", NULL), EACCES);
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
}

static int resolve_localhost(void *context)
{
    struct addrinfo *list = NULL;

    (void)context;
    if (getaddrinfo("localhost", "554", NULL, &list) != 0) {
        return -1;
    }
    freeaddrinfo(list);
    return 0;
}

static void worker_resolves_a_name(void **state)
{
    const struct sandbox_needs needs = {.names = true};

    (void)state;
    assert_int_equal(as(SANDBOX_INGEST, &needs, resolve_localhost, NULL, NULL), 0);
}

/* --- Rings ---------------------------------------------------------------------------------------------- */

static int open_ring(void *name)
{
    return shm_open(name, O_RDONLY, 0) < 0 ? -1 : 0;
}

static int open_ring_to_write(void *name)
{
    return shm_open(name, O_RDWR, 0) < 0 ? -1 : 0;
}

static int truncate_ring(void *fd)
{
    return ftruncate(*(int *)fd, 0);
}

static int make_memory(void *context)
{
    (void)context;
    return memfd_create("ring", 0) < 0 ? -1 : 0;
}

static int map_writable(void *fd)
{
    return mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *(int *)fd, 0) == MAP_FAILED ? -1 : 0;
}

static int map_readable(void *fd)
{
    return mmap(NULL, RING_BYTES, PROT_READ, MAP_SHARED, *(int *)fd, 0) == MAP_FAILED ? -1 : 0;
}

static void rings_of_others_stay_closed_and_sizes_stay(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "/ringcast.test-sandbox-%d", (int)getpid());
    int writer = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0666);
    int reader = shm_open(name, O_RDONLY, 0);
    assert_true(writer >= 0 && reader >= 0);
    assert_int_equal(fchmod(writer, 0666), 0); /* nothing but the sandbox is in the way */
    assert_int_equal(ftruncate(writer, RING_BYTES), 0);
    int opened = as_worker(open_ring, name, NULL);
    int opened_to_write = as_worker(open_ring_to_write, name, NULL);
    int own = as_worker(map_writable, &writer, NULL);
    int cut = as_worker(truncate_ring, &writer, "ftruncate");
    int fanout_reads = as(SANDBOX_FANOUT, NULL, map_readable, &reader, NULL);
    int fanout_writes = as(SANDBOX_FANOUT, NULL, map_writable, &reader, NULL);
    int fanout_opens = as(SANDBOX_FANOUT, NULL, open_ring, name, NULL);
    off_t size = lseek(writer, 0, SEEK_END);
    shm_unlink(name);
    close(writer);
    close(reader);
    assert_int_equal(opened, EACCES);
    assert_int_equal(opened_to_write, EACCES);
    assert_int_equal(own, 0);
    assert_int_equal(cut, ATTEMPT_TRAPPED);
    assert_int_equal(size, RING_BYTES);
    assert_int_equal(fanout_reads, 0);
    assert_int_equal(fanout_writes, EACCES);
    assert_int_equal(fanout_opens, EACCES);
    assert_int_equal(as_worker(make_memory, NULL, "memfd_create"), ATTEMPT_TRAPPED);
}

/* --- Programs and processes ----------------------------------------------------------------------------- */

static int run_program(void *context)
{
    (void)context;
    return execl("/bin/true", "true", (char *)NULL);
}

static int trace_parent(void *context)
{
    (void)context;
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? -1 : 0;
}

static int signal_parent(void *context)
{
    (void)context;
    return kill(getppid(), 0);
}

static int fork_once(void *context)
{
    (void)context;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

/* The call itself. The fork() of newer C libraries makes it with all signals blocked, so that the process dies without a word. */
static int clone_once(void *context)
{
    (void)context;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        _exit(0);
    }
    return pid < 0 || waitpid((pid_t)pid, NULL, 0) != pid ? -1 : 0;
}

static int read_memory_of_parent(void *context)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {context, 1};

    return process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 ? -1 : 0;
}

static void no_program_and_no_other_process(void **state)
{
    static char target = 'x';

    (void)state;
    assert_int_equal(as_worker(run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_FANOUT, NULL, run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_FORK_SERVER, NULL, run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(read_memory_of_parent, &target, "process_vm_readv"), ATTEMPT_TRAPPED);
    assert_int_not_equal(as_worker(trace_parent, NULL, "ptrace"), 0);
    assert_int_equal(as(SANDBOX_FORK_SERVER, NULL, fork_once, NULL, NULL), 0);
#if !SANDBOX_SANITIZER /* the leak checker traces, from a process that it makes */
    assert_int_equal(as_worker(trace_parent, NULL, "ptrace"), ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(signal_parent, NULL, "kill"), ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(fork_once, NULL, NULL), ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(clone_once, NULL, "clone"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_FANOUT, NULL, clone_once, NULL, "clone"), ATTEMPT_TRAPPED);
#else
    (void)signal_parent;
    (void)clone_once;
#endif
}

static int make_code(void *context)
{
    (void)context;
    void *page = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, RING_BYTES, PROT_READ | PROT_EXEC);
}

static int become_root(void *context)
{
    (void)context;
    return setuid(0);
}

static int raise_limit(void *context)
{
    const struct rlimit more = {.rlim_cur = 4096, .rlim_max = 4096};

    (void)context;
    return setrlimit(RLIMIT_NOFILE, &more);
}

static void no_code_no_root_no_more(void **state)
{
    (void)state;
    assert_int_equal(as_worker(make_code, NULL, NULL), EACCES);
    assert_int_equal(as(SANDBOX_FANOUT, NULL, make_code, NULL, NULL), EACCES);
    assert_int_equal(as_worker(become_root, NULL, "setuid"), ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(raise_limit, NULL, NULL), EPERM);
}

/* --- Sockets -------------------------------------------------------------------------------------------- */

static int connect_to_path(void *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", (const char *)path);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static int connect_to_port(void *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd < 0 ? -1 : connect(fd, address, sizeof(struct sockaddr_in));
}

static int bind_udp(void *context)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    (void)context;
    return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&any, sizeof(any));
}

static int listen_tcp(void *context)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)context;
    return fd < 0 ? -1 : listen(fd, 1);
}

static int listen_at(const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, address, length), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* A worker that speaks for another camera would have to reach ringcastd another way than by its channel. */
static void nobody_reaches_the_control_socket(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", directory);
    int listener = listen_at((struct sockaddr *)&address, sizeof(address));
    assert_int_equal(chmod(address.sun_path, 0777), 0);
    assert_int_equal(chmod(directory, 0777), 0);
    int worker = as_worker(connect_to_path, address.sun_path, NULL);
    int fanout = as(SANDBOX_FANOUT, NULL, connect_to_path, address.sun_path, "socket");
    close(listener);
    unlink(address.sun_path);
    assert_int_equal(worker, EACCES);
    assert_int_equal(fanout, ATTEMPT_TRAPPED);
}

static void worker_connects_out_and_listens_nowhere(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    (void)state;
    int listener = listen_at((struct sockaddr *)&address, sizeof(address));
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    int worker = as_worker(connect_to_port, &address, NULL);
    int fanout = as(SANDBOX_FANOUT, NULL, connect_to_port, &address, "socket");
    close(listener);
    assert_int_equal(worker, 0);
    assert_int_equal(fanout, ATTEMPT_TRAPPED);
    assert_int_equal(as_worker(bind_udp, NULL, NULL), 0);
    assert_int_equal(as_worker(listen_tcp, NULL, "listen"), ATTEMPT_TRAPPED);
}

/* --- The process that knows the passwords --------------------------------------------------------------- */

static int accept_one(void *context)
{
    int fd = accept(*(int *)context, NULL, NULL);

    return fd < 0 ? -1 : 0;
}

static int make_pair(void *context)
{
    int ends[2];

    (void)context;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

/* Memory is what a hash needs. */
static int take_memory(void *size)
{
    char *memory = mmap(NULL, *(size_t *)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return -1;
    }
    memory[0] = 1;
    return munmap(memory, *(size_t *)size);
}

static void password_has_its_channels_and_nothing_else(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t some = (size_t)64 << 20, much = (size_t)1 << 30;

    (void)state;
    int listener = listen_at((struct sockaddr *)&address, sizeof(address));
    int accepted = as(SANDBOX_PASSWORD, NULL, accept_one, &listener, "accept");
    close(listener);
    assert_int_equal(accepted, ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, open_to_read, "/etc/passwd", NULL), EACCES);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, open_to_read, "/proc/self/status", NULL),
                     SANDBOX_SANITIZER ? 0 : EACCES);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, connect_to_port, &address, "socket"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, make_pair, NULL, "socketpair"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, make_code, NULL, NULL), EACCES);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, become_root, NULL, "setuid"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, take_memory, &some, NULL), 0);
#if !SANDBOX_SANITIZER
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, take_memory, &much, NULL), ENOMEM);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, clone_once, NULL, "clone"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_PASSWORD, NULL, signal_parent, NULL, NULL), ATTEMPT_TRAPPED);
#else
    (void)much;
#endif
}

/* --- The process that reads what devices answer ---------------------------------------------------------- */

static void discover_connects_out_and_has_no_file(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    size_t much = (size_t)1 << 30;

    (void)state;
    int listener = listen_at((struct sockaddr *)&address, sizeof(address));
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    int connected = as(SANDBOX_DISCOVER, NULL, connect_to_port, &address, NULL);
    int accepted = as(SANDBOX_DISCOVER, NULL, accept_one, &listener, "accept");
    close(listener);
    assert_int_equal(connected, 0);
    assert_int_equal(accepted, ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, bind_udp, NULL, "bind"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, listen_tcp, NULL, "listen"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, open_to_read, "/etc/passwd", NULL), EACCES);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, connect_to_path, "/run/x", NULL), EACCES);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, make_code, NULL, NULL), EACCES);
#if !SANDBOX_SANITIZER
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, take_memory, &much, NULL), ENOMEM);
    assert_int_equal(as(SANDBOX_DISCOVER, NULL, clone_once, NULL, "clone"), ATTEMPT_TRAPPED);
#else
    (void)much;
#endif
}

/* --- The process that talks to NATS ---------------------------------------------------------------------- */

static void *do_nothing(void *context)
{
    return context;
}

static int make_thread(void *context)
{
    pthread_t thread;

    (void)context;
    errno = pthread_create(&thread, NULL, do_nothing, NULL);
    return errno == 0 && pthread_join(thread, NULL) == 0 ? 0 : -1;
}

static void relay_connects_out_and_reads_what_names_and_certificates_need(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    size_t some = (size_t)1 << 30, much = (size_t)5 << 30;

    (void)state;
    int listener = listen_at((struct sockaddr *)&address, sizeof(address));
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    int connected = as(SANDBOX_RELAY, NULL, connect_to_port, &address, NULL);
    int accepted = as(SANDBOX_RELAY, NULL, accept_one, &listener, "accept");
    close(listener);
    assert_int_equal(connected, 0);
    assert_int_equal(accepted, ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_RELAY, NULL, resolve_localhost, NULL, NULL), 0);
    assert_int_equal(as(SANDBOX_RELAY, NULL, make_thread, NULL, NULL), 0);
    assert_int_equal(as(SANDBOX_RELAY, NULL, open_to_read, "/etc/ssl/certs", NULL), 0);
    assert_int_equal(as(SANDBOX_RELAY, NULL, listen_tcp, NULL, "listen"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_RELAY, NULL, open_to_write, "/etc/hosts", NULL), EACCES);
    assert_int_equal(as(SANDBOX_RELAY, NULL, connect_to_path, "/run/x", NULL), EACCES);
    assert_int_equal(as(SANDBOX_RELAY, NULL, run_program, NULL, "execve"), ATTEMPT_TRAPPED);
    assert_int_equal(as(SANDBOX_RELAY, NULL, make_code, NULL, NULL), EACCES);
    assert_int_equal(as(SANDBOX_RELAY, NULL, take_memory, &some, NULL), 0);
#if !SANDBOX_SANITIZER
    assert_int_equal(as(SANDBOX_RELAY, NULL, take_memory, &much, NULL), ENOMEM);
    assert_int_equal(as(SANDBOX_RELAY, NULL, clone_once, NULL, "clone"), ATTEMPT_TRAPPED);
#else
    (void)much;
#endif
    if (sandbox_files_version() >= 0) {
        assert_int_equal(as(SANDBOX_RELAY, NULL, open_to_read, "/etc/passwd", NULL), EACCES);
    }
}

static int set_up(void **state)
{
    (void)state;
    attempt_as_somebody();
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_opens_no_file),
        cmocka_unit_test(worker_with_a_name_opens_what_names_need),
        cmocka_unit_test(worker_with_tls_opens_certificates),
        cmocka_unit_test(worker_resolves_a_name),
        cmocka_unit_test(rings_of_others_stay_closed_and_sizes_stay),
        cmocka_unit_test(no_program_and_no_other_process),
        cmocka_unit_test(no_code_no_root_no_more),
        cmocka_unit_test(nobody_reaches_the_control_socket),
        cmocka_unit_test(worker_connects_out_and_listens_nowhere),
        cmocka_unit_test(password_has_its_channels_and_nothing_else),
        cmocka_unit_test(discover_connects_out_and_has_no_file),
        cmocka_unit_test(relay_connects_out_and_reads_what_names_and_certificates_need),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
