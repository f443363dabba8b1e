/*
 * The ingest template: `ringcast-ingest --template`, which has FFmpeg's libraries loaded and forks a worker
 * for each camera when it is told to. Its loss touches no running worker. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_FORK_SERVER_H
#define SUPERVISOR_HELPERS_FORK_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "supervisor/process/service.h"

struct template;

struct template_host {
    void *data;
    /* The template can be asked to spawn. */
    void (*ready)(void *data);
    /* Answers to template_spawn. False: nothing was asked for this camera (the answer does not count). */
    bool (*spawned)(void *data, const char *camera, pid_t pid);
    bool (*spawn_failed)(void *data, const char *camera, const char *error);
    /* The template is gone, and the answers that were due will not come. */
    void (*gone)(void *data, const char *reason);
    /* Its process entered a state; REASON may be NULL. */
    void (*changed)(void *data, const char *reason);
};

/* PROGRAM is the path of ringcast-ingest. NULL: out of memory. */
struct template *template_create(struct children *children, const char *program,
                                 const struct template_host *host);
void template_destroy(struct template *template);

struct service *template_service(struct template *template);

/*
 * Asks for a worker of CAMERA whose channel is WORKER_END (which stays the caller's).
 * 0: an answer or `gone` follows; -EAGAIN: no template is ready, `ready` follows; other negative errno.
 */
int template_spawn(struct template *template, const char *camera, int worker_end);

#endif
