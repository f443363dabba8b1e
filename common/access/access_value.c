/* SPDX-License-Identifier: MIT */
#include "common/access/access_value.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

static const char *const role_names[] = {[ACCESS_VIEWER] = "viewer", [ACCESS_OPERATOR] = "operator"};

static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, ACCESS_WHY_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

const char *access_role_name(enum access_role role)
{
    return role_names[role];
}

int access_role_find(const char *name)
{
    for (int role = ACCESS_VIEWER; role <= ACCESS_OPERATOR; role++) {
        if (strcmp(role_names[role], name) == 0) {
            return role;
        }
    }
    return -1;
}

/* What holds for every value. */
static bool check_text(const char *text, size_t longest, char *why)
{
    if (text[0] == '\0') {
        return refuse(why, "empty; give a value");
    }
    if (strlen(text) > longest) {
        return refuse(why, "%zu bytes; use at most %zu", strlen(text), longest);
    }
    if (!text_is_utf8(text)) {
        return refuse(why, "not valid UTF-8; write it in UTF-8");
    }
    return true;
}

/* Spaces at an end are not seen, and headers lose them. */
static bool check_name(const char *name, size_t longest, char *why)
{
    if (!check_text(name, longest, why)) {
        return false;
    }
    if (text_has_control(name) || text_has_unseen(name)) {
        return refuse(why, "a character that cannot be seen; use printable characters only");
    }
    if (name[0] == ' ' || name[strlen(name) - 1] == ' ') {
        return refuse(why, "a space at its beginning or end; remove it");
    }
    return true;
}

/* RFC 7617, section 2: the user-id of Basic ends at the first colon. */
bool access_check_user(const char *name, char *why)
{
    if (!check_name(name, ACCESS_USER_MAX, why)) {
        return false;
    }
    if (strchr(name, ':')) {
        return refuse(why, "\":\" cannot be in a user's name, which HTTP ends there; use another character");
    }
    return true;
}

/* A header of a proxy lists groups with commas between them. */
bool access_check_group(const char *name, char *why)
{
    if (!check_name(name, ACCESS_GROUP_MAX, why)) {
        return false;
    }
    if (strchr(name, ',')) {
        return refuse(why, "\",\" cannot be in a group's name, since lists of groups have commas; use \"-\"");
    }
    return true;
}

/* The end of the bracket expression that AT begins with, its ']'; NULL: it does not end (POSIX.1, XCU 2.13.1). */
static const char *bracket_end(const char *at)
{
    const char *inside = at + 1;

    inside += *inside == '!' || *inside == '^';
    inside += *inside == ']';
    for (; *inside != '\0' && *inside != ']'; inside++) {
        const char kind = inside[0] == '[' ? inside[1] : '\0';
        if (kind == ':' || kind == '.' || kind == '=') {
            const char closing[] = {kind, ']', '\0'};
            const char *end = strstr(inside + 2, closing);
            inside = end ? end + 1 : inside;
        } else if (inside[0] == '\\' && inside[1] != '\0') {
            inside++;
        }
    }
    return *inside == ']' ? inside : NULL;
}

bool access_check_pattern(const char *pattern, char *why)
{
    if (!check_text(pattern, ACCESS_PATTERN_MAX, why)) {
        return false;
    }
    if (text_has_control(pattern)) {
        return refuse(why, "a control character, which no camera's name has; remove it");
    }
    if (strchr(pattern, '/')) {
        return refuse(
            why, "\"/\" is in no camera's name; write the camera's own name, which includes its sub stream");
    }
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '\\') {
            at++;
            if (*at == '\0') {
                return refuse(why,
                              "a \"\\\" at its end; put the character behind it that is meant, or remove it");
            }
        } else if (*at == '[') {
            at = bracket_end(at);
            if (!at) {
                return refuse(why, "a \"[\" without its \"]\"; close it, or write \"\\[\" for the character");
            }
        }
    }
    return true;
}

bool access_check_password(const char *password, char *why)
{
    if (password[0] == '\0') {
        return refuse(why, "the password is empty; choose one");
    }
    if (strlen(password) > ACCESS_PASSWORD_MAX) {
        return refuse(why, "the password has more than %d bytes; choose a shorter one", ACCESS_PASSWORD_MAX);
    }
    if (!text_is_utf8(password)) {
        return refuse(why, "the password is not valid UTF-8; set the terminal to UTF-8");
    }
    if (text_has_control(password)) {
        return refuse(
            why, "the password has a control character, which cannot be typed at a log-in; choose another");
    }
    return true;
}

bool access_pattern_matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}
