/* SPDX-License-Identifier: MIT */
#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/config/config.h"

static const char system_config[] = "/etc/ringcast/ringcast.conf";
static const char url_scheme[] = "ipc://";

/* A year: more is a typing error. */
#define SECONDS_MAX 31536000.0

static const char usage[] =
    "Usage: ringcastctl [--config FILE | --socket URL] COMMAND [--json]\n"
    "\n"
    "Looking:\n"
    "  status [CAMERA] [--only-bad]\n"
    "                             what ringcastd and each camera are doing\n"
    "  top                        the same, live, on the whole screen, with trouble at the top\n"
    "  events [--follow]          the next event, or all events as they happen\n"
    "  viewers [CAMERA]           the viewers: address, since when, bytes, drops\n"
    "  log CAMERA                 last log lines of a camera's process, or of fanout, template, keeper\n"
    "  doctor [--bundle FILE] [--seconds N]\n"
    "                             looks at this machine, the configuration and each camera; what to do in\n"
    "                             plain words; FILE: all that a bug report needs, without secrets;\n"
    "                             N: measures all cameras for so long, clocks and pauses, too\n"
    "  probe URL [SETTING=VALUE...] [-v] [--seconds N]\n"
    "                             looks at one camera, and measures it for a minute or N seconds; -v: what "
    "is\n"
    "                             said with it; URL -: from standard input\n"
    "  discover [--user NAME] [--address HOST[:PORT]] [--interface NAME]\n"
    "                             the cameras of this network that speak ONVIF, as configuration ready to "
    "paste\n"
    "  version                    the versions of ringcastctl and of the running ringcastd\n"
    "\n"
    "Cameras:\n"
    "  camera add NAME SETTING=VALUE...\n"
    "                             a new camera; url=rtsp://... is required; password=- asks for it\n"
    "  camera set NAME SETTING=VALUE...\n"
    "                             change settings; SETTING= resets one to the file's value or the default\n"
    "  camera remove NAME         end a camera and forget it\n"
    "  camera reset NAME          forget what was changed, added or removed; the file counts again\n"
    "  camera enable NAME         let a disabled camera run again\n"
    "  camera disable NAME        end a camera but keep its settings\n"
    "  event CAMERA [--text TEXT] [--for TIME] [--large] [--first] [--sound]\n"
    "                             ask for the attention of those who watch it; --for 0 ends that\n"
    "  restart CAMERA             end the camera's process and start a new one at once\n"
    "\n"
    "Viewers:\n"
    "  kick ID                    close a viewer's connection; `viewers` lists the ids\n"
    "  kick --camera NAME         close the connections of all viewers of a camera\n"
    "\n"
    "More than one machine:\n"
    "  cluster status             this node, its connection with NATS, the other nodes, and how many cameras "
    "come\n"
    "                             from where\n"
    "  cluster nodes              the nodes\n"
    "  cluster where CAMERA       which node fetches a camera\n"
    "  cluster drain [--wait | --off]\n"
    "                             hand the cameras that other nodes may fetch over to them; --off: take some "
    "again\n"
    "  cluster apply FILE [--dry-run] [--over VERSION]\n"
    "                             make the cameras of FILE those of the whole cluster; --dry-run: only show "
    "what\n"
    "                             would change; --over: only if this version is there\n"
    "  cluster config             the cameras of the whole cluster: version, who has applied it and when\n"
    "  cluster events [--follow]  the next event of the cluster, or all events of it as they happen\n"
    "\n"
    "Pictures:\n"
    "  tap CAMERA                 fragmented MP4 to standard output: ringcastctl tap front | ffplay -\n"
    "  record CAMERA [--seconds N] [--output FILE]\n"
    "                             a new MP4 file, until Ctrl-C or for N seconds\n"
    "\n"
    "Who may watch (works without a running ringcastd):\n"
    "  user add NAME --camera PATTERN... [--group NAME...] [--role ROLE] [--password-stdin] [--digest]\n"
    "                             a new user; asks for the password; --camera '*' is every camera\n"
    "  user set NAME [--camera PATTERN...] [--group NAME...] [--role ROLE]\n"
    "                             another role, or other cameras\n"
    "  user passwd NAME [--password-stdin] [--digest]\n"
    "                             another password, which ends the user's sessions\n"
    "  user remove NAME           forget a user\n"
    "  user logout NAME           end the user's sessions\n"
    "  user list                  users of the users file and of the configuration\n"
    "  token [add] --ttl TIME --camera PATTERN... [--group NAME...] [--role ROLE] [--once] [--name TEXT]\n"
    "                             print a new token, good for 30m, 1h, 7d... or never to expire\n"
    "  token list                 the tokens that are good, without their texts\n"
    "  token revoke ID            end a token\n"
    "\n"
    "ringcastd:\n"
    "  log-level LEVEL [CAMERA]   error, warning, info or debug, until the next restart\n"
    "  reload                     read the configuration again and apply the changes\n"
    "  tls self-signed [NAME...] [--output DIRECTORY]\n"
    "                             a private key and a certificate for these host names and addresses, for\n"
    "                             `tls` in the configuration; in the current directory\n"
    "  stop                       end ringcastd, and wait until it is gone\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE   configuration of the ringcastd to talk to; without it $RINGCAST_CONFIG, then\n"
    "                      /etc/ringcast/ringcast.conf, then the default run-time directory\n"
    "  -s, --socket URL    its control socket, such as ipc:///run/ringcast/control.sock\n"
    "  -j, --json          print JSON\n"
    "  -w, --wait          restart, reload, camera, cluster drain: wait until the command has taken effect\n"
    "  -t, --timeout SECONDS\n"
    "                      how long --wait waits (30), tap and record wait for a picture, and discover looks "
    "(30)\n"
    "  -f, --follow        events, cluster events: print all events, not only the next one\n"
    "  -n, --seconds N     record: stop after N seconds; probe, doctor: measure for N seconds\n"
    "  -o, --output FILE   record, discover: the name of the new file; tls self-signed: the directory of the "
    "new files\n"
    "      --camera NAME   kick: all viewers of this camera; user, token: a pattern for names of cameras,\n"
    "                      such as 'front*', as often as needed\n"
    "      --group NAME    user, token: a group of cameras in the configuration, as often as needed\n"
    "      --role ROLE     user, token: viewer (the default) or operator\n"
    "      --password-stdin\n"
    "                      user, discover: the password is the first line of standard input\n"
    "      --password-file FILE\n"
    "                      discover: the password is the first line of this file\n"
    "      --user NAME     discover: the name at the cameras; asks for the password\n"
    "      --address HOST[:PORT]\n"
    "                      discover: one camera, which need not be in this network\n"
    "      --interface NAME\n"
    "                      discover: only the network at this interface, such as eth0\n"
    "      --digest        user: the password can also be used for RTSP's Digest log-in\n"
    "      --ttl TIME      token: how long it is good: a number and s, m, h, d or w; or never\n"
    "      --once          token: good for one use\n"
    "      --name TEXT     token: what it is for\n"
    "      --text TEXT     event: what it is\n"
    "      --for TIME      event: how long, 20s, 2m, 1h; 20s if it is not given\n"
    "      --large         event: the camera is made large meanwhile\n"
    "      --first         event: the camera comes first meanwhile\n"
    "      --sound         event: with a sound\n"
    "      --off           cluster drain: the node takes cameras again\n"
    "      --dry-run       cluster apply: show what would change, and change nothing\n"
    "      --over VERSION  cluster apply: only if this version is there, 0: none is\n"
    "      --only-bad      status: only the cameras that are in trouble, the worst first\n"
    "  -v, --verbose       probe: each RTSP request and answer\n"
    "      --bundle FILE   doctor: a new file for a bug report\n"
    "  -h, --help          print this\n"
    "  -V, --version       print the version of ringcastctl\n"
    "\n"
    "Exit status: 0 done, 1 the command failed, 2 wrong usage or configuration, 3 no ringcastd answers,\n"
    "4 timed out, 5 doctor or probe found something wrong.\n";

