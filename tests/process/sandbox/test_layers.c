/* SPDX-License-Identifier: MIT */
/* Which layers there are: where the kernel has them all, where it lacks some, and when none is wanted. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sandbox/sandbox_parts.h"
#include "tests/process/sandbox/attempt.h"
#include "tests/support/patience.h"

static int nothing(void *context)
{
    (void)context;
    return 0;
}

static int has_layer(const char *wanted)
{
    json_t *layers = sandbox_layers();
    size_t index;
    json_t *layer;
    int found = 0;

    json_array_foreach(layers, index, layer) {
        found = found || strncmp(json_string_value(layer), wanted, strlen(wanted)) == 0;
    }
    json_decref(layers);
    return found;
}

/* 0 if every layer of the list is there. */
static int check_layers(void *list)
{
    for (const char *const *name = list; *name != NULL; name++) {
        if (!has_layer(*name)) {
            dprintf(STDERR_FILENO, "no %s\n", *name);
            return -1;
        }
    }
    return 0;
}

static int run(enum sandbox_role role, int (*action)(void *), void *context, void (*before)(void *))
{
    struct attempt one = {.role = role, .action = action, .context = context, .before = before};
    int result = attempt(&one);

    if (result == ATTEMPT_BROKEN) {
        fputs(one.log, stderr);
    }
    return result;
}

static void every_role_has_its_layers(void **state)
{
    static const char *const base[] = {"no-new-privs", "capabilities", "limits", "not-dumpable", NULL};
    static const char *const all[] = {"no-new-privs", "user", "capabilities", "limits", "not-dumpable",
                                      "seccomp",      NULL};

    (void)state;
    assert_int_equal(run(SANDBOX_SUPERVISOR, check_layers, (void *)base, NULL), 0);
    assert_int_equal(run(SANDBOX_KEEPER, check_layers, (void *)base, NULL), 0);
    assert_int_equal(run(SANDBOX_FORK_SERVER, check_layers, (void *)all, NULL), 0);
    assert_int_equal(run(SANDBOX_INGEST, check_layers, (void *)all, NULL), 0);
    assert_int_equal(run(SANDBOX_FANOUT, check_layers, (void *)all, NULL), 0);
    assert_int_equal(run(SANDBOX_PASSWORD, check_layers, (void *)all, NULL), 0);
    if (sandbox_files_version() > 0) {
        assert_int_equal(run(SANDBOX_INGEST, (int (*)(void *))check_layers,
                             (void *)(const char *[]){"landlock:", NULL}, NULL),
                         0);
    }
}

/* The value of FIELD in /proc/PID/status, as unsigned hexadecimal. */
static unsigned long long field_of(const char *text, const char *field)
{
    const char *line = strstr(text, field);

    assert_non_null(line);
    return strtoull(line + strlen(field), NULL, 16);
}

struct waiter {
    int ready, go; /* ends of pipes */
};

static int say_and_wait(void *context)
{
    const struct waiter *waiter = context;
    char byte = 'r';

    if (write(waiter->ready, &byte, 1) != 1) {
        return -1;
    }
    return read(waiter->go, &byte, 1) == 1 ? 0 : -1;
}

static void the_kernel_agrees(void **state)
{
    int ready[2], go[2];
    char path[64], text[4096] = "", byte;
    struct stat status;

    (void)state;
    assert_int_equal(pipe(ready) | pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct waiter waiter = {ready[1], go[0]};
        alarm(PATIENCE_ALARM_S);
        _exit(sandbox_enter(SANDBOX_INGEST, NULL) == 0 && say_and_wait(&waiter) == 0 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    int found = stat(path, &status);
    assert_int_equal(write(go[1], "g", 1), 1);
    int end;
    waitpid(pid, &end, 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
    assert_int_equal(field_of(text, "\nNoNewPrivs:"), 1);
    assert_int_equal(field_of(text, "\nSeccomp:"), 2);
    assert_int_equal(field_of(text, "\nCapEff:"), 0);
    assert_int_equal(field_of(text, "\nCapPrm:"), 0);
    assert_int_equal(field_of(text, "\nCapInh:"), 0);
    assert_int_equal(field_of(text, "\nCapAmb:"), 0);
    if (geteuid() == 0) {
        assert_int_equal(field_of(text, "\nCapBnd:"), 0);
    }
    assert_int_not_equal(field_of(text, "\nUid:\t"), 0);
    assert_int_equal(found, 0);
    assert_int_equal(status.st_uid, 0); /* what is not dumpable is root's in /proc */
}

static int check_limits(void *context)
{
    struct rlimit limit;

    (void)context;
    if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0) {
        return -1;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > 128) {
        return -1;
    }
    return SANDBOX_SANITIZER || (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_max < RLIM_INFINITY) ? 0
                                                                                                        : -1;
}

static void limits_hold(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_INGEST, check_limits, NULL, NULL), 0);
}

/* A kernel that knows none of these calls, as in some containers. */
static void lose_layers(void *context)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    (void)context;
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                     SCMP_A0(SCMP_CMP_EQ, PR_GET_SECCOMP, 0));
    if (seccomp_load(filter) < 0) {
        abort();
    }
    seccomp_release(filter);
}

