/* SPDX-License-Identifier: MIT */
/*
 * The configuration file (libconfig syntax; docs/reference/configuration.md). ringcastd reads it, and so does ringcastctl
 * for the address of the control socket. Every setting is described once, in config_settings.c: its name, kind, bounds
 * and default; the check for unknown settings, with its "did you mean", uses the same table.
 */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/access/access_value.h"
#include "common/config/camera_task.h"
#include "common/log/log.h"

/* Longest camera name in bytes, without the NUL. */
#define CONFIG_CAMERA_NAME_MAX 64

/* A camera's sub stream is a stream of its own, named after the camera; no camera's name has a '/'. */
#define CONFIG_SUB_SUFFIX "/sub"
#define CONFIG_STREAM_NAME_MAX (CONFIG_CAMERA_NAME_MAX + (int)sizeof(CONFIG_SUB_SUFFIX) - 1)

/* Where a camera's settings come from: the file, these or the cluster's with changes at run time, changes at run time alone, or the cluster. */
enum config_origin { CONFIG_FROM_FILE, CONFIG_CHANGED, CONFIG_ADDED, CONFIG_FROM_CLUSTER };

/* As enum sandbox_mode (sandbox.h). */
enum config_sandbox { CONFIG_SANDBOX_OFF, CONFIG_SANDBOX_ON, CONFIG_SANDBOX_REQUIRED };

struct config_source;

/* A list of strings; owned. */
struct config_list {
    char **items; /* NULL: no items */
    size_t count;
};

/*
 * The settings of a camera's stream, the main or the sub stream: one member for each line of camera_settings in
 * config_settings.c. Copying, comparing and freeing walk that table, so a new member needs no code for them.
 */
struct config_camera {
    struct camera_task
        task;         /* first, so that its offsets are also a camera's; here only its settings are used */
    char *name;       /* 1…64 bytes of UTF-8, no '/' and no control characters, unique; of a sub stream
                                "<camera>/sub" */
    size_t ring_size; /* bytes of ring data; 0: as its stream needs; default: that of the whole file */
    size_t ring_size_max;     /* bytes that a ring may grow to; default: that of the whole file */
    size_t look_back;         /* seconds of the past that the ring keeps; 0: what its size happens to hold */
    bool mirror;              /* the picture is shown with left and right exchanged */
    char *crop;               /* "left,top,right,bottom", per cent that are not shown; NULL: all is shown */
    struct config_list nodes; /* of the cluster, of which one fetches it; not of a sub stream */
    char *site;               /* whose nodes go before the other ones; NULL: none do */
    bool one_session;         /* it bears one only, also when one node hands it over to another one */
    bool enabled;             /* default: true */
    bool on_demand;           /* default: false; of a camera of another node true */
    size_t on_demand_idle;    /* seconds without a viewer before it sleeps */
    bool sub;                 /* this is the sub stream of the camera before it */
    enum config_origin origin;
    int line; /* where the camera begins in its file; 0: it is not in a file */
};

struct config_address {
    char *host; /* numeric, without brackets; "127.0.0.1" */
    int port;   /* 0: any free port */
};

/* How slow a viewer may be, and how it is kept. */
struct config_viewers {
    size_t bytes;       /* when more bytes wait for a viewer, it goes on with the newest keyframe */
    size_t age_ms;      /* when the oldest of these bytes are older, the same */
    size_t timeout;     /* seconds in which a viewer may take nothing before it is closed */
    size_t ping;        /* seconds from ping to ping */
    size_t send_memory; /* MiB of unsent data, in each fan-out; 0: by the memory of the machine */
    size_t
        idle_per_client; /* connections without a request, and paused viewers, of one address in each fan-out */
    size_t idle_max;     /* the same, of all addresses together */
};

/* TLS for viewers; both files or none. */
struct config_tls {
    char *certificate; /* path of the server's certificate and those that issued it, PEM; NULL: no TLS */
    char *key;         /* path of its private key, PEM */
    int line, file;    /* where the group begins; line 0: it is not in the file */
};

/* --- Who may watch ---------------------------------------------------------------------------------------- */

/*
 * Where a group begins: its line, 0 if it is not in a file, and which of the configuration's files (config_file_name). Items
 * of lists of groups begin with these two.
 */

