/* SPDX-License-Identifier: MIT */
/*
 * ringcast-hls serves low-latency HLS (RFC 8216bis) for clients that have nothing better. ringcastd starts it, with its channel at descriptor
 * CHANNEL_CHILD_FD, when somebody asks for a playlist, and ends it when nobody does any more. One thread.
 */
#include <stdlib.h>
#include <string.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/sandbox/sandbox.h"
#include "hls/server.h"

int main(int argc, char **argv)
{
    struct server *server = NULL;

    (void)argv;
    if (!program_prepare(argc, "hls")) {
        return 2;
    }
    int result = server_create(CHANNEL_CHILD_FD, &server);
    if (result == 0) {
        result = sandbox_enter(SANDBOX_HLS, NULL);
    }
    if (result == 0) {
        result = server_run(server);
    }
    if (result < 0) {
        log_error("no HLS can be served: %s", strerror(-result));
    }
    server_destroy(server);
    log_close();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
