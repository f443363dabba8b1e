/* SPDX-License-Identifier: MIT */
#include "relay/owner/owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/owner/moves.h"
#include "relay/owner/times.h"
#include "relay/owner/turns.h"
#include "relay/owner/view.h"
#include "relay/owner/votes.h"

/* How long nothing is asked of a claim whose time is over though it cannot do anything about it. */
#define AGAIN_MS 100

/* Tickets: whose answer it is, the index of the camera, and the ticket of its claim. */
#define TICKET_CAMERA (UINT64_C(1) << 63)
#define TICKET_OWN (UINT64_C(1) << 62)

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct owner *owner_create(const struct owner_options *options)
{
    struct owner *owner = calloc(1, sizeof(*owner));

    if (!owner) {
        return NULL;
    }
    names_init(&owner->node_names, OWNER_NODES_MAX);
    names_init(&owner->site_names, OWNER_NODES_MAX);
    names_init(&owner->camera_names, OWNER_CAMERAS_MAX);
    TAILQ_INIT(&owner->touched);
    TAILQ_INIT(&owner->free);
    STAILQ_INIT(&owner->asking);
    owner->options = *options;
    owner->options.node = owner->options.site = NULL;
    lease_init(&owner->lease, options->resume);
    int64_t me = view_add_peer(owner, options->node), site = view_add_site(owner, options->site);
    if (me < 0 || site < 0) {
        owner_destroy(owner);
        return NULL;
    }
    owner->me = (uint32_t)me;
    owner->places[me].site = (uint32_t)site;
    return owner;
}

void owner_destroy(struct owner *owner)
{
    if (!owner) {
        return;
    }
    for (uint32_t i = 0; i < owner->camera_capacity; i++) {
        if (owner->cameras[i]) {
            free(owner->cameras[i]->choices);
            free(owner->cameras[i]);
        }
    }
    for (uint32_t i = 0; i < owner->node_names.used; i++) {
        free(owner->peers[i]);
    }
    free(owner->cameras);
    free(owner->peers);
    free(owner->places);
    free(owner->open_at);
    due_finish(&owner->peers_due);
    due_finish(&owner->cameras_due);
    names_finish(&owner->node_names);
    names_finish(&owner->site_names);
    names_finish(&owner->camera_names);
    free(owner);
}

/* --- Nodes ---------------------------------------------------------------------------------------------- */

/* When PEER may be buried, if it stays silent: a little later on some nodes than on others. */
static void set_burial(struct owner *owner, uint32_t index)
{
    const struct peer *peer = owner->peers[index];
    uint64_t spread_ms = smaller(BURY_SPREAD_MS, (uint64_t)BURY_SPREAD_NODE_MS * owner->open) + 1;
    uint64_t hash = (owner->places[owner->me].hash ^ owner->places[index].hash ^ peer->revision) *
                    UINT64_C(0xff51afd7ed558ccd);
    bool may_die = peer->state == PEER_LIVE || peer->state == PEER_DRAINING ||
                   (peer->state == PEER_ABSENT && !LIST_EMPTY(&peer->cameras));

    due_set(&owner->peers_due, index,
            may_die && index != owner->me ? peer->seen_ms + LEASE_MS + (hash >> 33) % spread_ms : UINT64_MAX);
}

/*
 * The bucket is seen and written again. Nodes that were silent meanwhile may have had no bucket either, so they have LEASE_REGAIN_MS to write, unless they did not
 * answer this node either. One that needs longer is buried and registers anew; it is not unsafe, since O1 holds either way.
 */
static void allow_silence(struct owner *owner, uint64_t now_ms)
{
    const uint64_t since_ms = now_ms > LEASE_MS - LEASE_REGAIN_MS ? now_ms - (LEASE_MS - LEASE_REGAIN_MS) : 0;

    for (uint32_t i = 0; i < owner->node_names.used; i++) {
        struct peer *peer = owner->peers[i];
        if (!votes_was_silent(owner, i)) {
            peer->seen_ms = larger(peer->seen_ms, since_ms);
        }
        set_burial(owner, i);
    }
}