/* A name for cameras: {"yard", ("front*", "gate")}. */
struct config_group {
    int line, file;
    char *name;
    struct config_list cameras; /* patterns, access_check_pattern */
};

/* A user; or a group of users that a proxy's header or a JWT names. */
struct config_user {
    int line, file;
    char *name;
    enum access_role role;
    struct config_list cameras; /* patterns */
    struct config_list groups;  /* names of config_group that are there */
};

enum config_jwt_algorithm { CONFIG_JWT_HS256, CONFIG_JWT_RS256, CONFIG_JWT_ES256 };

struct config_jwt {
    int line, file;
    enum config_jwt_algorithm algorithm;
    char *key;      /* absolute path */
    char *audience; /* NULL: any */
    char *issuer;   /* NULL: any */
    char *user_claim;
    char *cameras_claim;
    char *groups_claim;
};

/* Names of headers, believed from trusted_proxies alone. */
struct config_proxy {
    char *user;   /* NULL: no header says who the user is */
    char *groups; /* NULL: none says which user_groups it has; with user only */
    int line, file;
};

struct config_auth {
    int line, file;  /* line 0: the group is not in the file, and everybody may watch everything */
    char *passwords; /* absolute path of the users file; NULL: config_users_path knows */
    size_t session_hours;
    bool token_in_query; /* a token is accepted as ?token=, too */
    struct config_user *users;
    size_t user_count;
    struct config_user *user_groups;
    size_t user_group_count;
    struct config_jwt *jwt;
    size_t jwt_count;
    struct config_proxy proxy;
};

/* What one visitor, and all together, may take of each fan-out. */
struct config_limits {
    size_t connections;             /* 0: as many as there are descriptors for */
    size_t connections_per_address; /* 0: no limit, here and below */
    size_t handshakes;              /* in a second, TLS and upgrades */
    size_t handshakes_per_address;
    size_t requests_per_address; /* in a second */
    size_t header_bytes;         /* of one request's line and headers */
    size_t handshake_timeout;    /* seconds in which TLS and the first request must be complete */
    size_t viewers_per_user;
};

/* RTSP for recorders and other programs (ringcast-rtsp). */
struct config_rtsp {
    int line, file; /* line 0: the group is not in the file, and nothing is served */
    struct config_address listen;
    bool basic;      /* passwords are taken in the clear from other machines, too */
    char *udp_ports; /* "20000-20199"; NULL: any */
};

/* The nodes that share cameras over NATS (ringcast-relay). */
struct config_cluster {
    int line, file;          /* line 0: the group is not in the file, and nothing is shared */
    char *name;              /* config_check_node, as the next */
    char *node;              /* what this node is called in it */
    struct config_list nats; /* URLs of servers, with secrets; not empty */
    /* Absolute paths; NULL: none. */
    char *credentials; /* NATS's file of JWT and seed, or a seed alone */
    char *ca;          /* who signs the servers' certificates, PEM */
    char *certificate; /* of this node, PEM; with key or not at all */
    char *key;
    size_t
        replicas; /* copies of the bucket that says which node fetches which camera, if this node makes it */
    char *
        config_key; /* absolute path of the key to the cameras of the whole cluster; NULL: this node has none */
    bool central_cameras; /* this node has these cameras, also without the key */
    char *site;           /* where this node is: config_check_node; NULL: not said */
    size_t weight;        /* of this machine; 1000: an ordinary one */
    size_t limit;         /* shared cameras that it fetches at most; 0: no limit */
};

/* How the pages look. */
struct config_wall {
    char *title; /* NULL: ringcast */
    char *logo;  /* absolute path; NULL: ringcast's */
    char *style; /* absolute path of a style sheet; NULL: none */
};

