#include "fanout/http/gate.h"

#include <stdlib.h>
#include <string.h>

struct permit {
    struct gate *gate;
    unsigned references;
    enum gate_right right;
    char camera[]; /* "" unless it is for a camera */
};

/* NULL: no memory. */
static struct permit *permit_new(struct gate *gate, enum gate_right right, const char *camera)
{
    size_t length = strlen(camera);
    struct permit *permit = malloc(sizeof(*permit) + length + 1);

    if (permit) {
        *permit = (struct permit){.gate = gate, .references = 1, .right = right};
        memcpy(permit->camera, camera, length + 1);
        gate->permits++;
    }
    return permit;
}

struct permit *permit_ref(struct permit *permit)
{
    permit->references++;
    return permit;
}

void permit_unref(struct permit *permit)
{
    if (permit && --permit->references == 0) {
        permit->gate->permits--;
        free(permit);
    }
}

bool permit_covers(const struct permit *permit, enum gate_right right, const char *camera)
{
    return permit && permit->right >= right && (right != GATE_CAMERA || strcmp(permit->camera, camera) == 0);
}

enum gate_verdict gate_ask(struct gate *gate, struct lws *wsi, enum gate_right right, const char *camera,
                           struct permit **permit)
{
    (void)wsi;
    *permit = permit_new(gate, right, camera ? camera : "");
    return *permit ? GATE_OPEN : GATE_BUSY;
}