/* The options that only some commands take. */
enum option_flags {
    OPTION_WAIT = 1u << 0,
    OPTION_TIMEOUT = 1u << 1,
    OPTION_FOLLOW = 1u << 2,
    OPTION_SECONDS = 1u << 3,
    OPTION_OUTPUT = 1u << 4,
    OPTION_CAMERA = 1u << 5,
    OPTION_GROUP = 1u << 6,
    OPTION_ROLE = 1u << 7,
    OPTION_PASSWORD_STDIN = 1u << 8,
    OPTION_TTL = 1u << 9,
    OPTION_ONCE = 1u << 10,
    OPTION_NAME = 1u << 11,
    OPTION_ONLY_BAD = 1u << 12,
    OPTION_VERBOSE = 1u << 13,
    OPTION_BUNDLE = 1u << 14,
    OPTION_DIGEST = 1u << 15,
    OPTION_USER = 1u << 16,
    OPTION_PASSWORD_FILE = 1u << 17,
    OPTION_ADDRESS = 1u << 18,
    OPTION_INTERFACE = 1u << 19,
    OPTION_EVENT = 1u << 20, /* those of `event` */
    OPTION_OFF = 1u << 21,
    OPTION_APPLY = 1u << 22, /* those of `cluster apply` */
};

#define ANY_NUMBER 1000

