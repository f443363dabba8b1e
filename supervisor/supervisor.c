#include "supervisor.h"

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

#include "camera_ring.h"
#include "commands.h"
#include "control.h"
#include "keeper.h"
#include "keeper_names.h"
#include "leftover.h"
#include "limit.h"
#include "listen.h"
#include "log.h"
#include "message.h"
#include "ring_create.h"
#include "runtime_dir.h"
#include "timer.h"

#define PATH_SIZE 4096

/* Descriptors: per camera two of the ring, eventfd, channel and pidfd, and as many again while messages wait.
 */
#define FDS_PER_CAMERA 10
#define FDS_OTHER 256

/* How often it is tried again to take over from a supervisor that was killed. */
#define TAKEOVER_RETRY_MS 50

/* More fan-outs than this are not of use, however many cores there are. */
#define FANOUTS_AUTO_MAX 64

struct supervisor {
    const struct config *config;
    const struct supervisor_options *options;
    sd_event *event;
    sd_event_source *sigterm, *sigint;
    struct runtime_dir *runtime_dir;
    struct children *children;
    struct keeper *keeper;
    struct leftovers *leftovers;
    int listener;
    char address[LISTEN_URL_SIZE];
    struct control *control;
    struct fanout **fanouts;
    size_t fanout_count;
    struct template *template;
    struct camera **cameras;
    size_t camera_count;
    size_t cameras_ended;
    uint64_t started_ms;
    uint64_t takeover_until_ms; /* until then what a killed supervisor left may still be in use */
    int exit_code;
    bool took_over; /* the keeper of a killed ringcastd was found */
    bool ready;
    bool stopping;
};

/* --- Ready, failed, finished
 * -------------------------------------------------------------------------------- */

static bool all_ready(const struct supervisor *supervisor)
{
    if (service_state(template_service(supervisor->template)) != SERVICE_RUNNING ||
        service_state(keeper_service(supervisor->keeper)) != SERVICE_RUNNING)
        return false;
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        if (service_state(fanout_service(supervisor->fanouts[i])) != SERVICE_RUNNING)
            return false;
    for (size_t i = 0; i < supervisor->camera_count; i++)
        if (!camera_view(supervisor->cameras[i]).handed_over)
            return false;
    return true;
}

static void check_ready(struct supervisor *supervisor)
{
    if (supervisor->ready || supervisor->stopping || !all_ready(supervisor))
        return;
    supervisor->ready = true;
    log_info("ready: %zu camera%s at %s", supervisor->camera_count, supervisor->camera_count == 1 ? "" : "s",
             supervisor->address);
    sd_notifyf(0, "READY=1\nSTATUS=%zu cameras at %s", supervisor->camera_count, supervisor->address);
    if (supervisor->options->ready != NULL)
        supervisor->options->ready(supervisor->options->data, supervisor->address);
}

static void check_finished(struct supervisor *supervisor)
{
    struct service *keeper = keeper_service(supervisor->keeper);

    if (!supervisor->stopping || supervisor->cameras_ended < supervisor->camera_count ||
        service_pid(template_service(supervisor->template)) > 0)
        return;
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        if (service_pid(fanout_service(supervisor->fanouts[i])) > 0)
            return;
    /* The keeper is the last to go: if we are killed before, it ends the others. */
    if (service_state(keeper) != SERVICE_STOPPED && service_state(keeper) != SERVICE_ENDING)
        service_end(keeper);
    if (service_pid(keeper) == 0)
        sd_event_exit(supervisor->event, supervisor->exit_code);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    log_info("ending");
    sd_notify(0, "STOPPING=1");
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_end(supervisor->cameras[i]);
    service_end(template_service(supervisor->template));
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        service_end(fanout_service(supervisor->fanouts[i]));
    check_finished(supervisor);
}

/* A program that is needed ended. Before ringcastd is ready that is an error of the installation, not of the
 * day. */
static void service_gone(struct supervisor *supervisor, const char *program, const char *reason)
{
    if (supervisor->stopping) {
        check_finished(supervisor);
    } else if (!supervisor->ready) {
        log_error("cannot start: %s: %s", program, reason);
        supervisor->exit_code = 1;
        supervisor_stop(supervisor);
    }
}

