/* SPDX-License-Identifier: MIT */
#include <crypt.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "tests/support/patience.h"

/* The ledger's free tries (docs/reference/http.md). */
#define FREE_TRIES 5

struct helper {
    pid_t pid;
    int channel;
};

static struct helper helper;
static json_int_t number;

/* The next message of TYPE on CHANNEL; others are passed over. The caller frees it. */
static json_t *await(int channel, const char *type)
{
    for (;;) {
        struct pollfd readable = {.fd = channel, .events = POLLIN};
        struct channel_message message;
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        assert_int_equal(channel_receive(channel, &message), 1);
        json_t *body = json_incref(message.body);
        channel_message_clear(&message);
        if (message_is(body, type)) {
            return body;
        }
        json_decref(body);
    }
}

static void expect(const char *type)
{
    json_decref(await(helper.channel, type));
}

/* Consumes MESSAGE. */
static void send_with(int channel, json_t *message, int fd)
{
    struct pollfd writable = {.fd = channel, .events = POLLOUT};
    int result;

    assert_non_null(message);
    while ((result = channel_send(channel, message, &fd, fd >= 0)) == -EAGAIN) {
        assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
    }
    assert_int_equal(result, 0);
    json_decref(message);
}

static char *hash_of(const char *password, const char *setting)
{
    struct crypt_data data = {0};

    return strdup(crypt_r(password, setting, &data));
}

/* anna's password is PASSWORD; SETTING is that of crypt(3). Does not wait for `ready`. */
static void begin_users(const char *password, const char *setting)
{
    char *anna = hash_of(password, setting), *bert = hash_of("bert's", setting);
    json_t *users = json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "users", "name", "anna", "hash", anna, "name",
                              "bert", "hash", bert);
    int fd = memory_file_seal_json("users", users);

    assert_true(fd >= 0);
    send_with(helper.channel, message_new("passwords"), fd);
    close(fd);
    json_decref(users);
    free(anna);
    free(bert);
}

static void send_users(const char *password, const char *setting)
{
    begin_users(password, setting);
    expect("ready");
}

static int connect_client(int index)
{
    int ends[2];

    assert_int_equal(channel_pair(ends), 0);
    send_with(helper.channel, message_pack("client", "{s:i}", "index", index), ends[1]);
    close(ends[1]);
    return ends[0];
}

static int start(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(channel_pair(ends), 0);
    helper.pid = fork();
    if (helper.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ends[1] == CHANNEL_CHILD_FD || dup2(ends[1], CHANNEL_CHILD_FD) != CHANNEL_CHILD_FD) {
            _exit(126);
        }
        execl(RINGCAST_PASSWORD, "ringcast-password", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    helper.channel = ends[0];
    send_users("secret", "$6$rounds=1000$saltsalt$");
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    close(helper.channel);
    assert_int_equal(waitpid(helper.pid, &status, 0), helper.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

static json_int_t ask(int client, const char *user, const char *password, const char *address)
{
    send_with(client,
              message_pack("check", "{s:I, s:s, s:s, s:s}", "number", ++number, "user", user, "password",
                           password, "address", address),
              -1);
    return number;
}

static void expect_answer(int client, json_int_t of, const char *result)
{
    json_t *answer = await(client, "checked");

    assert_int_equal(message_integer(answer, "number", 0), of);
    assert_string_equal(message_string(answer, "result", ""), result);
    json_decref(answer);
}

static void check(int client, const char *user, const char *password, const char *address, const char *result)
{
    expect_answer(client, ask(client, user, password, address), result);
}

static void passwords_are_checked(void **state)
{
    (void)state;
    int client = connect_client(0);
    check(client, "anna", "secret", "192.0.2.1", "right");
    check(client, "anna", "wrong", "192.0.2.1", "wrong");
    check(client, "bert", "bert's", "192.0.2.1", "right");
    check(client, "nobody", "secret", "192.0.2.1", "wrong");
    send_users("changed", "$6$rounds=1000$saltsalt$");
    check(client, "anna", "secret", "192.0.2.2", "wrong");
    check(client, "anna", "changed", "192.0.2.2", "right");
    close(client);
}

/* ringcastd tells fan-outs of a change after this process, so what they ask then is about the new users. */
static void users_that_changed_before_a_question_count(void **state)
{
    char password[32], before[32] = "secret", address[32];

    (void)state;
    int client = connect_client(0);
    for (unsigned i = 0; i < 15; i++) { /* beyond 20 wrong ones the user is slowed */
        snprintf(password, sizeof(password), "secret%u", i);
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        begin_users(password, "$6$rounds=1000$saltsalt$");
        json_int_t old = ask(client, "anna", before, address), new = ask(client, "anna", password, address);
        expect_answer(client, old, "wrong");
        expect_answer(client, new, "right");
        snprintf(before, sizeof(before), "%s", password);
    }
    close(client);
}

/* What ringcastctl writes: yescrypt, with its 16 MiB, works in the sandbox. */
static void yescrypt_works_in_the_sandbox(void **state)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    (void)state;
    assert_non_null(crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)));
    send_users("secret", setting);
    int client = connect_client(0);
    check(client, "anna", "secret", "192.0.2.1", "right");
    check(client, "anna", "wrong", "192.0.2.1", "wrong");
    check(client, "nobody", "secret", "192.0.2.1", "wrong");
    close(client);
}

