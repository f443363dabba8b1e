#include "common/config/config_camera.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/config_memory.h"

static void free_secret(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
    }
    free(secret);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void config_camera_copy(struct config_camera *to, const struct config_camera *from)
{
    *to = *from;
    to->name = config_copy_text(from->name);
    to->url = config_copy_text(from->url);
    to->username = config_copy_text(from->username);
    to->password = config_copy_text(from->password);
    to->tls_fingerprint = config_copy_text(from->tls_fingerprint);
}

void config_camera_finish(struct config_camera *camera)
{
    free(camera->name);
    free_secret(camera->url);
    free(camera->username);
    free_secret(camera->password);
    free(camera->tls_fingerprint);
    camera->tls_fingerprint = NULL;
    camera->name = camera->url = camera->username = camera->password = NULL;
}

bool config_is_sub(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* Everything that a worker is told and that is no string. */
static unsigned flags(const struct config_camera *camera)
{
    return (unsigned)camera->audio_codec << 8 | (unsigned)camera->transport << 4 |
           (unsigned)camera->audio << 3 | (unsigned)camera->show_damaged << 2 |
           (unsigned)camera->tls_verify << 1 | (unsigned)camera->allow_redirect;
}

bool config_camera_same_task(const struct config_camera *a, const struct config_camera *b)
{
    return same(a->name, b->name) && same(a->url, b->url) && same(a->username, b->username) &&
           same(a->password, b->password) && same(a->tls_fingerprint, b->tls_fingerprint) &&
           flags(a) == flags(b);
}

bool config_camera_equal(const struct config_camera *a, const struct config_camera *b)
{
    return config_camera_same_task(a, b) && a->ring_size == b->ring_size &&
           a->ring_size_max == b->ring_size_max && a->enabled == b->enabled && a->on_demand == b->on_demand &&
           a->on_demand_idle == b->on_demand_idle;
}

/* FNV-1a; the separator keeps "ab","c" apart from "a","bc", and NULL from "". */
static uint64_t add(uint64_t hash, const char *text)
{
    hash = (hash ^ (text == NULL ? 1u : 2u)) * UINT64_C(1099511628211);
    for (const char *c = text == NULL ? "" : text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return hash;
}

uint64_t config_camera_task_hash(const struct config_camera *camera)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    hash = add(hash, camera->name);
    hash = add(hash, camera->url);
    hash = add(hash, camera->username);
    hash = add(hash, camera->password);
    hash = add(hash, camera->tls_fingerprint);
    return (hash ^ flags(camera)) * UINT64_C(1099511628211);
}
