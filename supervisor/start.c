/* SPDX-License-Identifier: MIT */
#include "supervisor/start.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/give_back.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/load_board.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_create.h"
#include "supervisor/attention.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/cameras.h"
#include "supervisor/commands.h"
#include "supervisor/descriptors.h"
#include "supervisor/helpers/http_policy.h"
#include "supervisor/process/timer.h"
#include "supervisor/reload.h"
#include "supervisor/secrets.h"
#include "supervisor/supervisor.h"
#include "supervisor/viewers_access.h"
#include "supervisor/viewers_socket.h"

#define PATH_SIZE 4096

#define REASON_SIZE 256

/* More fan-outs than this are not of use, however many cores there are. */
#define FANOUTS_AUTO_MAX 64

/* The answer is also logged, because the sender of a signal gets no other. */
static json_t *reload_and_log(struct supervisor *supervisor)
{
    json_t *reply = reload_file(supervisor), *line;
    size_t index;

    json_array_foreach(json_object_get(reply, "errors"), index, line) {
        log_error("%s", json_string_value(line));
    }
    json_array_foreach(json_object_get(reply, "warnings"), index, line) {
        log_warning("%s", json_string_value(line));
    }
    if (message_is(reply, "reloaded")) {
        log_info("reloaded: %zu added, %zu removed, %zu changed, %d unchanged",
                 json_array_size(json_object_get(reply, "added")),
                 json_array_size(json_object_get(reply, "removed")),
                 json_array_size(json_object_get(reply, "changed")),
                 (int)message_integer(reply, "unchanged", 0));
    } else {
        log_error("not reloaded, nothing has changed: %s", message_string(reply, "message", ""));
    }
    return reply;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    (void)source;
    log_info("got SIG%s", sigabbrev_np((int)info->ssi_signo));
    supervisor_stop(data);
    return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    struct supervisor *supervisor = data;

    (void)source, (void)info;
    if (supervisor->stopping) {
        return 0;
    }
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now_ns() / NS_PER_US));
    json_decref(reload_and_log(supervisor));
    sd_notify(0, "READY=1");
    return 0;
}

static json_t *on_request(void *data, const json_t *request)
{
    return commands_answer(data, request);
}

/* Blocked before NNG makes its threads, which inherit it: signals are for the event loop. */
static int take_signals(struct supervisor *supervisor)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0) {
        return -errno;
    }
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    int result = sd_event_add_signal(supervisor->event, &supervisor->sigterm, SIGTERM, on_signal, supervisor);
    if (result >= 0) {
        result = sd_event_add_signal(supervisor->event, &supervisor->sigint, SIGINT, on_signal, supervisor);
    }
    if (result >= 0) {
        result = sd_event_add_signal(supervisor->event, &supervisor->sighup, SIGHUP, on_hangup, supervisor);
    }
    return result;
}

/* The cameras of the cluster may not fit a file that was changed since: then those of the file count. */
static void check_central(struct supervisor *supervisor)
{
    char *text = NULL;
    size_t size = 0;
    FILE *errors = central_cameras(supervisor) ? open_memstream(&text, &size) : NULL;

    if (!errors) {
        return;
    }
    struct config *config = config_interpret(supervisor->source, supervisor->config_path,
                                             central_cameras(supervisor), NULL, errors);
    fclose(errors);
    if (!config) {
        text[strcspn(text, "\n")] = '\0';
        log_error("the cameras of the cluster do not fit the configuration and are left out: %s", text);
        central_leave_out(supervisor, text);
    }
    config_free(config);
    free(text);
}

/* Neither may what was changed at run time. */
static struct config *interpret(struct supervisor *supervisor)
{
    const char *path = supervisor->config_path;

    check_central(supervisor);
    struct config *config = config_interpret(supervisor->source, path, central_cameras(supervisor),
                                             overrides_now(supervisor->overrides), stderr);
    if (config) {
        return config;
    }
    log_error("the changes made at run time no longer fit the configuration and are ignored");
    return config_interpret(supervisor->source, path, central_cameras(supervisor), NULL, stderr);
}