/* --- What the parts report
 * ---------------------------------------------------------------------------------- */

static void on_fanout_begun(void *data, struct fanout *fanout)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        fanout_add_camera(fanout, &view);
        fanout_update_camera(fanout, &view);
    }
}

static void on_fanout_ready(void *data, struct fanout *fanout)
{
    (void)fanout;
    check_ready(data);
}

static struct camera *find_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->camera_count; i++)
        if (strcmp(camera_view(supervisor->cameras[i]).name, name) == 0)
            return supervisor->cameras[i];
    return NULL;
}

/* A viewer that the next report will count. */
#define JOINING_MS 3000

static void on_fanout_wanted(void *data, struct fanout *fanout, const char *name)
{
    struct camera *camera = find_camera(data, name);

    (void)fanout;
    if (camera != NULL)
        camera_want(camera, JOINING_MS);
}

static void on_fanout_viewers(void *data, struct fanout *fanout)
{
    struct supervisor *supervisor = data;

    (void)fanout;
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_set_viewers(supervisor->cameras[i],
                           supervisor_viewers(supervisor, camera_view(supervisor->cameras[i]).name));
}

static void on_fanout_gone(void *data, struct fanout *fanout, const char *reason)
{
    on_fanout_viewers(data, fanout);
    service_gone(data, "ringcast-fanout", reason);
}

static void on_template_ready(void *data)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_template_ready(supervisor->cameras[i]);
    check_ready(supervisor);
}

static void on_template_gone(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_template_gone(supervisor->cameras[i]);
    service_gone(supervisor, "ringcast-ingest", reason);
}

static void on_keeper_ready(void *data)
{
    check_ready(data);
}

static void on_keeper_gone(void *data, const char *reason)
{
    service_gone(data, "ringcast-keeper", reason);
}

static bool on_spawned(void *data, const char *name, pid_t pid)
{
    struct supervisor *supervisor = data;
    struct camera *camera = find_camera(supervisor, name);

    if (camera == NULL || !camera_spawned(camera, pid))
        return false;
    check_ready(supervisor);
    return true;
}

static bool on_spawn_failed(void *data, const char *name, const char *error)
{
    struct camera *camera = find_camera(data, name);

    return camera != NULL && camera_spawn_failed(camera, error);
}

static int on_camera_spawn(void *data, const char *camera, int worker_end)
{
    struct supervisor *supervisor = data;

    return template_spawn(supervisor->template, camera, worker_end);
}

static void on_camera_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_update_camera(supervisor->fanouts[i], &view);
    check_ready(supervisor);
}

static void on_camera_ring_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_add_camera(supervisor->fanouts[i], &view);
}

static void on_camera_exited(void *data, struct camera *camera, pid_t pid, const char *reason)
{
    (void)data, (void)camera, (void)pid, (void)reason;
}

static void on_camera_ended(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;

    (void)camera;
    supervisor->cameras_ended++;
    check_finished(supervisor);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    (void)source;
    log_info("got SIG%s", sigabbrev_np((int)info->ssi_signo));
    supervisor_stop(data);
    return 0;
}

static json_t *on_request(void *data, const json_t *request)
{
    return commands_answer(data, request);
}

/* --- Starting, in this order
 * -------------------------------------------------------------------------------- */

/* Blocked before NNG makes its threads, which inherit it: signals are for the event loop. */
static int take_signals(struct supervisor *supervisor)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
        return -errno;
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int error = sd_event_add_signal(supervisor->event, &supervisor->sigterm, SIGTERM, on_signal, supervisor);
    if (error >= 0)
        error = sd_event_add_signal(supervisor->event, &supervisor->sigint, SIGINT, on_signal, supervisor);
    return error;
}

static void raise_descriptor_limit(const struct supervisor *supervisor)
{
    rlim_t needed = FDS_OTHER + FDS_PER_CAMERA * (rlim_t)supervisor->config->camera_count;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed)
        log_warning("only %llu descriptors are allowed, %llu may be needed",
                    (unsigned long long)limit.rlim_cur, (unsigned long long)needed);
}