static void set_open(struct owner *owner, uint32_t index, bool open)
{
    struct placement_node *place = &owner->places[index];
    uint32_t change = open ? 1 : UINT32_MAX;

    if (place->open == open) {
        return;
    }
    place->open = open;
    owner->open += change;
    if (place->site != NAMES_NONE) {
        owner->open_at[place->site] += change;
    }
}

static void set_site(struct owner *owner, uint32_t index, uint32_t site)
{
    bool open = owner->places[index].open;

    if (owner->places[index].site != site) {
        set_open(owner, index, false);
        owner->places[index].site = site;
        set_open(owner, index, open);
    }
}

/* PEER has become something else: its cameras, those that wait for a node, and those that were to be moved to it are looked at. */
static void peer_changed(struct owner *owner, uint32_t index, bool has_opened, uint64_t now_ms)
{
    struct camera *camera;

    LIST_FOREACH(camera, &owner->peers[index]->cameras, of_owner) {
        turns_refresh(owner, camera);
    }
    if (has_opened) {
        turns_plan_all_again(owner, owner->is_settled);
        owner->must_move = true;
    }
    if (owner->moving > 0) {
        view_touch_own(owner);
    }
    if (owner->must_plan && lease_held(&owner->lease, now_ms) && (owner->is_settled || !has_opened)) {
        turns_plan(owner, now_ms); /* O3: by what the bucket held at this revision */
    }
}

static void note_load(struct placement_node *place, const struct owner_node *value)
{
    place->kbps = value->load.cameras > 0 ? value->load.kbps / value->load.cameras : 0;
    place->cpu = value->load.cpu;
    place->weight = value->weight;
    place->limit = value->limit;
}

static void note_own(struct owner *owner, const struct owner_node *value, uint64_t revision, uint64_t now_ms)
{
    struct lease_value own = {0};

    if (value) {
        own = (struct lease_value){value->incarnation, value->renewal, value->status >= OWNER_GONE};
    }
    lease_seen(&owner->lease, value ? &own : NULL, revision, now_ms);
    if (owner->lease.renewed_ms > 0) {
        votes_joined(owner, revision, now_ms);
    }
}

int owner_see_node(struct owner *owner, const char *name, const struct owner_node *value, uint64_t revision,
                   uint64_t now_ms)
{
    static const enum peer_state states[] = {PEER_LIVE, PEER_DRAINING, PEER_GONE, PEER_BURIED};

    if (revision == 0 || (value && (value->incarnation == 0 || (unsigned)value->status > OWNER_BURIED))) {
        return -EBADMSG;
    }
    owner->newest = larger(owner->newest, revision);
    int64_t index = view_add_peer(owner, name), site = value ? view_add_site(owner, value->site) : 0;
    if (index < 0 || site < 0) {
        return (int)(index < 0 ? index : site);
    }
    struct peer *peer = owner->peers[index];
    if (revision <= peer->revision) {
        return 0;
    }
    if (index == owner->me) {
        note_own(owner, value, revision, now_ms);
    }
    enum peer_state state = value ? states[value->status] : PEER_ABSENT;
    uint64_t incarnation = value ? value->incarnation : peer->incarnation;
    bool changed = state != peer->state || incarnation != peer->incarnation;
    bool was_open = owner->places[index].open;
    peer->state = state;
    peer->incarnation = incarnation;
    peer->revision = revision;
    peer->shown = value ? value->seen : 0;
    peer->seen_ms = now_ms;
    if (value) {
        set_site(owner, (uint32_t)index, (uint32_t)site);
        note_load(&owner->places[index], value);
    }
    set_open(owner, (uint32_t)index, state == PEER_LIVE);
    set_burial(owner, (uint32_t)index);
    if (changed) {
        peer_changed(owner, (uint32_t)index, !was_open && state == PEER_LIVE, now_ms);
    }
    return 0;
}

/* --- Cameras -------------------------------------------------------------------------------------------- */

/* CAMERA's key names another owner than before. */
static void set_owner(struct owner *owner, struct camera *camera, uint32_t before)
{
    uint32_t node = camera->claim.entry.node;

    if (node == before) {
        return;
    }
    if (before != NAMES_NONE) {
        bool was_open = view_is_open(owner, before);
        LIST_REMOVE(camera, of_owner);
        owner->places[before].cameras--;
        if (view_is_open(owner, before) && !was_open) {
            turns_plan_all_again(owner, true);
            owner->must_move = true;
        }
    }
    if (node != NAMES_NONE) {
        LIST_INSERT_HEAD(&owner->peers[node]->cameras, camera, of_owner);
        owner->places[node].cameras++;
    }
}