/* What was changed at run time is easily forgotten by the one who looks into the file. */
static void tell_changes(const struct config *config)
{
    unsigned count[] = {[CONFIG_CHANGED] = 0, [CONFIG_ADDED] = 0};

    for (size_t i = 0; i < config->camera_count; i++) {
        const struct config_camera *camera = &config->cameras[i];
        if (!camera->sub && (camera->origin == CONFIG_CHANGED || camera->origin == CONFIG_ADDED)) {
            count[camera->origin]++;
        }
    }
    if (count[CONFIG_CHANGED] > 0 || count[CONFIG_ADDED] > 0 || config->removed.count > 0) {
        log_info("changes made at run time stand above the file: %u cameras changed, %u added, %zu removed "
                 "(`ringcastctl status` names them)",
                 count[CONFIG_CHANGED], count[CONFIG_ADDED], config->removed.count);
    }
}

static int open_configuration(struct supervisor *supervisor)
{
    char why[REASON_SIZE], wrong[CERTIFICATE_WHY_SIZE];

    supervisor->source = config_read_source(supervisor->config_path, stderr);
    struct config *file = !supervisor->source ? NULL
                                              : config_interpret(supervisor->source, supervisor->config_path,
                                                                 NULL, NULL, stderr);
    if (!file) {
        return -EINVAL;
    }
    int result = overrides_open(file->state_dir, file->instance, &supervisor->overrides);
    if (result == 0) {
        result = central_open(supervisor, file);
    }
    config_free(file);
    if (result < 0) {
        return result;
    }
    supervisor->config = interpret(supervisor);
    if (!supervisor->config) {
        return -EINVAL;
    }
    tell_changes(supervisor->config);
    secrets_hide(supervisor->config);
    descriptors_raise_limit();
    result = descriptors_check(supervisor->config, why, sizeof(why));
    if (result < 0) {
        log_error("cannot start: %s", why);
        return result;
    }
    result = certificate_open(supervisor->config, &supervisor->certificate, wrong);
    if (result < 0) {
        log_error("%s", wrong);
        return result;
    }
    supervisor->http_policy = http_policy_open(supervisor->config);
    return supervisor->http_policy < 0 ? supervisor->http_policy : 0;
}

static int open_logins(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;
    int result = logins_open(config->state_dir, config->instance, &supervisor->logins);

    if (result < 0 && result != -ENOMEM) {
        log_error("cannot start: what is known of log-ins cannot be read: %s", strerror(-result));
    }
    return result;
}

static int open_event_loop(struct supervisor *supervisor)
{
    int result = sd_event_new(&supervisor->event);

    if (result >= 0) {
        result = take_signals(supervisor);
    }
    if (result >= 0) {
        result = sd_event_set_watchdog(supervisor->event, true);
    }
    if (result < 0) {
        log_error("no event loop: %s", strerror(-result));
    }
    return result < 0 ? result : 0;
}

static int open_runtime_dir(struct supervisor *supervisor)
{
    int result = runtime_dir_open(supervisor->config->runtime_dir, &supervisor->runtime_dir);

    if (result < 0) {
        return result;
    }
    if (runtime_dir_left_behind(supervisor->runtime_dir)) {
        log_warning("the last ringcastd here was killed: taking over from it");
        supervisor->takeover_until_ms = clock_now_ms() + KEEPER_TAKEOVER_MS;
    }
    return 0;
}

/* With a keeper, everything that the last ringcastd had is there to be taken over. */
static int open_keeper(struct supervisor *supervisor)
{
    char program[PATH_SIZE];
    const struct keeper_config config = {.program = program,
                                         .directory = supervisor->config->runtime_dir,
                                         .log_level = supervisor->config->log_level};

    snprintf(program, sizeof(program), "%s/ringcast-keeper", supervisor->options->program_dir);
    supervisor->keeper = keeper_create(supervisor->children, &config, supervisor);
    if (!supervisor->keeper) {
        return -ENOMEM;
    }
    int found = keeper_find(supervisor->keeper);
    if (found < 0) {
        return found;
    }
    supervisor->took_over = found > 0;
    supervisor->owner = !supervisor->took_over;
    /* A keeper that hung took its time, and its children have theirs only now that it is gone. */
    if (!supervisor->took_over && supervisor->takeover_until_ms > 0) {
        supervisor->takeover_until_ms = clock_now_ms() + KEEPER_TAKEOVER_MS;
    }
    runtime_dir_remove(supervisor->runtime_dir, CONTROL_SOCKET_NAME);
    runtime_dir_remove(supervisor->runtime_dir, CONTROL_INNER_NAME);
    return 0;
}

