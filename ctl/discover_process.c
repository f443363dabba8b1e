/* SPDX-License-Identifier: MIT */
#include "ctl/discover_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "ctl/program_beside.h"

/* In the child: nothing of this program but standard error and the channel goes with it. */
static void run(const char *program, int channel, pid_t parent)
{
    int nothing = open("/dev/null", O_RDWR);

    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) {
        _exit(126);
    }
    /* The channel is close-on-exec, and dup2 to its own number would leave it so. */
    if ((channel == CHANNEL_CHILD_FD ? fcntl(channel, F_SETFD, 0) : dup2(channel, CHANNEL_CHILD_FD)) < 0 ||
        close_range(CHANNEL_CHILD_FD + 1, ~0U, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        getppid() != parent) {
        _exit(126);
    }
    setpgid(0, 0); /* Ctrl-C is for ringcastctl, which then ends it */
    execl(program, program, (char *)NULL);
    _exit(127);
}

int discover_process_start(struct discover_process *process, const json_t *task)
{
    char program[PATH_MAX];
    int ends[2];

    *process = (struct discover_process){.channel = -1};
    int result = program_beside("ringcast-discover", program);
    if (result == 0) {
        result = channel_pair(ends);
    }
    if (result < 0) {
        return result;
    }
    pid_t parent = getpid();
    process->pid = fork();
    if (process->pid == 0) {
        run(program, ends[1], parent);
    }
    result = process->pid < 0 ? -errno : 0;
    process->channel = ends[0];
    close(ends[1]);
    if (result == 0) {
        result = channel_send(process->channel, task, NULL, 0);
    }
    if (result < 0) {
        discover_process_end(process);
    }
    return result;
}

int discover_process_read(struct discover_process *process, json_t **message)
{
    struct channel_message received;
    int result = channel_receive(process->channel, &received);

    if (result <= 0) {
        return result == -EAGAIN || result == -EBADMSG ? -EAGAIN : 0;
    }
    *message = json_incref(received.body);
    channel_message_clear(&received);
    if (message_is(*message, "end")) { /* it ends by itself now, and is not to be disturbed */
        json_decref(*message);
        return -EAGAIN;
    }
    return 1;
}

void discover_process_end(struct discover_process *process)
{
    if (process->channel >= 0) {
        close(process->channel);
    }
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    *process = (struct discover_process){.channel = -1};
}
