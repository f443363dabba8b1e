/* SPDX-License-Identifier: MIT */
/*
 * Where this node takes shared cameras from (`nodes` in the configuration): from the camera itself while it has been given to this node, from
 * the node that it has been given to, or from nowhere. ringcast-relay says so (docs/reference/control.md, "ringcast-relay"); what it has said is kept with
 * the keeper, so that a next ringcastd goes on with it. Owned by the supervisor; its main thread only.
 *
 *            place `own`                    place `node`
 *   own ◀───────────────── held ──────────────────────────▶ node
 *    │                     ▲  ▲                               │
 *    └─────────────────────┘  └───────────────────────────────┘
 *      place `none`, or the node's lease has run out           place `none`
 *
 * With `prepare` a camera is taken from the camera itself, as with `own`, while another node still sends it to the others: this node is to
 * have it next. ringcast-relay sends nothing of it before it is this node's, so nothing need be said when that is called off.
 *
 * A camera that only this node may have is its own until something else is said, so that it is there without NATS, too. A camera that is held has no worker. ringcast-relay, which waits for that before it gives a camera away, is told with `stopped`.
 */
#ifndef SUPERVISOR_PLACES_H
#define SUPERVISOR_PLACES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/config/config.h"
#include "supervisor/process/machine_cpu.h"

struct camera;
struct supervisor;

struct places {
    json_t *known;          /* camera: {place, node, stopping}, as ringcast-relay has said */
    uint64_t until_ms;      /* CLOCK_MONOTONIC: what is given to this node alone may be fetched until then */
    json_int_t incarnation; /* of this node in the cluster, 0: none */
    sd_event_source *timer; /* armed while the lease lasts */
    json_t *view;           /* what ringcast-relay has last said of the nodes; NULL: nothing */
    json_t *link;           /* the same of its connection with NATS: {up, why} */
    uint64_t load_ms;       /* when ringcast-relay was told of this node's load; 0: it was not */
    struct machine_cpu cpu; /* at that time */
    bool draining;          /* as ringcastctl has said: shared cameras are to be other nodes' */
};

/* Takes over what a killed ringcastd was told. 0 or -ENOMEM. */
int places_open(struct supervisor *supervisor);
void places_close(struct supervisor *supervisor);

/* The incarnation that a new ringcast-relay goes on with. */
json_int_t places_resume(const struct places *places);

/* Handles what ringcast-relay says. False: it is something else. */
bool places_said(struct supervisor *supervisor, const json_t *body);

/* ringcast-relay has ended, or joins another cluster: what it has said of the nodes is not so any more. */
void places_forget_view(struct places *places);

/*
 * What the camera or sub stream CONFIG, one of the supervisor's configuration, is to be at this moment, into EFFECTIVE, which is to be given to
 * config_camera_finish. NULL, or why it is held.
 */
const char *places_effective(const struct supervisor *supervisor, const struct config_camera *config,
                             struct config_camera *effective);

/* CAMERA is held and at rest. */
void places_rested(struct supervisor *supervisor, struct camera *camera);

/* For `ringcastctl cluster` (docs/reference/control.md): an object of the cameras, of CAMERA alone unless it is NULL. A new reference. */
json_t *places_describe(const struct supervisor *supervisor, const char *camera);

/* The same: an array of the nodes; null: ringcast-relay has not said, because no camera is shared. A new reference. */
json_t *places_describe_nodes(const struct places *places);

/* Why ringcast-relay is not connected with NATS, as it says; NULL: it is, or it has not said. */
const char *places_why_no_link(const struct places *places);

/* True if the nodes and who has which camera are known now, and not from before a link broke. */
bool places_watched(const struct places *places);

#endif
