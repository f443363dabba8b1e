/* SPDX-License-Identifier: MIT */
/*
 * What a program that runs only while it is asked for (docs/reference/control.md, "Programs on demand") has in common with the
 * others: the channel to ringcastd, the cameras with their rings, the questions of the fan-outs and the answers to them, and the
 * wait for all of it. The program's own part is in its handlers, and is never called back from within a call that it makes,
 * unless that call says so. Owned by the program's main; one thread.
 */
#ifndef COMMON_PROGRAM_PROGRAM_H
#define COMMON_PROGRAM_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/cluster/subject.h"
#include "common/ipc/channel.h"
#include "common/ring/ringcast.h"

/* Milliseconds without a question, a viewer or program_touch after which ringcastd is told that the program is idle. */
#define PROGRAM_IDLE_MS 30000

/* In the environment: another number of milliseconds, for tests. */
#define PROGRAM_IDLE_VARIABLE "RINGCAST_IDLE_MS"

/* Most descriptors that a program has open: two for each stream, and a socket to each fan-out. */
#define PROGRAM_DESCRIPTORS 8192

struct program;

/* Something that the program waits for; program.c's. */
struct program_source {
    int kind;
};

/* A stream, as ringcastd has told of it: a camera's main stream "front", or its sub stream "front/sub". */
struct program_camera {
    struct program_source source;
    TAILQ_ENTRY(program_camera) link; /* of all, in ringcastd's order */
    struct program *program;
    char *name;
    char *state;                     /* docs/reference/control.md; "" before the first one */
    char node[SUBJECT_NODE_MAX + 1]; /* of the cluster, from which it comes; "": it is this node's own */
    json_t *about;                   /* the last message with its state: codecs, width, height, audio */
    void *own;                       /* the program's; NULL at first */
    /* What follows is program.c's. */
    ringcast_reader *reader, *last_reader;
    int ring, wake;
    bool watched, removed;
    bool want_due; /* `wanted` is still to be sent */
    json_int_t viewers;
};

TAILQ_HEAD(program_cameras, program_camera);

/* A question of a fan-out, which the program has until it answers, or until it is cancelled. */
struct program_question {
    TAILQ_ENTRY(program_question) link; /* for a list of the program's own */
    struct program_camera *camera;
    const char *what;    /* of the answer: names are the program's */
    const json_t *query; /* an object of strings, decoded */
    const char *prefix;  /* what is before the server's own paths in the asker's browser: "" or "/cams" */
    void *own;           /* the program's; NULL at first */
    /* What follows is program.c's. */
    TAILQ_ENTRY(program_question) all;
    struct program *program;
    uint64_t client; /* its id */
    json_int_t number;
    json_t *message;
};

TAILQ_HEAD(program_questions, program_question);

enum program_news {
    PROGRAM_CAMERA_ADDED,
    PROGRAM_CAMERA_RING,    /* it has another ring: program_camera_last_reader is the old one */
    PROGRAM_CAMERA_STATE,   /* `state` and `about` are new */
    PROGRAM_CAMERA_REMOVED, /* it is freed after this call */
};

/* Each may be NULL. */
struct program_handlers {
    /*
     * The message `begin` with the program's settings, which ringcastd sends first, and again when another ringcastd has taken
     * over. Descriptors that it takes out (channel_message_take_fd) are its own. Negative errno: the program cannot go on.
     */
    int (*begun)(void *context, struct channel_message *message);
    void (*camera)(void *context, struct program_camera *camera, enum program_news news);
    /* A camera that is watched (program_watch) has published something, once or more often. */
    void (*woken)(void *context, struct program_camera *camera);
    /* QUESTION is the program's until it calls program_answer, also at once, or gets it back by `cancelled`. */
    void (*asked)(void *context, struct program_question *question);
    /* The asker has gone, or the camera was removed: QUESTION is freed after this call, and must not be answered. */
    void (*cancelled)(void *context, struct program_question *question);
    /* Another message of ringcastd. */
    void (*message)(void *context, struct channel_message *message);
    /* After all else in each turn. Returns the time (CLOCK_MONOTONIC, ms) of the next turn at the latest; UINT64_MAX: none. */
    uint64_t (*turn)(void *context, uint64_t now_ms);
};

