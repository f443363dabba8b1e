/* SPDX-License-Identifier: MIT */
#include "common/access/user_document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/access/access_token.h"
#include "common/access/access_value.h"
#include "common/access/digest.h"
#include "common/access/user_file.h"

#define FILE_VERSION 1

/* Bytes of a hash: CRYPT_OUTPUT_SIZE of crypt(3). */
#define HASH_MAX 383

/* Bytes of a member's name in a message, such as "users[999].cameras[255]". */
#define FIELD_SIZE 64

/* Bytes of "users[999]", which begins one. */
#define PLACE_SIZE 40

/* The year 9999. */
#define TIME_MAX 253402300799

int user_report(const struct user_report *report, int error, const char *format, ...)
{
    va_list arguments;
    int length = snprintf(report->why, USER_FILE_WHY_SIZE, "%s: ", report->path);

    va_start(arguments, format);
    if (length > 0 && length < USER_FILE_WHY_SIZE) {
        vsnprintf(report->why + length, USER_FILE_WHY_SIZE - (size_t)length, format, arguments);
    }
    va_end(arguments);
    return error;
}

/* crypt(5): a printable ASCII string, "$" first in every form that is not hopelessly weak. */
static bool check_hash(const char *hash, char *why)
{
    size_t length = strlen(hash);
    bool good = hash[0] == '$' && length > 1 && length <= HASH_MAX;

    for (const char *c = hash; good && *c != '\0'; c++) {
        good = *c > ' ' && *c < 0x7f && !strchr(":;*!\\", *c);
    }
    if (!good) {
        snprintf(why, ACCESS_WHY_SIZE,
                 "not a hash of crypt(5); set the password again with `ringcastctl user passwd`");
    }
    return good;
}

static bool check_digest(enum digest_algorithm algorithm, const char *secret, char *why)
{
    if (!digest_is_secret(algorithm, secret)) {
        snprintf(why, ACCESS_WHY_SIZE,
                 "not a secret for Digest; set the password again with `ringcastctl user passwd --digest`");
        return false;
    }
    return true;
}

static bool check_digest_md5(const char *secret, char *why)
{
    return check_digest(DIGEST_MD5, secret, why);
}

static bool check_digest_sha256(const char *secret, char *why)
{
    return check_digest(DIGEST_SHA256, secret, why);
}

static bool check_role(const char *role, char *why)
{
    if (access_role_find(role) < 0) {
        snprintf(why, ACCESS_WHY_SIZE, "not a role; write \"viewer\" or \"operator\"");
        return false;
    }
    return true;
}

static bool check_token_id(const char *id, char *why)
{
    if (!access_token_is_id(id)) {
        snprintf(why, ACCESS_WHY_SIZE, "not the id of a token; remove the token");
        return false;
    }
    return true;
}

static bool check_token_hash(const char *hash, char *why)
{
    if (strlen(hash) != ACCESS_TOKEN_HASH_SIZE - 1 || hash[strspn(hash, "0123456789abcdef")] != '\0') {
        snprintf(why, ACCESS_WHY_SIZE, "not the hash of a token; remove the token");
        return false;
    }
    return true;
}

static bool check_token_name(const char *name, char *why)
{
    return name[0] == '\0' || access_check_user(name, why);
}

/* A member of a user or a token. */
struct member {
    const char *name;
    json_type type;                             /* JSON_TRUE stands for both booleans */
    bool required;                              /* it has no default */
    bool (*check)(const char *text, char *why); /* of a string, and of each string of an array */
    const char *text;                           /* the default of a string; NULL: it stays missing */
};

static const struct member user_members[] = {
    {"name", JSON_STRING, true, access_check_user, NULL},
    {"hash", JSON_STRING, true, check_hash, NULL},
    {"digest_md5", JSON_STRING, false, check_digest_md5, NULL},
    {"digest_sha256", JSON_STRING, false, check_digest_sha256, NULL},
    {"role", JSON_STRING, false, check_role, "viewer"},
    {"cameras", JSON_ARRAY, false, access_check_pattern, NULL},
    {"groups", JSON_ARRAY, false, access_check_group, NULL},
    {"since", JSON_INTEGER, false, NULL, NULL},
};