static int open_event_loop(struct supervisor *supervisor)
{
    int error = sd_event_new(&supervisor->event);

    if (error >= 0)
        error = take_signals(supervisor);
    if (error >= 0)
        error = sd_event_set_watchdog(supervisor->event, true);
    if (error < 0)
        log_error("no event loop: %s", strerror(-error));
    return error < 0 ? error : 0;
}

static void remove_sockets(struct supervisor *supervisor)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        runtime_dir_remove(supervisor->runtime_dir, names[i]);
}

static int open_runtime_dir(struct supervisor *supervisor)
{
    int error = runtime_dir_open(supervisor->config->runtime_dir, &supervisor->runtime_dir);

    if (error < 0)
        return error;
    if (runtime_dir_left_behind(supervisor->runtime_dir)) {
        log_warning("the last ringcastd here was killed: taking over from it");
        supervisor->takeover_until_ms = timer_now_ms() + LIMIT_TAKEOVER_MS;
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
    const struct keeper_host host = {.data = supervisor, .ready = on_keeper_ready, .gone = on_keeper_gone};

    snprintf(program, sizeof(program), "%s/ringcast-keeper", supervisor->options->program_dir);
    supervisor->keeper = keeper_create(supervisor->children, &config, &host);
    if (supervisor->keeper == NULL)
        return -ENOMEM;
    supervisor->took_over = keeper_find(supervisor->keeper);
    runtime_dir_remove(supervisor->runtime_dir, CONTROL_SOCKET_NAME);
    runtime_dir_remove(supervisor->runtime_dir, CONTROL_INNER_NAME);
    return 0;
}

/* True, after a short wait, if the children of a killed supervisor may be what is in the way. */
static bool try_again(const struct supervisor *supervisor)
{
    const struct timespec pause = {.tv_nsec = TAKEOVER_RETRY_MS * 1000000L};

    if (timer_now_ms() >= supervisor->takeover_until_ms)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

static int sweep_rings(struct supervisor *supervisor)
{
    const char *instance = supervisor->config->instance;
    int removed;

    do
        removed = ring_sweep(instance);
    while (removed == -EBUSY && !supervisor->took_over && try_again(supervisor));
    if (removed == -EBUSY && supervisor->took_over)
        return 0; /* those that we have just taken over; the rest is gone */
    if (removed == -EBUSY)
        log_error(
            "another ringcastd uses the instance \"%s\" with another runtime_dir: choose another `instance`",
            instance);
    else if (removed < 0)
        log_error("the rings of instance \"%s\" cannot be swept: %s", instance, strerror(-removed));
    else if (removed > 0)
        log_info("removed %d ring%s that a killed ringcastd left", removed, removed == 1 ? "" : "s");
    return removed < 0 ? removed : 0;
}

static int open_children(struct supervisor *supervisor)
{
    int error = children_create(supervisor->event, &supervisor->children);

    if (error < 0)
        log_error("cannot watch child processes: %s", strerror(-error));
    else
        children_set_log(supervisor->children, supervisor->options->child_log);
    return error < 0 ? error : 0;
}

static void keep_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;

    keep_store(keeper_keep(supervisor->keeper), KEEP_LISTENER, "viewers",
               json_pack("{s:s, s:i, s:s}", "host", config->listen_host, "port", config->listen_port,
                         "address", supervisor->address),
               &supervisor->listener, 1);
}

/* The socket of the ringcastd that was killed, if the configuration still asks for this address. */
static bool take_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;
    struct keep_record record;

    if (!keep_take(keeper_keep(supervisor->keeper), KEEP_LISTENER, "viewers", &record))
        return false;
    bool same = strcmp(message_string(record.body, "host", ""), config->listen_host) == 0 &&
                message_integer(record.body, "port", -1) == config->listen_port && record.fds[0] >= 0;
    if (same) {
        supervisor->listener = keep_record_take_fd(&record, 0);
        snprintf(supervisor->address, sizeof(supervisor->address), "%s",
                 message_string(record.body, "address", ""));
        keep_listener(supervisor);
    }
    keep_record_finish(&record);
    return same;
}