#define OPTIONS_OF_RIGHTS (OPTION_CAMERA | OPTION_GROUP | OPTION_ROLE)
#define OPTIONS_OF_TOKEN (OPTIONS_OF_RIGHTS | OPTION_TTL | OPTION_ONCE | OPTION_NAME)

/* What getopt_long returns for options without a letter: no characters. */
enum long_option {
    CAMERA_OPTION = 256,
    GROUP_OPTION,
    ROLE_OPTION,
    PASSWORD_STDIN_OPTION,
    TTL_OPTION,
    ONCE_OPTION,
    NAME_OPTION,
    ONLY_BAD_OPTION,
    BUNDLE_OPTION,
    DIGEST_OPTION,
    USER_OPTION,
    PASSWORD_FILE_OPTION,
    ADDRESS_OPTION,
    INTERFACE_OPTION,
    TEXT_OPTION,
    FOR_OPTION,
    LARGE_OPTION,
    FIRST_OPTION,
    SOUND_OPTION,
    OFF_OPTION,
    DRY_RUN_OPTION,
    OVER_OPTION
};

static const struct command_form {
    const char *name;
    const char *second; /* a second word, or NULL */
    enum command command;
    int least, most;   /* arguments */
    const char *takes; /* the same for people: "restart takes …" */
    unsigned options;  /* enum option_flags */
} forms[] = {
    {"status", NULL, COMMAND_STATUS, 0, 1, "at most the name of a camera", OPTION_ONLY_BAD},
    {"doctor", NULL, COMMAND_DOCTOR, 0, 0, "no argument", OPTION_BUNDLE | OPTION_SECONDS},
    {"probe", NULL, COMMAND_PROBE, 1, 32, "a URL, or -, and at most 31 of SETTING=VALUE",
     OPTION_VERBOSE | OPTION_SECONDS | OPTION_TIMEOUT},
    {"discover", NULL, COMMAND_DISCOVER, 0, 0, "no argument",
     OPTION_USER | OPTION_PASSWORD_STDIN | OPTION_PASSWORD_FILE | OPTION_ADDRESS | OPTION_INTERFACE |
         OPTION_OUTPUT | OPTION_TIMEOUT},
    {"top", NULL, COMMAND_TOP, 0, 0, "no argument", 0},
    {"event", NULL, COMMAND_EVENT, 1, 1, "the name of a camera", OPTION_EVENT},
    {"events", NULL, COMMAND_EVENTS, 0, 0, "no argument", OPTION_FOLLOW | OPTION_TIMEOUT},
    {"viewers", NULL, COMMAND_VIEWERS, 0, 1, "at most the name of a camera", 0},
    {"kick", NULL, COMMAND_KICK, 0, 1, "the id of a viewer, or --camera and a name", OPTION_CAMERA},
    {"camera", "add", COMMAND_CAMERA_ADD, 2, ANY_NUMBER, "a name and SETTING=VALUE...",
     OPTION_WAIT | OPTION_TIMEOUT},
    {"camera", "set", COMMAND_CAMERA_SET, 2, ANY_NUMBER, "a name and SETTING=VALUE...",
     OPTION_WAIT | OPTION_TIMEOUT},
    {"camera", "remove", COMMAND_CAMERA_REMOVE, 1, 1, "the name of a camera", OPTION_WAIT | OPTION_TIMEOUT},
    {"camera", "reset", COMMAND_CAMERA_RESET, 1, 1, "the name of a camera", OPTION_WAIT | OPTION_TIMEOUT},
    {"camera", "enable", COMMAND_CAMERA_ENABLE, 1, 1, "the name of a camera", OPTION_WAIT | OPTION_TIMEOUT},
    {"camera", "disable", COMMAND_CAMERA_DISABLE, 1, 1, "the name of a camera", OPTION_WAIT | OPTION_TIMEOUT},
    {"restart", NULL, COMMAND_RESTART, 1, 1, "the name of a camera", OPTION_WAIT | OPTION_TIMEOUT},
    {"reload", NULL, COMMAND_RELOAD, 0, 0, "no argument", OPTION_WAIT | OPTION_TIMEOUT},
    {"log", NULL, COMMAND_LOG, 1, 1, "the name of a camera, or fanout, template or keeper", 0},
    {"log-level", NULL, COMMAND_LOG_LEVEL, 1, 2, "a level and at most the name of a camera", 0},
    {"tap", NULL, COMMAND_TAP, 1, 1, "the name of a camera", OPTION_TIMEOUT},
    {"cluster", "status", COMMAND_CLUSTER_STATUS, 0, 0, "no argument", 0},
    {"cluster", "nodes", COMMAND_CLUSTER_NODES, 0, 0, "no argument", 0},
    {"cluster", "where", COMMAND_CLUSTER_WHERE, 1, 1, "the name of a camera", 0},
    {"cluster", "drain", COMMAND_CLUSTER_DRAIN, 0, 0, "no argument",
     OPTION_OFF | OPTION_WAIT | OPTION_TIMEOUT},
    {"cluster", "apply", COMMAND_CLUSTER_APPLY, 1, 1, "a file with cameras", OPTION_APPLY},
    {"cluster", "config", COMMAND_CLUSTER_CONFIG, 0, 0, "no argument", 0},
    {"cluster", "events", COMMAND_CLUSTER_EVENTS, 0, 0, "no argument", OPTION_FOLLOW | OPTION_TIMEOUT},
    {"record", NULL, COMMAND_RECORD, 1, 1, "the name of a camera",
     OPTION_TIMEOUT | OPTION_SECONDS | OPTION_OUTPUT},
    {"tls", "self-signed", COMMAND_TLS_SELF_SIGNED, 0, 64, "at most 64 host names and addresses",
     OPTION_OUTPUT},
    {"user", "add", COMMAND_USER_ADD, 1, 1, "the name of a user",
     OPTIONS_OF_RIGHTS | OPTION_PASSWORD_STDIN | OPTION_DIGEST},
    {"user", "set", COMMAND_USER_SET, 1, 1, "the name of a user", OPTIONS_OF_RIGHTS},
    {"user", "passwd", COMMAND_USER_PASSWD, 1, 1, "the name of a user",
     OPTION_PASSWORD_STDIN | OPTION_DIGEST},
    {"user", "remove", COMMAND_USER_REMOVE, 1, 1, "the name of a user", 0},
    {"user", "logout", COMMAND_USER_LOGOUT, 1, 1, "the name of a user", 0},
    {"user", "list", COMMAND_USER_LIST, 0, 0, "no argument", 0},
    {"token", "add", COMMAND_TOKEN_ADD, 0, 0, "no argument", OPTIONS_OF_TOKEN},
    {"token", "list", COMMAND_TOKEN_LIST, 0, 0, "no argument", 0},
    {"token", "revoke", COMMAND_TOKEN_REVOKE, 1, 1, "the id of a token", 0},
    {"token", NULL, COMMAND_TOKEN_ADD, 0, 0, "add, list or revoke", OPTIONS_OF_TOKEN},
    {"stop", NULL, COMMAND_STOP, 0, 0, "no argument", 0},
    {"version", NULL, COMMAND_VERSION, 0, 0, "no argument", 0},
};

