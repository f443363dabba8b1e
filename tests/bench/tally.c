/* SPDX-License-Identifier: MIT */
#include "tests/bench/tally.h"

#include <stdio.h>
#include <stdlib.h>

struct tally *tally_create(void)
{
    return calloc(1, sizeof(struct tally));
}

void tally_destroy(struct tally *tally)
{
    free(tally);
}

void tally_add_close(struct tally *tally, int code)
{
    struct tally_close *last = &tally->closes[TALLY_CLOSE_CODES - 1];
    for (struct tally_close *close = tally->closes; close <= last; close++) {
        if (close->count == 0 && close != last) {
            close->code = code;
        }
        if (close->code == code || close == last) {
            close->count++;
            return;
        }
    }
}

static void set_count(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *closes_json(const struct tally *tally)
{
    json_t *closes = json_object();
    for (size_t i = 0; i < TALLY_CLOSE_CODES && tally->closes[i].count > 0; i++) {
        char code[16];
        snprintf(code, sizeof code, "%d", tally->closes[i].code);
        set_count(closes, code, tally->closes[i].count);
    }
    return closes;
}

json_t *tally_json(const struct tally *tally)
{
    json_t *object = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"viewers", tally->viewers},
        {"joined", tally->joined},
        {"refused", tally->refused},
        {"broken", tally->broken},
        {"inits", tally->inits},
        {"texts", tally->texts},
        {"pings", tally->pings},
        {"fragments", tally->fragments},
        {"bytes", tally->bytes},
        {"lost", tally->lost},
        {"duplicated", tally->duplicated},
        {"disordered", tally->disordered},
        {"first_not_keyframe", tally->first_not_keyframe},
        {"after_drop_not_keyframe", tally->after_drop_not_keyframe},
        {"keyframe_flag_wrong", tally->keyframe_flag_wrong},
        {"frames_missing", tally->frames_missing},
        {"frames_repeated", tally->frames_repeated},
        {"unstamped", tally->unstamped},
        {"unreadable", tally->unreadable},
        {"drops", tally->drops},
        {"dropped_fragments", tally->dropped_fragments},
        {"interval_fragments", tally->interval_fragments},
        {"interval_bytes", tally->interval_bytes},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        set_count(object, counts[i].name, counts[i].value);
    }
    json_object_set_new(object, "closes", closes_json(tally));
    json_object_set_new(object, "upgrade_ms", histogram_json(&tally->upgrade));
    json_object_set_new(object, "join_ms", histogram_json(&tally->join));
    json_object_set_new(object, "latency_ms", histogram_json(&tally->latency));
    json_object_set_new(object, "ring_to_socket_ms", histogram_json(&tally->ring_to_socket));
    return object;
}
