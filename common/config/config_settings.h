/*
 * Every setting of the configuration file, once: its name, kind, bounds and default. Reading, the check for
 * unknown names and its "did you mean" walk these tables. Constant; part of config.c.
 */
#ifndef COMMON_CONFIG_CONFIG_SETTINGS_H
#define COMMON_CONFIG_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum setting_kind {
    SETTING_STRING,
    SETTING_URL,
    SETTING_BOOLEAN,
    SETTING_INTEGER,
    SETTING_COUNT, /* an integer, or "auto", which is 0 */
    SETTING_CHOICE,
    SETTING_LISTEN,
    SETTING_GROUP,
    SETTING_SUB, /* a URL, or a group of a camera's settings */
    SETTING_CAMERAS
};

/* Of a setting. */
enum setting_flags {
    SETTING_REQUIRED = 1u << 0, /* it has no default */
    SETTING_SECRET = 1u << 1,   /* made known to the log; of a URL, its password is */
};

struct setting_choice {
    const char *name; /* NULL: the end */
    int value;
};

struct setting {
    const char *name;
    enum setting_kind kind;
    unsigned flags;                              /* enum setting_flags */
    size_t offset;                               /* of the member in struct config or struct config_camera */
    long long min, max;                          /* the integer's value, or the string's length in bytes */
    const char *text;                            /* the default, in the file's own terms; NULL: none */
    long long number;                            /* the default of booleans and integers; 0: none */
    const struct setting_choice *choices;        /* of SETTING_CHOICE */
    const struct setting_group *members;         /* of SETTING_GROUP */
    bool (*check)(const char *value, char *why); /* of strings: what else must hold; config_check.h */
};

struct setting_group {
    const struct setting *settings;
    size_t count;
};

/* Of the file itself. */
extern const struct setting_group setting_group_file;

/* Of one camera, and of its sub stream. */
extern const struct setting_group setting_group_camera;
extern const struct setting_group setting_group_sub;

/* More cameras than one machine carries; bounds the number of processes. */
#define SETTING_CAMERAS_MAX 1000

/* NULL: GROUP has no setting NAME. */
const struct setting *setting_find(const struct setting_group *group, const char *name);

#endif