#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

static const struct option names[] = {
    {"config", required_argument, NULL, 'c'},
    {"socket", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"wait", no_argument, NULL, 'w'},
    {"timeout", required_argument, NULL, 't'},
    {"follow", no_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"camera", required_argument, NULL, CAMERA_OPTION},
    {"group", required_argument, NULL, GROUP_OPTION},
    {"role", required_argument, NULL, ROLE_OPTION},
    {"password-stdin", no_argument, NULL, PASSWORD_STDIN_OPTION},
    {"digest", no_argument, NULL, DIGEST_OPTION},
    {"ttl", required_argument, NULL, TTL_OPTION},
    {"once", no_argument, NULL, ONCE_OPTION},
    {"name", required_argument, NULL, NAME_OPTION},
    {"only-bad", no_argument, NULL, ONLY_BAD_OPTION},
    {"verbose", no_argument, NULL, 'v'},
    {"bundle", required_argument, NULL, BUNDLE_OPTION},
    {"user", required_argument, NULL, USER_OPTION},
    {"password-file", required_argument, NULL, PASSWORD_FILE_OPTION},
    {"address", required_argument, NULL, ADDRESS_OPTION},
    {"interface", required_argument, NULL, INTERFACE_OPTION},
    {"text", required_argument, NULL, TEXT_OPTION},
    {"for", required_argument, NULL, FOR_OPTION},
    {"large", no_argument, NULL, LARGE_OPTION},
    {"first", no_argument, NULL, FIRST_OPTION},
    {"sound", no_argument, NULL, SOUND_OPTION},
    {"off", no_argument, NULL, OFF_OPTION},
    {"dry-run", no_argument, NULL, DRY_RUN_OPTION},
    {"over", required_argument, NULL, OVER_OPTION},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool complain(enum exit_code *code)
{
    fputs("Try \"ringcastctl --help\".\n", stderr);
    *code = EXIT_CODE_USAGE;
    return false;
}

/* False: an option was given that FORM does not take. */
static bool check_options(const struct command_form *form, const struct options *options,
                          enum exit_code *code)
{
    const struct {
        bool given;
        enum option_flags flag;
        const char *name;
    } given[] = {
        {options->wait, OPTION_WAIT, "--wait"},
        {options->timeout > 0, OPTION_TIMEOUT, "--timeout"},
        {options->follow, OPTION_FOLLOW, "--follow"},
        {options->seconds > 0, OPTION_SECONDS, "--seconds"},
        {options->output != NULL, OPTION_OUTPUT, "--output"},
        {options->camera_count > 0, OPTION_CAMERA, "--camera"},
        {options->group_count > 0, OPTION_GROUP, "--group"},
        {options->role != NULL, OPTION_ROLE, "--role"},
        {options->password_stdin, OPTION_PASSWORD_STDIN, "--password-stdin"},
        {options->digest, OPTION_DIGEST, "--digest"},
        {options->ttl != NULL, OPTION_TTL, "--ttl"},
        {options->once, OPTION_ONCE, "--once"},
        {options->name != NULL, OPTION_NAME, "--name"},
        {options->only_bad, OPTION_ONLY_BAD, "--only-bad"},
        {options->verbose, OPTION_VERBOSE, "--verbose"},
        {options->bundle != NULL, OPTION_BUNDLE, "--bundle"},
        {options->user != NULL, OPTION_USER, "--user"},
        {options->password_file != NULL, OPTION_PASSWORD_FILE, "--password-file"},
        {options->address != NULL, OPTION_ADDRESS, "--address"},
        {options->interface != NULL, OPTION_INTERFACE, "--interface"},
        {options->text != NULL, OPTION_EVENT, "--text"},
        {options->time != NULL, OPTION_EVENT, "--for"},
        {options->large, OPTION_EVENT, "--large"},
        {options->first, OPTION_EVENT, "--first"},
        {options->sound, OPTION_EVENT, "--sound"},
        {options->off, OPTION_OFF, "--off"},
        {options->dry_run, OPTION_APPLY, "--dry-run"},
        {options->over != NULL, OPTION_APPLY, "--over"},
    };

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i].given && (form->options & given[i].flag) == 0) {
            fprintf(stderr, "ringcastctl: %s%s%s has no option %s\n", form->name, form->second ? " " : "",
                    form->second ? form->second : "", given[i].name);
            return complain(code);
        }
    }
    return true;
}

