/* SPDX-License-Identifier: MIT */
/*
 * ringcast-fanout: brings the cameras' fragments from their rings to every viewer. Started by ringcastd with
 * its channel at descriptor CHANNEL_CHILD_FD; one thread.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/give_back.h"
#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "fanout/server.h"
#include "fanout/supervisor_commands.h"

/* The player's files, seen from the program's directory, in a build tree and installed alike. */
#define PLAYER_PATH "../share/ringcast/player"

static bool has_channel(void)
{
    struct stat status;
    return fstat(CHANNEL_CHILD_FD, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Where the player's files are. False: the program cannot tell where it is itself. */
static bool find_player(char path[PATH_MAX])
{
    const char *set = getenv("RINGCAST_PLAYER_DIR");
    if (set) {
        return snprintf(path, PATH_MAX, "%s", set) < PATH_MAX;
    }
    char program[PATH_MAX - sizeof(PLAYER_PATH)];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    slash[1] = '\0';
    return snprintf(path, PATH_MAX, "%s%s", program, PLAYER_PATH) < PATH_MAX;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1 || !has_channel()) {
        fprintf(stderr, "ringcast-fanout is started by ringcastd, not by hand\n");
        return 2;
    }
    /* The terminal's Ctrl-C reaches the whole process group; ringcastd says what is to happen. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    log_open("fanout", NULL);
    log_follow_format();

    char player[PATH_MAX];
    static struct server server;
    int result = find_player(player) ? server_init(&server, player) : -ENOENT;
    if (result == 0) {
        result = supervisor_commands_begin(&server, CHANNEL_CHILD_FD);
    }
    if (result == 0) {
        result = sandbox_enter(SANDBOX_FANOUT, NULL);
    }
    if (result == 0) {
        give_back_code();
        result = server_run(&server);
    }
    if (result < 0) {
        log_error("fan-out failed: %s", strerror(-result));
    }
    server_finish(&server);
    log_close();
    return result < 0 ? 1 : 0;
}
