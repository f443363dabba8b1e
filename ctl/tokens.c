/* SPDX-License-Identifier: MIT */
#include "ctl/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/access/access_token.h"
#include "common/base/secret.h"
#include "common/ipc/message.h"
#include "ctl/access.h"
#include "ctl/client.h"
#include "ctl/request.h"
#include "ctl/table.h"

/* Seconds: ten years. Whoever wants more says "never". */
#define TTL_MAX 315360000

/* Bytes of a time as text. */
#define TIME_SIZE 32

/* --- Time ----------------------------------------------------------------------------------------------- */

/* "90s", "30m", "1h", "7d", "4w" or "never" (0) in seconds. False: it is none of these. */
static bool parse_ttl(const char *text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t digits = strspn(text, "0123456789");

    *seconds = 0;
    if (strcmp(text, "never") == 0) {
        return true;
    }
    if (digits == 0 || digits > 9 || text[digits] == '\0' || text[digits + 1] != '\0') {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == text[digits]) {
            *seconds = (int64_t)strtol(text, NULL, 10) * units[i].seconds;
        }
    }
    return *seconds > 0 && *seconds <= TTL_MAX;
}

/* In the time zone of whoever looks. */
static void format_time(int64_t seconds, char text[TIME_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm tm;

    if (seconds == 0) {
        snprintf(text, TIME_SIZE, "never");
    } else if (!localtime_r(&time, &tm) || strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        snprintf(text, TIME_SIZE, "?");
    }
}

/* --- Adding --------------------------------------------------------------------------------------------- */

static bool has_expired(const json_t *token, int64_t now)
{
    json_int_t expires = message_integer(token, "expires", 0);

    return expires != 0 && expires <= now;
}

/* Those that are of no use any more make room. */
static void forget_expired(json_t *document, int64_t now)
{
    json_t *tokens = json_object_get(document, "tokens");

    for (size_t i = json_array_size(tokens); i-- > 0;) {
        if (has_expired(json_array_get(tokens, i), now)) {
            json_array_remove(tokens, i);
        }
    }
}

static enum exit_code check_add(const struct options *options, int64_t *ttl)
{
    char why[ACCESS_WHY_SIZE];

    if (!access_has_rights(options)) {
        client_complain("which cameras may be watched with it? --camera '*' is all, --camera 'front*' some, "
                        "--group NAME a "
                        "group");
        return EXIT_CODE_USAGE;
    }
    if (!options->ttl) {
        client_complain("how long is it good? --ttl 1h, 30m, 7d, or --ttl never");
        return EXIT_CODE_USAGE;
    }
    if (!parse_ttl(options->ttl, ttl)) {
        client_complain(
            "--ttl %s: write a number and s, m, h, d or w, such as 1h, at most ten years; or never",
            options->ttl);
        return EXIT_CODE_USAGE;
    }
    if (options->name && !access_check_user(options->name, why)) {
        client_complain("--name: %s", why);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

/* What is kept of it, without its text. */
static json_t *token_object(const struct options *options, const char *id, const char *hash, int64_t ttl)
{
    int64_t now = access_now();

    return json_pack("{s:s, s:s, s:s, s:s, s:[], s:[], s:I, s:b, s:I}", "id", id, "hash", hash, "name",
                     options->name ? options->name : "", "role", "viewer", "cameras", "groups", "expires",
                     ttl == 0 ? (json_int_t)0 : (json_int_t)(now + ttl), "once", options->once, "created",
                     (json_int_t)now);
}

/* The token alone on standard output, for programs; what it is for, for people, on standard error. */
static enum exit_code print_token(const struct options *options, const json_t *token, const char *text)
{
    char time[TIME_SIZE];

    if (options->json) {
        json_t *shown = json_copy((json_t *)token);
        json_object_del(shown, "hash");
        json_object_set_new(shown, "token", json_string(text));
        enum exit_code code = request_print_json(shown, JSON_INDENT(2));
        json_decref(shown);
        return code;
    }
    char *rights = access_describe(token);
    format_time(message_integer(token, "expires", 0), time);
    client_complain("token %s: %s; expires: %s%s. It is shown this once", message_string(token, "id", ""),
                    rights, time, options->once ? "; can be used once" : "");
    printf("%s\n", text);
    free(rights);
    return EXIT_CODE_OK;
}

static enum exit_code add(struct access_change *change, int64_t ttl, char text[ACCESS_TOKEN_SIZE])
{
    char id[ACCESS_TOKEN_ID_SIZE], hash[ACCESS_TOKEN_HASH_SIZE];
    json_t *tokens = json_object_get(change->document, "tokens");
    size_t index;
    int result;

    forget_expired(change->document, access_now());
    if (json_array_size(tokens) >= USER_FILE_TOKENS_MAX) {
        client_complain("there are %d tokens already; revoke some", USER_FILE_TOKENS_MAX);
        return EXIT_CODE_FAILED;
    }
    do {
        result = access_token_make(text, id, hash);
    } while (result == 0 && user_file_find_token(change->document, id, &index));
    if (result < 0) {
        client_complain("no token can be made: %s", strerror(-result));
        return EXIT_CODE_FAILED;
    }
    json_t *token = token_object(change->options, id, hash, ttl);
    json_array_append_new(tokens, token);
    enum exit_code code = access_take_rights(change, token);
    return code == EXIT_CODE_OK ? access_commit(change) : code;
}

enum exit_code tokens_add(const struct options *options)
{
    struct access_change change;
    char text[ACCESS_TOKEN_SIZE] = "";
    int64_t ttl;
    enum exit_code code = check_add(options, &ttl);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = access_begin(options, &change);
    if (code == EXIT_CODE_OK) {
        code = add(&change, ttl, text);
    }
    if (change.written) {
        const json_t *tokens = json_object_get(change.document, "tokens");
        enum exit_code printed =
            print_token(options, json_array_get(tokens, json_array_size(tokens) - 1), text);
        code = code == EXIT_CODE_OK ? printed : code;
    }
    secret_wipe(text, sizeof(text));
    access_finish(&change);
    return code;
}

/* --- Looking, revoking ---------------------------------------------------------------------------------- */

static void write_rights(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    char *rights = access_describe(row);
    json_t *text = json_pack("{s:s}", member, rights);

    table_write_text(cell, text, member);
    json_decref(text);
    free(rights);
}

static void write_time(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    char text[TIME_SIZE];

    format_time(message_integer(row, member, 0), text);
    snprintf(cell, TABLE_CELL_SIZE, "%s", text);
}

static void write_once(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    snprintf(cell, TABLE_CELL_SIZE, "%s", json_is_true(json_object_get(row, member)) ? "once" : "-");
}

static void write_name(char cell[TABLE_CELL_SIZE], const json_t *row, const char *member)
{
    if (message_string(row, member, "")[0] == '\0') {
        table_write_nothing(cell);
    } else {
        table_write_text(cell, row, member);
    }
}

static void print_tokens(const json_t *reply)
{
    static const struct table_column columns[] = {
        {"ID", false, table_write_text, "id"},     {"NAME", false, write_name, "name"},
        {"EXPIRES", false, write_time, "expires"}, {"USE", false, write_once, "once"},
        {"RIGHTS", false, write_rights, "rights"},
    };

    table_print(columns, sizeof(columns) / sizeof(columns[0]), json_object_get(reply, "tokens"), stdout);
}

enum exit_code tokens_list(const struct options *options)
{
    struct access_change change;
    enum exit_code code = access_begin_reading(options, &change);

    if (code == EXIT_CODE_OK) {
        size_t index;
        json_t *token, *reply;
        forget_expired(change.document, access_now());
        json_array_foreach(json_object_get(change.document, "tokens"), index, token) {
            json_object_del(token, "hash");
        }
        reply = json_pack("{s:s, s:O}", "file", change.path, "tokens",
                          json_object_get(change.document, "tokens"));
        code = request_print(options, reply, print_tokens);
        json_decref(reply);
    }
    access_finish(&change);
    return code;
}

enum exit_code tokens_revoke(const struct options *options)
{
    struct access_change change;
    char of_text[ACCESS_TOKEN_ID_SIZE];
    const char *given = options->arguments[0];
    const char *id = access_token_parse(given, of_text) ? of_text : given; /* the whole token does, too */
    size_t index;
    enum exit_code code = access_begin(options, &change);

    if (code == EXIT_CODE_OK && !user_file_find_token(change.document, id, &index)) {
        /* What was typed may be most of a token, and is not repeated. */
        client_complain("there is no token with this id in %s; `ringcastctl token list` shows all",
                        change.path);
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        json_array_remove(json_object_get(change.document, "tokens"), index);
        forget_expired(change.document, access_now());
        code = access_commit(&change);
    }
    if (code == EXIT_CODE_OK) {
        code = access_report(&change, "revoked token ", id);
    }
    access_finish(&change);
    return code;
}
