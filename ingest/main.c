/* SPDX-License-Identifier: MIT */
/*
 * ringcast-ingest: the fork server, and the workers that it forks.
 */
#include <netdb.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libavformat/avformat.h>

#include "common/base/give_back.h"
#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "ingest/fork_server.h"
#include "ingest/malloc_tuning.h"
#include "ingest/source/source_libav_error.h"
#include "ingest/warm_up.h"
#include "ingest/worker.h"

static const char usage[] =
    "Usage: ringcast-ingest --fork-server | --version | --help\n"
    "\n"
    "ringcast-ingest is not meant to be run by hand. ringcastd starts it with --fork-server and tells it "
    "over\n"
    "descriptor 3 which cameras to serve; it forks a process for each. To see cameras, run\n"
    "  ringcastd --config FILE\n";

/* Makes libraries load and read now what they would at first use, when a worker in its sandbox could not. */
static void load_late_parts(void)
{
    const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *list = NULL;

    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
    if (getaddrinfo("127.0.0.1", NULL, &numeric, &list) == 0) {
        freeaddrinfo(list);
    }
    tzset();
}

static int run_fork_server(void)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int worker_channel;

    if (getsockname(CHANNEL_CHILD_FD, (struct sockaddr *)&address, &length) < 0) {
        fputs("ringcast-ingest: descriptor 3 is not a channel to ringcastd\n\n", stderr);
        fputs(usage, stderr);
        return 2;
    }
    malloc_tuning_keep_small();
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    log_open("ingest", NULL);
    log_follow_format();
    source_libav_redirect_log();
    avformat_network_init();
    load_late_parts();
    warm_up_codecs();
    malloc_tuning_fill_holes();
    if (sandbox_enter(SANDBOX_FORK_SERVER, NULL) < 0) {
        return EXIT_FAILURE;
    }
    give_back_code();
    int status = fork_server_run(CHANNEL_CHILD_FD, &worker_channel);
    if (worker_channel >= 0) {
        status = worker_run(worker_channel);
    }
    avformat_network_deinit();
    log_close();
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--fork-server") == 0) {
        return run_fork_server();
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("ringcast-ingest " RINGCAST_VERSION);
        return EXIT_SUCCESS;
    }
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    fputs(usage, help ? stdout : stderr);
    return help ? EXIT_SUCCESS : 2;
}
