/* SPDX-License-Identifier: MIT */
/*
 * Turns a camera's settings on the command line, "SETTING=VALUE", into the JSON that ringcastd checks
 * (docs/reference/control.md). One thread.
 */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include <jansson.h>

/*
 * Parses COUNT words of ARGUMENTS. true and false become booleans and whole numbers become numbers, unless
 * the setting is always text (name, url, username, password) or the value is in double quotes. An empty value
 * becomes null, which resets the setting to the file's value or the default. The value "-" is read from
 * standard input, without echo if that is a terminal. Arguments that may hold secrets are wiped, so that
 * ps(1) no longer shows them. The caller frees the object with json_decref; NULL: wrong usage, reported.
 */
json_t *settings_parse(int count, char *const *arguments);

#endif
