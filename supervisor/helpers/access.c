/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/access.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/access/user_file.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/helpers/access_document.h"
#include "supervisor/helpers/jwt_key.h"
#include "supervisor/helpers/once_page.h"
#include "supervisor/helpers/sessions.h"
#include "supervisor/process/timer.h"

/* What fan-outs say within this time becomes one document. */
#define PUBLISH_DELAY_MS 50

/* The users file may be locked by somebody who changes it: it is tried again after so long. */
#define TIDY_RETRY_MS 1000

/* How often tokens that have expired are taken out of the users file. */
#define TIDY_INTERVAL_MS 3600000

/* They stay so long after they have expired, so that `ringcastctl token list` can say what became of them. */
#define EXPIRED_KEPT_S 86400

/* The name of the page with the keeper. */
#define PAGE_NAME "once"

struct access_reading {
    bool on;
    char *users_path;
    json_t *rights;    /* access_document_make, with the keys */
    json_t *passwords; /* access_document_passwords */
};

struct access {
    sd_event *event;
    struct supervisor *supervisor;
    struct fd_store *store;
    struct access_reading *now; /* NULL: nothing is used yet */
    struct sessions *sessions;  /* NULL: nobody has had to log in yet */
    struct once_page *page;     /* the same */
    int document, passwords;
    int old_document, old_passwords; /* messages that wait may still have them */
    sd_event_source *publish_timer, *tidy_timer;
};

static int64_t wall_now(void)
{
    return time(NULL);
}

/* --- Reading -------------------------------------------------------------------------------------------- */

void access_discard(struct access_reading *reading)
{
    if (!reading) {
        return;
    }
    free(reading->users_path);
    json_decref(reading->rights);
    json_decref(reading->passwords);
    free(reading);
}

static int add_keys(const struct config *config, json_t *rights, char *why)
{
    json_t *issuers = json_object_get(rights, "jwt");

    for (size_t i = 0; i < config->auth.jwt_count; i++) {
        char *key = NULL;
        int result = jwt_key_read(config, i, &key, why);
        if (result < 0) {
            return result;
        }
        result = json_object_set_new(json_array_get(issuers, i), "key", json_string(key));
        secret_free(key);
        if (result < 0) {
            snprintf(why, ACCESS_REASON_SIZE, "auth.jwt: a key is not text");
            return -EINVAL;
        }
    }
    return 0;
}

/* Without `auth` the users file need not be there, nor be right. */
static int read_users(const struct config *config, struct access_reading *reading, char *why)
{
    json_t *users = NULL;
    int result = reading->on ? user_file_read(reading->users_path, &users, why) : 0;

    if (result < 0) {
        return result;
    }
    reading->rights = access_document_make(config, users);
    reading->passwords = access_document_passwords(users);
    json_decref(users);
    if (!reading->rights || !reading->passwords) {
        snprintf(why, ACCESS_REASON_SIZE, "auth: out of memory");
        return -ENOMEM;
    }
    return add_keys(config, reading->rights, why);
}

int access_read(const struct config *config, struct access_reading **made, char why[ACCESS_REASON_SIZE])
{
    struct access_reading *reading = calloc(1, sizeof(*reading));

    static_assert(ACCESS_REASON_SIZE >= USER_FILE_WHY_SIZE && ACCESS_REASON_SIZE >= JWT_KEY_WHY_SIZE,
                  "what the files have wrong fits");
    if (!reading) {
        snprintf(why, ACCESS_REASON_SIZE, "auth: out of memory");
        return -ENOMEM;
    }
    reading->on = config->auth.line > 0;
    reading->users_path = config_users_path(config);
    int result = read_users(config, reading, why);
    if (result < 0) {
        access_discard(reading);
        return result;
    }
    *made = reading;
    return 0;
}

/* --- Making the documents ------------------------------------------------------------------------------- */

