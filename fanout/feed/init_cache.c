/* SPDX-License-Identifier: MIT */
#include "fanout/feed/init_cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "fanout/feed/codec_choice.h"

json_t *init_cache_mime(const char *codecs)
{
    return json_sprintf("video/mp4; codecs=\"%s\"", codecs);
}

/* The text message for CODECS. */
static json_t *describe(const struct init_cache *cache, const char *codecs, json_int_t generation)
{
    return json_pack("{s:s, s:o?, s:s, s:I, s:I, s:I}", "type", "init", "mime", init_cache_mime(codecs),
                     "codecs", codecs, "width", (json_int_t)cache->width, "height", (json_int_t)cache->height,
                     "generation", generation);
}

static int fill(struct init_cache *cache, const ringcast_generation *generation)
{
    const char *codecs = generation->codecs;
    uint64_t hash = hash_add(HASH_START, codecs, strlen(codecs) + 1);
    hash = hash_add(hash, packet_payload(&cache->segment), generation->init_length);
    cache->width = generation->width;
    cache->height = generation->height;
    cache->picture_segment.length = 0;
    json_t *text = describe(cache, codecs, generation->number);
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

int init_cache_make_picture(struct init_cache *cache)
{
    char codecs[RINGCAST_CODECS_SIZE];
    const struct packet *whole = &cache->segment;

    if (cache->picture_segment.length > 0) {
        return 0;
    }
    int result = packet_reserve(&cache->picture_segment, whole->length);
    if (result < 0) {
        return result;
    }
    size_t picture =
        cache->tracks.sound_key ? codec_choice_picture_length(cache->codecs) : strlen(cache->codecs);
    snprintf(codecs, sizeof(codecs), "%.*s", (int)picture, cache->codecs);
    result = packet_set_json(&cache->picture_text, describe(cache, codecs, cache->generation));
    if (result == 0) {
        cache->picture_segment.length = tracks_copy_picture(
            packet_payload(whole), whole->length, &cache->tracks, packet_payload(&cache->picture_segment));
    }
    return result;
}

void init_cache_clear(struct init_cache *cache)
{
    packet_finish(&cache->text);
    packet_finish(&cache->segment);
    packet_finish(&cache->picture_text);
    packet_finish(&cache->picture_segment);
    cache->generation = 0;
    cache->id = 0;
}
