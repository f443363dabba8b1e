/* SPDX-License-Identifier: MIT */
/* ringcastd: arguments and configuration; then the supervisor has it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/central.h"
#include "supervisor/cluster.h"
#include "supervisor/daemon.h"
#include "supervisor/helpers/access.h"
#include "supervisor/helpers/certificate.h"
#include "supervisor/overrides.h"
#include "supervisor/secrets.h"
#include "supervisor/start.h"
#include "supervisor/supervisor.h"

enum exit_code { EXIT_ENDED = 0, EXIT_FAILED = 1, EXIT_WRONG = 2 };

struct arguments {
    const char *config;
    bool foreground;
    bool check;
};

static const char usage[] = "usage: ringcastd --config FILE [--foreground] [--check]\n"
                            "\n"
                            "  -c, --config FILE  the configuration\n"
                            "  -f, --foreground   do not go to the background\n"
                            "      --check        only check the configuration\n"
                            "  -h, --help\n"
                            "  -V, --version\n";

enum { OPTION_CHECK = 256 }; /* has no short form */

/* -1: go on; otherwise the exit code. */
static int parse_arguments(int argc, char *argv[], struct arguments *arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},   {"foreground", no_argument, NULL, 'f'},
        {"check", no_argument, NULL, OPTION_CHECK}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},        {NULL, 0, NULL, 0},
    };

    for (int option; (option = getopt_long(argc, argv, "c:fhV", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            arguments->config = optarg;
            break;
        case 'f':
            arguments->foreground = true;
            break;
        case OPTION_CHECK:
            arguments->check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_ENDED;
        case 'V':
            puts("ringcastd " RINGCAST_VERSION);
            return EXIT_ENDED;
        default:
            fputs(usage, stderr);
            return EXIT_WRONG;
        }
    }
    if (optind < argc && !arguments->config && arguments->check) {
        arguments->config = argv[optind++];
    }
    if (optind < argc) {
        fprintf(stderr, "ringcastd: unexpected argument \"%s\"\n%s", argv[optind], usage);
        return EXIT_WRONG;
    }
    if (!arguments->config) {
        fprintf(stderr, "ringcastd: --config FILE is missing\n%s", usage);
        return EXIT_WRONG;
    }
    return -1;
}

/* Descriptors 0, 1 and 2 must be taken, or the next file opened becomes the standard error of a library. */
static void fill_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* The directory of our own program, or of $RINGCAST_LIBEXEC_DIR. */
static int find_programs(char directory[PATH_MAX])
{
    const char *override = getenv("RINGCAST_LIBEXEC_DIR");

    if (override && override[0] != '\0') {
        if (realpath(override, directory)) {
            return 0;
        }
        fprintf(stderr, "ringcastd: RINGCAST_LIBEXEC_DIR: %s: %s\n", override, strerror(errno));
        return -errno;
    }
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (length <= 0) {
        fprintf(stderr, "ringcastd: /proc/self/exe: %s\n", strerror(errno));
        return -ENOENT;
    }
    directory[length] = '\0';
    *strrchr(directory, '/') = '\0';
    return 0;
}

struct session {
    int log_fd;
    enum log_format format; /* of the children, and of us when we are ready */
    bool foreground;
};

static void on_ready(void *data, const char *address)
{
    const struct session *session = data;

    log_set_format(session->format);
    if (session->foreground) {
        printf("ringcast: %s\n", address);
        fflush(stdout);
    } else {
        daemon_ready(session->log_fd);
    }
}

/* Its settings pass to everything that is started from here on, by the environment. */
static int enter_sandbox(const struct config *config)
{
    int result = sandbox_configure((enum sandbox_mode)config->sandbox, config->user);

    if (result < 0) {
        log_error("the sandbox cannot be configured: %s", strerror(-result));
    }
    if (result == 0) {
        result = sandbox_probe();
    }
    return result < 0 ? result : sandbox_enter(SANDBOX_SUPERVISOR, NULL);
}

/* A session's log is a stream to the journal that was made here. */
static enum log_format format_of_children(const struct config *config, int log_fd)
{
    struct stat status;
    bool journal = log_fd >= 0 && fstat(log_fd, &status) == 0 && S_ISSOCK(status.st_mode);

    if (config->log_format == LOG_FORMAT_AUTO && journal) {
        return LOG_FORMAT_JOURNAL;
    }
    return log_format_for(config->log_format, log_fd >= 0 ? log_fd : STDERR_FILENO);
}

static void begin_log(const struct config *config)
{
    log_open("supervisor", NULL);
    log_set_level(config->log_level);
    int result = log_set_format(config->log_format);
    if (result < 0) {
        log_warning("the journal cannot be reached (%s): log lines go to standard error", strerror(-result));
    }
}