/* The tokens that still count at NOW, single-use ones with the number on the page. */
static json_t *list_tokens(struct access *access, const json_t *rights)
{
    json_t *tokens = json_array();
    const json_t *entry;
    size_t index, left_out = 0;
    int64_t now = wall_now();

    json_array_foreach(json_object_get(rights, "tokens"), index, entry) {
        const char *id = message_string(entry, "id", "");
        json_int_t expires = message_integer(entry, "expires", 0);
        bool once = message_boolean(entry, "once", false);
        if ((expires > 0 && expires <= now) || (once && sessions_token_used(access->sessions, id))) {
            continue;
        }
        int number = once ? once_page_slot(access->page, id, clock_now_ms()) : -1;
        if (once && number < 0) {
            left_out++;
            continue;
        }
        json_t *token = json_copy((json_t *)entry);
        json_object_set_new(token, "once", json_integer(number));
        json_array_append_new(tokens, token);
    }
    if (left_out > 0) {
        log_warning(
            "%zu single-use tokens are not accepted: there may be %d at a time; ringcastctl token revoke ID",
            left_out, ONCE_PAGE_SLOTS);
    }
    return tokens;
}

/* A user's sessions count from what the users file and what too many log-outs say. */
static void raise_since(const struct access *access, json_t *users)
{
    json_t *entry;
    size_t index;

    json_array_foreach(users, index, entry) {
        int64_t since = sessions_since(access->sessions, message_string(entry, "name", ""));
        if (since > message_integer(entry, "since", 0)) {
            json_object_set_new(entry, "since", json_integer(since));
        }
    }
}

/* The message `access` as it is now. */
static json_t *complete(struct access *access, const json_t *rights)
{
    json_t *document = json_deep_copy(rights);

    if (document && json_is_true(json_object_get(rights, "on"))) {
        json_object_set_new(document, "session_key", json_string(sessions_key(access->sessions)));
        json_object_set_new(document, "revoked", sessions_ended(access->sessions, wall_now()));
        json_object_set_new(document, "tokens", list_tokens(access, rights));
        raise_since(access, json_object_get(document, "users"));
    }
    return document;
}

static void close_file(int *file)
{
    if (*file >= 0) {
        close(*file);
    }
    *file = -1;
}

/* OLD is closed when the messages with it have been replaced by messages with NEXT. */
static void replace_file(int *file, int *old, int next)
{
    close_file(old);
    *old = *file;
    *file = next;
}

static void hand_out(struct access *access)
{
    supervisor_access_changed(access->supervisor);
    close_file(&access->old_document);
    close_file(&access->old_passwords);
}

static int seal_document(struct access *access, const json_t *rights)
{
    json_t *document = complete(access, rights);
    int fd = document ? memory_file_seal_json("ringcast-access", document) : -ENOMEM;

    json_decref(document);
    return fd;
}

/* What the page says is kept, because the memory of which number is whose must not end with this process. */
static void keep_page(struct access *access)
{
    const int fd = once_page_fd(access->page);

    fd_store_put(access->store, FD_STORE_LISTENER, PAGE_NAME, once_page_note(access->page), &fd, 1);
}

/* --- Sessions and single-use tokens --------------------------------------------------------------------- */

static int on_publish(sd_event_source *source, uint64_t usec, void *data)
{
    struct access *access = data;

    (void)source, (void)usec;
    timer_disarm(&access->publish_timer);
    sessions_write(access->sessions, wall_now());
    int next = seal_document(access, access->now->rights);
    if (next < 0) {
        log_error("ended sessions cannot be told to the fan-outs: %s", strerror(-next));
        return 0;
    }
    replace_file(&access->document, &access->old_document, next);
    keep_page(access);
    hand_out(access);
    return 0;
}

/* Written at once, because ringcastd may be killed; but not once for each of a flood. */
static void change(struct access *access)
{
    if (!access->publish_timer) {
        sessions_write(access->sessions, wall_now());
        timer_arm(access->event, &access->publish_timer, PUBLISH_DELAY_MS, on_publish, access);
    }
}