static const struct member token_members[] = {
    {"id", JSON_STRING, true, check_token_id, NULL},
    {"hash", JSON_STRING, true, check_token_hash, NULL},
    {"name", JSON_STRING, false, check_token_name, ""},
    {"role", JSON_STRING, false, check_role, "viewer"},
    {"cameras", JSON_ARRAY, false, access_check_pattern, NULL},
    {"groups", JSON_ARRAY, false, access_check_group, NULL},
    {"expires", JSON_INTEGER, true, NULL, NULL},
    {"once", JSON_TRUE, false, NULL, NULL},
    {"created", JSON_INTEGER, false, NULL, NULL},
};

/* A list of users, or of tokens. */
struct list {
    const char *name;
    const struct member *members;
    size_t member_count;
    size_t most;
};

static const struct list lists[] = {
    {"users", user_members, sizeof(user_members) / sizeof(user_members[0]), USER_FILE_USERS_MAX},
    {"tokens", token_members, sizeof(token_members) / sizeof(token_members[0]), USER_FILE_TOKENS_MAX},
};

#define LIST_COUNT (sizeof(lists) / sizeof(lists[0]))

static json_t *default_of(const struct member *member)
{
    switch (member->type) {
    case JSON_STRING:
        return json_string(member->text);
    case JSON_ARRAY:
        return json_array();
    case JSON_INTEGER:
        return json_integer(0);
    default:
        return json_false();
    }
}

static bool has_type(const json_t *value, json_type type)
{
    return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array of strings";
    case JSON_INTEGER:
        return "a whole number";
    default:
        return "true or false";
    }
}

static int check_strings(const struct user_report *report, const char *field, const struct member *member,
                         const json_t *array)
{
    char why[ACCESS_WHY_SIZE];
    const json_t *item;
    size_t index;

    if (json_array_size(array) > ACCESS_PATTERNS_MAX) {
        return user_report(report, -EINVAL, "%s: %zu items; list at most %d", field, json_array_size(array),
                           ACCESS_PATTERNS_MAX);
    }
    json_array_foreach(array, index, item) {
        if (!json_is_string(item)) {
            return user_report(report, -EINVAL, "%s[%zu]: expected a string; put it in quotes", field, index);
        }
        if (!member->check(json_string_value(item), why)) {
            return user_report(report, -EINVAL, "%s[%zu]: %s", field, index, why);
        }
    }
    return 0;
}

/* PLACE: of OBJECT, such as "users[2]". */
static int check_member(const struct user_report *report, const char *place, const struct member *member,
                        json_t *object)
{
    char why[ACCESS_WHY_SIZE], field[FIELD_SIZE];
    const json_t *value = json_object_get(object, member->name);

    snprintf(field, sizeof(field), "%.39s.%.16s", place, member->name);
    if (!value && member->required) {
        return user_report(report, -EINVAL, "%s: missing; add it, or remove %s", field, place);
    }
    if (!value && member->type == JSON_STRING && !member->text) {
        return 0;
    }
    if (!value) {
        return json_object_set_new(object, member->name, default_of(member)) < 0
                   ? user_report(report, -ENOMEM, "no memory; try again")
                   : 0;
    }
    if (!has_type(value, member->type)) {
        return user_report(report, -EINVAL, "%s: expected %s; correct it, or remove %s", field,
                           type_name(member->type), place);
    }
    if (member->type == JSON_INTEGER &&
        (json_integer_value(value) < 0 || json_integer_value(value) > TIME_MAX)) {
        return user_report(report, -EINVAL, "%s: not a time; write seconds since 1970", field);
    }
    if (member->type == JSON_STRING && !member->check(json_string_value(value), why)) {
        return user_report(report, -EINVAL, "%s: %s", field, why);
    }
    return member->type == JSON_ARRAY ? check_strings(report, field, member, value) : 0;
}

/* A member that is misspelt would give other rights than those meant. */
static int check_unknown(const struct user_report *report, const char *place, const struct list *list,
                         json_t *object)
{
    const char *key;
    const json_t *value;

    json_object_foreach(object, key, value) {
        size_t i = 0;
        while (i < list->member_count && strcmp(list->members[i].name, key) != 0) {
            i++;
        }
        if (i == list->member_count) {
            return user_report(report, -EINVAL, "%s.%.32s: unknown; remove it, or correct its name", place,
                               key);
        }
    }
    return 0;
}