static int open_listener(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;
    int error;

    if (take_listener(supervisor))
        return 0;
    do
        error =
            listen_open(config->listen_host, config->listen_port, &supervisor->listener, supervisor->address);
    while (error == -EADDRINUSE && try_again(supervisor));
    if (error < 0)
        listen_explain(error, config->listen_host, config->listen_port);
    else
        keep_listener(supervisor);
    return error;
}

static int open_control(struct supervisor *supervisor)
{
    return control_create(supervisor->event, supervisor->config->runtime_dir, on_request, supervisor,
                          &supervisor->control);
}

static int make_cameras(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;
    const struct camera_host host = {.data = supervisor,
                                     .spawn = on_camera_spawn,
                                     .changed = on_camera_changed,
                                     .ring_changed = on_camera_ring_changed,
                                     .exited = on_camera_exited,
                                     .ended = on_camera_ended};

    supervisor->cameras = calloc(config->camera_count, sizeof(struct camera *));
    if (supervisor->cameras == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->camera_count; i++) {
        int error = camera_create(supervisor->children, config->instance, &config->cameras[i],
                                  config->log_level, &host, &supervisor->cameras[i]);
        if (error < 0)
            return error;
        supervisor->camera_count++;
    }
    return 0;
}

static size_t count_fanouts(const struct config *config)
{
    cpu_set_t allowed;

    if (config->fanout_processes > 0)
        return config->fanout_processes;
    size_t cores = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? (size_t)CPU_COUNT(&allowed) : 1;
    return cores < FANOUTS_AUTO_MAX ? cores : FANOUTS_AUTO_MAX;
}

static int make_fanouts(struct supervisor *supervisor)
{
    char program[PATH_SIZE];
    size_t count = count_fanouts(supervisor->config);
    struct fanout_config config = {.program = program,
                                   .count = count,
                                   .listener = supervisor->listener,
                                   .address = supervisor->address,
                                   .log_level = supervisor->config->log_level};
    const struct fanout_host host = {.data = supervisor,
                                     .begun = on_fanout_begun,
                                     .ready = on_fanout_ready,
                                     .gone = on_fanout_gone,
                                     .viewers = on_fanout_viewers,
                                     .wanted = on_fanout_wanted};

    snprintf(program, sizeof(program), "%s/ringcast-fanout", supervisor->options->program_dir);
    supervisor->fanouts = calloc(count, sizeof(struct fanout *));
    if (supervisor->fanouts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        config.index = i;
        supervisor->fanouts[i] = fanout_create(supervisor->children, &config, &host);
        if (supervisor->fanouts[i] == NULL)
            return -ENOMEM;
        supervisor->fanout_count++;
    }
    return 0;
}

static int make_template(struct supervisor *supervisor)
{
    char program[PATH_SIZE];
    const struct template_host host = {.data = supervisor,
                                       .ready = on_template_ready,
                                       .spawned = on_spawned,
                                       .spawn_failed = on_spawn_failed,
                                       .gone = on_template_gone};

    snprintf(program, sizeof(program), "%s/ringcast-ingest", supervisor->options->program_dir);
    supervisor->template = template_create(supervisor->children, program, &host);
    return supervisor->template == NULL ? -ENOMEM : 0;
}

static int open_all(struct supervisor *supervisor)
{
    static int (*const steps[])(struct supervisor *) = {
        open_event_loop, open_runtime_dir, open_children, open_keeper,  sweep_rings,
        open_listener,   open_control,     make_cameras,  make_fanouts, make_template,
    };

    raise_descriptor_limit(supervisor);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int error = steps[i](supervisor);
        if (error == -ENOMEM)
            log_error("cannot start: out of memory");
        if (error < 0)
            return error;
    }
    return 0;
}

/* Rings of cameras that are no more, and every process that is not needed: its template, whose children would
 * not be ours, among them. */
