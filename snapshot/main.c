/* SPDX-License-Identifier: MIT */
/*
 * ringcast-snapshot answers with single pictures of cameras, so that no process with a viewer decodes what a camera sends. ringcastd
 * starts it, with its channel at descriptor CHANNEL_CHILD_FD, when somebody asks for one, and ends it when nobody does any more. One
 * thread.
 */
#include <stdlib.h>
#include <string.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "snapshot/server.h"

int main(int argc, char **argv)
{
    struct server *server = NULL;

    (void)argv;
    if (!program_prepare(argc, "snapshot")) {
        return 2;
    }
    int result = server_create(CHANNEL_CHILD_FD, &server);
    if (result == 0) {
        result = sandbox_enter(SANDBOX_SNAPSHOT, NULL);
    }
    if (result == 0) {
        result = server_run(server);
    }
    if (result < 0) {
        log_error("no pictures can be made: %s", strerror(-result));
    }
    server_destroy(server);
    log_close();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
