/* SPDX-License-Identifier: MIT */
#include "relay/owner/moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/owner/times.h"

void moves_clear(struct owner *owner, struct camera *camera)
{
    if (camera->target != NAMES_NONE) {
        owner->places[camera->target].expected--;
        camera->target = NAMES_NONE;
        camera->by_hand = false;
        owner->moving--;
        owner->must_move = true;
    }
}

static void set_target(struct owner *owner, struct camera *camera, uint32_t target)
{
    moves_clear(owner, camera);
    camera->target = target;
    owner->places[target].expected++;
    owner->moving++;
    view_touch(owner, camera);
}

bool moves_must(const struct owner *owner, const struct camera *camera)
{
    return camera->wanted && view_is_own(owner, camera) && !view_is_sole(owner, camera) &&
           (owner->draining || !view_may_have(owner, camera, owner->me));
}

/* O4. Looks for the next owners of cameras that this node must not keep, a few at a time. */
void moves_plan(struct owner *owner)
{
    const uint32_t me = owner->me;
    struct placement plan = {0};
    struct camera *camera;

    LIST_FOREACH(camera, &owner->peers[me]->cameras, of_owner) {
        if (owner->moving >= MOVES_AT_ONCE) {
            break;
        }
        if (camera->target != NAMES_NONE || !moves_must(owner, camera)) {
            continue;
        }
        uint64_t hash = view_camera_hash(owner, camera);
        if (!plan.places && placement_begin(&plan, owner->places, owner->node_names.used,
                                            owner->site_names.count, hash) < 0) {
            break;
        }
        struct placement_wish wish = view_wish(owner, camera);
        uint32_t target =
            placement_pick(&plan, &wish, hash, (struct placement_skip){me, camera->claim.refused_by});
        target = target != NAMES_NONE ? target
                                      : placement_pick(&plan, &wish, hash, (struct placement_skip){me, me});
        if (target != NAMES_NONE) {
            set_target(owner, camera, target);
        }
    }
    owner->must_move = false;
    placement_end(&plan);
}

/* CAMERA, which is this node's, sends nothing here: it may go to a node that it prefers, if there is one. */
void moves_look_for_better(struct owner *owner, struct camera *camera, uint64_t now_ms)
{
    uint32_t tier = placement_tier(&camera->wish, owner->places, owner->me);
    uint64_t hash = view_camera_hash(owner, camera);
    struct placement plan;

    camera->away_ms = now_ms + AWAY_MOVE_MS;
    if (tier == 0 ||
        placement_begin(&plan, owner->places, owner->node_names.used, owner->site_names.count, hash) < 0) {
        return;
    }
    uint32_t node = placement_pick(&plan, &camera->wish, hash, (struct placement_skip){owner->me, owner->me});
    placement_end(&plan);
    if (node != NAMES_NONE && placement_tier(&camera->wish, owner->places, node) < tier) {
        set_target(owner, camera, node);
    }
}

int owner_move(struct owner *owner, const char *name, const char *node)
{
    struct camera *camera = view_find_camera(owner, name);
    uint32_t target = names_find(&owner->node_names, node);

    if (!camera || !camera->wanted || !view_is_own(owner, camera)) {
        return -ENOENT;
    }
    if (target == NAMES_NONE || target == owner->me || !view_is_open(owner, target) ||
        !view_may_have(owner, camera, target) || view_is_sole(owner, camera)) {
        return -EHOSTUNREACH;
    }
    set_target(owner, camera, target);
    camera->by_hand = true;
    return 0;
}

/* --- Evening out ---------------------------------------------------------------------------------------- */

struct evening {
    struct owner *owner;
    struct placement_node *places; /* a copy, in which the moves have been made */
    struct placement plan;
    struct owner_transfer *moves;
    size_t count, max;
};

static bool may_be_moved(const struct owner *owner, const struct camera *camera)
{
    return camera->wanted && !camera->in_plan && camera->target == NAMES_NONE && !camera->claim.entry.bound &&
           camera->claim.entry.next == NAMES_NONE && camera->claim.entry.node != NAMES_NONE &&
           view_owner_lives(owner, &camera->claim.entry);
}

