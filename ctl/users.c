/* SPDX-License-Identifier: MIT */
#include "ctl/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/access/digest.h"
#include "common/access/password_hash.h"
#include "common/base/secret.h"
#include "common/ipc/message.h"
#include "ctl/access.h"
#include "ctl/client.h"
#include "ctl/password.h"
#include "ctl/request.h"
#include "ctl/table.h"

/* --- Changing ------------------------------------------------------------------------------------------- */

static json_t *find(const struct access_change *change, const char *name)
{
    size_t index;

    return user_file_find_user(change->document, name, &index);
}

/* NAME is nobody. */
static enum exit_code refuse_unknown(const struct access_change *change, const char *name)
{
    if (access_configured(change, name)) {
        client_complain("%s has no password yet; give one with `ringcastctl user passwd`", name);
    } else {
        client_complain("there is no user %s in %s; `ringcastctl user list` shows all", name, change->path);
    }
    return EXIT_CODE_FAILED;
}

/* What is kept of a password. */
struct kept {
    char *hash;
    bool has_digest;
    char digest[DIGEST_ALGORITHMS][DIGEST_HEX_SIZE];
};

static const char *const digest_members[DIGEST_ALGORITHMS] = {
    [DIGEST_MD5] = "digest_md5", [DIGEST_SHA256] = "digest_sha256"};

static bool make_digests(struct kept *kept, const char *name, const char *password)
{
    bool made = true;

    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        made = digest_secret((enum digest_algorithm)i, name, password, kept->digest[i]) && made;
    }
    if (!made) {
        client_complain("OpenSSL here makes no secret for Digest; leave out --digest");
    }
    return made;
}

static void kept_finish(struct kept *kept)
{
    secret_free(kept->hash);
    secret_wipe(kept, sizeof(*kept));
}

/* False: reported. KEPT is to be given to kept_finish in any case. */
static bool ask_password(const struct options *options, const char *name, struct kept *kept,
                         enum exit_code *code)
{
    char password[PASSWORD_SIZE];

    *code = password_read(options, name, password);
    if (*code != EXIT_CODE_OK) {
        return false;
    }
    kept->has_digest = options->digest;
    if (options->digest && !make_digests(kept, name, password)) {
        *code = EXIT_CODE_FAILED;
    } else {
        kept->hash = password_hash_make(password);
    }
    if (*code == EXIT_CODE_OK && !kept->hash) {
        client_complain("the password cannot be hashed: %s", strerror(errno));
        *code = EXIT_CODE_FAILED;
    }
    secret_wipe(password, sizeof(password));
    return *code == EXIT_CODE_OK;
}

static bool check_name(const char *name)
{
    char why[ACCESS_WHY_SIZE];

    if (!access_check_user(name, why)) {
        client_complain("%s: %s", name, why);
        return false;
    }
    return true;
}

/* A user without cameras in the configuration is meant to have some. */
static enum exit_code check_new(const struct access_change *change, const char *name)
{
    const struct config_user *configured = access_configured(change, name);

    if (find(change, name)) {
        client_complain("%s is a user already; `user passwd` and `user set` change one", name);
        return EXIT_CODE_FAILED;
    }
    if (configured && (change->options->role || access_has_rights(change->options))) {
        client_complain("%s is in the configuration, which says the role and cameras; leave out --role, "
                        "--camera and --group",
                        name);
        return EXIT_CODE_USAGE;
    }
    if (!configured && !access_has_rights(change->options)) {
        client_complain(
            "which cameras may %s watch? --camera '*' is all, --camera 'front*' some, --group NAME a group",
            name);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

/* What was kept of another password is of no use any more. */
static void put_digests(json_t *user, const struct kept *kept)
{
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        if (kept->has_digest) {
            json_object_set_new(user, digest_members[i], json_string(kept->digest[i]));
        } else {
            json_object_del(user, digest_members[i]);
        }
    }
}

/* KEPT becomes the password of NAME, who is new if USER is NULL. Sessions from before are void. */
static enum exit_code put_password(const struct access_change *change, const char *name, json_t *user,
                                   const struct kept *kept, int64_t since)
{
    if (!user) {
        user = json_pack("{s:s}", "name", name);
        json_array_append_new(json_object_get(change->document, "users"), user);
    }
    json_object_set_new(user, "hash", json_string(kept->hash));
    put_digests(user, kept);
    json_object_set_new(user, "since", json_integer((json_int_t)since));
    return access_take_rights(change, user);
}

/* What is wrong is told before anybody is asked for a password. */
static enum exit_code check_add(const struct options *options, const char *name)
{
    struct access_change change;
    enum exit_code code = access_begin_reading(options, &change);
    json_t *nobody = json_object();