struct config {
    char *path;               /* the file, as given */
    struct config_list files; /* those that it includes, as far as a group begins in them */
    struct config_address listen;
    struct config_address admin; /* of metrics and health; host NULL: none */
    bool insecure;           /* allows an address that is not loopback, although nobody has to log in there */
    char *runtime_dir;       /* absolute */
    char *state_dir;         /* absolute */
    char *instance;          /* part of the shared-memory names: [A-Za-z0-9_-]{1,32} */
    size_t ring_size;        /* bytes, default for cameras; 0: as each stream needs */
    size_t ring_size_max;    /* bytes, default for cameras */
    size_t fanout_processes; /* 0: as many as there are cores */
    struct config_viewers viewers;
    struct config_tls tls;
    struct config_auth auth;
    struct config_group *groups; /* names for cameras */
    size_t group_count;
    struct config_list trusted_proxies; /* addresses and networks, network.h */
    struct config_list origins;      /* scheme://host[:port] as browsers send it, beside the server's own */
    struct config_list cors_origins; /* the same; they may read answers, with credentials */
    struct config_list frame_ancestors; /* sources of Content-Security-Policy; not empty */
    char *base_path;                    /* "" or "/…" without a slash at the end */
    size_t hsts;                        /* seconds; 0: no such header */
    bool go2rtc;                        /* go2rtc's paths are there */
    struct config_limits limits;
    struct config_rtsp rtsp;
    struct config_cluster cluster;
    struct config_wall wall;
    enum log_level log_level;
    enum log_format log_format;
    enum config_sandbox sandbox; /* default: on */
    char *
        exposed; /* one of its files: with passwords, and every user of the machine can read it; NULL: none */
    char *user;  /* the user that children run as if ringcastd is root; NULL: "ringcast", if it exists */
    struct config_camera
        *cameras;               /* in the file's order; a sub stream comes after its camera's main stream */
    size_t camera_count;        /* sub streams counted */
    struct config_list removed; /* cameras that the file has and that were removed at run time */
};

/*
 * Reads and checks all of the file PATH, with what it includes. Passwords are made known to the log
 * (log_add_secret). ERRORS gets every error that is found, one line each, as
 * "FILE:LINE: FIELD: what is wrong; what to do". Values of secret fields are never shown.
 * Returns the configuration, to be freed with config_free; or NULL after at least one error was written.
 */
struct config *config_load(const char *path, FILE *errors);

/*
 * The same in two steps, for a caller that interprets a file more than once: reading its text, with what it includes; and
 * finding out what the text means with the cameras of the whole CLUSTER and with CHANGES (config_overlay.h; NULL: none).
 * NULL after errors; errors in these two name no line.
 */
struct config_source *config_read_source(const char *path, FILE *errors);
struct config *config_interpret(const struct config_source *source, const char *path, const json_t *cluster,
                                const json_t *changes, FILE *errors);

/*
 * Reads and checks the file PATH with the cameras of a whole cluster, which has nothing else in it. They are as in a configuration, and each has `nodes`.
 * They as an object (cluster_cameras.h), a new reference; NULL after errors.
 */
json_t *config_load_cluster(const char *path, FILE *errors);

/* True if this node has the cameras of the whole cluster. */
bool config_has_central(const struct config *config);

/* What is to be told of CONFIG although it is valid, and what to do: sentences, to be given to config_list_finish. */
struct config_list config_warnings(const struct config *config);

/* The same of patterns for users and groups that fit no camera; cameras that are added at run time are not known. */
struct config_list config_unused_patterns(const struct config *config);

void config_free(struct config *config);

/* The name of FILE, a member of what was read. */
const char *config_file_name(const struct config *config, int file);

/* Where the users file is: auth.passwords, or users.json in the state directory. malloc'ed. */
char *config_users_path(const struct config *config);

/* The same by default, for a caller without a configuration. malloc'ed. */
char *config_default_users_path(void);

/*
 * The patterns in CAMERAS and those of the groups that GROUPS names, each once and in this order; a group that is not
 * configured has none. To be given to config_list_finish.
 */
struct config_list config_camera_patterns(const struct config *config, const struct config_list *cameras,
                                          const struct config_list *groups);

/* Adds a copy of TEXT. */
void config_list_add(struct config_list *list, const char *text);
bool config_list_has(const struct config_list *list, const char *text);
void config_list_finish(struct config_list *list);

/* "ipc://<runtime_dir>/control.sock": where the control socket of this configuration is. malloc'ed. */
char *config_control_url(const struct config *config);

/* The same for the default run-time directory, for a caller without a configuration. malloc'ed. */
char *config_default_control_url(void);

#endif
