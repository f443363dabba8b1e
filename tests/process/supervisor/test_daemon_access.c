/* SPDX-License-Identifier: MIT */
/*
 * Who may watch, from the users file to the fan-outs and ringcast-password, and what is left of it when a process is killed. The
 * fan-out is a stand-in (fake_fanout.c), ringcast-password is the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <crypt.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

#define HOUR 3600

/* A password that must be seen nowhere. */
#define CANARY "Kanarie7391"

static const struct camera_line no_cameras[] = {{NULL, NULL}};

static const char session[] = "0123456789abcdef0123456789abcdef";

static void path_in(const struct daemon *daemon, char path[160], const char *name)
{
    snprintf(path, 160, "%s/%s", daemon->dir, name);
}

/* Replaces file NAME as a whole. */
static void write_file(const struct daemon *daemon, const char *name, const char *text)
{
    char path[160], new_path[170];

    path_in(daemon, path, name);
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    FILE *file = fopen(new_path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(new_path, path), 0);
}

/* Consumes VALUE. */
static void write_json(const struct daemon *daemon, const char *name, json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);

    assert_non_null(text);
    write_file(daemon, name, text);
    free(text);
    json_decref(value);
}

static json_t *user(const char *name, const char *password, const char *camera)
{
    struct crypt_data data = {0};

    return json_pack("{s:s, s:s, s:s, s:[s], s:[], s:i}", "name", name, "hash",
                     crypt_r(password, "$6$rounds=1000$saltsalt$", &data), "role", "viewer", "cameras",
                     camera, "groups", "since", 0);
}

static json_t *token(const char *id, bool once, json_int_t expires)
{
    char hash[65];

    snprintf(hash, sizeof(hash), "%064x", (unsigned)strtoul(id, NULL, 16));
    return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[], s:I, s:b, s:i}", "id", id, "hash", hash, "name", "",
                     "role", "viewer", "cameras", "front", "groups", "expires", expires, "once", once,
                     "created", 1);
}

/* Consumes USERS and TOKENS. */
static void write_users(const struct daemon *daemon, json_t *users, json_t *tokens)
{
    write_json(daemon, "users.json",
               json_pack("{s:i, s:o, s:o}", "version", 1, "users", users, "tokens", tokens));
}

static void configure(struct daemon *daemon, bool auth)
{
    char lines[512];

    daemon_reconfigure(daemon, 0, no_cameras);
    snprintf(lines, sizeof(lines), "state_dir = \"%s/state\";\nfanout = { processes = 1; };\n%s%s%s",
             daemon->dir, auth ? "auth = { passwords = \"" : "", auth ? daemon->dir : "",
             auth ? "/users.json\"; };\n" : "");
    daemon_configure(daemon, lines);
}

/* Anna has an account. */
static void begin(struct daemon *daemon)
{
    daemon_init(daemon, 0, no_cameras);
    configure(daemon, true);
    write_users(daemon, json_pack("[o]", user("anna", "anna's " CANARY, "front")), json_array());
    daemon_start(daemon);
}

/* What the fan-out was told last. */
static json_t *access_now(const struct daemon *daemon)
{
    char path[160];

    path_in(daemon, path, "access.json");
    json_t *document = json_load_file(path, 0, NULL);
    assert_non_null(document);
    return document;
}

static bool lists(const json_t *document, const char *list, const char *member, const char *value)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(document, list), index, entry) {
        if (strcmp(message_string(entry, member, ""), value) == 0) {
            return true;
        }
    }
    return false;
}

/* Waits until an entry of LIST in what the fan-out was told has VALUE, or none has. */
static void wait_listed(struct daemon *daemon, const char *list, const char *member, const char *value,
                        bool listed)
{
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *document = access_now(daemon);
        bool found = lists(document, list, member, value);
        json_decref(document);
        if (found == listed) {
            return;
        }
    }
    fail_msg("%s: %s %s is %s", list, member, value, listed ? "not there" : "still there");
}

