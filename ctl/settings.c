/* SPDX-License-Identifier: MIT */
#include "ctl/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/config/config_settings.h"
#include "ctl/client.h"

/* Bytes of a line that is read for "-"; longer than any setting may be. */
#define LINE_MAX_BYTES 4096

/* "sub.url=…" sets a member of the group "sub". */
static const char sub_prefix[] = "sub.";

/* The setting of a camera, or with the prefix of its sub stream, called NAME (LENGTH bytes). NULL: none. */
static const struct setting *find_setting(const char *name, size_t length)
{
    const struct setting_group *group = &setting_group_camera;
    size_t prefix = strlen(sub_prefix);

    if (length > prefix && memcmp(name, sub_prefix, prefix) == 0) {
        group = &setting_group_sub;
        name += prefix;
        length -= prefix;
    }
    for (size_t i = 0; i < group->count; i++) {
        const char *known = group->settings[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            return &group->settings[i];
        }
    }
    return NULL;
}

/* Its value is text even if it looks like a number: a password may be 1234. */
static bool is_text(const struct setting *setting)
{
    return setting && (setting_is_text(setting) || setting->kind == SETTING_SUB);
}

/* Its value is a secret, or may hold one, as a URL may. */
static bool is_secret(const struct setting *setting)
{
    return setting && ((setting->flags & SETTING_SECRET) != 0 || setting->kind == SETTING_URL ||
                       setting->kind == SETTING_SUB);
}

/* Reads a line into LINE; a terminal shows a prompt and does not echo. */
static bool read_line(const char *name, int length, char line[LINE_MAX_BYTES])
{
    struct termios before;
    bool terminal = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;

    if (terminal) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fprintf(stderr, "%.*s: ", length, name);
    }
    bool read = fgets(line, LINE_MAX_BYTES, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (read) {
        line[strcspn(line, "\n")] = '\0';
    }
    return read;
}

static json_t *typed_value(const char *name, size_t length, const char *text)
{
    size_t size = strlen(text);
    char *end = NULL;

    if (size == 0) {
        return json_null();
    }
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        return json_stringn(text + 1, size - 2);
    }
    if (is_text(find_setting(name, length))) {
        return json_string(text);
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return json_boolean(text[0] == 't');
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? json_integer(number) : json_string(text);
}

static json_t *asked_value(const char *name, size_t length)
{
    char line[LINE_MAX_BYTES];
    json_t *value = NULL;

    if (!read_line(name, (int)length, line)) {
        client_complain("%.*s=-: nothing on standard input", (int)length, name);
    } else if (!(value = json_string(line))) {
        client_complain("%.*s: not UTF-8", (int)length, name);
    }
    secret_wipe(line, sizeof(line));
    return value;
}

static json_t *value_of(const char *argument, size_t length)
{
    const char *text = argument + length + 1;

    if (strcmp(text, "-") == 0) {
        return asked_value(argument, length);
    }
    json_t *value = typed_value(argument, length, text);
    if (!value) {
        client_complain("%.*s: not UTF-8", (int)length, argument);
    }
    return value;
}

/* Consumes VALUE. */
static bool put(json_t *settings, const char *name, size_t length, json_t *value)
{
    size_t prefix = strlen(sub_prefix);

    if (length <= prefix || memcmp(name, sub_prefix, prefix) != 0) {
        return json_object_setn_new(settings, name, length, value) == 0;
    }
    if (!json_is_object(json_object_get(settings, "sub"))) {
        json_object_set_new(settings, "sub", json_object());
    }
    return json_object_setn_new(json_object_get(settings, "sub"), name + prefix, length - prefix, value) == 0;
}

static bool take(json_t *settings, char *argument)
{
    size_t length = strcspn(argument, "=");

    if (length == 0 || argument[length] == '\0') {
        client_complain("%.*s: write SETTING=VALUE", (int)length, argument);
        return false;
    }
    json_t *value = value_of(argument, length);
    bool taken = value && put(settings, argument, length, value);
    if (value && !taken) {
        client_complain("%.*s: not the name of a setting", (int)length, argument);
    }
    if (is_secret(find_setting(argument, length))) {
        secret_wipe(argument + length + 1, strlen(argument + length + 1));
    }
    return taken;
}

json_t *settings_parse(int count, char *const *arguments)
{
    json_t *settings = json_object();

    for (int i = 0; i < count; i++) {
        if (take(settings, arguments[i])) {
            continue;
        }
        json_decref(settings);
        return NULL;
    }
    return settings;
}