static int sweep_rings(struct supervisor *supervisor)
{
    const char *instance = supervisor->config->instance;
    int removed;

    do {
        removed = ring_sweep(instance);
    } while (removed == -EBUSY && !supervisor->took_over && supervisor_takeover_pause(supervisor));
    if (removed == -EBUSY && supervisor->took_over) {
        return 0; /* those that we have just taken over; the rest is gone */
    }
    if (removed == -EBUSY) {
        log_error(
            "another ringcastd uses the instance \"%s\" with another runtime_dir: choose another `instance`",
            instance);
    } else if (removed < 0) {
        log_error("the rings of instance \"%s\" cannot be removed: %s", instance, strerror(-removed));
    } else if (removed > 0) {
        log_info("removed %d ring%s that a killed ringcastd left", removed, removed == 1 ? "" : "s");
    }
    return removed < 0 ? removed : 0;
}

static int open_children(struct supervisor *supervisor)
{
    int result = children_create(supervisor->event, &supervisor->children);

    if (result < 0) {
        log_error("cannot watch child processes: %s", strerror(-result));
    } else {
        children_set_log(supervisor->children, supervisor->options->child_log);
    }
    return result < 0 ? result : 0;
}

static size_t count_fanouts(const struct config *config)
{
    cpu_set_t allowed;

    if (config->fanout_processes > 0) {
        return config->fanout_processes;
    }
    size_t cores = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? (size_t)CPU_COUNT(&allowed) : 1;
    return cores < FANOUTS_AUTO_MAX ? cores : FANOUTS_AUTO_MAX;
}

/* Fan-outs that were taken over have the one that was kept. */
static int open_load_board(struct supervisor *supervisor)
{
    size_t count = count_fanouts(supervisor->config);

    for (size_t slot = count; supervisor->load_board >= 0 && slot < LOAD_BOARD_SLOTS; slot++) {
        load_board_leave(supervisor->load_board, slot);
    }
    if (supervisor->load_board >= 0 || count == 1) {
        return 0;
    }
    int board = load_board_create();
    if (board < 0) {
        log_error("the fan-outs cannot share their address: %s", strerror(-board));
        return board;
    }
    supervisor->load_board = board;
    return 0;
}

static int open_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;

    bool taken = viewers_socket_take(supervisor);
    int result = open_load_board(supervisor);
    if (result < 0) {
        return result;
    }
    if (!taken) {
        return viewers_socket_open(supervisor, config->listen.host, config->listen.port);
    }
    viewers_socket_keep(supervisor, config->listen.host, config->listen.port);
    return 0;
}

static int open_control(struct supervisor *supervisor)
{
    supervisor->queries = query_set_create(supervisor->event);
    if (!supervisor->queries) {
        return -ENOMEM;
    }
    return control_create(supervisor->event, supervisor->config->runtime_dir, on_request, supervisor,
                          &supervisor->control);
}

static int open_events(struct supervisor *supervisor)
{
    runtime_dir_remove(supervisor->runtime_dir, EVENTS_SOCKET_NAME);
    runtime_dir_remove(supervisor->runtime_dir, EVENTS_INNER_NAME);
    return events_create(supervisor->event, supervisor->config->runtime_dir, &supervisor->events);
}

/*
 * The cameras come last, and from here on nothing ends the start any more: what was found is ours now. A
 * camera for which there is no memory is left out (logged).
 */
static int make_cameras(struct supervisor *supervisor)
{
    supervisor->owner = true;
    keeper_claim(supervisor->keeper);
    for (size_t i = 0; i < supervisor->config->camera_count; i++) {
        cameras_make(supervisor, &supervisor->config->cameras[i]);
    }
    return 0;
}

static int make_fanouts(struct supervisor *supervisor)
{
    char program[PATH_SIZE];
    size_t count = count_fanouts(supervisor->config);
    struct fanout_config config = {.program = program,
                                   .load_board = count > 1 ? supervisor->load_board : -1,
                                   .listener = supervisor->listener,
                                   .certificate = &supervisor->certificate,
                                   .http_policy = &supervisor->http_policy,
                                   .address = supervisor->address,
                                   .viewers = supervisor->config->viewers,
                                   .log_level = supervisor->config->log_level};

    snprintf(program, sizeof(program), "%s/ringcast-fanout", supervisor->options->program_dir);
    supervisor->fanouts = calloc(count, sizeof(struct fanout *));
    if (!supervisor->fanouts) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        config.index = i;
        supervisor->fanouts[i] = fanout_create(supervisor->children, &config, supervisor);
        if (!supervisor->fanouts[i]) {
            return -ENOMEM;
        }
        supervisor->fanout_count++;
    }
    return 0;
}

