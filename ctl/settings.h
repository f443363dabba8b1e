/*
 * A camera's settings from the command line, "SETTING=VALUE", as the JSON that ringcastd checks
 * (docs/reference/control.md). One thread.
 */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include <jansson.h>

/*
 * COUNT words of ARGUMENTS. true and false become booleans, whole numbers numbers, unless the setting is a
 * text by its nature (name, url, username, password, or given in double quotes); an empty value becomes null:
 * what the file says, or the default. "-" is read from standard input, unseen if that is a terminal.
 * Arguments that may hold secrets are wiped, so that ps(1) shows them no longer.
 * An object to be freed with json_decref; NULL: an error of usage was told.
 */
json_t *settings_parse(int count, char *const *arguments);

#endif
