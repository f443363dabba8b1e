/* SPDX-License-Identifier: MIT */
#include "relay/owner/turns.h"

#include <stdlib.h>
#include <string.h>

#include "relay/owner/times.h"

/* Turns after which everybody may take a camera, whatever their number. */
#define TURNS_MAX 16

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void forget_plan(struct owner *owner, struct camera *camera)
{
    if (camera->is_planned && camera->first != NAMES_NONE) {
        owner->places[camera->first].expected--;
    }
    camera->is_planned = false;
    camera->first = camera->second = NAMES_NONE;
}

void turns_plan_again(struct owner *owner, struct camera *camera)
{
    forget_plan(owner, camera);
    owner->must_plan = true;
}

void turns_plan_all_again(struct owner *owner, bool waiting_only)
{
    struct camera *camera;

    TAILQ_FOREACH(camera, &owner->free, free) {
        if (!waiting_only || camera->first == NAMES_NONE) {
            turns_plan_again(owner, camera);
        }
    }
}

/* Puts CAMERA on the list of free ones or takes it away, after something about it or its owner has changed. */
void turns_refresh(struct owner *owner, struct camera *camera)
{
    bool is_free = camera->wanted && owner->has_snapshot && !view_owner_lives(owner, &camera->claim.entry);

    view_touch(owner, camera);
    if (is_free == camera->is_free) {
        return;
    }
    camera->is_free = is_free;
    if (is_free) {
        TAILQ_INSERT_TAIL(&owner->free, camera, free);
        turns_plan_again(owner, camera);
    } else {
        TAILQ_REMOVE(&owner->free, camera, free);
        forget_plan(owner, camera);
    }
}

static void plan_one(struct owner *owner, struct placement *plan, struct camera *camera, uint64_t now_ms)
{
    const struct claim_entry *entry = &camera->claim.entry;
    struct placement_wish wish = view_wish(owner, camera);
    uint64_t hash = view_camera_hash(owner, camera);

    if (entry->bound && view_may_have(owner, camera, owner->me)) {
        camera->first = owner->me; /* it is bound to this node: to all others it is not free */
    } else if (entry->next != NAMES_NONE &&
               view_incarnation_lives(owner, entry->next, entry->next_incarnation) &&
               view_is_open(owner, entry->next) && view_may_have(owner, camera, entry->next)) {
        camera->first = entry->next; /* it may have the stream at hand already */
    } else if (entry->node != NAMES_NONE && view_is_open(owner, entry->node) &&
               view_may_have(owner, camera, entry->node)) {
        camera->first = entry->node; /* it has come back before anybody else had the camera */
    } else {
        camera->first =
            placement_pick(plan, &wish, hash, (struct placement_skip){PLACEMENT_NONE, PLACEMENT_NONE});
    }
    camera->is_planned = true;
    camera->free_ms = now_ms;
    if (camera->first != NAMES_NONE) {
        camera->second =
            placement_pick(plan, &wish, hash, (struct placement_skip){camera->first, PLACEMENT_NONE});
        owner->places[camera->first].expected++;
    }
    view_touch(owner, camera);
}

/* What is planned together is planned in this order on all nodes. */
struct planned {
    uint64_t hash;
    const char *name;
    struct camera *camera;
};

static int compare_planned(const void *a, const void *b)
{
    const struct planned *one = a, *other = b;

    if (one->hash != other->hash) {
        return one->hash < other->hash ? -1 : 1;
    }
    return strcmp(one->name, other->name);
}

/* O3. Without memory the cameras stay unplanned, and the next poll tries again. */
void turns_plan(struct owner *owner, uint64_t now_ms)
{
    struct camera *camera;
    size_t count = 0;

    TAILQ_FOREACH(camera, &owner->free, free) {
        count += !camera->is_planned;
    }
    struct planned *batch = count > 0 ? calloc(count, sizeof(*batch)) : NULL;
    owner->must_plan = count > 0;
    if (!batch) {
        return;
    }
    count = 0;
    TAILQ_FOREACH(camera, &owner->free, free) {
        if (!camera->is_planned) {
            batch[count++] = (struct planned){view_camera_hash(owner, camera),
                                              names_text(&owner->camera_names, camera->index), camera};
        }
    }
    qsort(batch, count, sizeof(*batch), compare_planned);
    struct placement plan;
    if (placement_begin(&plan, owner->places, owner->node_names.used, owner->site_names.count,
                        batch[0].hash) == 0) {
        owner->must_plan = false;
        for (size_t i = 0; i < count; i++) {
            plan_one(owner, &plan, batch[i].camera, now_ms);
        }
        placement_end(&plan);
    }
    free(batch);
}

/* Nodes that may take CAMERA, roughly. */
static uint32_t candidates(const struct owner *owner, const struct camera *camera)
{
    if (camera->wish.count > 0) {
        return camera->wish.count;
    }
    return camera->wish.site_only && camera->wish.site != NAMES_NONE ? owner->open_at[camera->wish.site]
                                                                     : owner->open;
}

/*
 * Whether it is this node's turn to take CAMERA, which is free; otherwise *DUE_MS is when to ask again. The first has TURN_MS, then the
 * second may, then two, four … of all, by a hash.
 */
bool turns_is_own(const struct owner *owner, const struct camera *camera, uint64_t now_ms, uint64_t *due_ms)
{
    *due_ms = UINT64_MAX;
    if (!view_is_open(owner, owner->me) || owner->draining || !view_may_have(owner, camera, owner->me)) {
        return false;
    }
    if (camera->claim.entry.node == owner->me) {
        return true;
    }
    if (!camera->is_planned || camera->first == NAMES_NONE || !owner->is_settled) {
        return false;
    }
    uint64_t turn = now_ms > camera->free_ms ? (now_ms - camera->free_ms) / TURN_MS : 0;
    if (camera->first == owner->me || (turn >= 1 && camera->second == owner->me) || turn > TURNS_MAX) {
        return true;
    }
    uint64_t place = (owner->places[owner->me].hash ^ view_camera_hash(owner, camera)) %
                     larger(1, candidates(owner, camera));
    if (turn >= 2 && place < UINT64_C(1) << (turn - 1)) {
        return true;
    }
    *due_ms = camera->free_ms + (turn + 1) * TURN_MS;
    return false;
}
