/* SPDX-License-Identifier: MIT */
/*
 * Every setting of the configuration file, once: its name, kind, bounds and default. Whatever is done
 * with all settings walks these tables: reading, with its check for unknown names, copying, comparing, hashing and freeing,
 * a worker's message, and what ringcastctl must know of a setting that a user types. The tables are
 * constant; any process, any thread.
 */
#ifndef COMMON_CONFIG_CONFIG_SETTINGS_H
#define COMMON_CONFIG_CONFIG_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_kind {
    SETTING_STRING,
    SETTING_URL,
    SETTING_BOOLEAN,
    SETTING_INTEGER,
    SETTING_COUNT, /* an integer, or "auto", which is 0 */
    SETTING_CHOICE,
    SETTING_LISTEN,
    SETTING_GROUP,
    SETTING_SUB,     /* a URL, or a group of a camera's settings */
    SETTING_STRINGS, /* a list of strings, each checked as a string is; the member is a struct config_list */
    SETTING_GROUPS,  /* a list of groups; the member points to the items, each a structure of its own */
    SETTING_CAMERAS
};

/* Of a setting. */
enum setting_flags {
    SETTING_REQUIRED = 1u << 0, /* it has no default */
    SETTING_SECRET = 1u << 1,   /* the log hides it; of a URL, and of a list of URLs, the user information */
    SETTING_TASK = 1u << 2,     /* the worker gets it; the offset is that in struct camera_task */
    SETTING_LOGIN = 1u << 3,    /* a sub stream has its own username and password, or both of its camera */
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
    long long step;                              /* the integer is a multiple of it; 0: any integer */
    const char *text;                            /* the default, in the file's own terms; NULL: none */
    long long number;                            /* the default of booleans and integers; 0: none */
    const struct setting_choice *choices;        /* of SETTING_CHOICE */
    const struct setting_group *members;         /* of SETTING_GROUP and SETTING_GROUPS */
    bool (*check)(const char *value, char *why); /* of strings: what else must hold; config_check.h */
    size_t line;         /* of SETTING_GROUP: offset of the members line and file; 0: none */
    size_t most;         /* of SETTING_STRINGS and SETTING_GROUPS: items in the list */
    size_t count;        /* of SETTING_GROUPS: offset of the number of items */
    size_t item_size;    /* of SETTING_GROUPS: bytes of an item, which begins with line and file */
    const char *example; /* of SETTING_STRINGS: an item, for messages */
};

struct setting_group {
    const struct setting *settings;
    size_t count;
};

/* Of the file itself. */
extern const struct setting_group setting_group_file;

/* Of a file with the cameras of a whole cluster: cameras alone. */
extern const struct setting_group setting_group_cluster_file;

/* Of one camera, and of its sub stream. */
extern const struct setting_group setting_group_camera;
extern const struct setting_group setting_group_sub;

/* Of a user, and of a group of users. */
extern const struct setting_group setting_group_user;

/* What ringcastd adds to a worker's task; not in the file. */
extern const struct setting_group setting_group_task;

/* More cameras than one machine carries; bounds the number of processes. */
#define SETTING_CAMERAS_MAX 1000

/* More than anybody lists; bounds what a file can make of the memory. */
#define SETTING_USERS_MAX 1000
#define SETTING_ITEMS_MAX 256

/* NULL: GROUP has no setting NAME. */
const struct setting *setting_find(const struct setting_group *group, const char *name);

/* True if the member is a malloc'ed string, or NULL. */
bool setting_is_text(const struct setting *setting);

/* True if the member is a string that is not NULL. */
bool setting_is_set(const struct setting *setting, const void *object);

/*
 * One setting's member in an object, a structure that the setting's table is for. setting_copy copies deeply over a member
 * that holds nothing, and ends the process without memory (config_memory.h); setting_finish overwrites and frees.
 */
void setting_copy(const struct setting *setting, void *to, const void *from);
bool setting_equal(const struct setting *setting, const void *a, const void *b);
uint64_t setting_hash(const struct setting *setting, uint64_t hash, const void *object);
void setting_finish(const struct setting *setting, void *object);

/* The same for all members of GROUP in OBJECT, with those of the groups in it. Cameras are left out. */
void setting_group_copy(const struct setting_group *group, void *to, const void *from);
bool setting_group_equal(const struct setting_group *group, const void *a, const void *b);
void setting_group_finish(const struct setting_group *group, void *object);

/* The member as a new JSON value; a string that is NULL is null. NULL: out of memory. */
json_t *setting_to_json(const struct setting *setting, const void *object);

/*
 * Sets the member, which holds nothing, to VALUE, or to its default if VALUE is NULL. 0; -EBADMSG: VALUE has
 * another type or is not one of the choices, or the setting has no default; -ENOMEM.
 */
int setting_from_json(const struct setting *setting, void *object, const json_t *value);

#endif