static void entry_changed(struct owner *owner, struct camera *camera, uint32_t before, uint64_t now_ms)
{
    const struct claim_entry *entry = &camera->claim.entry;

    set_owner(owner, camera, before);
    if (entry->node != NAMES_NONE && owner->peers[entry->node]->state == PEER_ABSENT) {
        struct peer *peer = owner->peers[entry->node];
        peer->incarnation = larger(peer->incarnation, entry->incarnation);
        peer->seen_ms = peer->seen_ms > 0 ? peer->seen_ms : now_ms;
        set_burial(owner, entry->node);
    }
    if (!view_is_own(owner, camera)) {
        moves_clear(owner, camera);
        camera->well = true;
    } else if (moves_must(owner, camera)) {
        owner->must_move = true;
    }
    turns_refresh(owner, camera);
}

int owner_see_camera(struct owner *owner, const char *name, const struct owner_camera *value,
                     uint64_t revision, uint64_t now_ms)
{
    struct claim_entry entry = {.node = NAMES_NONE, .next = NAMES_NONE};
    struct camera *camera;

    if (revision == 0 || (value && value->node[0] != '\0' && value->incarnation == 0)) {
        return -EBADMSG;
    }
    owner->newest = larger(owner->newest, revision);
    int result = view_add_camera(owner, name, &camera);
    if (result < 0) {
        return result;
    }
    if (value && value->node[0] != '\0') {
        int64_t node = view_add_peer(owner, value->node);
        int64_t next = value->next[0] != '\0' ? view_add_peer(owner, value->next) : NAMES_NONE;
        if (node < 0 || next < 0) {
            return (int)(node < 0 ? node : next);
        }
        entry = (struct claim_entry){.node = (uint32_t)node,
                                     .incarnation = value->incarnation,
                                     .fence = value->fence,
                                     .next = (uint32_t)next,
                                     .next_incarnation = value->next_incarnation,
                                     .ready = value->ready,
                                     .bound = value->bound};
    }
    /* O3: somebody has settled and begins to take cameras. All who are still waiting plan by what the bucket held just before. */
    if (owner->must_plan && !owner->is_settled && camera->is_free && entry.node != NAMES_NONE) {
        turns_plan(owner, now_ms);
    }
    uint32_t before = camera->claim.entry.node;
    if (claim_seen(&camera->claim, &entry, revision)) {
        camera->deleted = !value;
        entry_changed(owner, camera, before, now_ms);
    }
    return 0;
}

void owner_snapshot_begin(struct owner *owner)
{
    owner->has_snapshot = false;
}

void owner_snapshot_done(struct owner *owner, uint64_t now_ms)
{
    owner->has_snapshot = true;
    lease_snapshot_done(&owner->lease, now_ms);
    allow_silence(owner, now_ms);
    for (uint32_t i = 0; i < owner->camera_names.count; i++) {
        if (owner->cameras[i]) {
            turns_refresh(owner, owner->cameras[i]);
        }
    }
}

void owner_answer(struct owner *owner, uint64_t ticket, enum claim_result result, uint64_t revision,
                  uint64_t now_ms)
{
    uint32_t index = (uint32_t)(ticket >> 32) & (uint32_t)(TICKET_OWN / UINT64_C(0x100000000) - 1);

    if (result == CLAIM_WON) {
        owner->newest = larger(owner->newest, revision);
    }
    if (ticket & TICKET_OWN && result == CLAIM_WON) {
        struct lease_value value = {.incarnation = ticket & ~TICKET_OWN};
        lease_written(&owner->lease, &value, revision, now_ms);
    }
    /* A burial is believed when the watch shows it, in its order: O3. */
    if (!(ticket & TICKET_CAMERA) || index >= owner->camera_capacity || !owner->cameras[index]) {
        return;
    }
    struct camera *camera = owner->cameras[index];
    uint32_t before = camera->claim.entry.node;
    if (claim_written(&camera->claim, (uint32_t)ticket, result, revision)) {
        camera->deleted = false;
        entry_changed(owner, camera, before, now_ms);
    }
    view_touch(owner, camera);
}