static int make_fork_server(struct supervisor *supervisor)
{
    char program[PATH_SIZE];

    snprintf(program, sizeof(program), "%s/ringcast-ingest", supervisor->options->program_dir);
    supervisor->fork_server = fork_server_create(supervisor->children, program, supervisor);
    return !supervisor->fork_server ? -ENOMEM : 0;
}

static int make_sync_points(struct supervisor *supervisor)
{
    char program[PATH_SIZE];

    snprintf(program, sizeof(program), "%s/ringcast-discover", supervisor->options->program_dir);
    supervisor->sync_points = sync_points_create(supervisor->children, program);
    return !supervisor->sync_points ? -ENOMEM : 0;
}

static int make_exporter(struct supervisor *supervisor)
{
    char program[PATH_SIZE];
    const struct exporter_config config = {.program = program,
                                           .address = &supervisor->config->admin,
                                           .log_level = supervisor->config->log_level};

    if (!config.address->host) {
        return 0;
    }
    snprintf(program, sizeof(program), "%s/ringcast-exporter", supervisor->options->program_dir);
    return exporter_create(supervisor->children, keeper_fd_store(supervisor->keeper), &config, supervisor,
                           &supervisor->exporter);
}

static int open_all(struct supervisor *supervisor)
{
    static int (*const steps[])(struct supervisor *) = {
        open_configuration, open_event_loop, open_runtime_dir, open_logins,      open_children,
        open_keeper,        sweep_rings,     open_listener,    open_control,     open_events,
        make_fork_server,   make_fanouts,    make_exporter,    programs_open,    viewers_access_open,
        rtsp_door_open,     cluster_open,    places_open,      make_sync_points, make_cameras,
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int result = steps[i](supervisor);
        if (result == -ENOMEM) {
            log_error("cannot start: out of memory");
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* --- The processes -------------------------------------------------------------------------------------- */

static void publish_adoption(struct supervisor *supervisor)
{
    json_int_t cameras = 0, fanouts = 0;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        cameras += camera_view(supervisor->cameras[i]).pid > 0;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanouts += service_pid(fanout_service(supervisor->fanouts[i])) > 0;
    }
    log_info("took over %d worker%s and %d fan-out%s", (int)cameras, cameras == 1 ? "" : "s", (int)fanouts,
             fanouts == 1 ? "" : "s");
    events_publish(supervisor->events, "adopted",
                   json_pack("{s:I, s:I}", "cameras", cameras, "fanouts", fanouts));
}

/*
 * Ends what was found and not taken: rings of cameras that are no longer configured, and processes, the
 * fork server among them, whose children would not be ours.
 */
static void end_orphans(struct supervisor *supervisor)
{
    struct fd_record record;
    char *name;

    supervisor->orphans = orphan_list_end(supervisor->children);
    while (fd_store_take_any(keeper_fd_store(supervisor->keeper), FD_STORE_CAMERA, "", &name, &record)) {
        log_camera(LOG_LEVEL_INFO, name, "camera %s: no longer configured", name);
        for (size_t i = 0; i < supervisor->fanout_count; i++) {
            fanout_remove_camera(supervisor->fanouts[i], name);
        }
        programs_remove_camera(supervisor, name);
        fd_record_finish(&record);
        free(name);
    }
    while (fd_store_take_any(keeper_fd_store(supervisor->keeper), FD_STORE_RING, "", &name, &record)) {
        camera_ring_discard(&record);
        free(name);
    }
    keeper_settle(supervisor->keeper);
    publish_adoption(supervisor);
}

static void start_processes(struct supervisor *supervisor)
{
    if (!supervisor->took_over) {
        service_start(keeper_service(supervisor->keeper));
    }
    viewers_access_start(supervisor);
    for (size_t i = 0; i < supervisor->fanout_count && !supervisor->stopping; i++) {
        if (!service_take(fanout_service(supervisor->fanouts[i]))) {
            service_start(fanout_service(supervisor->fanouts[i]));
        }
    }
    programs_start(supervisor);
    cluster_start(supervisor);
    rtsp_door_watch(supervisor);
    if (supervisor->took_over) {
        end_orphans(supervisor);
    }
    if (!supervisor->stopping) {
        service_start(fork_server_service(supervisor->fork_server));
    }
    if (!supervisor->stopping && supervisor->exporter) {
        service_start(exporter_service(supervisor->exporter));
    }
    for (size_t i = 0; i < supervisor->camera_count && !supervisor->stopping; i++) {
        camera_start(supervisor->cameras[i]);
    }
}

/* --- Closing, in reverse order -------------------------------------------------------------------------- */

/* LEAVE: all but the keeper's. */
static void remove_sockets(struct supervisor *supervisor, bool leave)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!leave || strcmp(names[i], KEEPER_SOCKET_NAME) != 0) {
            runtime_dir_remove(supervisor->runtime_dir, names[i]);
        }
    }
}