static int check_lost(void *context)
{
    static const char *const left[] = {"no-new-privs", "capabilities", "limits", "not-dumpable", NULL};

    (void)context;
    return has_layer("landlock") || has_layer("seccomp") ? -1 : check_layers((void *)left);
}

static int probe(void *context)
{
    (void)context;
    return sandbox_probe() < 0 ? -1 : 0;
}

static void without_a_layer_it_goes_on_unless_all_are_required(void **state)
{
    struct attempt probing = {.role = SANDBOX_KEEPER, .action = probe, .before = lose_layers};

    (void)state;
    assert_int_equal(run(SANDBOX_INGEST, check_lost, NULL, lose_layers), 0);
    assert_int_equal(attempt(&probing), 0);
    assert_non_null(strstr(probing.log, "no landlock here"));
    assert_non_null(strstr(probing.log, "no seccomp here"));
    setenv("RINGCAST_SANDBOX", "required", 1);
    int entered = run(SANDBOX_INGEST, check_lost, NULL, lose_layers);
    int with_all = run(SANDBOX_INGEST, nothing, NULL, NULL);
    int probed = attempt(&probing);
    unsetenv("RINGCAST_SANDBOX");
    assert_int_equal(entered, ATTEMPT_NO_ENTRY);
    assert_int_not_equal(probed, 0);
    if (sandbox_files_version() > 0) {
        assert_int_equal(with_all, 0);
    }
}

static int check_off(void *context)
{
    json_t *layers = sandbox_layers();
    bool none = json_array_size(layers) == 0;

    (void)context;
    json_decref(layers);
    return none && open("/etc/passwd", O_RDONLY) >= 0 ? 0 : -1;
}

static void off_is_off(void **state)
{
    (void)state;
    setenv("RINGCAST_SANDBOX", "off", 1);
    int result = run(SANDBOX_INGEST, check_off, NULL, NULL);
    unsetenv("RINGCAST_SANDBOX");
    assert_int_equal(result, 0);
}

static void what_others_say_is_checked(void **state)
{
    json_t *given = json_pack("[s, s]", "seccomp", "landlock:2");
    json_t *odd = json_pack("[s, i]", "seccomp", 1);
    json_t *copy = sandbox_read(given), *none = sandbox_read(odd), *nothing_said = sandbox_read(NULL);

    (void)state;
    assert_true(json_equal(copy, given));
    assert_int_equal(json_array_size(none), 0);
    assert_int_equal(json_array_size(nothing_said), 0);
    json_decref(given);
    json_decref(odd);
    json_decref(copy);
    json_decref(none);
    json_decref(nothing_said);
}

static void configuration_names_a_user(void **state)
{
    (void)state;
    assert_int_equal(sandbox_configure(SANDBOX_ON, "no-such-user-at-all"), -ENOENT);
    assert_int_equal(sandbox_configure(SANDBOX_ON, "nobody"), 0);
    assert_string_equal(getenv("RINGCAST_SANDBOX"), "on");
    assert_string_equal(getenv("RINGCAST_RUN_AS"), geteuid() == 0 ? "65534:65534" : "");
}

/* Waits until its parent has put another file over /etc/hosts. */
static int sees_the_change(const struct waiter *waiter)
{
    const struct sandbox_needs needs = {.names = true};

    if (sandbox_enter(SANDBOX_INGEST, &needs) < 0 || sandbox_is_stale()) {
        return 1;
    }
    return say_and_wait((void *)waiter) == 0 && sandbox_is_stale() ? 0 : 2;
}

static void a_replaced_name_file_is_noticed(void **state)
{
    int ready[2], go[2], end;
    char byte;

    (void)state;
    if (geteuid() != 0 || sandbox_files_version() < 0) {
        skip();
    }
    assert_int_equal(pipe(ready) | pipe(go), 0);
    pid_t outer = fork();
    if (outer == 0) {
        struct waiter waiter = {ready[1], go[0]};
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
            _exit(77);
        }
        pid_t inner = fork();
        if (inner == 0) {
            _exit(sees_the_change(&waiter));
        }
        bool changed = read(ready[0], &byte, 1) == 1 &&
                       mount("/etc/passwd", "/etc/hosts", NULL, MS_BIND, NULL) == 0 &&
                       write(go[1], "g", 1) == 1;
        waitpid(inner, &end, 0);
        _exit(changed && WIFEXITED(end) ? WEXITSTATUS(end) : 3);
    }
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    waitpid(outer, &end, 0);
    assert_true(WIFEXITED(end));
    if (WEXITSTATUS(end) == 77) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(end), 0);
}

static int set_up(void **state)
{
    (void)state;
    attempt_as_somebody();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_has_its_layers),
        cmocka_unit_test(the_kernel_agrees),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(without_a_layer_it_goes_on_unless_all_are_required),
        cmocka_unit_test(off_is_off),
        cmocka_unit_test(what_others_say_is_checked),
        cmocka_unit_test(a_replaced_name_file_is_noticed),
        cmocka_unit_test(configuration_names_a_user),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