/* The document in a file of the test's directory; NULL: there is none. */
static json_t *load(const struct daemon *daemon, const char *name)
{
    char path[160];

    path_in(daemon, path, name);
    return json_load_file(path, 0, NULL);
}

/* The fan-out obeys when somebody connects. */
static void obey(struct daemon *daemon)
{
    daemon_ask_viewer_port(daemon);
}

/* The fan-out asks ringcast-password. The question's number. */
static int ask(struct daemon *daemon, const char *name, const char *password, const char *address)
{
    static int number;

    write_json(daemon, "fanout-asks",
               message_pack("check", "{s:i, s:s, s:s, s:s}", "number", ++number, "user", name, "password",
                            password, "address", address));
    obey(daemon);
    return number;
}

/* What ringcast-password answers the fan-out. */
static void check(struct daemon *daemon, const char *name, const char *password, const char *address,
                  const char *result)
{
    char words[64];
    int number = ask(daemon, name, password, address);

    snprintf(words, sizeof(words), "\"number\":%d,\"result\":\"%s\"", number, result);
    if (!daemon_file_has(daemon, "checked.log", words)) {
        fail_msg("%s's password is not %s", name, result);
    }
}

/* Consumes MESSAGE: the fan-out says it. */
static void say(struct daemon *daemon, json_t *message)
{
    write_json(daemon, "fanout-says", message);
    obey(daemon);
}

static void reload_access(struct daemon *daemon, const char *type)
{
    json_t *reply = daemon_ask(daemon, "access-reload", NULL);

    assert_string_equal(message_type(reply), type);
    json_decref(reply);
}

/* The number of the line in fanout.log that has WORDS. */
static int line_of(const struct daemon *daemon, const char *words)
{
    char path[160], *line = NULL;
    size_t size = 0;
    int number = 0, found = 0;

    path_in(daemon, path, "fanout.log");
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (found == 0 && getline(&line, &size, file) > 0) {
        number++;
        found = strstr(line, words) ? number : 0;
    }
    free(line);
    fclose(file);
    return found;
}

/* --- Start, reload, commands ---------------------------------------------------------------------------- */

static void fanouts_know_who_may_watch_before_they_serve(void **state)
{
    struct daemon daemon;

    (void)state;
    begin(&daemon);
    int listen = line_of(&daemon, "\"type\":\"listen\"");
    assert_in_range(line_of(&daemon, "\"type\":\"access\""), 1, listen - 1);
    assert_in_range(line_of(&daemon, "\"type\":\"password-channel\""), 1, listen - 1);
    json_t *document = access_now(&daemon);
    assert_true(message_boolean(document, "on", false));
    assert_true(lists(document, "users", "name", "anna"));
    assert_int_equal(strlen(message_string(document, "session_key", "")), 64);
    char *text = json_dumps(document, 0);
    assert_null(strstr(text, "$6$")); /* no fan-out has a password's hash */
    free(text);
    json_decref(document);
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.1", "right");
    check(&daemon, "anna", "guess", "192.0.2.1", "wrong");
    assert_false(daemon_file_has(&daemon, "log", CANARY));
    json_t *status = daemon_status(&daemon);
    assert_string_equal(message_string(json_object_get(status, "password"), "state", ""), "running");
    json_decref(status);
    daemon_finish(&daemon);
}

static void without_auth_nobody_needs_it(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, no_cameras);
    configure(&daemon, false);
    daemon_start(&daemon);
    json_t *document = access_now(&daemon), *status = daemon_status(&daemon);
    assert_false(message_boolean(document, "on", true));
    assert_true(json_is_null(json_object_get(status, "password")));
    assert_int_equal(line_of(&daemon, "password-channel"), 0);
    json_decref(document);
    json_decref(status);
    daemon_finish(&daemon);
}

static void reload(struct daemon *daemon, bool auth)
{
    configure(daemon, auth);
    json_t *reply = daemon_ask(daemon, "reload", NULL);
    assert_string_equal(message_type(reply), "reloaded");
    json_decref(reply);
}

