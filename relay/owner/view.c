/* SPDX-License-Identifier: MIT */
#include "relay/owner/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Making and growing --------------------------------------------------------------------------------- */

static int grow_peers(struct owner *owner, uint32_t index)
{
    uint32_t capacity = owner->peer_capacity > 0 ? 2 * owner->peer_capacity : 16;

    if (index < owner->peer_capacity) {
        return 0;
    }
    struct peer **peers = realloc(owner->peers, capacity * sizeof(struct peer *));
    if (!peers) {
        return -ENOMEM;
    }
    owner->peers = peers;
    struct placement_node *places = realloc(owner->places, capacity * sizeof(*places));
    if (!places) {
        return -ENOMEM;
    }
    owner->places = places;
    owner->peer_capacity = capacity;
    return 0;
}

/* The index of the node called NAME, which need not have been seen; negative errno. */
int64_t view_add_peer(struct owner *owner, const char *name)
{
    uint32_t index = names_find(&owner->node_names, name);

    if (index != NAMES_NONE) {
        return index;
    }
    if (name[0] == '\0' || strlen(name) > NAMES_LENGTH_MAX) {
        return -EINVAL;
    }
    if (owner->node_names.used >= owner->node_names.max) {
        return -ENOSPC;
    }
    /* Nodes are never removed, so the next index is known. */
    index = owner->node_names.count;
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer || grow_peers(owner, index) < 0 || due_reserve(&owner->peers_due, index + 1) < 0 ||
        names_add(&owner->node_names, name) != index) {
        free(peer);
        return -ENOMEM;
    }
    LIST_INIT(&peer->cameras);
    peer->index = index;
    owner->peers[index] = peer;
    owner->places[index] = (struct placement_node){.site = NAMES_NONE, .hash = names_hash_text(name)};
    return index;
}

/* The index of a site; "": NAMES_NONE; negative errno. */
int64_t view_add_site(struct owner *owner, const char *name)
{
    if (!name || name[0] == '\0') {
        return NAMES_NONE;
    }
    uint32_t index = names_add(&owner->site_names, name);
    if (index == NAMES_NONE) {
        return strlen(name) > NAMES_LENGTH_MAX ? -EINVAL : -ENOSPC;
    }
    if (index >= owner->site_capacity) {
        uint32_t capacity = owner->site_capacity > 0 ? 2 * owner->site_capacity : 16;
        uint32_t *open_at = realloc(owner->open_at, capacity * sizeof(*open_at));
        if (!open_at) {
            names_remove(&owner->site_names, index);
            return -ENOMEM;
        }
        memset(open_at + owner->site_capacity, 0, (capacity - owner->site_capacity) * sizeof(*open_at));
        owner->open_at = open_at;
        owner->site_capacity = capacity;
    }
    return index;
}

static int grow_cameras(struct owner *owner, uint32_t index)
{
    uint32_t capacity = owner->camera_capacity > 0 ? 2 * owner->camera_capacity : 64;

    if (index < owner->camera_capacity) {
        return 0;
    }
    struct camera **cameras = realloc(owner->cameras, capacity * sizeof(struct camera *));
    if (!cameras) {
        return -ENOMEM;
    }
    memset(cameras + owner->camera_capacity, 0,
           (capacity - owner->camera_capacity) * sizeof(struct camera *));
    owner->cameras = cameras;
    owner->camera_capacity = capacity;
    return 0;
}

struct camera *view_find_camera(const struct owner *owner, const char *name)
{
    uint32_t index = names_find(&owner->camera_names, name);

    return index != NAMES_NONE ? owner->cameras[index] : NULL;
}