/* How many words of ARGUMENTS name FORM: 1 or 2; 0: they name another command. */
static int words_of(const struct command_form *form, int count, char **arguments)
{
    if (strcmp(arguments[0], form->name) != 0) {
        return 0;
    }
    if (!form->second) {
        return 1;
    }
    return count > 1 && strcmp(arguments[1], form->second) == 0 ? 2 : 0;
}

static bool take_form(const struct command_form *form, int count, char **arguments, struct options *options,
                      enum exit_code *code)
{
    if (count < form->least || count > form->most) {
        fprintf(stderr, "ringcastctl: %s%s%s takes %s\n", form->name, form->second ? " " : "",
                form->second ? form->second : "", form->takes);
        return complain(code);
    }
    options->command = form->command;
    options->arguments = arguments;
    options->argument_count = count;
    return check_options(form, options, code);
}

/* ARGUMENTS: the COUNT words that are not options. */
static bool parse_command(int count, char **arguments, struct options *options, enum exit_code *code)
{
    if (count == 0) {
        fputs("ringcastctl: no command\n", stderr);
        return complain(code);
    }
    for (size_t i = 0; i < FORM_COUNT; i++) {
        int words = words_of(&forms[i], count, arguments);
        if (words > 0) {
            return take_form(&forms[i], count - words, arguments + words, options, code);
        }
    }
    if (strcmp(arguments[0], "camera") == 0) {
        fputs("ringcastctl: camera: add, set, remove, reset, enable or disable\n", stderr);
    } else if (strcmp(arguments[0], "tls") == 0) {
        fputs("ringcastctl: tls: self-signed\n", stderr);
    } else if (strcmp(arguments[0], "user") == 0) {
        fputs("ringcastctl: user: add, set, passwd, remove, logout or list\n", stderr);
    } else if (strcmp(arguments[0], "cluster") == 0) {
        fputs("ringcastctl: cluster: status, nodes, where, drain, apply, config or events\n", stderr);
    } else {
        fprintf(stderr, "ringcastctl: no such command: %s\n", arguments[0]);
    }
    return complain(code);
}

