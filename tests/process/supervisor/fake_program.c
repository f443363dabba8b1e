/* SPDX-License-Identifier: MIT */
#include "tests/process/supervisor/fake_program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/message.h"

static void path_of(char path[512], const char *name)
{
    const char *directory = getenv("FAKE_DIR");

    snprintf(path, 512, "%s/%s", !directory ? "/nonexistent" : directory, name);
}

bool fake_ordered(const char *name)
{
    char path[512];

    path_of(path, name);
    return access(path, F_OK) == 0;
}

bool fake_ordered_once(const char *name)
{
    char path[512];

    path_of(path, name);
    return unlink(path) == 0;
}

void fake_note(const char *name, const char *line)
{
    char path[512];

    path_of(path, name);
    FILE *file = fopen(path, "ae");
    if (!file) {
        exit(91);
    }
    fprintf(file, "%s\n", line);
    fclose(file);
}

void fake_send(const char *type, json_t *members)
{
    struct pollfd writable = {.fd = CHANNEL_CHILD_FD, .events = POLLOUT};
    json_t *message = message_new(type);

    if (members) {
        json_object_update(message, members);
    }
    while (channel_send(CHANNEL_CHILD_FD, message, NULL, 0) == -EAGAIN) { /* ringcastd is busy */
        poll(&writable, 1, -1);
    }
    json_decref(members);
    json_decref(message);
}

int fake_receive(struct channel_message *message, int timeout_ms)
{
    struct pollfd wait = {.fd = CHANNEL_CHILD_FD, .events = POLLIN};

    for (;;) {
        if (poll(&wait, 1, timeout_ms) <= 0) {
            return -EAGAIN;
        }
        int result = channel_receive(CHANNEL_CHILD_FD, message);
        if (result != 1 || !message_is(message->body, BLACKBOX_MESSAGE)) {
            return result;
        }
        if (blackbox_carry(channel_message_take_fd(message, 0)) < 0) {
            exit(99);
        }
        channel_message_clear(message);
    }
}

static bool only_the_known_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory)) {
            count++;
        }
    }
    closedir(directory);
    return count == CHANNEL_CHILD_FD + 1 && fcntl(CHANNEL_CHILD_FD, F_GETFD) >= 0;
}

static bool default_signals(void)
{
    sigset_t mask;
    struct sigaction action;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int number = 1; number < 32; number++) {
        if (sigismember(&mask, number) == 1) {
            return false;
        }
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            return false;
        }
    }
    return true;
}

void fake_check_inheritance(void)
{
    if (!only_the_known_descriptors() || !default_signals()) {
        exit(90);
    }
}
