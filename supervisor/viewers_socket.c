/* SPDX-License-Identifier: MIT */
#include "supervisor/viewers_socket.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/ipc/message.h"
#include "supervisor/supervisor.h"

void viewers_socket_keep(struct supervisor *supervisor, const char *host, int port)
{
    const int fds[] = {supervisor->listener, supervisor->load_board};

    fd_store_put(keeper_fd_store(supervisor->keeper), FD_STORE_LISTENER, "viewers",
                 json_pack("{s:s, s:i, s:s}", "host", host, "port", port, "address", supervisor->address),
                 fds, supervisor->load_board >= 0 ? 2 : 1);
}

bool viewers_socket_take(struct supervisor *supervisor)
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
        listen_set_scheme(supervisor->address, supervisor->certificate.chain >= 0);
    }
    fd_record_finish(&record);
    return same;
}

int viewers_socket_open(struct supervisor *supervisor, const char *host, int port)
{
    int listener;
    int result;

    do {
        result = listen_open(host, port, &listener, supervisor->address);
    } while (result == -EADDRINUSE && supervisor_takeover_pause(supervisor));
    if (result < 0) {
        listen_explain(result, host, port);
        return result;
    }
    supervisor->listener = listener;
    listen_set_scheme(supervisor->address, supervisor->certificate.chain >= 0);
    viewers_socket_keep(supervisor, host, port);
    return 0;
}
