/* SPDX-License-Identifier: MIT */
/*
 * What who-may-watch is made of, wherever it is written: names of users, roles, camera patterns. The configuration, the users
 * file, ringcastctl and the fan-outs take the same. Pure functions: any process, any thread.
 */
#ifndef COMMON_ACCESS_ACCESS_VALUE_H
#define COMMON_ACCESS_ACCESS_VALUE_H

#include <stdbool.h>

/* Bytes, without the NUL. */
#define ACCESS_USER_MAX 64
#define ACCESS_PASSWORD_MAX 256
#define ACCESS_PATTERN_MAX 128
#define ACCESS_GROUP_MAX 64

/* More patterns, or groups, than anybody has. */
#define ACCESS_PATTERNS_MAX 256

/* Bytes of what is wrong with a value, with the NUL. */
#define ACCESS_WHY_SIZE 512

/* A viewer may watch; an operator may also use what changes something for others. */
enum access_role { ACCESS_VIEWER, ACCESS_OPERATOR };

const char *access_role_name(enum access_role role);

/* The role NAME, or -1. */
int access_role_find(const char *name);

/* Each is true; or false, with "what is wrong; what to do" in WHY, ACCESS_WHY_SIZE bytes. Lengths and UTF-8 are checked, too. */
bool access_check_user(const char *name, char *why);
bool access_check_group(const char *name, char *why);
bool access_check_pattern(const char *pattern, char *why);

/* WHY does not repeat anything of PASSWORD. */
bool access_check_password(const char *password, char *why);

/*
 * True if PATTERN, in the language of fnmatch(3) without flags, is for the camera NAME. A sub stream goes with its camera:
 * NAME is the camera's.
 */
bool access_pattern_matches(const char *pattern, const char *name);

#endif