void access_session_ended(struct access *access, const json_t *message)
{
    if (!access_is_on(access)) {
        return;
    }
    int64_t longest = message_integer(access->now->rights, "session_seconds", 0);
    if (sessions_end(access->sessions, message_string(message, "id", NULL),
                     message_integer(message, "until", 0), message_string(message, "user", NULL), longest,
                     wall_now())) {
        change(access);
    }
}

/* --- The users file ------------------------------------------------------------------------------------- */

static void tidy_later(struct access *access, uint64_t delay_ms);

/* Takes used tokens, and those that expired long ago, out of TOKENS. How many. */
static size_t remove_tokens(const struct access *access, json_t *tokens)
{
    size_t removed = 0;
    int64_t long_ago = wall_now() - EXPIRED_KEPT_S;

    for (size_t i = json_array_size(tokens); i-- > 0;) {
        const json_t *token = json_array_get(tokens, i);
        json_int_t expires = message_integer(token, "expires", 0);
        if ((expires > 0 && expires < long_ago) ||
            sessions_token_used(access->sessions, message_string(token, "id", ""))) {
            json_array_remove(tokens, i);
            removed++;
        }
    }
    return removed;
}

static bool has_tokens_to_remove(const struct access *access)
{
    json_t *tokens = json_copy(json_object_get(access->now->rights, "tokens"));
    size_t removed = remove_tokens(access, tokens);

    json_decref(tokens);
    return removed > 0;
}

/* 0; -EAGAIN: somebody else changes the file. */
static int tidy_file(struct access *access, char *why)
{
    struct user_file *file = NULL;
    int result = user_file_open(access->now->users_path, 0, &file, why);

    if (result == 0 && remove_tokens(access, json_object_get(user_file_document(file), "tokens")) > 0) {
        result = user_file_commit(file, why);
    }
    user_file_close(file);
    return result;
}

static int on_tidy(sd_event_source *source, uint64_t usec, void *data)
{
    struct access *access = data;
    char why[USER_FILE_WHY_SIZE];
    int result = 0;

    (void)source, (void)usec;
    timer_disarm(&access->tidy_timer);
    if (!access_is_on(access)) {
        return 0;
    }
    if (has_tokens_to_remove(access)) {
        result = tidy_file(access, why);
    }
    if (result < 0 && result != -EAGAIN) {
        log_warning("tokens that are over cannot be taken out of the users file: %s", why);
    } else if (result == 0) {
        remove_tokens(access, json_object_get(access->now->rights, "tokens"));
    }
    tidy_later(access, result == -EAGAIN ? TIDY_RETRY_MS : TIDY_INTERVAL_MS);
    return 0;
}

static void tidy_later(struct access *access, uint64_t delay_ms)
{
    timer_arm(access->event, &access->tidy_timer, delay_ms, on_tidy, access);
}

void access_token_used(struct access *access, const json_t *message)
{
    const char *id = message_string(message, "id", NULL);

    if (access_is_on(access) && sessions_use_token(access->sessions, id)) {
        change(access);
        tidy_later(access, PUBLISH_DELAY_MS);
    }
}

/* --- In force ------------------------------------------------------------------------------------------- */

static int open_page(struct access *access)
{
    struct fd_record record;
    int result = -ENOENT;

    if (fd_store_take(access->store, FD_STORE_LISTENER, PAGE_NAME, &record)) {
        int fd = fd_record_take_fd(&record, 0);
        result = fd >= 0 ? once_page_adopt(fd, record.body, clock_now_ms(), &access->page) : -EPROTO;
        if (result < 0 && fd >= 0) {
            close(fd);
        }
        fd_record_finish(&record);
    }
    return result < 0 ? once_page_create(&access->page) : 0;
}

/* With the first configuration that has `auth`. */
static int open_state(struct access *access, const struct config *config)
{
    int result = 0;

    if (!access->sessions) {
        result = sessions_open(config->state_dir, config->instance, wall_now(), &access->sessions);
    }
    if (result == 0 && !access->page) {
        result = open_page(access);
    }
    return result;
}