/* --- Configuration -------------------------------------------------------------------------------------- */

static int copy_wish(struct owner *owner, struct camera *camera, const struct owner_wish *wish)
{
    struct placement_choice *choices = wish->count > 0 ? calloc(wish->count, sizeof(*choices)) : NULL;
    int64_t site = view_add_site(owner, wish->site);

    if (site < 0 || (wish->count > 0 && !choices)) {
        free(choices);
        return site < 0 ? (int)site : -ENOMEM;
    }
    for (size_t i = 0; i < wish->count; i++) {
        int64_t node = view_add_peer(owner, wish->nodes[i].node);
        if (node < 0) {
            free(choices);
            return (int)node;
        }
        choices[i] = (struct placement_choice){(uint32_t)node, wish->nodes[i].tier};
    }
    free(camera->choices);
    camera->choices = choices;
    camera->wish = (struct placement_wish){.site = (uint32_t)site,
                                           .site_only = wish->site_only && site != NAMES_NONE,
                                           .kbps = wish->kbps,
                                           .count = (uint32_t)wish->count,
                                           .nodes = choices};
    camera->one_session = wish->one_session;
    return 0;
}

/* Without a value of its key, and configured nowhere, nothing need be known of a camera. */
static void drop_if_unused(struct owner *owner, struct camera *camera)
{
    if (camera->wanted || (camera->claim.revision > 0 && !camera->deleted) ||
        !claim_is_quiet(&camera->claim) || camera->is_touched) {
        return;
    }
    due_set(&owner->cameras_due, camera->index, UINT64_MAX);
    owner->cameras[camera->index] = NULL;
    names_remove(&owner->camera_names, camera->index);
    free(camera->choices);
    free(camera);
}

int owner_set_camera(struct owner *owner, const char *name, const struct owner_wish *wish)
{
    struct camera *camera;

    if (wish->count > OWNER_WISH_NODES_MAX) {
        return -EINVAL;
    }
    int result = view_add_camera(owner, name, &camera);
    if (result < 0) {
        return result;
    }
    result = copy_wish(owner, camera, wish);
    if (result < 0) {
        drop_if_unused(owner, camera);
        return result;
    }
    camera->wanted = true;
    turns_refresh(owner, camera);
    if (camera->is_free) {
        turns_plan_again(owner, camera);
    }
    if (camera->target != NAMES_NONE && !view_may_have(owner, camera, camera->target)) {
        moves_clear(owner, camera);
    }
    owner->must_move = owner->must_move || moves_must(owner, camera);
    return 0;
}

void owner_remove_camera(struct owner *owner, const char *name)
{
    struct camera *camera = view_find_camera(owner, name);

    if (camera) {
        camera->wanted = false;
        moves_clear(owner, camera);
        turns_refresh(owner, camera);
    }
}

/* --- This node ------------------------------------------------------------------------------------------ */

void owner_set_load(struct owner *owner, const struct owner_load *load)
{
    owner->load = *load;
}

void owner_set_looking(struct owner *owner, bool looking, uint64_t now_ms)
{
    if (looking != owner->looking) {
        owner->looking = looking;
        lease_hurry(&owner->lease, now_ms);
    }
}

void owner_set_draining(struct owner *owner, bool draining, uint64_t now_ms)
{
    struct camera *camera;

    if (draining == owner->draining) {
        return;
    }
    owner->draining = draining;
    owner->must_move = true;
    LIST_FOREACH(camera, &owner->peers[owner->me]->cameras, of_owner) {
        if (!draining && !camera->by_hand) {
            moves_clear(owner, camera);
        }
        view_touch(owner, camera);
    }
    turns_plan_all_again(owner, false);
    lease_hurry(&owner->lease, now_ms);
}

void owner_leave(struct owner *owner, uint64_t now_ms)
{
    if (!owner->leaving) {
        owner->leaving = true;
        for (uint32_t i = 0; i < owner->camera_names.count; i++) {
            if (owner->cameras[i]) {
                view_touch(owner, owner->cameras[i]);
            }
        }
        lease_hurry(&owner->lease, now_ms);
    }
}

bool owner_has_left(const struct owner *owner)
{
    return owner->leaving && owner->busy == 0 && owner->lease.state == LEASE_LEFT;
}