static bool parse_seconds(const char *name, const char *text, double *seconds, enum exit_code *code)
{
    char *end = NULL;

    *seconds = strtod(text, &end);
    if (end != text && *end == '\0' && *seconds > 0 && *seconds <= SECONDS_MAX) {
        return true;
    }
    fprintf(stderr, "ringcastctl: %s %s: not a number of seconds above 0, at most %.0f\n", name, text,
            SECONDS_MAX);
    return complain(code);
}

/* An option that may be given several times. */
static bool take_word(const char *name, const char *words[OPTIONS_WORDS_MAX], size_t *count,
                      enum exit_code *code)
{
    if (*count == OPTIONS_WORDS_MAX) {
        fprintf(stderr, "ringcastctl: %s: at most %d times\n", name, OPTIONS_WORDS_MAX);
        return complain(code);
    }
    words[(*count)++] = optarg;
    return true;
}

/* False: nothing is left to do. */
static bool take_option(int option, struct options *options, enum exit_code *code)
{
    switch (option) {
    case 'c':
        options->config = optarg;
        return true;
    case 's':
        options->socket = optarg;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    case USER_OPTION:
        options->user = optarg;
        return true;
    case PASSWORD_FILE_OPTION:
        options->password_file = optarg;
        return true;
    case ADDRESS_OPTION:
        options->address = optarg;
        return true;
    case INTERFACE_OPTION:
        options->interface = optarg;
        return true;
    case BUNDLE_OPTION:
        options->bundle = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'w':
        options->wait = true;
        return true;
    case 't':
        return parse_seconds("--timeout", optarg, &options->timeout, code);
    case 'f':
        options->follow = true;
        return true;
    case 'n':
        return parse_seconds("--seconds", optarg, &options->seconds, code);
    case 'o':
        options->output = optarg;
        return true;
    case CAMERA_OPTION:
        return take_word("--camera", options->cameras, &options->camera_count, code);
    case GROUP_OPTION:
        return take_word("--group", options->groups, &options->group_count, code);
    case ROLE_OPTION:
        options->role = optarg;
        return true;
    case PASSWORD_STDIN_OPTION:
        options->password_stdin = true;
        return true;
    case DIGEST_OPTION:
        options->digest = true;
        return true;
    case TTL_OPTION:
        options->ttl = optarg;
        return true;
    case ONCE_OPTION:
        options->once = true;
        return true;
    case NAME_OPTION:
        options->name = optarg;
        return true;
    case TEXT_OPTION:
        options->text = optarg;
        return true;
    case FOR_OPTION:
        options->time = optarg;
        return true;
    case LARGE_OPTION:
        options->large = true;
        return true;
    case FIRST_OPTION:
        options->first = true;
        return true;
    case SOUND_OPTION:
        options->sound = true;
        return true;
    case OFF_OPTION:
        options->off = true;
        return true;
    case DRY_RUN_OPTION:
        options->dry_run = true;
        return true;
    case OVER_OPTION:
        options->over = optarg;
        return true;
    case ONLY_BAD_OPTION:
        options->only_bad = true;
        return true;
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

bool options_parse(int argc, char **argv, struct options *options, enum exit_code *code)
{
    int option;

    *options = (struct options){0};
    *code = EXIT_CODE_OK;
    while ((option = getopt_long(argc, argv, "c:s:jwt:fn:o:vhV", names, NULL)) != -1) {
        if (!take_option(option, options, code)) {
            return false;
        }
    }
    if (options->config && options->socket) {
        fputs("ringcastctl: --config and --socket both say where ringcastd is; give only one\n", stderr);
        return complain(code);
    }
    return parse_command(argc - optind, argv + optind, options, code);
}

/* The URL of GIVEN, which may also be a path. malloc'ed; NULL: wrong usage, reported. */
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
    if (asprintf(&url, "%s%s", url_scheme, path) < 0) {
        abort();
    }
    return url;
}

static char *config_file_url(const char *path)
{
    struct config *config = config_load(path, stderr);
    char *url = config ? config_control_url(config) : NULL;

    config_free(config);
    return url;
}

const char *options_config_path(const struct options *options)
{
    const char *from_environment = getenv("RINGCAST_CONFIG");

    if (options->config) {
        return options->config;
    }
    if (from_environment && from_environment[0] != '\0') {
        return from_environment;
    }
    /* The file holds passwords. A user who may not read it does not run the ringcastd that it describes. */
    return access(system_config, R_OK) == 0 ? system_config : NULL;
}

char *options_control_url(const struct options *options)
{
    const char *path = options_config_path(options);

    if (options->socket) {
        return socket_url(options->socket);
    }
    return path ? config_file_url(path) : config_default_control_url();
}