static void add_move(struct evening *evening, struct camera *camera, uint32_t to)
{
    const struct owner *owner = evening->owner;
    uint32_t from = camera->claim.entry.node;

    camera->in_plan = true;
    evening->places[from].cameras--;
    evening->places[to].expected++;
    evening->moves[evening->count++] =
        (struct owner_transfer){names_text(&owner->camera_names, camera->index), view_node_text(owner, from),
                                view_node_text(owner, to)};
}

/* Where CAMERA is to go: to a place that it prefers, or, if EVEN, to one that it likes as much and that has less to do. */
static uint32_t better_place(struct evening *evening, const struct camera *camera, bool even)
{
    const struct owner *owner = evening->owner;
    uint32_t from = camera->claim.entry.node;
    struct placement_wish wish = view_wish(owner, camera);
    uint32_t to = placement_pick(&evening->plan, &wish, view_camera_hash(owner, camera),
                                 (struct placement_skip){from, PLACEMENT_NONE});

    if (to == NAMES_NONE) {
        return NAMES_NONE;
    }
    uint32_t tier = placement_tier(&wish, owner->places, from),
             other = placement_tier(&wish, owner->places, to);
    if (!even || other != tier) {
        return !even && other < tier ? to : NAMES_NONE;
    }
    struct placement_node without = evening->places[from];
    without.cameras--;
    uint64_t load = placement_load(&without, wish.kbps);
    return placement_load(&evening->places[to], wish.kbps) * 10 < load * 9 ? to : NAMES_NONE;
}

static void plan_preferred(struct evening *evening)
{
    const struct owner *owner = evening->owner;

    for (uint32_t i = 0; i < owner->camera_names.count && evening->count < evening->max; i++) {
        struct camera *camera = owner->cameras[i];
        uint32_t to =
            camera && may_be_moved(owner, camera) ? better_place(evening, camera, false) : NAMES_NONE;
        if (to != NAMES_NONE) {
            add_move(evening, camera, to);
        }
    }
}

static bool move_one_of(struct evening *evening, uint32_t node)
{
    struct camera *camera;

    LIST_FOREACH(camera, &evening->owner->peers[node]->cameras, of_owner) {
        uint32_t to = may_be_moved(evening->owner, camera) ? better_place(evening, camera, true) : NAMES_NONE;
        if (to != NAMES_NONE) {
            add_move(evening, camera, to);
            return true;
        }
    }
    return false;
}

/* From the node that has most to do, until none of its cameras gains anything; then the next. DONE: nodes of which nothing more is moved. */
static void plan_even(struct evening *evening, bool *done)
{
    uint32_t nodes = evening->owner->node_names.used;

    while (evening->count < evening->max) {
        uint32_t most = NAMES_NONE;
        for (uint32_t i = 0; i < nodes; i++) {
            if (!done[i] && evening->places[i].cameras > 0 &&
                (most == NAMES_NONE ||
                 placement_load(&evening->places[i], 0) > placement_load(&evening->places[most], 0))) {
                most = i;
            }
        }
        if (most == NAMES_NONE) {
            return;
        }
        done[most] = !move_one_of(evening, most);
    }
}

size_t owner_plan_moves(struct owner *owner, struct owner_transfer *moves, size_t max)
{
    uint32_t nodes = owner->node_names.used;
    struct evening evening = {.owner = owner, .moves = moves, .max = max};
    bool *done = calloc(nodes, sizeof(*done));

    evening.places = calloc(nodes, sizeof(*evening.places));
    if (done && evening.places) {
        memcpy(evening.places, owner->places, nodes * sizeof(*evening.places));
        if (placement_begin(&evening.plan, evening.places, nodes, owner->site_names.count, 0) == 0) {
            plan_preferred(&evening);
            plan_even(&evening, done);
            placement_end(&evening.plan);
        }
    }
    for (uint32_t i = 0; i < owner->camera_names.count; i++) {
        if (owner->cameras[i]) {
            owner->cameras[i]->in_plan = false;
        }
    }
    free(evening.places);
    free(done);
    return evening.count;
}