void owner_set_well(struct owner *owner, const char *name, bool well, uint64_t now_ms)
{
    struct camera *camera = view_find_camera(owner, name);

    if (camera && camera->well != well && view_is_own(owner, camera)) {
        camera->well = well;
        camera->away_ms = now_ms + AWAY_MOVE_MS;
        view_touch(owner, camera);
    }
}

void owner_ready(struct owner *owner, const char *name)
{
    struct camera *camera = view_find_camera(owner, name);

    if (camera) {
        claim_ready(&camera->claim);
        view_touch(owner, camera);
    }
}

static bool is_busy(const struct camera *camera)
{
    return camera->claim.mode != CLAIM_REST || camera->claim.stopping > 0;
}

void owner_stopped(struct owner *owner, const char *name)
{
    struct camera *camera = view_find_camera(owner, name);

    if (camera) {
        bool was_busy = is_busy(camera);
        claim_stopped(&camera->claim);
        owner->busy -= was_busy && !is_busy(camera);
        view_touch(owner, camera);
    }
}

/* --- Doing ---------------------------------------------------------------------------------------------- */

/* The lease is held again. */
static void regain(struct owner *owner, uint64_t now_ms)
{
    turns_plan_all_again(owner, false);
    if (owner->settled_ms == 0) {
        owner->settled_ms = now_ms + SETTLE_MS;
    }
}

static void touch_free(struct owner *owner)
{
    struct camera *camera;

    TAILQ_FOREACH(camera, &owner->free, free) {
        view_touch(owner, camera);
    }
}

static void advance(struct owner *owner, uint64_t now_ms)
{
    bool held = lease_held(&owner->lease, now_ms), renewed = lease_renewed(&owner->lease, now_ms);
    uint32_t index;

    if (renewed && !owner->was_renewed) {
        allow_silence(owner, now_ms);
        owner->hold_first_ms = 0;
    }
    owner->was_renewed = renewed;
    if (held != owner->was_held) {
        owner->was_held = held;
        view_touch_own(owner);
        if (held) {
            regain(owner, now_ms);
        }
    }
    if (!owner->is_settled && owner->settled_ms > 0 && now_ms >= owner->settled_ms) {
        owner->is_settled = true;
        touch_free(owner);
    }
    while (due_take(&owner->cameras_due, now_ms, &index)) {
        view_touch(owner, owner->cameras[index]);
    }
    if (owner->must_plan && held && owner->is_settled) {
        turns_plan(owner, now_ms);
    }
    if (owner->must_move && held && !owner->leaving) {
        moves_plan(owner);
    }
}

static bool poll_lease(struct owner *owner, struct owner_action *action, uint64_t now_ms)
{
    struct lease_value value;
    bool gone = owner->leaving && owner->busy == 0;

    if (view_only_looks(owner) ||
        !lease_write(&owner->lease, owner->newest, gone, &value, &action->expected, now_ms)) {
        return false;
    }
    uint32_t site = owner->places[owner->me].site;
    enum owner_node_status status = owner->draining || owner->leaving ? OWNER_DRAINING : OWNER_LIVE;
    action->kind = OWNER_WRITE_NODE;
    action->name = names_text(&owner->node_names, owner->me);
    action->ticket = TICKET_OWN | value.incarnation;
    action->node = (struct owner_node){.incarnation = value.incarnation,
                                       .renewal = value.renewal,
                                       .seen = owner->lease.seen,
                                       .status = value.over ? OWNER_GONE : status,
                                       .site = site != NAMES_NONE ? names_text(&owner->site_names, site) : "",
                                       .weight = owner->options.weight,
                                       .limit = owner->options.limit,
                                       .load = owner->load};
    return true;
}

