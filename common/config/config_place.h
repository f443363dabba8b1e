/* SPDX-License-Identifier: MIT */
/*
 * Where each line of a configuration's text comes from: the text is put together from several files (config_source.h).
 * Lines count from 1. Part of config.c; one thread.
 */
#ifndef COMMON_CONFIG_CONFIG_PLACE_H
#define COMMON_CONFIG_CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* A line of a file. LINE 0: the file as a whole. */
struct config_place {
    const char *file; /* belongs to the places */
    unsigned line;
};

/* From line FIRST of the text on, lines are those of a file, from the line in PLACE on. */
struct config_segment {
    unsigned first;
    struct config_place place;
};

/* Zeroed at first. */
struct config_places {
    char **files; /* owned; the first one is the configuration file itself */
    size_t file_count;
    const char **public_files; /* of these, those that every user of the machine can read */
    size_t public_count;
    struct config_segment *segments; /* in the order of the text */
    size_t segment_count;
};

/* Another file. NAME is malloc'ed and belongs to PLACES from now on. Returns it. */
const char *config_places_add_file(struct config_places *places, char *name);

/* From line FIRST of the text on, lines come from FILE, its line LINE first. */
void config_places_begin(struct config_places *places, unsigned first, const char *file, unsigned line);

/* FILE can be read by every user of the machine. */
void config_places_note_public(struct config_places *places, const char *file);
bool config_places_is_public(const struct config_places *places, const char *file);

/* LINE of the text; 0: the configuration file as a whole. */
struct config_place config_places_find(const struct config_places *places, unsigned line);

void config_places_finish(struct config_places *places);

#endif
