/*
 * Single values, from libconfig's setting to the member that it is for, checked on the way. Part of config.c.
 * What is wrong with a value goes to the reader's report with file, line and field.
 */
#ifndef COMMON_CONFIG_CONFIG_VALUE_H
#define COMMON_CONFIG_CONFIG_VALUE_H

#include <libconfig.h>

#include "common/config/config.h"
#include "common/config/config_report.h"
#include "common/config/config_settings.h"
#include "common/config/config_source.h"

/* Bytes of a field's name, such as "cameras[999].transport". */
#define CONFIG_FIELD_SIZE 128

/* One group of settings while it is read: the file's, or a camera's. */
struct config_reader {
    struct config *config;
    struct config_report *report;
    const struct config_source *source;
    const config_setting_t *group;
    void *object;              /* what the offsets are in */
    bool inherits;             /* what is not given has its value already */
    struct config_camera *sub; /* where the camera's sub stream goes */
    const char *prefix;        /* of its fields: "" or "cameras[2]." */
    unsigned line;
};

/* Reports against setting NAME of the reader's group, at LINE. */
void config_report_at(const struct config_reader *reader, unsigned line, const char *name, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

/* Where setting NAME stands, or its group, if it is not there. */
unsigned config_line_of(const struct config_reader *reader, const char *name);

/* "a string", as errors call what was found. */
const char *config_type_name(const config_setting_t *given);

/* False, reported: GIVEN has another type than SETTING. */
bool config_check_kind(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given);

/* Each stores VALUE where SETTING says if it is within SETTING's bounds, and reports it otherwise. */
void config_take_string(const struct config_reader *reader, const struct setting *setting, const char *value);
void config_take_url(const struct config_reader *reader, const struct setting *setting, const char *value);
void config_take_listen(const struct config_reader *reader, const struct setting *setting, const char *value);
void config_take_choice(const struct config_reader *reader, const struct setting *setting, const char *value);
void config_take_integer(const struct config_reader *reader, const struct setting *setting, long long value);
void config_take_count(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given);
void config_take_boolean(const struct config_reader *reader, const struct setting *setting, bool value);

#endif