static int check_object(const struct user_report *report, const struct list *list, size_t index,
                        json_t *object)
{
    char place[PLACE_SIZE];
    int result = 0;

    snprintf(place, sizeof(place), "%.16s[%zu]", list->name, index);
    if (!json_is_object(object)) {
        return user_report(report, -EINVAL, "%s: expected an object; correct it, or remove it", place);
    }
    for (size_t i = 0; result == 0 && i < list->member_count; i++) {
        result = check_member(report, place, &list->members[i], object);
    }
    return result < 0 ? result : check_unknown(report, place, list, object);
}

/* The first member, a name or an id, is unique. SEEN: those before. */
static int check_unique(const struct user_report *report, const struct list *list, size_t index,
                        const json_t *object, json_t *seen)
{
    const char *key = list->members[0].name;
    const char *name = json_string_value(json_object_get(object, key));
    const json_t *first = json_object_get(seen, name);

    if (first) {
        return user_report(report, -EINVAL, "%s[%zu].%s: the same as of %s[%lld]; remove one", list->name,
                           index, key, list->name, (long long)json_integer_value(first));
    }
    return json_object_set_new(seen, name, json_integer((json_int_t)index)) < 0
               ? user_report(report, -ENOMEM, "no memory; try again")
               : 0;
}

static int check_list(const struct user_report *report, const struct list *list, json_t *document)
{
    json_t *array = json_object_get(document, list->name);
    json_t *seen = json_object(), *object;
    int result = 0;
    size_t index;

    if (!array) {
        json_object_set_new(document, list->name, array = json_array());
    }
    if (!json_is_array(array)) {
        result =
            user_report(report, -EINVAL, "%s: expected an array; restore the file, or remove it", list->name);
    } else if (json_array_size(array) > list->most) {
        result = user_report(report, -EINVAL, "%zu %s; at most %zu are possible: remove some",
                             json_array_size(array), list->name, list->most);
    }
    for (index = 0; result == 0 && index < json_array_size(array); index++) {
        object = json_array_get(array, index);
        result = check_object(report, list, index, object);
        if (result == 0) {
            result = check_unique(report, list, index, object, seen);
        }
    }
    json_decref(seen);
    return result;
}

int user_document_check(const struct user_report *report, json_t *document)
{
    const json_t *version = json_object_get(document, "version");
    const char *key;
    const json_t *value;
    int result = 0;

    if (!json_is_object(document) || !json_is_integer(version)) {
        return user_report(report, -EINVAL,
                           "not a users file; restore it, or remove it and add the users again");
    }
    if (json_integer_value(version) != FILE_VERSION) {
        return user_report(
            report, -EINVAL,
            "its version is %lld, and this ringcast knows version %d; install the ringcast that "
            "wrote it",
            (long long)json_integer_value(version), FILE_VERSION);
    }
    json_object_foreach(document, key, value) {
        if (strcmp(key, "version") != 0 && strcmp(key, "users") != 0 && strcmp(key, "tokens") != 0) {
            return user_report(report, -EINVAL, "%.32s: unknown; remove it, or correct its name", key);
        }
    }
    for (size_t i = 0; result == 0 && i < LIST_COUNT; i++) {
        result = check_list(report, &lists[i], document);
    }
    return result;
}

/* What the parser says of an error may repeat a part of the file, and is not shown. */
int user_document_parse(const struct user_report *report, const char *text, json_t **document)
{
    json_error_t error;

    *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!*document) {
        return user_report(
            report, -EINVAL,
            "line %d is not valid JSON; restore the file, or remove it and add the users again", error.line);
    }
    return user_document_check(report, *document);
}

json_t *user_document_make(void)
{
    return json_pack("{s:i, s:[], s:[]}", "version", FILE_VERSION, "users", "tokens");
}

/* The object of ARRAY whose KEY is TEXT. */
static json_t *find(const json_t *array, const char *key, const char *text, size_t *index)
{
    json_t *object;
    size_t at;

    json_array_foreach(array, at, object) {
        const char *found = json_string_value(json_object_get(object, key));
        if (found && strcmp(found, text) == 0) {
            *index = at;
            return object;
        }
    }
    return NULL;
}

json_t *user_file_find_user(const json_t *document, const char *name, size_t *index)
{
    return find(json_object_get(document, "users"), "name", name, index);
}

json_t *user_file_find_token(const json_t *document, const char *id, size_t *index)
{
    return find(json_object_get(document, "tokens"), "id", id, index);
}