static void a_reload_turns_it_on_and_off(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, no_cameras);
    configure(&daemon, false);
    write_users(&daemon, json_pack("[o]", user("anna", "secret", "front")), json_array());
    daemon_start(&daemon);
    pid_t fanout = daemon_wait_service(&daemon, "fanouts", 0), last = 0;
    for (int i = 0; i < 3; i++) {
        reload(&daemon, true);
        pid_t pid = daemon_wait_service(&daemon, "password", last);
        wait_listed(&daemon, "users", "name", "anna", true);
        daemon_wait_file(&daemon, "fanout.log", "password-channel");
        check(&daemon, "anna", "secret", "192.0.2.1", "right");
        reload(&daemon, false);
        wait_listed(&daemon, "users", "name", "anna", false);
        json_t *status = daemon_status(&daemon);
        assert_true(json_is_null(json_object_get(status, "password")));
        json_decref(status);
        assert_int_equal(kill(pid, 0) == 0 || pid > 0, 1);
        last = pid;
    }
    assert_int_equal(daemon_wait_service(&daemon, "fanouts", 0), fanout);
    daemon_finish(&daemon);
}

static void users_are_read_anew(void **state)
{
    struct daemon daemon;

    (void)state;
    begin(&daemon);
    write_users(&daemon,
                json_pack("[o, o]", user("anna", "changed", "front"), user("bert", "bert's", "yard")),
                json_array());
    reload_access(&daemon, "ok");
    wait_listed(&daemon, "users", "name", "bert", true);
    check(&daemon, "bert", "bert's", "192.0.2.1", "right");
    check(&daemon, "anna", "changed", "192.0.2.1", "right");
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.2", "wrong");
    /* A broken file changes nothing, and says why. */
    write_file(&daemon, "users.json", "{\"version\":1,");
    json_t *reply = daemon_ask(&daemon, "access-reload", NULL);
    assert_string_equal(message_string(reply, "code", ""), "users");
    assert_non_null(strstr(message_string(reply, "message", ""), "users.json"));
    json_decref(reply);
    check(&daemon, "bert", "bert's", "192.0.2.3", "right");
    /* The same goes for a reload. */
    configure(&daemon, true);
    reply = daemon_ask(&daemon, "reload", NULL);
    assert_string_equal(message_string(reply, "code", ""), "configuration");
    json_decref(reply);
    check(&daemon, "bert", "bert's", "192.0.2.4", "right");
    write_users(&daemon, json_array(), json_array());
    reload_access(&daemon, "ok");
    check(&daemon, "bert", "bert's", "192.0.2.5", "wrong");
    daemon_finish(&daemon);
}

static void a_file_that_is_missing_is_told_with_what_to_do(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, no_cameras);
    configure(&daemon, true);
    daemon_start(&daemon);
    daemon_wait_file(&daemon, "log", "ringcastctl user add NAME");
    daemon_finish(&daemon);
}

static void a_broken_file_ends_the_start(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, no_cameras);
    configure(&daemon, true);
    write_file(&daemon, "users.json", "[]");
    daemon_launch(&daemon);
    assert_int_equal(daemon_wait_exit(&daemon), 1);
    assert_true(daemon_file_has(&daemon, "log", "users.json"));
    daemon_require_nothing_left(&daemon);
}

/* --- What is logged and published ----------------------------------------------------------------------- */

static nng_socket subscribe(const struct daemon *daemon)
{
    char url[160];
    nng_socket socket;

    snprintf(url, sizeof(url), "ipc://%s/events.sock", daemon->runtime_dir);
    assert_int_equal(nng_sub0_open(&socket), 0);
    assert_int_equal(nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
    assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, PATIENCE_MS), 0);
    assert_int_equal(nng_dial(socket, url, NULL, 0), 0);
    return socket;
}