/* O1. A node whose renewals are not seen does not know whether it is the others who are silent. */
static bool poll_burials(struct owner *owner, struct owner_action *action, uint64_t now_ms)
{
    uint64_t again_ms;
    uint32_t index;
    bool found = false;

    if (!owner->has_snapshot || !lease_renewed(&owner->lease, now_ms) || owner->leaving) {
        return false;
    }
    while (!found && due_take(&owner->peers_due, now_ms, &index)) {
        found = votes_may_bury(owner, index, &again_ms, now_ms);
        if (!found) {
            due_set(&owner->peers_due, index, again_ms);
        }
    }
    if (!found) {
        return false;
    }
    const struct peer *peer = owner->peers[index];
    const struct placement_node *place = &owner->places[index];
    due_set(&owner->peers_due, index, now_ms + BURY_RETRY_MS);
    action->kind = OWNER_WRITE_NODE;
    action->name = names_text(&owner->node_names, index);
    action->expected = peer->revision;
    action->ticket = 0;
    action->node = (struct owner_node){
        .incarnation = larger(1, peer->incarnation),
        .status = OWNER_BURIED,
        .site = place->site != NAMES_NONE ? names_text(&owner->site_names, place->site) : "",
        .weight = place->weight,
        .limit = place->limit};
    return true;
}

static struct claim_context context_of(struct owner *owner, struct camera *camera, uint64_t now_ms,
                                       uint64_t *turn_ms)
{
    const struct claim_entry *entry = &camera->claim.entry;
    uint32_t target = camera->target;

    return (struct claim_context){
        .now_ms = now_ms,
        .me = owner->me,
        .incarnation = owner->lease.incarnation,
        .held = lease_held(&owner->lease, now_ms),
        .leaving = owner->leaving,
        .owner_lives = !owner->has_snapshot || view_owner_lives(owner, entry),
        .next_lives = view_incarnation_lives(owner, entry->next, entry->next_incarnation),
        .wanted = camera->wanted,
        .take = camera->is_free && turns_is_own(owner, camera, now_ms, turn_ms),
        .sole = view_is_sole(owner, camera),
        .one_session = camera->one_session,
        .well = camera->well,
        .target = target,
        .target_incarnation = target != NAMES_NONE ? owner->peers[target]->incarnation : 0,
    };
}

static void tell(const struct owner *owner, const struct camera *camera, const struct claim_action *step,
                 struct owner_action *action)
{
    static const enum owner_kind kinds[] = {[CLAIM_FETCH] = OWNER_FETCH,
                                            [CLAIM_PREPARE] = OWNER_PREPARE,
                                            [CLAIM_STOP] = OWNER_STOP,
                                            [CLAIM_WRITE] = OWNER_WRITE_CAMERA};

    action->kind = kinds[step->kind];
    action->name = names_text(&owner->camera_names, camera->index);
    action->fence = step->fence;
    action->expected = step->expected;
    action->ticket = TICKET_CAMERA | (uint64_t)camera->index << 32 | step->ticket;
    if (step->kind == CLAIM_WRITE) {
        action->camera = (struct owner_camera){.node = view_node_text(owner, step->entry.node),
                                               .incarnation = step->entry.incarnation,
                                               .fence = step->entry.fence,
                                               .next = view_node_text(owner, step->entry.next),
                                               .next_incarnation = step->entry.next_incarnation,
                                               .ready = step->entry.ready,
                                               .bound = step->entry.bound};
    }
}

/* Where CAMERA is to go, before its claim is asked. */
static void look_at_target(struct owner *owner, struct camera *camera, uint64_t now_ms)
{
    if (camera->target != NAMES_NONE && owner->peers[camera->target]->state != PEER_LIVE) {
        moves_clear(owner, camera);
    }
    if (!camera->well && now_ms >= camera->away_ms && camera->target == NAMES_NONE &&
        !view_is_sole(owner, camera)) {
        moves_look_for_better(owner, camera, now_ms);
    }
}

static bool poll_camera(struct owner *owner, struct camera *camera, struct owner_action *action,
                        uint64_t now_ms)
{
    struct claim_action step;
    uint64_t turn_ms = UINT64_MAX;
    bool was_busy = is_busy(camera);
    uint32_t offers = camera->claim.offers;

    look_at_target(owner, camera, now_ms);
    struct claim_context context = context_of(owner, camera, now_ms, &turn_ms);
    claim_step(&camera->claim, &context, &step);
    owner->busy += (uint32_t)is_busy(camera) - (uint32_t)was_busy;
    if (camera->claim.offers > offers) {
        moves_clear(owner, camera);
    }
    if (step.kind != CLAIM_NOTHING) {
        tell(owner, camera, &step, action);
        return true;
    }
    uint64_t due_ms = smaller(claim_due_ms(&camera->claim), turn_ms);
    if (!camera->well && view_is_own(owner, camera)) {
        due_ms = smaller(due_ms, camera->away_ms);
    }
    due_set(&owner->cameras_due, camera->index, due_ms > now_ms ? due_ms : now_ms + AGAIN_MS);
    return false;
}

