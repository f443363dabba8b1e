#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"

static const char system_config[] = "/etc/ringcast/ringcast.conf";
static const char url_scheme[] = "ipc://";

static const char usage[] =
    "Usage: ringcastctl [--config FILE | --socket URL] COMMAND [--json]\n"
    "\n"
    "Commands:\n"
    "  status          what ringcastd and each camera are doing\n"
    "  restart CAMERA  end the camera's process and start a new one at once\n"
    "  stop            end ringcastd, and wait until it is gone\n"
    "  version         the versions of ringcastctl and of the running ringcastd\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE  configuration of the ringcastd to talk to; without it $RINGCAST_CONFIG, then\n"
    "                     /etc/ringcast/ringcast.conf, then the default run-time directory\n"
    "  -s, --socket URL   its control socket: ipc:///run/ringcast/control.sock\n"
    "  -j, --json         print JSON\n"
    "  -h, --help         print this\n"
    "  -V, --version      print the version of ringcastctl\n"
    "\n"
    "Exit status: 0 done, 1 the command failed, 2 wrong usage or configuration, 3 no ringcastd answers.\n";

static const struct {
    const char *name;
    enum command command;
    int arguments;
} commands[] = {
    {"status", COMMAND_STATUS, 0},
    {"restart", COMMAND_RESTART, 1},
    {"stop", COMMAND_STOP, 0},
    {"version", COMMAND_VERSION, 0},
};

static bool complain(enum exit_code *code)
{
    fputs("Try \"ringcastctl --help\".\n", stderr);
    *code = EXIT_CODE_USAGE;
    return false;
}

/* ARGUMENTS: what is not an option, COUNT of them. */
static bool parse_command(int count, char **arguments, struct options *options, enum exit_code *code)
{
    if (count == 0) {
        fputs("ringcastctl: no command\n", stderr);
        return complain(code);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(arguments[0], commands[i].name) != 0)
            continue;
        if (count - 1 != commands[i].arguments) {
            fprintf(stderr, "ringcastctl: %s takes %s\n", commands[i].name,
                    commands[i].arguments == 1 ? "the name of a camera" : "no argument");
            return complain(code);
        }
        options->command = commands[i].command;
        options->camera = commands[i].arguments == 1 ? arguments[1] : NULL;
        return true;
    }
    fprintf(stderr, "ringcastctl: no such command: %s\n", arguments[0]);
    return complain(code);
}

bool options_parse(int argc, char **argv, struct options *options, enum exit_code *code)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };
    int option;

    *options = (struct options){0};
    *code = EXIT_CODE_OK;
    while ((option = getopt_long(argc, argv, "c:s:jhV", names, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 's':
            options->socket = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return false;
        case 'V':
            puts("ringcastctl " RINGCAST_VERSION);
            return false;
        default:
            return complain(code);
        }
    }
    if (options->config != NULL && options->socket != NULL) {
        fputs("ringcastctl: --config and --socket both say where ringcastd is; give one\n", stderr);
        return complain(code);
    }
    return parse_command(argc - optind, argv + optind, options, code);
}

/* A path alone is taken too. */
static char *socket_url(const char *given)
{
    const char *path =
        strncmp(given, url_scheme, strlen(url_scheme)) == 0 ? given + strlen(url_scheme) : given;
    char *url = NULL;

    if (path[0] != '/') {
        fprintf(stderr,
                "ringcastctl: --socket %s: not a Unix socket; write ipc:///run/ringcast/control.sock\n",
                given);
        return NULL;
    }
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        fputs("ringcastctl: --socket: the path is too long for a Unix socket\n", stderr);
        return NULL;
    }
    if (asprintf(&url, "%s%s", url_scheme, path) < 0)
        abort();
    return url;
}

static char *config_file_url(const char *path)
{
    struct config *config = config_load(path, stderr);
    char *url = config != NULL ? config_control_url(config) : NULL;

    config_free(config);
    return url;
}

char *options_control_url(const struct options *options)
{
    const char *from_environment = getenv("RINGCAST_CONFIG");

    if (options->socket != NULL)
        return socket_url(options->socket);
    if (options->config != NULL)
        return config_file_url(options->config);
    if (from_environment != NULL && from_environment[0] != '\0')
        return config_file_url(from_environment);
    /* It holds passwords: whoever may not read it is not the one whose ringcastd it describes. */
    if (access(system_config, R_OK) == 0)
        return config_file_url(system_config);
    return config_default_control_url();
}
