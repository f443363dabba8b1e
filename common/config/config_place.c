/* SPDX-License-Identifier: MIT */
#include "common/config/config_place.h"

#include "common/config/config_memory.h"

const char *config_places_add_file(struct config_places *places, char *name)
{
    places->files = config_need(reallocarray(places->files, places->file_count + 1, sizeof(*places->files)));
    places->files[places->file_count++] = config_need(name);
    return name;
}

void config_places_begin(struct config_places *places, unsigned first, const char *file, unsigned line)
{
    places->segments =
        config_need(reallocarray(places->segments, places->segment_count + 1, sizeof(*places->segments)));
    places->segments[places->segment_count++] =
        (struct config_segment){.first = first, .place = {.file = file, .line = line}};
}

void config_places_note_public(struct config_places *places, const char *file)
{
    places->public_files = config_need(
        reallocarray(places->public_files, places->public_count + 1, sizeof(*places->public_files)));
    places->public_files[places->public_count++] = file;
}

bool config_places_is_public(const struct config_places *places, const char *file)
{
    for (size_t i = 0; i < places->public_count; i++) {
        if (places->public_files[i] == file) {
            return true;
        }
    }
    return false;
}

struct config_place config_places_find(const struct config_places *places, unsigned line)
{
    struct config_place place = {.file = places->files[0], .line = line};

    for (size_t i = 0; i < places->segment_count && places->segments[i].first <= line; i++) {
        place = places->segments[i].place;
        place.line += line - places->segments[i].first;
    }
    return place;
}

void config_places_finish(struct config_places *places)
{
    for (size_t i = 0; i < places->file_count; i++) {
        free(places->files[i]);
    }
    free(places->files);
    free(places->public_files);
    free(places->segments);
    *places = (struct config_places){0};
}