/* PATH: of the file that CONFIG is. */
static int run(const char *path, const struct config *config, bool foreground)
{
    struct session session = {.log_fd = -1, .foreground = foreground};
    char program_dir[PATH_MAX];

    if (find_programs(program_dir) < 0) {
        return EXIT_FAILED;
    }
    if (!foreground) {
        int result = daemon_begin();
        if (result < 0) {
            fprintf(stderr, "ringcastd: cannot go to the background: %s\n", strerror(-result));
            return EXIT_FAILED;
        }
        session.log_fd = daemon_open_log();
    }
    session.format = format_of_children(config, session.log_fd);
    if (log_tell_format(session.format) < 0) {
        log_warning("the log's format cannot be passed to other processes: %s", strerror(errno));
    }
    const struct supervisor_options options = {
        .program_dir = program_dir, .child_log = session.log_fd, .ready = on_ready, .data = &session};
    int exit_code = chdir("/") < 0 || enter_sandbox(config) < 0 ? EXIT_FAILED : start_run(path, &options);
    if (session.log_fd >= 0) {
        close(session.log_fd);
    }
    daemon_failed(exit_code);
    return exit_code;
}

/* The absolute path: the daemon leaves its directory, and reads the file again on a reload. */
static char *absolute_path(const char *path)
{
    char *directory = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *absolute = NULL;

    if (asprintf(&absolute, "%s%s%s", !directory ? "" : directory, !directory ? "" : "/", path) < 0) {
        abort();
    }
    free(directory);
    return absolute;
}

/* False: viewers could not be served with it; why was printed. */
static bool check_certificate(const struct config *config)
{
    struct certificate certificate;
    char why[CERTIFICATE_WHY_SIZE];

    if (certificate_open(config, &certificate, why) < 0) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    certificate_close(&certificate);
    return true;
}

/* False: viewers could not log in with it; why was printed. */
static bool check_access(const struct config *config)
{
    struct access_reading *reading = NULL;
    char why[ACCESS_REASON_SIZE];

    if (access_read(config, &reading, why) < 0) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    access_discard(reading);
    return true;
}

/* False: the cluster could not be joined with it; why was printed. */
static bool check_cluster(const struct config *config)
{
    json_t *settings = NULL;
    char why[CLUSTER_WHY_SIZE];

    if (cluster_read(config, &settings, why) < 0) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    json_decref(settings);
    if (central_check(config, why) < 0) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    return true;
}

static void print_list(struct config_list list)
{
    for (size_t i = 0; i < list.count; i++) {
        fprintf(stderr, "warning: %s\n", list.items[i]);
    }
    config_list_finish(&list);
}

static void print_warnings(const struct config *config)
{
    print_list(config_warnings(config));
    print_list(config_unused_patterns(config));
}

static void log_warnings(const struct config *config)
{
    struct config_list list = config_warnings(config);

    for (size_t i = 0; i < list.count; i++) {
        log_warning("%s", list.items[i]);
    }
    config_list_finish(&list);
}

/* CONFIG (consumed) with what was changed at run time, as ringcastd would run; CONFIG itself if there is nothing or it does not fit. */
static struct config *with_changes(struct config *config)
{
    json_t *changes = overrides_look(config->state_dir, config->instance);
    struct config_source *source =
        json_object_size(changes) > 0 ? config_read_source(config->path, stderr) : NULL;
    struct config *changed = source ? config_interpret(source, config->path, NULL, changes, stderr) : NULL;

    if (source && !changed) {
        fprintf(stderr, "warning: the changes made at run time do not fit this file and would be ignored\n");
    }
    config_source_destroy(source);
    json_decref(changes);
    if (changed) {
        config_free(config);
    }
    return changed ? changed : config;
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {0};

    fill_standard_descriptors();
    umask(077);
    int exit_code = parse_arguments(argc, argv, &arguments);
    if (exit_code >= 0) {
        return exit_code;
    }
    if (!arguments.check) {
        log_detach();
    }
    struct config *config = config_load(arguments.config, stderr);
    if (!config) {
        return EXIT_WRONG;
    }
    if (arguments.check) {
        config = with_changes(config);
        print_warnings(config);
    }
    if (arguments.check && (!check_certificate(config) || !check_access(config) || !check_cluster(config))) {
        exit_code = EXIT_WRONG;
    } else if (arguments.check) {
        printf("%s: ok, %zu camera%s%s\n", arguments.config, config->camera_count,
               config->camera_count == 1 ? "" : "s", config->auth.line > 0 ? ", viewers log in" : "");
        exit_code = EXIT_ENDED;
    } else {
        begin_log(config);
        log_warnings(config);
        secrets_hide(config);
        char *path = absolute_path(arguments.config);
        exit_code = run(path, config, arguments.foreground);
        free(path);
        log_close();
    }
    config_free(config);
    return exit_code;
}