bool owner_poll(struct owner *owner, struct owner_action *action, uint64_t now_ms)
{
    struct camera *camera;

    *action = (struct owner_action){0};
    advance(owner, now_ms);
    votes_seek_hold(owner, now_ms);
    if (poll_lease(owner, action, now_ms) || poll_burials(owner, action, now_ms) ||
        votes_poll(owner, action)) {
        return true;
    }
    while ((camera = TAILQ_FIRST(&owner->touched))) {
        if (poll_camera(owner, camera, action, now_ms)) {
            return true;
        }
        TAILQ_REMOVE(&owner->touched, camera, touched);
        camera->is_touched = false;
        drop_if_unused(owner, camera);
    }
    /* The last camera has stopped: that the node is gone need not wait. */
    if (owner->leaving && owner->busy == 0 && !owner->lease.gone) {
        lease_hurry(&owner->lease, now_ms);
        return poll_lease(owner, action, now_ms);
    }
    return false;
}

uint64_t owner_next_ms(const struct owner *owner)
{
    uint64_t next_ms =
        smaller(view_only_looks(owner) ? UINT64_MAX : owner->lease.next_ms, due_next_ms(&owner->cameras_due));

    if (!TAILQ_EMPTY(&owner->touched)) {
        return 0;
    }
    if (owner->was_held) {
        next_ms = smaller(next_ms, owner->lease.until_ms);
    }
    if (owner->was_renewed) {
        next_ms = smaller(next_ms, due_next_ms(&owner->peers_due));
    }
    next_ms = smaller(next_ms, votes_hold_due_ms(owner));
    if (!owner->is_settled && owner->settled_ms > 0) {
        next_ms = smaller(next_ms, owner->settled_ms);
    }
    return next_ms;
}

/* --- Looking -------------------------------------------------------------------------------------------- */

uint64_t owner_may_fetch(const struct owner *owner, const char *name, uint64_t now_ms)
{
    const struct camera *camera = view_find_camera(owner, name);

    return camera && camera->claim.mode == CLAIM_FETCHES &&
                   (claim_is_bound(&camera->claim) || lease_held(&owner->lease, now_ms))
               ? camera->claim.fence
               : 0;
}

uint64_t owner_held_until_ms(const struct owner *owner)
{
    return owner->lease.until_ms;
}

uint64_t owner_incarnation(const struct owner *owner)
{
    return owner->lease.state == LEASE_REGISTERED ? owner->lease.incarnation : 0;
}

int owner_where(const struct owner *owner, const char *name, struct owner_place *place)
{
    const struct camera *camera = view_find_camera(owner, name);

    if (!camera) {
        return -ENOENT;
    }
    *place =
        (struct owner_place){.state = camera->claim.state,
                             .node = view_node_text(owner, camera->claim.entry.node),
                             .fence = camera->claim.entry.node != NAMES_NONE ? camera->claim.entry.fence : 0,
                             .next = view_node_text(owner, camera->claim.entry.next),
                             .waits = camera->is_free && camera->is_planned && camera->first == NAMES_NONE};
    return 0;
}

void owner_totals(const struct owner *owner, struct owner_totals *totals)
{
    *totals = (struct owner_totals){0};
    for (uint32_t i = 0; i < owner->camera_names.count; i++) {
        const struct camera *camera = owner->cameras[i];
        if (camera) {
            totals->cameras += camera->wanted;
            totals->own += view_is_own(owner, camera);
            totals->fetched += camera->claim.mode == CLAIM_FETCHES;
            totals->free += camera->is_free;
            totals->stuck += moves_must(owner, camera) && camera->target == NAMES_NONE;
        }
    }
    for (uint32_t i = 0; i < owner->node_names.used; i++) {
        totals->draining += owner->peers[i]->state == PEER_DRAINING;
        totals->nodes += owner->peers[i]->state == PEER_LIVE || owner->peers[i]->state == PEER_DRAINING;
    }
}
