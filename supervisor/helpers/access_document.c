/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/access_document.h"

#include <stdlib.h>
#include <string.h>

#include "common/access/user_file.h"
#include "common/ipc/message.h"

#define SECONDS_PER_HOUR 3600

/* --- Patterns ------------------------------------------------------------------------------------------- */

static struct config_list list_of(const json_t *array)
{
    struct config_list list = {0};
    const json_t *text;
    size_t index;

    json_array_foreach(array, index, text) {
        config_list_add(&list, json_string_value(text));
    }
    return list;
}

static json_t *array_of(const struct config_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_string(list->items[i]));
    }
    return array;
}

/* The patterns that CAMERAS and GROUPS mean together. */
static json_t *expand(const struct config *config, const struct config_list *cameras,
                      const struct config_list *groups)
{
    struct config_list patterns = config_camera_patterns(config, cameras, groups);
    json_t *array = array_of(&patterns);

    config_list_finish(&patterns);
    return array;
}

static json_t *expand_arrays(const struct config *config, const json_t *entry)
{
    struct config_list cameras = list_of(json_object_get(entry, "cameras"));
    struct config_list groups = list_of(json_object_get(entry, "groups"));
    json_t *array = expand(config, &cameras, &groups);

    config_list_finish(&cameras);
    config_list_finish(&groups);
    return array;
}

/* --- Users ---------------------------------------------------------------------------------------------- */

static json_t *configured_user(const struct config *config, const struct config_user *user, json_int_t since)
{
    return json_pack("{s:s, s:s, s:o, s:I}", "name", user->name, "role", access_role_name(user->role),
                     "cameras", expand(config, &user->cameras, &user->groups), "since", since);
}

static bool is_configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->auth.user_count; i++) {
        if (strcmp(config->auth.users[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The configuration says what its users may watch, and the file says since when their sessions count. */
static json_t *list_users(const struct config *config, const json_t *file)
{
    json_t *users = json_array();
    const json_t *entry;
    size_t index;

    for (size_t i = 0; i < config->auth.user_count; i++) {
        const struct config_user *user = &config->auth.users[i];
        entry = user_file_find_user(file, user->name, &index);
        json_array_append_new(users, configured_user(config, user, message_integer(entry, "since", 0)));
    }
    json_array_foreach(json_object_get(file, "users"), index, entry) {
        const char *name = message_string(entry, "name", "");
        if (!is_configured(config, name)) {
            json_array_append_new(users, json_pack("{s:s, s:O, s:o, s:I}", "name", name, "role",
                                                   json_object_get(entry, "role"), "cameras",
                                                   expand_arrays(config, entry), "since",
                                                   message_integer(entry, "since", 0)));
        }
    }
    return users;
}

static json_t *list_groups(const struct config *config)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < config->auth.user_group_count; i++) {
        json_array_append_new(groups, configured_user(config, &config->auth.user_groups[i], 0));
    }
    return groups;
}

static json_t *list_tokens(const struct config *config, const json_t *file)
{
    json_t *tokens = json_array();
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(file, "tokens"), index, entry) {
        json_array_append_new(
            tokens,
            json_pack("{s:O, s:O, s:s, s:O, s:o, s:I, s:b}", "id", json_object_get(entry, "id"), "hash",
                      json_object_get(entry, "hash"), "name", message_string(entry, "name", ""), "role",
                      json_object_get(entry, "role"), "cameras", expand_arrays(config, entry), "expires",
                      message_integer(entry, "expires", 0), "once", message_boolean(entry, "once", false)));
    }
    return tokens;
}

static json_t *list_issuers(const struct config *config)
{
    static const char *const algorithms[] = {
        [CONFIG_JWT_HS256] = "HS256", [CONFIG_JWT_RS256] = "RS256", [CONFIG_JWT_ES256] = "ES256"};
    json_t *issuers = json_array();

    for (size_t i = 0; i < config->auth.jwt_count; i++) {
        const struct config_jwt *jwt = &config->auth.jwt[i];
        json_array_append_new(issuers,
                              json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s}", "algorithm",
                                        algorithms[jwt->algorithm], "audience", jwt->audience, "issuer",
                                        jwt->issuer, "user_claim", jwt->user_claim, "cameras_claim",
                                        jwt->cameras_claim, "groups_claim", jwt->groups_claim));
    }
    return issuers;
}

