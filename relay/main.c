/* SPDX-License-Identifier: MIT */
/*
 * ringcast-relay carries the streams of this node's cameras to other nodes, and theirs to here, over NATS, while somebody looks. ringcastd starts it, with
 * its channel at descriptor CHANNEL_CHILD_FD, if the configuration has a `cluster`. A thread of its own, and those of NATS's library.
 */
#include <stdlib.h>
#include <string.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/sandbox/sandbox.h"
#include "relay/server.h"

int main(int argc, char **argv)
{
    struct server *server = NULL;

    (void)argv;
    if (!program_prepare(argc, "relay")) {
        return 2;
    }
    int result = server_create(CHANNEL_CHILD_FD, &server);
    if (result == 0) {
        result = sandbox_enter(SANDBOX_RELAY, NULL);
    }
    if (result == 0) {
        result = server_run(server);
    }
    if (result < 0) {
        log_error("nothing can be relayed: %s", strerror(-result));
    }
    server_destroy(server);
    log_close();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