/* The next event of KIND. */
static json_t *await_event(nng_socket socket, const char *kind)
{
    for (;;) {
        char *bytes = NULL;
        size_t length = 0;
        assert_int_equal(nng_recv(socket, &bytes, &length, NNG_FLAG_ALLOC), 0);
        json_t *event = message_decode(bytes, length, NULL);
        nng_free(bytes, length);
        assert_non_null(event);
        if (strcmp(message_string(event, "event", ""), kind) == 0) {
            return event;
        }
        json_decref(event);
    }
}

static void what_was_refused_is_logged_and_published(void **state)
{
    struct daemon daemon;
    json_int_t count = 0;

    (void)state;
    begin(&daemon);
    nng_socket events = subscribe(&daemon);
    json_t *event = NULL;
    /* A subscriber hears what comes after its connection is made; so this is said until it is heard. */
    nng_socket_set_ms(events, NNG_OPT_RECVTIMEO, 100);
    for (bool heard = false; !heard;) {
        char *bytes = NULL;
        size_t length = 0;
        say(&daemon,
            message_pack("access-refused", "{s:s, s:s}", "address", "192.0.2.7", "what", "an expired token"));
        heard = nng_recv(events, &bytes, &length, NNG_FLAG_ALLOC) == 0;
        nng_free(bytes, length);
    }
    nng_socket_set_ms(events, NNG_OPT_RECVTIMEO, PATIENCE_MS);
    daemon_wait_file(&daemon, "log", "access refused: an expired token from 192.0.2.7");
    check(&daemon, "anna", "wrong " CANARY, "192.0.2.9", "wrong");
    check(&daemon, "anna", "wrong " CANARY, "192.0.2.9", "wrong");
    while (count < 2) {
        event = await_event(events, "login-refused");
        assert_string_equal(message_string(event, "user", ""), "anna");
        assert_string_equal(message_string(event, "address", ""), "192.0.2.9");
        count += message_integer(event, "count", 0);
        json_decref(event);
    }
    daemon_wait_file(&daemon, "log", "log-in refused: user \"anna\" from 192.0.2.9");
    write_users(&daemon, json_pack("[o]", user("bert", "bert's", "yard")), json_array());
    reload_access(&daemon, "ok");
    event = await_event(events, "user-changed");
    assert_string_equal(message_string(event, "user", ""), "bert");
    assert_string_equal(message_string(event, "change", ""), "added");
    json_decref(event);
    event = await_event(events, "user-changed");
    assert_string_equal(message_string(event, "user", ""), "anna");
    assert_string_equal(message_string(event, "change", ""), "removed");
    json_decref(event);
    assert_false(daemon_file_has(&daemon, "log", CANARY));
    nng_close(events);
    /* Counts come within a second of what they count. */
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *status = daemon_status(&daemon);
        json_int_t wrong =
            message_integer(json_object_get(json_object_get(status, "password"), "checks"), "wrong", 0);
        json_decref(status);
        if (wrong == 2) {
            daemon_finish(&daemon);
            return;
        }
    }
    fail_msg("the wrong passwords are not counted");
}

/* --- Sessions and tokens -------------------------------------------------------------------------------- */

static void end_session(struct daemon *daemon)
{
    say(daemon, message_pack("session-end", "{s:s, s:I, s:s}", "id", session, "until",
                             (json_int_t)time(NULL) + HOUR, "user", "anna"));
    wait_listed(daemon, "revoked", "id", session, true);
}

static char *session_key(const struct daemon *daemon)
{
    json_t *document = access_now(daemon);
    char *key = strdup(message_string(document, "session_key", ""));

    json_decref(document);
    return key;
}

static void an_ended_session_is_told_to_all_and_outlives_ringcastd(void **state)
{
    struct daemon daemon;
    char path[160];
    struct stat status;

    (void)state;
    begin(&daemon);
    char *key = session_key(&daemon);
    end_session(&daemon);
    json_decref(daemon_status(&daemon));
    snprintf(path, sizeof(path), "%.60s/state/%.60s.sessions.json", daemon.dir, daemon.instance);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    daemon_stop(&daemon, SIGTERM);
    path_in(&daemon, path, "access.json");
    assert_int_equal(unlink(path), 0);
    daemon_start(&daemon);
    char *later = session_key(&daemon);
    assert_string_equal(later, key);
    wait_listed(&daemon, "revoked", "id", session, true);
    free(key);
    free(later);
    daemon_finish(&daemon);
}