int view_add_camera(struct owner *owner, const char *name, struct camera **found)
{
    *found = view_find_camera(owner, name);
    if (*found) {
        return 0;
    }
    if (name[0] == '\0' || strlen(name) > NAMES_LENGTH_MAX) {
        return -EINVAL;
    }
    if (owner->camera_names.used >= owner->camera_names.max) {
        return -ENOSPC;
    }
    struct camera *camera = calloc(1, sizeof(*camera));
    uint32_t index = camera ? names_add(&owner->camera_names, name) : NAMES_NONE;
    if (index == NAMES_NONE) {
        free(camera);
        return -ENOMEM;
    }
    if (grow_cameras(owner, index) < 0 || due_reserve(&owner->cameras_due, index + 1) < 0) {
        names_remove(&owner->camera_names, index);
        free(camera);
        return -ENOMEM;
    }
    camera->index = index;
    camera->well = true;
    camera->target = camera->first = camera->second = NAMES_NONE;
    claim_init(&camera->claim);
    camera->claim.ticket =
        owner->made++ << 12; /* answers for another camera that had this index are not taken for its own */
    owner->cameras[index] = *found = camera;
    return 0;
}

/* --- What is so ----------------------------------------------------------------------------------------- */

uint64_t view_camera_hash(const struct owner *owner, const struct camera *camera)
{
    return names_hash(&owner->camera_names, camera->index);
}

/*
 * O2. An incarnation that is later than the one that is known registered after what is known of its node. A node without a key must be buried
 * first, as one that is silent.
 */
bool view_incarnation_lives(const struct owner *owner, uint32_t node, uint64_t incarnation)
{
    const struct peer *peer = node != NAMES_NONE ? owner->peers[node] : NULL;

    if (!peer || incarnation != peer->incarnation) {
        return peer && incarnation > peer->incarnation;
    }
    return peer->state != PEER_GONE && peer->state != PEER_BURIED;
}

bool view_owner_lives(const struct owner *owner, const struct claim_entry *entry)
{
    return (entry->bound && entry->node != NAMES_NONE && entry->node != owner->me) ||
           view_incarnation_lives(owner, entry->node, entry->incarnation);
}

bool view_only_looks(const struct owner *owner)
{
    return owner->looking && owner->lease.incarnation == 0;
}

bool view_is_own(const struct owner *owner, const struct camera *camera)
{
    return camera->claim.entry.node == owner->me && owner->lease.incarnation != 0 &&
           camera->claim.entry.incarnation == owner->lease.incarnation;
}

bool view_is_open(const struct owner *owner, uint32_t node)
{
    const struct placement_node *place = &owner->places[node];

    return place->open && (place->limit == 0 || place->cameras < place->limit);
}

bool view_may_have(const struct owner *owner, const struct camera *camera, uint32_t node)
{
    return camera->wanted && placement_tier(&camera->wish, owner->places, node) != UINT32_MAX;
}

bool view_is_sole(const struct owner *owner, const struct camera *camera)
{
    return camera->wanted && camera->wish.count == 1 && camera->wish.nodes[0].node == owner->me &&
           view_may_have(owner, camera, owner->me);
}

void view_touch(struct owner *owner, struct camera *camera)
{
    if (!camera->is_touched) {
        camera->is_touched = true;
        TAILQ_INSERT_TAIL(&owner->touched, camera, touched);
    }
}

void view_touch_own(struct owner *owner)
{
    struct camera *camera;

    LIST_FOREACH(camera, &owner->peers[owner->me]->cameras, of_owner) {
        view_touch(owner, camera);
    }
}

/* Its bit rate: configured, or as those of the node that had it were in the mean. */
struct placement_wish view_wish(const struct owner *owner, const struct camera *camera)
{
    struct placement_wish wish = camera->wish;

    if (wish.kbps == 0 && camera->claim.entry.node != NAMES_NONE) {
        wish.kbps = owner->places[camera->claim.entry.node].kbps;
    }
    return wish;
}

const char *view_node_text(const struct owner *owner, uint32_t node)
{
    return node != NAMES_NONE ? names_text(&owner->node_names, node) : "";
}