/* A fan-out may have noted the use of a token, and ringcastd was killed before it was told. */
static void learn_uses(struct access *access, const json_t *tokens)
{
    const json_t *token;
    size_t index;

    json_array_foreach(tokens, index, token) {
        const char *id = message_string(token, "id", "");
        if (message_boolean(token, "once", false) && once_page_used(access->page, id)) {
            sessions_use_token(access->sessions, id);
        }
    }
}

static void settle_tokens(struct access *access, const struct access_reading *reading)
{
    const json_t *tokens = json_object_get(reading->rights, "tokens");

    learn_uses(access, tokens);
    sessions_keep_tokens(access->sessions, tokens);
    once_page_keep(access->page, tokens, clock_now_ms());
}

static void say_nobody_can_log_in(const struct config *config, const struct access_reading *reading)
{
    const json_t *tokens = json_object_get(reading->rights, "tokens");
    bool other_ways = json_array_size(tokens) > 0 || config->auth.jwt_count > 0 || config->auth.proxy.user;

    if (reading->on && json_array_size(json_object_get(reading->passwords, "users")) == 0 && !other_ways) {
        log_warning("nobody can log in yet, because %s has no user: ringcastctl user add NAME",
                    reading->users_path);
    }
}

static int seal_both(struct access *access, const struct access_reading *reading, int *document,
                     int *passwords)
{
    *passwords = memory_file_seal_json("ringcast-users", reading->passwords);
    *document = *passwords < 0 ? *passwords : seal_document(access, reading->rights);
    if (*document < 0 && *passwords >= 0) {
        close(*passwords);
    }
    return *document < 0 ? *document : 0;
}

/* READING, for which everything is ready, is in force. */
static void put_in_force(struct access *access, struct access_reading *reading, json_t **changes)
{
    const struct access_reading *before = access->now;

    *changes = access_document_changes(before ? before->rights : NULL, before ? before->passwords : NULL,
                                       reading->rights, reading->passwords);
    access_discard(access->now);
    access->now = reading;
    if (reading->on) {
        keep_page(access);
        sessions_write(access->sessions, wall_now());
        tidy_later(access, TIDY_RETRY_MS);
    }
}

int access_use(struct access *access, const struct config *config, struct access_reading *reading,
               struct fd_store *store, json_t **changes)
{
    int document = -1, passwords = -1;

    access->store = store;
    int result = reading->on ? open_state(access, config) : 0;
    if (result == 0 && reading->on) {
        settle_tokens(access, reading);
    }
    if (result == 0) {
        result = seal_both(access, reading, &document, &passwords);
    }
    if (result < 0) {
        log_error("who may watch cannot be told to the fan-outs: %s", strerror(-result));
        access_discard(reading);
        return result;
    }
    replace_file(&access->document, &access->old_document, document);
    replace_file(&access->passwords, &access->old_passwords, passwords);
    say_nobody_can_log_in(config, reading);
    put_in_force(access, reading, changes);
    hand_out(access);
    return 0;
}

struct access *access_create(sd_event *event, struct supervisor *supervisor)
{
    struct access *access = calloc(1, sizeof(*access));

    if (access) {
        *access = (struct access){.event = event,
                                  .supervisor = supervisor,
                                  .document = -1,
                                  .passwords = -1,
                                  .old_document = -1,
                                  .old_passwords = -1};
    }
    return access;
}

void access_destroy(struct access *access)
{
    if (!access) {
        return;
    }
    if (access->publish_timer) {
        sessions_write(access->sessions, wall_now());
    }
    timer_disarm(&access->publish_timer);
    timer_disarm(&access->tidy_timer);
    close_file(&access->document);
    close_file(&access->passwords);
    once_page_destroy(access->page);
    sessions_close(access->sessions);
    access_discard(access->now);
    free(access);
}

bool access_is_on(const struct access *access)
{
    return access->now && access->now->on;
}

int access_document(const struct access *access)
{
    return access->document;
}

int access_page(const struct access *access)
{
    return access->page ? once_page_fd(access->page) : -1;
}

int access_passwords(const struct access *access)
{
    return access->passwords;
}