/* Number of the token on the page; -1: it is no single-use token that counts. */
static int once_of(const struct daemon *daemon, const char *id)
{
    json_t *document = access_now(daemon), *entry;
    size_t index;
    int number = -1;

    json_array_foreach(json_object_get(document, "tokens"), index, entry) {
        if (strcmp(message_string(entry, "id", ""), id) == 0) {
            number = (int)message_integer(entry, "once", -1);
        }
    }
    json_decref(document);
    return number;
}

static void wait_out_of_file(struct daemon *daemon, const char *id)
{
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *file = load(daemon, "users.json");
        bool there = lists(file, "tokens", "id", id);
        json_decref(file);
        if (!there) {
            return;
        }
    }
    fail_msg("token %s is still in the users file", id);
}

static void tokens_that_are_over_leave_the_file(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, no_cameras);
    configure(&daemon, true);
    write_users(&daemon, json_pack("[o]", user("anna", "secret", "front")),
                json_pack("[o, o, o, o]", token("0000000a", true, time(NULL) + HOUR),
                          token("0000000b", false, 0), token("0000000c", false, time(NULL) - 100 * HOUR),
                          token("0000000d", false, time(NULL) - 1)));
    daemon_start(&daemon);
    json_t *document = access_now(&daemon);
    assert_true(lists(document, "tokens", "id", "0000000a"));
    assert_true(lists(document, "tokens", "id", "0000000b"));
    assert_false(lists(document, "tokens", "id", "0000000c"));
    assert_false(lists(document, "tokens", "id", "0000000d"));
    json_decref(document);
    assert_in_range(once_of(&daemon, "0000000a"), 0, 1023);
    assert_int_equal(once_of(&daemon, "0000000b"), -1);
    wait_out_of_file(&daemon, "0000000c");
    say(&daemon, message_pack("token-used", "{s:s}", "id", "0000000a"));
    wait_listed(&daemon, "tokens", "id", "0000000a", false);
    wait_out_of_file(&daemon, "0000000a");
    json_t *file = load(&daemon, "users.json");
    assert_true(lists(file, "tokens", "id", "0000000b"));
    assert_true(lists(file, "tokens", "id", "0000000d")); /* over, but not for long */
    assert_true(lists(file, "users", "name", "anna"));
    json_decref(file);
    daemon_finish(&daemon);
}

/* --- Killed processes ----------------------------------------------------------------------------------- */

static void a_killed_password_process_heals(void **state)
{
    struct daemon daemon;

    (void)state;
    begin(&daemon);
    pid_t pid = 0;
    for (int i = 0; i < 3; i++) {
        pid = daemon_wait_service(&daemon, "password", pid);
        check(&daemon, "anna", "anna's " CANARY, "192.0.2.1", "right");
        assert_int_equal(kill(pid, SIGKILL), 0);
    }
    daemon_wait_service(&daemon, "password", pid);
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.1", "right");
    json_t *status = daemon_status(&daemon);
    assert_int_equal(message_integer(json_object_get(status, "password"), "restarts", 0), 3);
    json_decref(status);
    daemon_finish(&daemon);
}

static void a_killed_fanout_knows_all_again(void **state)
{
    struct daemon daemon;
    char path[160];

    (void)state;
    begin(&daemon);
    end_session(&daemon);
    pid_t password = daemon_wait_service(&daemon, "password", 0),
          fanout = daemon_wait_service(&daemon, "fanouts", 0);
    char *key = session_key(&daemon);
    path_in(&daemon, path, "access.json");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(kill(fanout, SIGKILL), 0);
    daemon_wait_service(&daemon, "fanouts", fanout);
    wait_listed(&daemon, "revoked", "id", session, true);
    char *later = session_key(&daemon);
    assert_string_equal(later, key);
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.1", "right");
    assert_int_equal(daemon_wait_service(&daemon, "password", 0), password);
    free(key);
    free(later);
    daemon_finish(&daemon);
}