static void guesses_are_slowed_and_reported(void **state)
{
    (void)state;
    int client = connect_client(0);
    check(client, "anna", "secret", "192.0.2.7", "right");
    for (int i = 0; i < FREE_TRIES; i++) {
        check(client, "anna", "guess", "192.0.2.9", "wrong");
    }
    json_int_t of = ask(client, "anna", "secret", "192.0.2.9");
    json_t *answer = await(client, "checked");
    assert_int_equal(message_integer(answer, "number", 0), of);
    assert_string_equal(message_string(answer, "result", ""), "slow");
    assert_int_equal(message_integer(answer, "retry_s", 0), 1);
    json_decref(answer);
    check(client, "anna", "secret", "192.0.2.8", "right"); /* elsewhere */
    check(client, "anna", "secret", "192.0.2.7", "right");
    json_int_t count = 0, slowed = 0;
    while (count < FREE_TRIES || slowed < 1) {
        json_t *refused = await(helper.channel, "refused");
        char *text = json_dumps(refused, 0);
        assert_string_equal(message_string(refused, "user", ""), "anna");
        assert_string_equal(message_string(refused, "address", ""), "192.0.2.9");
        assert_null(strstr(text, "guess"));
        assert_null(strstr(text, "secret"));
        count += message_integer(refused, "count", 0);
        slowed += message_integer(refused, "slowed", 0);
        free(text);
        json_decref(refused);
    }
    assert_int_equal(count, FREE_TRIES);
    assert_int_equal(slowed, 1);
    close(client);
}

static void what_was_done_is_counted(void **state)
{
    json_int_t right = 0, wrong = 0, hashed = 0;

    (void)state;
    int client = connect_client(0);
    check(client, "anna", "secret", "192.0.2.1", "right");
    check(client, "anna", "secret", "192.0.2.1", "right"); /* without a hash */
    check(client, "anna", "guess", "192.0.2.1", "wrong");
    while (right < 2 || wrong < 1) {
        json_t *counts = await(helper.channel, "counts");
        right = message_integer(counts, "right", 0);
        wrong = message_integer(counts, "wrong", 0);
        hashed = message_integer(counts, "hashed", 0);
        json_decref(counts);
    }
    assert_int_equal(right, 2);
    assert_int_equal(wrong, 1);
    assert_int_equal(hashed, 2);
    close(client);
}

/* A flood from some addresses, by a client that reads no answer, keeps nobody else from logging in. */
static void a_flood_keeps_nobody_out(void **state)
{
    char address[32];
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    (void)state;
    assert_non_null(crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)));
    send_users("secret", setting);
    int flood = connect_client(0), client = connect_client(1);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i % 4);
        json_t *message = message_pack("check", "{s:i, s:s, s:s, s:s}", "number", (int)i, "user",
                                       i % 3 ? "anna" : "nobody", "password", "guess", "address", address);
        channel_send(flood, message, NULL, 0); /* what is not taken is lost */
        json_decref(message);
    }
    uint64_t before = clock_now_ms();
    check(client, "anna", "secret", "192.0.2.1", "right");
    uint64_t first = clock_now_ms() - before;
    check(client, "anna", "secret", "192.0.2.1", "right");
    print_message("a log-in beside a flood took %u ms\n", (unsigned)first);
    /* Two hashes are 0.1 s; a machine that does ten things at once takes longer. */
    assert_true(first < 10000);
    /* The flood gets its answers when it takes them. */
    for (int i = 0; i < FREE_TRIES; i++) {
        json_decref(await(flood, "checked"));
    }
    close(flood);
    close(client);
}

static unsigned descriptors(void)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)helper.pid);
    DIR *directory = opendir(path);
    if (!directory) {
        return 0; /* hidden by the sandbox from all but root */
    }
    for (const struct dirent *entry; (entry = readdir(directory));) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

/* A fan-out that died takes its questions with it; the next one with its number is served. */
static void a_fanout_that_dies_leaves_nothing(void **state)
{
    (void)state;
    int first = connect_client(0);
    check(first, "anna", "secret", "192.0.2.1", "right");
    unsigned before = descriptors();
    for (int i = 0; i < 400; i++) {
        int client = connect_client(0);
        ask(client, "anna", "secret", "192.0.2.2");
        ask(client, "nobody", "secret", "192.0.2.3");
        close(client);
    }
    int client = connect_client(0);
    check(client, "anna", "secret", "192.0.2.1", "right");
    for (int i = 0; i < PATIENCE_MS / 20 && descriptors() > before + 1; i++) {
        poll(NULL, 0, 20);
    }
    assert_in_range(descriptors(), 0, before + 1);
    close(client);
    close(first);
}

