/* SPDX-License-Identifier: MIT */
#include "tests/camera/commands.h"

#include <glib-unix.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/camera/clients.h"
#include "tests/camera/options.h"

/* Longest command line in bytes: a verb and a camera's name. */
#define LINE_MAX_BYTES 512

struct commands {
    GstRTSPServer *server;
    struct camera **cameras;
    size_t camera_count;
    guint source; /* 0: standard input has ended */
    size_t filled;
    char line[LINE_MAX_BYTES];
};

static struct camera *find(const struct commands *commands, const char *name)
{
    for (size_t i = 0; i < commands->camera_count; i++) {
        if (strcmp(camera_name(commands->cameras[i]), name) == 0) {
            return commands->cameras[i];
        }
    }
    return NULL;
}

static void refuse(const char *error)
{
    printf("{\"ok\":false,\"error\":\"%s\"}\n", error);
    fflush(stdout);
}

static int obey_size(struct camera *camera, const char *size)
{
    int width, height;

    if (options_parse_size(size, &width, &height) < 0) {
        return -1;
    }
    camera_set_size(camera, width, height);
    return 0;
}

/* Returns how many connections the command was about, -1 for an unknown verb or size. */
static int obey(struct commands *commands, struct camera *camera, const char *verb)
{
    int clients = clients_count(commands->server, camera_path(camera));

    if (strcmp(verb, "drop") == 0) {
        clients_close(commands->server, camera_path(camera));
    } else if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
        camera_set_paused(camera, verb[0] == 'p');
    } else if (strcmp(verb, "off") == 0) {
        camera_set_mounted(camera, false);
        clients_close(commands->server, camera_path(camera));
    } else if (strcmp(verb, "on") == 0) {
        camera_set_mounted(camera, true);
    } else if (strcmp(verb, "keyframe") == 0) {
        camera_force_keyframe(camera);
    } else if (strncmp(verb, "size=", 5) == 0) {
        if (obey_size(camera, verb + 5) < 0) {
            return -1;
        }
    } else if (strcmp(verb, "clients") != 0) {
        return -1;
    }
    return clients;
}

static void run_line(struct commands *commands, char *line)
{
    char *name = strchr(line, ' ');
    struct camera *camera;
    int clients;

    if (name == NULL) {
        refuse("a command is VERB NAME");
        return;
    }
    *name++ = '\0';
    camera = find(commands, name);
    if (camera == NULL) {
        refuse("no such camera");
        return;
    }
    clients = obey(commands, camera, line);
    if (clients < 0) {
        refuse("no such command");
        return;
    }
    printf("{\"ok\":true,\"clients\":%d,\"frames\":%" PRIu64 "}\n", clients, camera_frames(camera));
    fflush(stdout);
}

static void run_lines(struct commands *commands)
{
    char *end;

    while ((end = memchr(commands->line, '\n', commands->filled)) != NULL) {
        size_t length = (size_t)(end - commands->line) + 1;
        *end = '\0';
        run_line(commands, commands->line);
        commands->filled -= length;
        memmove(commands->line, commands->line + length, commands->filled);
    }
    if (commands->filled == sizeof commands->line) {
        refuse("the line is too long");
        commands->filled = 0;
    }
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer data)
{
    struct commands *commands = data;
    ssize_t length;

    (void)condition;
    length = read(fd, commands->line + commands->filled, sizeof commands->line - commands->filled);
    if (length <= 0) {
        commands->source = 0;
        return G_SOURCE_REMOVE;
    }
    commands->filled += (size_t)length;
    run_lines(commands);
    return G_SOURCE_CONTINUE;
}

struct commands *commands_create(GstRTSPServer *server, struct camera **cameras, size_t camera_count)
{
    struct commands *commands = calloc(1, sizeof *commands);

    if (commands == NULL) {
        return NULL;
    }
    commands->server = server;
    commands->cameras = cameras;
    commands->camera_count = camera_count;
    commands->source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, commands);
    return commands;
}

void commands_destroy(struct commands *commands)
{
    if (commands == NULL) {
        return;
    }
    if (commands->source != 0) {
        g_source_remove(commands->source);
    }
    free(commands);
}
