/* SPDX-License-Identifier: MIT */
#include "supervisor/rtsp_door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/config/config_check.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

/* What the keeper knows the socket by. */
#define KEPT_NAME "rtsp"

static bool is_wanted(const struct config *config)
{
    return config->rtsp.line > 0;
}

static struct on_demand *program_of(const struct supervisor *supervisor)
{
    return supervisor->programs[PROGRAM_RTSP];
}

static void set_scheme(struct rtsp_door *door)
{
    char url[LISTEN_URL_SIZE];

    snprintf(url, sizeof(url), "%s", door->address);
    const char *host = strstr(url, "://");
    snprintf(door->address, sizeof(door->address), "rtsp%s", host ? host : "");
}

/* --- The socket ----------------------------------------------------------------------------------------- */

static void keep(struct supervisor *supervisor, const struct config *config, const struct rtsp_door *door)
{
    fd_store_put(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, KEPT_NAME,
                 json_pack("{s:s, s:i, s:s}", "host", config->rtsp.listen.host, "port",
                           config->rtsp.listen.port, "address", door->address),
                 &door->listener, 1);
}

static bool take(struct supervisor *supervisor, struct rtsp_door *door)
{
    const struct config_address *listen = &supervisor->config->rtsp.listen;
    struct fd_record record;

    if (!fd_store_take(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, KEPT_NAME, &record)) {
        return false;
    }
    bool same = is_wanted(supervisor->config) &&
                strcmp(message_string(record.body, "host", ""), listen->host) == 0 &&
                message_integer(record.body, "port", -1) == listen->port && record.fds[0] >= 0;
    if (same) {
        door->listener = fd_record_take_fd(&record, 0);
        snprintf(door->address, sizeof(door->address), "%s", message_string(record.body, "address", ""));
    }
    fd_record_finish(&record);
    return same;
}

/* The program is a part that a machine need not have. */
static int check_program(const struct supervisor *supervisor)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/ringcast-rtsp", supervisor->options->program_dir);
    if (access(path, X_OK) == 0) {
        return 0;
    }
    log_error("rtsp: %s is not there: install ringcast-rtsp, or remove rtsp = { … }; from the configuration",
              path);
    return -ENOENT;
}

static int listen_on(struct supervisor *supervisor, const struct config *config, struct rtsp_door *door)
{
    const struct config_address *listen = &config->rtsp.listen;
    int result = check_program(supervisor);

    while (result == 0) {
        result = listen_open(listen->host, listen->port, &door->listener, door->address);
        if (result != -EADDRINUSE || !supervisor_takeover_pause(supervisor)) {
            break;
        }
        result = 0;
    }
    if (result == 0) {
        set_scheme(door);
    } else if (result != -ENOENT) {
        log_error("rtsp.listen: cannot listen on %s:%d: %s; choose another port", listen->host, listen->port,
                  strerror(-result));
    }
    return result;
}

int rtsp_door_open(struct supervisor *supervisor)
{
    struct rtsp_door *door = &supervisor->rtsp;
    bool taken = take(supervisor, door);

    if (!is_wanted(supervisor->config)) {
        return 0;
    }
    int result = taken ? check_program(supervisor) : listen_on(supervisor, supervisor->config, door);
    if (result == 0) {
        keep(supervisor, supervisor->config, door);
    }
    return result;
}

void rtsp_door_close(struct rtsp_door *door)
{
    sd_event_source_disable_unref(door->watch);
    if (door->listener >= 0) {
        close(door->listener);
    }
    *door = (struct rtsp_door){.listener = -1};
}

/* --- Connections ---------------------------------------------------------------------------------------- */

/* The connection stays in the backlog, where the program finds it. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct supervisor *supervisor = data;

    (void)fd, (void)events;
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (!supervisor->stopping) {
        on_demand_want(program_of(supervisor));
    }
    return 0;
}

void rtsp_door_watch(struct supervisor *supervisor)
{
    struct rtsp_door *door = &supervisor->rtsp;
    bool needed = door->listener >= 0 && !on_demand_wanted(program_of(supervisor)) && !supervisor->stopping;

    if (needed && !door->watch) {
        int result = sd_event_add_io(supervisor->event, &door->watch, door->listener, EPOLLIN, on_connection,
                                     supervisor);
        if (result < 0) {
            log_error("rtsp: connections cannot be waited for: %s", strerror(-result));
        }
    } else if (door->watch) {
        sd_event_source_set_enabled(door->watch, needed ? SD_EVENT_ON : SD_EVENT_OFF);
    }
}

int rtsp_door_describe(const struct supervisor *supervisor, json_t *message, int fds[RTSP_DOOR_FDS])
{
    const struct config_rtsp *rtsp = &supervisor->config->rtsp;
    unsigned first = 0, last = 0;

    if (rtsp->udp_ports) {
        config_parse_ports(rtsp->udp_ports, &first, &last);
    }
    json_object_set_new(message, "basic", json_boolean(rtsp->basic));
    json_object_set_new(message, "udp_first", json_integer((json_int_t)first));
    json_object_set_new(message, "udp_last", json_integer((json_int_t)last));
    fds[0] = supervisor->rtsp.listener;
    return fds[0] >= 0 ? 1 : 0;
}

/* --- Reload --------------------------------------------------------------------------------------------- */

/* The door that is open is the one of NEXT: for the same setting, or its port is now written where a 0 was. */
static bool serves(const struct supervisor *supervisor, const struct config *next)
{
    const struct config_address *now = &supervisor->config->rtsp.listen, *wanted = &next->rtsp.listen;
    const struct rtsp_door *door = &supervisor->rtsp;

    if (door->listener < 0) {
        return false;
    }
    return (now->port == wanted->port && strcmp(now->host, wanted->host) == 0) ||
           listen_is_at(door->address, wanted->host, wanted->port);
}

int rtsp_door_prepare(struct supervisor *supervisor, const struct config *next, struct rtsp_door *opened)
{
    *opened = (struct rtsp_door){.listener = -1};
    if (!is_wanted(next) || serves(supervisor, next)) {
        return 0;
    }
    return listen_on(supervisor, next, opened);
}

void rtsp_door_use(struct supervisor *supervisor, struct rtsp_door *opened)
{
    struct rtsp_door *door = &supervisor->rtsp;
    int fds[RTSP_DOOR_FDS];

    if (opened->listener >= 0) {
        rtsp_door_close(door);
        *door = *opened;
        keep(supervisor, supervisor->config, door);
    } else if (is_wanted(supervisor->config)) {
        keep(supervisor, supervisor->config, door); /* the setting may say its port now */
    } else if (door->listener >= 0) {
        rtsp_door_close(door);
        fd_store_drop(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, KEPT_NAME);
        on_demand_end(program_of(supervisor));
    }
    if (on_demand_wanted(program_of(supervisor))) {
        json_t *message = message_new("settings");
        int count = message ? rtsp_door_describe(supervisor, message, fds) : 0;
        on_demand_tell(program_of(supervisor), "settings", message, fds, count);
    }
    rtsp_door_watch(supervisor);
}
