/*
 * The supervisor: everything that ringcastd owns, from start to stop. Starts in a fixed order, is ready when
 * the fan-out and the template are and each camera was handed to a worker, and leaves nothing behind when it
 * ends. One thread; NNG's threads run none of its code.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "supervisor/camera/camera.h"
#include "supervisor/control/query.h"
#include "supervisor/helpers/exporter.h"
#include "supervisor/helpers/fanout.h"
#include "supervisor/helpers/fork_server.h"
#include "supervisor/helpers/keeper.h"

struct supervisor;

struct supervisor_options {
    const char *program_dir;                        /* where ringcast-ingest and ringcast-fanout are */
    int child_log;                                  /* standard error of child processes; -1: our own */
    void (*ready)(void *data, const char *address); /* called once; may be NULL */
    void *data;
};

/*
 * Runs with the configuration at CONFIG_PATH (absolute), and what was changed at run time, until it is told
 * to end by SIGTERM, SIGINT or the command `stop`. What goes wrong is logged. 0: ended as told; 1: could not
 * start, or could not go on. Nothing is left behind in either case.
 */
int supervisor_run(const char *config_path, const struct supervisor_options *options);

/* For the commands. */
const struct config *supervisor_config(const struct supervisor *supervisor);
const char *supervisor_address(const struct supervisor *supervisor);
/* NULL: there is no admin address. */
struct exporter *supervisor_exporter(const struct supervisor *supervisor);
uint64_t supervisor_uptime_ms(const struct supervisor *supervisor);
size_t supervisor_camera_count(const struct supervisor *supervisor);
struct camera *supervisor_camera(const struct supervisor *supervisor, size_t index);
size_t supervisor_fanout_count(const struct supervisor *supervisor);
struct fanout *supervisor_fanout(const struct supervisor *supervisor, size_t index);
/* Viewers of CAMERA, over all fan-outs. */
int64_t supervisor_viewers(const struct supervisor *supervisor, const char *camera);
/* How often its viewers missed something, over the fan-outs that run now. */
int64_t supervisor_drops(const struct supervisor *supervisor, const char *camera);
/* From a fragment's publication until the viewers that keep up were sent it, over all fan-outs. */
struct latency supervisor_latency(const struct supervisor *supervisor, const char *camera);
struct control *supervisor_control(const struct supervisor *supervisor);
struct inquiries *supervisor_inquiries(const struct supervisor *supervisor);
struct keeper *supervisor_keeper(const struct supervisor *supervisor);
struct template *supervisor_template(const struct supervisor *supervisor);
bool supervisor_stopping(const struct supervisor *supervisor);

/* Everybody logs this much from now on. */
void supervisor_set_log_level(struct supervisor *supervisor, enum log_level level);

/* Begins to end, as on SIGTERM. */
void supervisor_stop(struct supervisor *supervisor);

#endif