static void close_processes(struct supervisor *supervisor, bool leave)
{
    sync_points_destroy(supervisor->sync_points);
    exporter_destroy(supervisor->exporter);
    password_destroy(supervisor->password);
    programs_close(supervisor);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_destroy(supervisor->fanouts[i]);
    }
    free(supervisor->fanouts);
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_destroy(supervisor->cameras[i]);
    }
    free(supervisor->cameras);
    fork_server_destroy(supervisor->fork_server); /* the cameras' workers are its clients */
    orphan_list_destroy(supervisor->orphans);
    if (leave) {
        keeper_leave(supervisor->keeper);
    } else {
        keeper_destroy(supervisor->keeper);
    }
    if (supervisor->children) {
        children_finish(supervisor->children);
    }
}

static void close_all(struct supervisor *supervisor)
{
    /*
     * What a killed ringcastd left is not ours until everything was opened: another start may take it over.
     */
    bool leave =
        !supervisor->owner && supervisor->runtime_dir && runtime_dir_left_behind(supervisor->runtime_dir);

    timer_disarm(&supervisor->share_timer);
    timer_disarm(&supervisor->bury_timer);
    close_processes(supervisor, leave);
    query_set_destroy(supervisor->queries);
    central_close(supervisor);
    control_destroy(supervisor->control);
    events_destroy(supervisor->events);
    rtsp_door_close(&supervisor->rtsp);
    cluster_close(supervisor);
    places_close(supervisor);
    if (supervisor->listener >= 0) {
        close(supervisor->listener);
    }
    if (supervisor->load_board >= 0) {
        close(supervisor->load_board);
    }
    access_destroy(supervisor->access);
    attention_finish(supervisor);
    certificate_close(&supervisor->certificate);
    if (supervisor->http_policy >= 0) {
        close(supervisor->http_policy);
    }
    children_destroy(supervisor->children);
    if (supervisor->runtime_dir) {
        remove_sockets(supervisor, leave);
    }
    logins_close(supervisor->logins);
    overrides_close(supervisor->overrides);
    config_source_destroy(supervisor->source);
    config_free(supervisor->config);
    free(supervisor->config_path);
    if (leave) {
        runtime_dir_leave(supervisor->runtime_dir);
    } else {
        runtime_dir_close(supervisor->runtime_dir);
    }
    sd_event_source_disable_unref(supervisor->sigterm);
    sd_event_source_disable_unref(supervisor->sigint);
    sd_event_source_disable_unref(supervisor->sighup);
    sd_event_unref(supervisor->event);
}

/* --- From start to stop --------------------------------------------------------------------------------- */

int start_run(const char *config_path, const struct supervisor_options *options)
{
    struct supervisor supervisor = {.options = options,
                                    .listener = -1,
                                    .rtsp = {.listener = -1},
                                    .load_board = -1,
                                    .certificate = CERTIFICATE_NONE,
                                    .http_policy = -1,
                                    .started_ms = clock_now_ms()};
    int exit_code = 1;

    attention_list_init(&supervisor.attention);
    supervisor.config_path = strdup(config_path);
    if (supervisor.config_path && open_all(&supervisor) == 0) {
        start_processes(&supervisor);
        give_back_code();
        exit_code = sd_event_loop(supervisor.event);
        if (exit_code < 0) {
            /* Cameras and viewers go on, as after a kill, and the next ringcastd takes them over. */
            log_error("the event loop failed: %s", strerror(-exit_code));
            _exit(1);
        }
    }
    close_all(&supervisor);
    if (exit_code == 0) {
        log_info("ended");
    }
    return exit_code;
}