/*
 * The beginning of main for the program "ringcast-NAME": signals, the log, and as many descriptors as it may have. Before the sandbox
 * is entered. False: it was not started by ringcastd, which was said on standard error; exit with 2.
 */
bool program_prepare(int argc, const char *name);

/* HANDLERS is copied. CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int program_create(int channel, const struct program_handlers *handlers, void *context,
                   struct program **made);

/* Cancels what is not answered and removes all cameras, by the handlers. NULL is allowed. */
void program_destroy(struct program *program);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int program_run(struct program *program);

/*
 * For a program with a loop of its own: program_turn, which does not wait, is to be called when program_fd is readable and after
 * program_wait_ms. 0; 1: the program is to end; negative errno: it cannot go on.
 */
int program_fd(const struct program *program);
int program_wait_ms(const struct program *program);
int program_turn(struct program *program);

/* Ends program_run, as `stop` does. */
void program_stop(struct program *program);

/* ---- Cameras ---- */

const struct program_cameras *program_cameras(const struct program *program);

/* NULL: there is none of that name. */
struct program_camera *program_find_camera(const struct program *program, const char *name);

/*
 * The camera's ring, mapped by the first call. Valid until program_camera_unmap, or until the camera's next ring after this one has
 * come. NULL: it has no ring, or none that can be read (logged).
 */
ringcast_reader *program_camera_reader(struct program_camera *camera);

/* The ring before the present one, if that was mapped and is still to be read to its end; NULL: none. */
ringcast_reader *program_camera_last_reader(struct program_camera *camera);

/* Lets go of that one; and of both. */
void program_camera_leave_last(struct program_camera *camera);
void program_camera_unmap(struct program_camera *camera);

/* Whether `woken` is called for CAMERA: also once at the beginning. An unwatched camera costs nothing. 0 or negative errno. */
int program_watch(struct program_camera *camera, bool on);

/* Wakes CAMERA if it is idle (on demand), for a few seconds. */
void program_want(struct program_camera *camera);

/* How many viewers CAMERA has here: they keep it awake, and are counted with the others. */
void program_set_viewers(struct program_camera *camera, json_int_t viewers);

/* ---- Questions ---- */

struct program_answer {
    int status; /* of HTTP */
    const char
        *type; /* of the body, one that the fan-outs allow (fanout/http/program_reply.c); NULL: no body */
    int body;  /* a sealed memory file (memory_file_seal), which stays the caller's; -1: `text` is the body */
    const char *text;      /* a short body; NULL: none */
    const char *etag;      /* with its quotes; NULL: none */
    const json_t *headers; /* an object of strings, those that the fan-outs allow; NULL: none */
};

/* Answers QUESTION, which is freed. */
void program_answer(struct program_question *question, const struct program_answer *answer);

/* Answers with a status and words; RETRY_S > 0: when to try again. */
void program_refuse(struct program_question *question, int status, const char *text, int retry_s);

/* How many questions have no answer yet. */
unsigned program_waiting(const struct program *program);

/* ---- Itself ---- */

/* The program is not idle at this moment. */
void program_touch(struct program *program);

/*
 * What follows may take ALLOWANCE_MS: if it takes longer, ringcastd kills this process. CAMERA, unless NULL, is what it is done for:
 * if this process dies meanwhile, the next one is told to keep off that camera for a while (program_avoid_ms). It ends with
 * program_done.
 */
void program_begin_work(struct program *program, struct program_camera *camera, uint64_t allowance_ms);
void program_done(struct program *program);

/*
 * What the program has done since it began, an object of numbers (consumed; NULL: no memory), for the status and the metrics: ringcastd
 * gets it within a second if it is new.
 */
void program_set_counts(struct program *program, json_t *counts);

/* For how many more milliseconds nothing is to be done with what CAMERA sends, because that has killed this program. */
uint64_t program_avoid_ms(const struct program_camera *camera);

/* Sends MESSAGE (consumed; NULL: no memory) to ringcastd. 0; -EAGAIN: it reads nothing now; negative errno. */
int program_tell(struct program *program, json_t *message);

/* The same with the descriptor FD, which stays the caller's; negative: without one. */
int program_tell_with(struct program *program, json_t *message, int fd);

#endif
