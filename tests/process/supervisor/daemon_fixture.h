/* SPDX-License-Identifier: MIT */
/*
 * A ringcastd of the test's own, with stand-ins for the programs that it starts, in a directory of its own.
 * Everything waits for conditions and gives up after a time limit; what is left behind fails the test.
 */
#ifndef TESTS_PROCESS_SUPERVISOR_DAEMON_FIXTURE_H
#define TESTS_PROCESS_SUPERVISOR_DAEMON_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct daemon {
    char dir[64];         /* $FAKE_DIR; holds ringcast.conf, run/ and log */
    char runtime_dir[80]; /* dir/run */
    char config[96];
    char instance[64]; /* known after daemon_status */
    bool quick;        /* run the build with short limits */
    bool background;
    uid_t uid;                  /* run as this user */
    long file_limit;            /* bytes that a file, and so a ring, may have (RLIMIT_FSIZE); 0: no limit */
    long descriptor_limit;      /* hard and soft limit of descriptors; 0: as ours */
    long soft_descriptor_limit; /* soft limit alone; 0: as ours */
    int descriptors_taken;      /* so many are open in it from the beginning */
    int port;                   /* known when it is ready */
    pid_t pid;                  /* 0: not running */
    int output;
};

/* One camera of the configuration: URL rtsp://127.0.0.1:9/PATH; or PATH is a URL, of another node, whose worker is to run at once. */
struct camera_line {
    const char *name, *path;
};

/* Makes the directory and a configuration; LISTEN_PORT 0: any. CAMERAS ends with a NULL name. */
void daemon_init(struct daemon *daemon, int listen_port, const struct camera_line *cameras);

/* Another configuration in place of the first one. */
void daemon_reconfigure(const struct daemon *daemon, int listen_port, const struct camera_line *cameras);

/* Adds LINES to the configuration. */
void daemon_configure(const struct daemon *daemon, const char *lines);

/* Tells the stand-ins to misbehave (fake_ingest.c, fake_fanout.c). */
void daemon_order(const struct daemon *daemon, const char *name);

/* Starts ringcastd and waits for the line with the address. Fails the test if it does not come. */
void daemon_start(struct daemon *daemon);

/* Starts ringcastd without waiting. */
void daemon_launch(struct daemon *daemon);

/* Waits for its end. The exit code, or -signal. */
int daemon_wait_exit(struct daemon *daemon);

/* Ends it with SIGKILL. */
void daemon_kill(struct daemon *daemon);

/* Ends it with SIGNAL and requires exit code 0. */
void daemon_stop(struct daemon *daemon, int signal);

/* Ends it with SIGTERM and requires exit code 0, and that nothing is left. Removes the directory. */
void daemon_finish(struct daemon *daemon);

/*
 * The same for one that has taken over the processes of another one: these were not its children, and came to this
 * process when the other one died.
 */
void daemon_finish_adopted(struct daemon *daemon);

/* Requires that nothing is left, and removes the directory. For one that has ended. */
void daemon_require_nothing_left(struct daemon *daemon);

/* Sends TEXT to the control socket and returns the reply. Fails the test if none comes. */
json_t *daemon_ask_text(struct daemon *daemon, const char *text);

/* The request TYPE, with member "camera" unless it is NULL. */
json_t *daemon_ask(struct daemon *daemon, const char *type, const char *camera);

/* As daemon_ask(status), and keeps the instance. */
json_t *daemon_status(struct daemon *daemon);

/* The part of a status that is about CAMERA; borrowed. */
json_t *status_camera(json_t *status, const char *camera);

/* Waits until CAMERA has STATE and not PID (0: any), and returns its worker's process id. */
pid_t daemon_wait_camera(struct daemon *daemon, const char *camera, const char *state, pid_t not_pid);

/*
 * Waits until the fork server ("template") or the fan-out ("fanouts") runs as another process than NOT_PID.
 */
pid_t daemon_wait_service(struct daemon *daemon, const char *member, pid_t not_pid);

/* True if file NAME in the directory (or "log", standard error) holds TEXT. */
bool daemon_file_has(const struct daemon *daemon, const char *name, const char *text);
void daemon_wait_file(struct daemon *daemon, const char *name, const char *text);

/* Waits until nothing that was taken over, and came to this process, is left. */
void daemon_wait_adopted(void);

/* What the fan-out behind the viewers' address says: its process id. Waits for it. */
pid_t daemon_ask_viewer_port(struct daemon *daemon);

/* Milliseconds, monotonic; and a pause between two looks at a condition. */
long long now_ms(void);
void pause_between_looks(void);

/* Takes a file tree away. */
void remove_tree(const char *path);

#endif