/* The first socket of a fan-out goes on until the fan-out closes it: answers that are under way arrive. */
static void a_second_socket_leaves_the_first(void **state)
{
    (void)state;
    int first = connect_client(0);
    json_int_t of = ask(first, "anna", "secret", "192.0.2.1");
    int second = connect_client(0);
    check(second, "bert", "bert's", "192.0.2.2", "right");
    expect_answer(first, of, "right");
    check(first, "anna", "wrong", "192.0.2.1", "wrong");
    close(first);
    check(second, "anna", "secret", "192.0.2.1", "right");
    close(second);
}

static void nonsense_harms_nobody(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "{}",
        "[]",
        "{\"v\":1}",
        "{\"v\":2,\"type\":\"check\"}",
        "{\"v\":1,\"type\":\"check\",\"number\":\"x\",\"user\":7,\"password\":[]}",
        "{\"v\":1,\"type\":\"cancel\",\"number\":-1}",
        "{\"v\":1,\"type\":\"passwords\"}",
        "{\"v\":1,\"type\":\"stop\"}"};
    char huge[40000];

    (void)state;
    int hostile = connect_client(0), client = connect_client(1);
    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(send(hostile, texts[i], strlen(texts[i]), 0) > 0);
    }
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    expect_answer(hostile, 0, "wrong");
    check(hostile, "anna", huge, "192.0.2.1", "wrong");
    check(hostile, huge, "secret", "192.0.2.1", "wrong");
    check(hostile, "anna", "secret", huge, "right");
    check(client, "anna", "secret", "192.0.2.2", "right");
    /* Nor do ringcastd's messages without what they need. */
    send_with(helper.channel, message_new("client"), -1);
    send_with(helper.channel, message_new("passwords"), -1);
    expect("ready");
    check(client, "anna", "secret", "192.0.2.3", "right");
    close(hostile);
    close(client);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WHOLE_MEMORY 0 /* a sanitizer's own is terabytes */
#else
#define WHOLE_MEMORY 1
#endif

/* How often WORD is in what the process has written to between BEGIN and END. */
static unsigned count_between(int memory, const char *word, unsigned long begin, unsigned long end)
{
    char *bytes = malloc(end - begin);
    ssize_t length = pread(memory, bytes, end - begin, (off_t)begin);
    unsigned count = 0;

    for (char *at = bytes; length > 0 && (at = memmem(at, (size_t)(bytes + length - at), word, strlen(word)));
         at++) {
        count++;
    }
    free(bytes);
    return count;
}

/* How often WORD is in the process's memory; -1: this user may not look. */
static int count_in_memory(const char *word)
{
    char path[64], line[512], rights[8];
    unsigned long begin, end;
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)helper.pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)helper.pid);
    FILE *maps = memory >= 0 ? fopen(path, "re") : NULL;
    if (!maps) {
        return -1;
    }
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %7s", &begin, &end, rights) == 3 && rights[1] == 'w') {
            count += (int)count_between(memory, word, begin, end);
        }
    }
    fclose(maps);
    close(memory);
    return count;
}

/* Neither one that was checked nor one that was not. */
static void passwords_do_not_stay_in_memory(void **state)
{
    /* The allocator writes over the first bytes of what was freed, and over what is short. */
    static const char
        right[] = "a right password that is long enough to have its end left over: Kanarie7391 and more",
        wrong[] = "a wrong password that is long enough to have its end left over: Kanarie7391 and more";

    (void)state;
    if (!WHOLE_MEMORY || geteuid() != 0) {
        skip();
    }
    send_users(right, "$6$rounds=1000$saltsalt$");
    int client = connect_client(0);
    check(client, "anna", right, "192.0.2.1", "right");
    check(client, "anna", right, "192.0.2.1", "right");
    for (int i = 0; i < FREE_TRIES; i++) {
        check(client, "Kanarie-user", wrong, "192.0.2.1", "wrong");
    }
    check(client, "anna", wrong, "192.0.2.1", "slow");
    check(client, "anna", "x", "192.0.2.1", "slow"); /* the last one was answered before it was wiped */
    assert_true(count_in_memory("ringcast") > 0);    /* it is the right memory */
    assert_int_equal(count_in_memory("Kanarie7391"), 0);
    close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(passwords_are_checked),
        TEST(users_that_changed_before_a_question_count),
        TEST(yescrypt_works_in_the_sandbox),
        TEST(guesses_are_slowed_and_reported),
        TEST(what_was_done_is_counted),
        TEST(a_flood_keeps_nobody_out),
        TEST(a_fanout_that_dies_leaves_nothing),
        TEST(a_second_socket_leaves_the_first),
        TEST(nonsense_harms_nobody),
        TEST(passwords_do_not_stay_in_memory),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
