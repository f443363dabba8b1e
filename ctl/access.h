/* SPDX-License-Identifier: MIT */
/*
 * What the commands for users and tokens share: where the users file is, changing it, and telling the running ringcastd. They
 * work without a ringcastd. One thread.
 */
#ifndef CTL_ACCESS_H
#define CTL_ACCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/access/user_file.h"
#include "common/config/config.h"
#include "ctl/options.h"

struct access_change {
    const struct options *options;
    struct config *config;  /* NULL: there is no configuration file, and the defaults hold */
    char *path;             /* of the users file */
    char *url;              /* of the control socket */
    struct user_file *file; /* NULL: it is only read */
    json_t *document;       /* the file's */
    bool written;           /* the file is changed, whatever became of telling ringcastd */
};

/* Reads the file; CHANGE is to be finished in any case. Errors are reported, here and below. */
enum exit_code access_begin_reading(const struct options *options, struct access_change *change);

/* The same with the file locked until access_finish, so that it can be changed. */
enum exit_code access_begin(const struct options *options, struct access_change *change);

/* Replaces the file by what is in the document, and has the running ringcastd, if there is one, read it. */
enum exit_code access_commit(struct access_change *change);

/* Prints what a command did to NAME; with --json "ok". */
enum exit_code access_report(const struct access_change *change, const char *did, const char *name);

void access_finish(struct access_change *change);

/* The user NAME as the configuration lists it; NULL: it does not. */
const struct config_user *access_configured(const struct access_change *change, const char *name);

/* --role, --camera and --group, checked, into OBJECT, a user or a token; what is not given stays as it is. */
enum exit_code access_take_rights(const struct access_change *change, json_t *object);

bool access_has_rights(const struct options *options);

/* "viewer, cameras front* gate, groups yard", malloc'ed. */
char *access_describe(const json_t *object);

/* Seconds since 1970. */
int64_t access_now(void);

/*
 * The time from which on sessions are good, when all until now are to end: the next second, since sessions know no less. And
 * waiting for it, so that a log-in after the command is good.
 */
int64_t access_since(void);
void access_wait_for(int64_t since);

#endif
