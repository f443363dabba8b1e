/* SPDX-License-Identifier: MIT */
#include "fanout/feed/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Memory grows in steps of this many bytes, so that fragments of slightly differing size do not reallocate.
 */
#define PACKET_STEP 4096u

int packet_reserve(struct packet *packet, size_t room)
{
    if (packet->memory && packet->room >= room) {
        return 0;
    }
    if (room > SIZE_MAX - PACKET_BEFORE - PACKET_TAIL - PACKET_STEP) {
        return -ENOMEM;
    }
    size_t size = (PACKET_BEFORE + room + PACKET_TAIL + PACKET_STEP - 1) / PACKET_STEP * PACKET_STEP;
    uint8_t *memory = malloc(size);
    if (!memory) {
        return -ENOMEM;
    }
    free(packet->memory);
    packet->memory = memory;
    packet->room = size - PACKET_BEFORE - PACKET_TAIL;
    packet->length = 0;
    return 0;
}

uint8_t *packet_payload(const struct packet *packet)
{
    return packet->memory + PACKET_BEFORE;
}

int packet_set_json(struct packet *packet, json_t *object)
{
    int result = -ENOMEM;
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    packet->length = 0;
    if (text && packet_reserve(packet, strlen(text)) == 0) {
        packet->length = strlen(text);
        memcpy(packet_payload(packet), text, packet->length);
        result = 0;
    }
    free(text);
    json_decref(object);
    return result;
}

bool packet_send(const struct packet *packet, struct lws *wsi, enum lws_write_protocol kind)
{
    return lws_write(wsi, packet_payload(packet), packet->length, kind) >= 0;
}

void packet_finish(struct packet *packet)
{
    free(packet->memory);
    *packet = (struct packet){0};
}
