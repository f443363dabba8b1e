/* SPDX-License-Identifier: MIT */
/*
 * ringcast-rtsp serves the cameras' streams over RTSP to recorders and other programs. ringcastd starts it, with its channel at descriptor
 * CHANNEL_CHILD_FD, when somebody connects, and ends it when nobody is left. A thread for each client and each stream that is played.
 */
#include <errno.h>
#include <gst/gst.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/sandbox/sandbox.h"
#include "rtsp/media/factory.h"
#include "rtsp/media/plugins.h"
#include "rtsp/server.h"

/* Each client has a thread, and each stream some: with the usual 8 MiB their stacks would be most of the memory that the sandbox leaves. */
#define STACK_SIZE (512u << 10)

/*
 * The allocator would give each of the many short-lived threads a heap of its own, up to eight for each core, and what one client has left free in one is of no
 * use to the next client in another. After 1300 clients, one at a time, two heaps hold 8.4 MB in place of 10.9, at the same CPU time.
 */
#define HEAPS 2

static void make_stacks_small(void)
{
    pthread_attr_t attributes;

    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
    }
}

int main(int argc, char **argv)
{
    struct server *server = NULL;

    (void)argv;
    if (!program_prepare(argc, "rtsp")) {
        return 2;
    }
    make_stacks_small();
    mallopt(M_ARENA_MAX, HEAPS);
    int result = plugins_load() && factory_prepare() ? 0 : -ENOENT;
    if (result == 0) {
        result = server_create(CHANNEL_CHILD_FD, &server);
    }
    if (result == 0) {
        result = sandbox_enter(SANDBOX_RTSP, NULL);
    }
    if (result == 0) {
        result = server_run(server);
    }
    if (result < 0) {
        log_error("nothing can be served over RTSP: %s", strerror(-result));
    }
    server_destroy(server);
    log_close();
    _exit(result < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