/*
 * The next ringcastd has the same ringcast-password, with what it knows of guesses; sessions are valid and ended as before; and what
 * the fan-outs did meanwhile counts.
 */
static void a_killed_ringcastd_is_not_noticed(void **state)
{
    struct daemon daemon;

    (void)state;
    begin(&daemon);
    write_users(&daemon, json_pack("[o]", user("anna", "anna's " CANARY, "front")),
                json_pack("[o, o]", token("0000000a", true, 0), token("0000000b", true, 0)));
    reload_access(&daemon, "ok");
    wait_listed(&daemon, "tokens", "id", "0000000b", true);
    pid_t password = daemon_wait_service(&daemon, "password", 0),
          fanout = daemon_wait_service(&daemon, "fanouts", 0);
    char *key = session_key(&daemon);
    int kept = once_of(&daemon, "0000000b");
    for (int i = 0; i < 5; i++) {
        check(&daemon, "anna", "guess", "192.0.2.9", "wrong");
    }
    end_session(&daemon);
    daemon_kill(&daemon);
    /* Without a ringcastd: passwords are checked, a token is used. */
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.1", "right");
    write_json(&daemon, "fanout-uses", json_integer(once_of(&daemon, "0000000a")));
    obey(&daemon);
    daemon_start(&daemon);
    assert_int_equal(daemon_wait_service(&daemon, "password", 0), password);
    assert_int_equal(daemon_wait_service(&daemon, "fanouts", 0), fanout);
    wait_listed(&daemon, "tokens", "id", "0000000a", false);
    wait_out_of_file(&daemon, "0000000a");
    assert_int_equal(once_of(&daemon, "0000000b"), kept);
    wait_listed(&daemon, "revoked", "id", session, true);
    char *later = session_key(&daemon);
    assert_string_equal(later, key);
    /* One that knows nothing of the guesses would not be slow before the sixth. */
    ask(&daemon, "anna", "guess", "192.0.2.9");
    check(&daemon, "anna", "guess", "192.0.2.9", "slow");
    check(&daemon, "anna", "anna's " CANARY, "192.0.2.2", "right");
    free(key);
    free(later);
    daemon_finish_adopted(&daemon);
}

/* It is ended if the next configuration has no `auth`. */
static void the_next_ringcastd_may_not_need_it(void **state)
{
    struct daemon daemon;

    (void)state;
    begin(&daemon);
    pid_t password = daemon_wait_service(&daemon, "password", 0);
    daemon_kill(&daemon);
    configure(&daemon, false);
    daemon_start(&daemon);
    long long end = now_ms() + PATIENCE_MS;
    pid_t reaped = 0; /* it came to this process when its ringcastd died */
    while (reaped == 0 && now_ms() < end) {
        pause_between_looks();
        reaped = waitpid(password, NULL, WNOHANG);
    }
    assert_int_equal(reaped, password);
    daemon_finish_adopted(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fanouts_know_who_may_watch_before_they_serve),
        cmocka_unit_test(without_auth_nobody_needs_it),
        cmocka_unit_test(a_reload_turns_it_on_and_off),
        cmocka_unit_test(users_are_read_anew),
        cmocka_unit_test(a_file_that_is_missing_is_told_with_what_to_do),
        cmocka_unit_test(a_broken_file_ends_the_start),
        cmocka_unit_test(what_was_refused_is_logged_and_published),
        cmocka_unit_test(an_ended_session_is_told_to_all_and_outlives_ringcastd),
        cmocka_unit_test(tokens_that_are_over_leave_the_file),
        cmocka_unit_test(a_killed_password_process_heals),
        cmocka_unit_test(a_killed_fanout_knows_all_again),
        cmocka_unit_test(a_killed_ringcastd_is_not_noticed),
        cmocka_unit_test(the_next_ringcastd_may_not_need_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
