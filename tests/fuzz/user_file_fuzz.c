/* SPDX-License-Identifier: MIT */
/*
 * A users file of any content: it is refused with a reason, or every user and token has every member, each valid, and the document
 * is the same when it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/access/access_token.h"
#include "common/access/access_value.h"
#include "common/access/user_document.h"
#include "common/access/user_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_list(const json_t *object, const char *member, bool (*check)(const char *text, char *why))
{
    char why[ACCESS_WHY_SIZE];
    const json_t *item, *list = json_object_get(object, member);
    size_t index;

    require(json_is_array(list) && json_array_size(list) <= ACCESS_PATTERNS_MAX);
    json_array_foreach(list, index, item) {
        require(check(json_string_value(item), why));
    }
}

static void check_rights(const json_t *object)
{
    require(access_role_find(json_string_value(json_object_get(object, "role"))) >= 0);
    check_list(object, "cameras", access_check_pattern);
    check_list(object, "groups", access_check_group);
}

static void check_document(const json_t *document)
{
    const json_t *users = json_object_get(document, "users"), *tokens = json_object_get(document, "tokens"),
                 *object;
    char why[ACCESS_WHY_SIZE];
    size_t index, found;

    require(json_array_size(users) <= USER_FILE_USERS_MAX && json_array_size(tokens) <= USER_FILE_TOKENS_MAX);
    json_array_foreach(users, index, object) {
        const char *name = json_string_value(json_object_get(object, "name"));
        require(access_check_user(name, why));
        require(user_file_find_user(document, name, &found) == object && found == index);
        require(json_string_value(json_object_get(object, "hash"))[0] == '$');
        require(json_integer_value(json_object_get(object, "since")) >= 0);
        check_rights(object);
    }
    json_array_foreach(tokens, index, object) {
        const char *id = json_string_value(json_object_get(object, "id"));
        require(access_token_is_id(id));
        require(user_file_find_token(document, id, &found) == object && found == index);
        require(strlen(json_string_value(json_object_get(object, "hash"))) == ACCESS_TOKEN_HASH_SIZE - 1);
        require(json_integer_value(json_object_get(object, "expires")) >= 0);
        require(json_is_boolean(json_object_get(object, "once")));
        check_rights(object);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[USER_FILE_WHY_SIZE] = "";
    const struct user_report report = {"/users.json", why};
    json_t *document = NULL, *again = NULL;
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (user_document_parse(&report, text, &document) < 0) {
        require(strncmp(why, "/users.json: ", 13) == 0 && why[13] != '\0');
    } else {
        check_document(document);
        char *written = json_dumps(document, JSON_INDENT(2));
        require(written != NULL && user_document_parse(&report, written, &again) == 0 &&
                json_equal(document, again));
        free(written);
    }
    json_decref(again);
    json_decref(document);
    free(text);
    return 0;
}
