/* SPDX-License-Identifier: MIT */
#include "snapshot/server.h"

#include <errno.h>
#include <stdlib.h>

struct server {
    struct program *program;
};

static void on_asked(void *context, struct program_question *question)
{
    (void)context;
    program_refuse(question, 503, "there is no picture at the moment", 2);
}

int server_create(int channel, struct server **made)
{
    static const struct program_handlers handlers = {.asked = on_asked};
    struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        return -ENOMEM;
    }
    int result = program_create(channel, &handlers, server, &server->program);
    if (result < 0) {
        free(server);
        return result;
    }
    *made = server;
    return 0;
}

void server_destroy(struct server *server)
{
    if (server) {
        program_destroy(server->program);
        free(server);
    }
}

int server_run(struct server *server)
{
    return program_run(server->program);
}