    if (code == EXIT_CODE_OK) {
        code = check_new(&change, name);
    }
    if (code == EXIT_CODE_OK) {
        code = access_take_rights(&change, nobody);
    }
    json_decref(nobody);
    access_finish(&change);
    return code;
}

enum exit_code users_add(const struct options *options)
{
    struct access_change change;
    const char *name = options->arguments[0];
    enum exit_code code = check_name(name) ? check_add(options, name) : EXIT_CODE_USAGE;
    struct kept kept = {0};

    if (code != EXIT_CODE_OK || !ask_password(options, name, &kept, &code)) {
        kept_finish(&kept);
        return code;
    }
    int64_t since = access_since();
    code = access_begin(options, &change);
    if (code == EXIT_CODE_OK) {
        code = check_new(&change, name); /* again: another may have come meanwhile */
    }
    if (code == EXIT_CODE_OK) {
        code = put_password(&change, name, NULL, &kept, since);
    }
    if (code == EXIT_CODE_OK) {
        code = access_commit(&change);
        access_wait_for(since);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "added ", name);
    }
    kept_finish(&kept);
    access_finish(&change);
    return code;
}

enum exit_code users_set(const struct options *options)
{
    struct access_change change;
    const char *name = options->arguments[0];
    enum exit_code code = access_begin(options, &change);
    json_t *user = code == EXIT_CODE_OK ? find(&change, name) : NULL;

    if (code == EXIT_CODE_OK && !options->role && !access_has_rights(options)) {
        client_complain("what is to change? give --role, --camera or --group");
        code = EXIT_CODE_USAGE;
    } else if (code == EXIT_CODE_OK && access_configured(&change, name)) {
        client_complain("%s is in the configuration, which says the role and cameras; change them there",
                        name);
        code = EXIT_CODE_FAILED;
    } else if (code == EXIT_CODE_OK && !user) {
        code = refuse_unknown(&change, name);
    }
    if (code == EXIT_CODE_OK) {
        code = access_take_rights(&change, user);
    }
    if (code == EXIT_CODE_OK) {
        code = access_commit(&change);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "changed ", name);
    }
    access_finish(&change);
    return code;
}

static enum exit_code check_known(const struct options *options, const char *name)
{
    struct access_change change;
    enum exit_code code = access_begin_reading(options, &change);

    if (code == EXIT_CODE_OK && !find(&change, name) && !access_configured(&change, name)) {
        code = refuse_unknown(&change, name);
    }
    access_finish(&change);
    return code;
}

enum exit_code users_change_password(const struct options *options)
{
    struct access_change change;
    const char *name = options->arguments[0];
    enum exit_code code = check_known(options, name);
    struct kept kept = {0};

    if (code != EXIT_CODE_OK || !ask_password(options, name, &kept, &code)) {
        kept_finish(&kept);
        return code;
    }
    int64_t since = access_since();
    code = access_begin(options, &change);
    if (code == EXIT_CODE_OK && !find(&change, name) && !access_configured(&change, name)) {
        code = refuse_unknown(&change, name);
    }
    if (code == EXIT_CODE_OK) {
        code = put_password(&change, name, find(&change, name), &kept, since);
    }
    if (code == EXIT_CODE_OK) {
        code = access_commit(&change);
        access_wait_for(since);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "new password of ", name);
    }
    kept_finish(&kept);
    access_finish(&change);
    return code;
}

enum exit_code users_remove(const struct options *options)
{
    struct access_change change;
    size_t index;
    const char *name = options->arguments[0];
    enum exit_code code = access_begin(options, &change);

