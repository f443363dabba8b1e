/* SPDX-License-Identifier: MIT */
/* ringcastctl's command line. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The exit status of ringcastctl. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,      /* ringcastd refused the command, or its reply is malformed */
    EXIT_CODE_USAGE = 2,       /* the command line or the configuration is wrong */
    EXIT_CODE_UNREACHABLE = 3, /* no ringcastd answers */
    EXIT_CODE_TIMEOUT = 4,     /* what the command waited for did not come in time */
    EXIT_CODE_FOUND = 5,       /* doctor, probe: something is wrong */
};

enum command {
    COMMAND_STATUS,
    COMMAND_DOCTOR,
    COMMAND_PROBE,
    COMMAND_DISCOVER,
    COMMAND_TOP,
    COMMAND_EVENT,
    COMMAND_EVENTS,
    COMMAND_VIEWERS,
    COMMAND_KICK,
    COMMAND_CAMERA_ADD,
    COMMAND_CAMERA_SET,
    COMMAND_CAMERA_REMOVE,
    COMMAND_CAMERA_RESET,
    COMMAND_CAMERA_ENABLE,
    COMMAND_CAMERA_DISABLE,
    COMMAND_RESTART,
    COMMAND_RELOAD,
    COMMAND_LOG,
    COMMAND_LOG_LEVEL,
    COMMAND_TAP,
    COMMAND_RECORD,
    COMMAND_CLUSTER_STATUS,
    COMMAND_CLUSTER_NODES,
    COMMAND_CLUSTER_WHERE,
    COMMAND_CLUSTER_DRAIN,
    COMMAND_CLUSTER_APPLY,
    COMMAND_CLUSTER_CONFIG,
    COMMAND_CLUSTER_EVENTS,
    COMMAND_STOP,
    COMMAND_TLS_SELF_SIGNED,
    COMMAND_USER_ADD,
    COMMAND_USER_SET,
    COMMAND_USER_PASSWD,
    COMMAND_USER_REMOVE,
    COMMAND_USER_LOGOUT,
    COMMAND_USER_LIST,
    COMMAND_TOKEN_ADD,
    COMMAND_TOKEN_LIST,
    COMMAND_TOKEN_REVOKE,
    COMMAND_VERSION,
};

/* How often one option may be given. */
#define OPTIONS_WORDS_MAX 64

struct options {
    enum command command;
    char *const *arguments; /* the words behind the command */
    int argument_count;
    const char *config;                     /* --config, or NULL */
    const char *socket;                     /* --socket, or NULL */
    const char *output;                     /* --output, or NULL */
    const char *cameras[OPTIONS_WORDS_MAX]; /* each --camera */
    size_t camera_count;
    const char *groups[OPTIONS_WORDS_MAX]; /* each --group */
    size_t group_count;
    const char *role;          /* --role, or NULL */
    const char *ttl;           /* --ttl, or NULL */
    const char *name;          /* --name, or NULL */
    double seconds;            /* --seconds; 0: not given */
    double timeout;            /* --timeout, seconds; 0: not given */
    const char *bundle;        /* --bundle, or NULL */
    const char *user;          /* --user, or NULL */
    const char *password_file; /* --password-file, or NULL */
    const char *address;       /* --address, or NULL */
    const char *interface;     /* --interface, or NULL */
    const char *text;          /* --text, or NULL */
    const char *time;          /* --for, or NULL */
    const char *over;          /* --over, or NULL */
    bool json;
    bool verbose;
    bool wait;
    bool follow;
    bool once;
    bool password_stdin;
    bool digest;
    bool only_bad;
    bool large;
    bool first;
    bool sound;
    bool off;
    bool dry_run;
};

/*
 * Options may stand before and after the command. True: *options is filled; its strings belong to ARGV.
 * False: nothing is left to do (--help, --version, or an error that was printed), and *code is the exit
 * status.
 */
bool options_parse(int argc, char **argv, struct options *options, enum exit_code *code);

/* The configuration file: --config, $RINGCAST_CONFIG or /etc/ringcast/ringcast.conf; NULL: none of them, or not readable. */
const char *options_config_path(const struct options *options);

/*
 * The control socket's URL, malloc'ed: --socket; else that of the configuration --config, $RINGCAST_CONFIG or
 * /etc/ringcast/ringcast.conf; else that of the default run-time directory.
 * NULL: wrong usage; an error was printed.
 */
char *options_control_url(const struct options *options);

#endif
