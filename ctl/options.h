/* ringcastctl's command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

/* What ringcastctl's exit status says. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,      /* ringcastd refused the command, or its reply is malformed */
    EXIT_CODE_USAGE = 2,       /* the command line or the configuration is wrong */
    EXIT_CODE_UNREACHABLE = 3, /* no ringcastd answers */
};

enum command { COMMAND_STATUS, COMMAND_RESTART, COMMAND_STOP, COMMAND_VERSION };

struct options {
    enum command command;
    const char *camera; /* of COMMAND_RESTART */
    const char *config; /* --config, or NULL */
    const char *socket; /* --socket, or NULL */
    bool json;
};

/*
 * Options may stand before and after the command. True: *options is filled, its strings belong to ARGV.
 * False: all is said and done (--help, --version, or an error on standard error), *code is the exit status.
 */
bool options_parse(int argc, char **argv, struct options *options, enum exit_code *code);

/*
 * The control socket's URL, malloc'ed: --socket; else that of the configuration --config, $RINGCAST_CONFIG or
 * /etc/ringcast/ringcast.conf; else that of the default run-time directory.
 * NULL: an error was printed, it is one of usage.
 */
char *options_control_url(const struct options *options);

#endif
