/* SPDX-License-Identifier: MIT */
#include "fanout/feed/init_cache.h"

#include <errno.h>
#include <string.h>

#include "common/base/hash.h"

json_t *init_cache_mime(const char *codecs)
{
    return json_sprintf("video/mp4; codecs=\"%s\"", codecs);
}

static int fill(struct init_cache *cache, const ringcast_generation *generation)
{
    const char *codecs = generation->codecs;
    uint64_t hash = hash_add(HASH_START, codecs, strlen(codecs) + 1);
    hash = hash_add(hash, packet_payload(&cache->segment), generation->init_length);
    json_t *text =
        json_pack("{s:s, s:o?, s:s, s:I, s:I, s:I}", "type", "init", "mime", init_cache_mime(codecs),
                  "codecs", codecs, "width", (json_int_t)generation->width, "height",
                  (json_int_t)generation->height, "generation", (json_int_t)generation->number);
    int result = packet_set_json(&cache->text, text);
    if (result < 0) {
        return result;
    }
    cache->segment.length = generation->init_length;
    memcpy(cache->codecs, codecs, strlen(codecs) + 1);
    tracks_read(packet_payload(&cache->segment), cache->segment.length, &cache->tracks);
    cache->generation = generation->number;
    cache->id = hash ? hash : 1;
    return 0;
}

int init_cache_load(struct init_cache *cache, const ringcast_reader *reader, uint32_t generation)
{
    if (generation && generation == cache->generation && reader == cache->ring) {
        return 0;
    }
    ringcast_generation found = {0};
    cache->generation = 0;
    int result = packet_reserve(&cache->segment, RINGCAST_INIT_MAX);
    if (result == 0) {
        result = ringcast_init_segment(reader, generation, packet_payload(&cache->segment), RINGCAST_INIT_MAX,
                                       &found);
    }
    if (result < 0) {
        return result == -ENOSPC ? -EBADMSG : result;
    }
    if (found.number == 0 || !memchr(found.codecs, '\0', sizeof(found.codecs))) {
        return -EBADMSG;
    }
    cache->ring = reader;
    return fill(cache, &found);
}

void init_cache_clear(struct init_cache *cache)
{
    packet_finish(&cache->text);
    packet_finish(&cache->segment);
    cache->generation = 0;
    cache->id = 0;
}