static json_t *proxy_headers(const struct config_proxy *proxy)
{
    return json_pack("{s:s?, s:s?}", "user", proxy->user, "groups", proxy->groups);
}

/* True if somebody can log in by Digest. */
static bool has_digest(const json_t *file)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(file, "users"), index, entry) {
        if (json_object_get(entry, "digest_md5")) {
            return true;
        }
    }
    return false;
}

json_t *access_document_make(const struct config *config, const json_t *users)
{
    if (config->auth.line == 0) {
        return json_pack("{s:b}", "on", 0);
    }
    return json_pack("{s:b, s:b, s:I, s:b, s:o, s:o, s:o, s:o, s:o}", "on", 1, "digest", has_digest(users),
                     "session_seconds", (json_int_t)config->auth.session_hours * SECONDS_PER_HOUR,
                     "token_in_query", config->auth.token_in_query, "users", list_users(config, users),
                     "user_groups", list_groups(config), "tokens", list_tokens(config, users), "jwt",
                     list_issuers(config), "proxy", proxy_headers(&config->auth.proxy));
}

json_t *access_document_passwords(const json_t *users)
{
    json_t *passwords = json_array();
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(users, "users"), index, entry) {
        json_array_append_new(passwords,
                              json_pack("{s:O, s:O, s:O*, s:O*}", "name", json_object_get(entry, "name"),
                                        "hash", json_object_get(entry, "hash"), "digest_md5",
                                        json_object_get(entry, "digest_md5"), "digest_sha256",
                                        json_object_get(entry, "digest_sha256")));
    }
    return json_pack("{s:o}", "users", passwords);
}

/* --- Differences ---------------------------------------------------------------------------------------- */

/* {NAME: entry} of the users in DOCUMENT, which may be NULL. */
static json_t *by_name(const json_t *document)
{
    json_t *object = json_object(), *entry;
    size_t index;

    json_array_foreach(json_object_get(document, "users"), index, entry) {
        json_object_set(object, message_string(entry, "name", ""), entry);
    }
    return object;
}

static bool same_rights(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "role"), json_object_get(b, "role")) &&
           json_equal(json_object_get(a, "cameras"), json_object_get(b, "cameras"));
}

static void note(json_t *changes, const char *user, const char *change)
{
    json_array_append_new(changes, json_pack("{s:s, s:s}", "user", user, "change", change));
}

json_t *access_document_changes(const json_t *before, const json_t *passwords_before, const json_t *after,
                                const json_t *passwords_after)
{
    json_t *old = by_name(before), *new = by_name(after), *entry;
    json_t *old_passwords = by_name(passwords_before), *new_passwords = by_name(passwords_after);
    json_t *changes = json_array();
    const char *name;

    json_object_foreach(new, name, entry) {
        const json_t *was = json_object_get(old, name);
        if (!was) {
            note(changes, name, "added");
            continue;
        }
        if (!same_rights(was, entry)) {
            note(changes, name, "rights");
        }
        const json_t *password = json_object_get(new_passwords, name),
                     *was_password = json_object_get(old_passwords, name);
        if ((password || was_password) && !json_equal(password, was_password)) {
            note(changes, name, "password");
        } else if (message_integer(was, "since", 0) != message_integer(entry, "since", 0)) {
            note(changes, name, "sessions");
        }
    }
    json_object_foreach(old, name, entry) {
        if (!json_object_get(new, name)) {
            note(changes, name, "removed");
        }
    }
    json_decref(old);
    json_decref(new);
    json_decref(old_passwords);
    json_decref(new_passwords);
    return changes;
}