    if (code == EXIT_CODE_OK && !user_file_find_user(change.document, name, &index)) {
        code = refuse_unknown(&change, name);
    }
    if (code == EXIT_CODE_OK) {
        json_array_remove(json_object_get(change.document, "users"), index);
        code = access_commit(&change);
    }
    if (code == EXIT_CODE_OK && access_configured(&change, name)) {
        client_complain("note: %s has no password any more, but is still in the configuration", name);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "removed ", name);
    }
    access_finish(&change);
    return code;
}

enum exit_code users_log_out(const struct options *options)
{
    struct access_change change;
    const char *name = options->arguments[0];
    enum exit_code code = access_begin(options, &change);
    json_t *user = code == EXIT_CODE_OK ? find(&change, name) : NULL;
    int64_t since = access_since();

    if (code == EXIT_CODE_OK && !user) {
        code = refuse_unknown(&change, name);
    }
    if (code == EXIT_CODE_OK) {
        json_object_set_new(user, "since", json_integer((json_int_t)since));
        code = access_commit(&change);
        access_wait_for(since);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "ended all sessions of ", name);
    }
    access_finish(&change);
    return code;
}

/* --- Looking -------------------------------------------------------------------------------------------- */

static json_t *strings(const struct config_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_string(list->items[i]));
    }
    return array;
}

/* A user as the list shows one, without the hash. USER: of the file, or NULL; CONFIGURED: of the configuration, or NULL. */
static json_t *row_of(const json_t *user, const struct config_user *configured)
{
    json_t *row = json_object();

    json_object_set_new(row, "name",
                        json_string(configured ? configured->name : message_string(user, "name", "")));
    json_object_set_new(row, "role",
                        configured ? json_string(access_role_name(configured->role))
                                   : json_incref(json_object_get(user, "role")));
    json_object_set_new(row, "cameras",
                        configured ? strings(&configured->cameras)
                                   : json_incref(json_object_get(user, "cameras")));
    json_object_set_new(row, "groups",
                        configured ? strings(&configured->groups)
                                   : json_incref(json_object_get(user, "groups")));
    json_object_set_new(row, "password", json_boolean(user));
    json_object_set_new(row, "configured", json_boolean(configured));
    return row;
}

static void write_list(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    const json_t *list = json_object_get(row, member);
    json_t *text = json_object();
    char words[TABLE_CELL_SIZE] = "";
    const json_t *word;
    size_t index;

    json_array_foreach(list, index, word) {
        size_t length = strlen(words);
        snprintf(words + length, sizeof(words) - length, "%s%s", index == 0 ? "" : " ",
                 json_string_value(word));
    }
    if (words[0] != '\0') {
        json_object_set_new(text, member, json_string(words));
    }
    table_write_text(cell, text, member);
    json_decref(text);
}

static void write_yes(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    snprintf(cell, TABLE_CELL_SIZE, "%s", json_is_true(json_object_get(row, member)) ? "yes" : "no");
}

static void print_users(const json_t *reply)
{
    static const struct table_column columns[] = {
        {"NAME", false, table_write_text, "name"},  {"ROLE", false, table_write_text, "role"},
        {"CAMERAS", false, write_list, "cameras"},  {"GROUPS", false, write_list, "groups"},
        {"PASSWORD", false, write_yes, "password"}, {"CONFIGURED", false, write_yes, "configured"},
    };

    table_print(columns, sizeof(columns) / sizeof(columns[0]), json_object_get(reply, "users"), stdout);
}

enum exit_code users_list(const struct options *options)
{
    struct access_change change;
    enum exit_code code = access_begin_reading(options, &change);
    json_t *rows = json_array(), *user;
    size_t index;

    if (code != EXIT_CODE_OK) {
        json_decref(rows);
        access_finish(&change);
        return code;
    }
    const struct config_auth *auth = change.config ? &change.config->auth : NULL;
    for (size_t i = 0; auth && i < auth->user_count; i++) {
        json_array_append_new(rows, row_of(find(&change, auth->users[i].name), &auth->users[i]));
    }
    json_array_foreach(json_object_get(change.document, "users"), index, user) {
        if (!access_configured(&change, message_string(user, "name", ""))) {
            json_array_append_new(rows, row_of(user, NULL));
        }
    }
    json_t *reply = json_pack("{s:s, s:o}", "file", change.path, "users", rows);
    code = request_print(options, reply, print_users);
    json_decref(reply);
    access_finish(&change);
    return code;
}
