#include "supervisor/start.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/keeper_protocol.h"
#include "common/ipc/load_board.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/ring/ring_create.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/commands.h"
#include "supervisor/process/timer.h"
#include "supervisor/reload.h"
#include "supervisor/secrets.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

#define REASON_SIZE 256

/*
 * Descriptors that ringcastd itself has: per camera two of the ring, eventfd, black box, channel and pidfd;
 * and as many again for rings that change their size and for messages that wait.
 */
#define FDS_PER_CAMERA 6
#define FDS_PER_CAMERA_BUSY 12
#define FDS_OTHER 128

/* How often it is tried again to take over from a supervisor that was killed. */
#define TAKEOVER_RETRY_MS 50

/* More fan-outs than this are not of use, however many cores there are. */
#define FANOUTS_AUTO_MAX 64

/* The answer is in the log too: who sent a signal sees no other. */
static json_t *reload_and_log(struct supervisor *supervisor)
{
    json_t *reply = reload_file(supervisor), *line;
    size_t index;

    json_array_foreach(json_object_get(reply, "errors"), index, line) {
        log_error("%s", json_string_value(line));
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

/*
 * As far as it goes, once and for all: the children inherit it, the keeper must hold what all cameras have,
 * and a reload may bring many more of them. Nothing here or in the children uses select(2).
 */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int start_check_descriptors(const struct config *config, char *why, size_t size)
{
    unsigned long long needed = FDS_OTHER + FDS_PER_CAMERA * (unsigned long long)config->camera_count;
    unsigned long long busy = FDS_OTHER + FDS_PER_CAMERA_BUSY * (unsigned long long)config->camera_count;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) {
        return 0;
    }
    unsigned long long allowed = limit.rlim_cur;
    if (allowed < needed) {
        snprintf(
            why, size,
            "%zu cameras need %llu descriptors, and %llu are allowed: raise the limit (LimitNOFILE in the "
            "service's unit, or ulimit -n)",
            config->camera_count, needed, allowed);
        return -EMFILE;
    }
    if (allowed < busy) {
        log_warning("%llu descriptors are allowed, and %zu cameras may need %llu when they are busy", allowed,
                    config->camera_count, busy);
    }
    return 0;
}

/* What was changed at run time may not fit a file that was changed since: then the file alone counts. */
static struct config *interpret(struct supervisor *supervisor)
{
    struct config *config = config_interpret(supervisor->source, supervisor->config_path,
                                             overrides_now(supervisor->overrides), stderr);

    if (config) {
        return config;
    }
    log_error("what was changed at run time does not fit the configuration any more and is left out");
    return config_interpret(supervisor->source, supervisor->config_path, NULL, stderr);
}

static int open_configuration(struct supervisor *supervisor)
{
    char why[REASON_SIZE];

    supervisor->source = config_read_source(supervisor->config_path, stderr);
    struct config *file = !supervisor->source
                              ? NULL
                              : config_interpret(supervisor->source, supervisor->config_path, NULL, stderr);
    if (!file) {
        return -EINVAL;
    }
    int result = overrides_open(file->state_dir, file->instance, &supervisor->overrides);
    config_free(file);
    if (result < 0) {
        return result;
    }
    supervisor->config = interpret(supervisor);
    if (!supervisor->config) {
        return -EINVAL;
    }
    secrets_hide(supervisor->config);
    raise_descriptor_limit();
    result = start_check_descriptors(supervisor->config, why, sizeof(why));
    if (result < 0) {
        log_error("cannot start: %s", why);
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

/* True, after a short wait, if the children of a killed supervisor may be what is in the way. */
static bool try_again(const struct supervisor *supervisor)
{
    const struct timespec pause = {.tv_nsec = TAKEOVER_RETRY_MS * NS_PER_MS};

    if (clock_now_ms() >= supervisor->takeover_until_ms) {
        return false;
    }
    nanosleep(&pause, NULL);
    return true;
}

static int sweep_rings(struct supervisor *supervisor)
{
    const char *instance = supervisor->config->instance;
    int removed;

    do {
        removed = ring_sweep(instance);
    } while (removed == -EBUSY && !supervisor->took_over && try_again(supervisor));
    if (removed == -EBUSY && supervisor->took_over) {
        return 0; /* those that we have just taken over; the rest is gone */
    }
    if (removed == -EBUSY) {
        log_error(
            "another ringcastd uses the instance \"%s\" with another runtime_dir: choose another `instance`",
            instance);
    } else if (removed < 0) {
        log_error("the rings of instance \"%s\" cannot be swept: %s", instance, strerror(-removed));
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

static void keep_listener(struct supervisor *supervisor, const char *host, int port)
{
    const int fds[] = {supervisor->listener, supervisor->load_board};

    fd_store_put(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, "viewers",
                 json_pack("{s:s, s:i, s:s}", "host", host, "port", port, "address", supervisor->address),
                 fds, supervisor->load_board >= 0 ? 2 : 1);
}

/* The socket of the ringcastd that was killed, if the configuration still asks for this address. */
static bool take_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;
    struct fd_record record;

    if (!fd_store_take(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, "viewers", &record)) {
        return false;
    }
    bool same = strcmp(message_string(record.body, "host", ""), config->listen.host) == 0 &&
                message_integer(record.body, "port", -1) == config->listen.port && record.fds[0] >= 0;
    supervisor->load_board = fd_record_take_fd(&record, 1);
    if (same) {
        supervisor->listener = fd_record_take_fd(&record, 0);
        snprintf(supervisor->address, sizeof(supervisor->address), "%s",
                 message_string(record.body, "address", ""));
    }
    fd_record_finish(&record);
    return same;
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

int start_open_listener(struct supervisor *supervisor, const char *host, int port)
{
    int listener;
    int result;

    do {
        result = listen_open(host, port, &listener, supervisor->address);
    } while (result == -EADDRINUSE && try_again(supervisor));
    if (result < 0) {
        listen_explain(result, host, port);
        return result;
    }
    supervisor->listener = listener;
    keep_listener(supervisor, host, port);
    return 0;
}

static int open_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;

    bool taken = take_listener(supervisor);
    int result = open_load_board(supervisor);
    if (result < 0) {
        return result;
    }
    if (!taken) {
        return start_open_listener(supervisor, config->listen.host, config->listen.port);
    }
    keep_listener(supervisor, config->listen.host, config->listen.port);
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
        supervisor_make_camera(supervisor, &supervisor->config->cameras[i]);
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

int start_open(struct supervisor *supervisor)
{
    static int (*const steps[])(struct supervisor *) = {
        open_configuration, open_event_loop, open_runtime_dir, open_children, open_keeper,
        sweep_rings,        open_listener,   open_control,     open_events,   make_fork_server,
        make_fanouts,       make_exporter,   make_cameras,
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
 * Ends what was found and not taken: rings of cameras that are not configured any more, and processes, the
 * fork server among them, whose children would not be ours.
 */
static void end_orphans(struct supervisor *supervisor)
{
    struct fd_record record;
    char *name;

    supervisor->orphans = orphan_list_end(supervisor->children);
    while (fd_store_take_any(keeper_fd_store(supervisor->keeper), FD_STORE_CAMERA, "", &name, &record)) {
        log_camera(LOG_LEVEL_INFO, name, "camera %s: not configured any more", name);
        for (size_t i = 0; i < supervisor->fanout_count; i++) {
            fanout_remove_camera(supervisor->fanouts[i], name);
        }
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

void start_processes(struct supervisor *supervisor)
{
    if (!supervisor->took_over) {
        service_start(keeper_service(supervisor->keeper));
    }
    for (size_t i = 0; i < supervisor->fanout_count && !supervisor->stopping; i++) {
        if (!service_take(fanout_service(supervisor->fanouts[i]))) {
            service_start(fanout_service(supervisor->fanouts[i]));
        }
    }
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

/* --- Closing, in reverse order ------------------------------------------------------------------------- */

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
    exporter_destroy(supervisor->exporter);
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

void start_close(struct supervisor *supervisor)
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
    control_destroy(supervisor->control);
    events_destroy(supervisor->events);
    if (supervisor->listener >= 0) {
        close(supervisor->listener);
    }
    if (supervisor->load_board >= 0) {
        close(supervisor->load_board);
    }
    children_destroy(supervisor->children);
    if (supervisor->runtime_dir) {
        remove_sockets(supervisor, leave);
    }
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