static void end_leftovers(struct supervisor *supervisor)
{
    struct keep_record record;
    char *name;

    supervisor->leftovers = leftovers_end(supervisor->children);
    while (keep_take_any(keeper_keep(supervisor->keeper), KEEP_CAMERA, "", &name, &record)) {
        log_info("camera %s: not configured any more", name);
        for (size_t i = 0; i < supervisor->fanout_count; i++)
            fanout_remove_camera(supervisor->fanouts[i], name);
        keep_record_finish(&record);
        free(name);
    }
    while (keep_take_any(keeper_keep(supervisor->keeper), KEEP_RING, "", &name, &record)) {
        camera_ring_discard(&record);
        free(name);
    }
    keeper_settle(supervisor->keeper);
}

static void start_processes(struct supervisor *supervisor)
{
    if (!supervisor->took_over)
        service_start(keeper_service(supervisor->keeper));
    for (size_t i = 0; i < supervisor->fanout_count && !supervisor->stopping; i++)
        if (!service_take(fanout_service(supervisor->fanouts[i])))
            service_start(fanout_service(supervisor->fanouts[i]));
    if (supervisor->took_over)
        end_leftovers(supervisor);
    if (!supervisor->stopping)
        service_start(template_service(supervisor->template));
    for (size_t i = 0; i < supervisor->camera_count && !supervisor->stopping; i++)
        camera_start(supervisor->cameras[i]);
}

/* --- Unmaking, in reverse order
 * ----------------------------------------------------------------------------- */

static void close_processes(struct supervisor *supervisor)
{
    template_destroy(supervisor->template);
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_destroy(supervisor->fanouts[i]);
    free(supervisor->fanouts);
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_destroy(supervisor->cameras[i]);
    free(supervisor->cameras);
    leftovers_destroy(supervisor->leftovers);
    keeper_destroy(supervisor->keeper);
    if (supervisor->children != NULL)
        children_finish(supervisor->children);
}

static void close_all(struct supervisor *supervisor)
{
    close_processes(supervisor);
    control_destroy(supervisor->control);
    if (supervisor->listener >= 0)
        close(supervisor->listener);
    children_destroy(supervisor->children);
    if (supervisor->runtime_dir != NULL)
        remove_sockets(supervisor);
    runtime_dir_close(supervisor->runtime_dir);
    sd_event_source_disable_unref(supervisor->sigterm);
    sd_event_source_disable_unref(supervisor->sigint);
    sd_event_unref(supervisor->event);
}

int supervisor_run(const struct config *config, const struct supervisor_options *options)
{
    struct supervisor supervisor = {
        .config = config, .options = options, .listener = -1, .started_ms = timer_now_ms()};
    int exit_code = 1;

    if (open_all(&supervisor) == 0) {
        start_processes(&supervisor);
        exit_code = sd_event_loop(supervisor.event);
        if (exit_code < 0) {
            log_error("the event loop failed: %s", strerror(-exit_code));
            exit_code = 1;
        }
    }
    close_all(&supervisor);
    if (exit_code == 0)
        log_info("ended");
    return exit_code;
}

/* --- For the commands
 * --------------------------------------------------------------------------------------- */

const struct config *supervisor_config(const struct supervisor *supervisor)
{
    return supervisor->config;
}

const char *supervisor_address(const struct supervisor *supervisor)
{
    return supervisor->address;
}

uint64_t supervisor_uptime_ms(const struct supervisor *supervisor)
{
    return timer_now_ms() - supervisor->started_ms;
}

size_t supervisor_camera_count(const struct supervisor *supervisor)
{
    return supervisor->camera_count;
}

struct camera *supervisor_camera(const struct supervisor *supervisor, size_t index)
{
    return supervisor->cameras[index];
}

size_t supervisor_fanout_count(const struct supervisor *supervisor)
{
    return supervisor->fanout_count;
}

struct fanout *supervisor_fanout(const struct supervisor *supervisor, size_t index)
{
    return supervisor->fanouts[index];
}

int64_t supervisor_viewers(const struct supervisor *supervisor, const char *camera)
{
    int64_t viewers = 0;

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        viewers += fanout_viewers(supervisor->fanouts[i], camera);
    return viewers;
}

struct keeper *supervisor_keeper(const struct supervisor *supervisor)
{
    return supervisor->keeper;
}

struct template *supervisor_template(const struct supervisor *supervisor)
{
    return supervisor->template;
}

bool supervisor_stopping(const struct supervisor *supervisor)
{
    return supervisor->stopping;
}
