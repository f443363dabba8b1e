#include "common/config/config_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/config/camera_task.h"
#include "common/config/config_check.h"
#include "common/config/config_memory.h"

void config_report_at(const struct config_reader *reader, unsigned line, const char *name, const char *format,
                      ...)
{
    char field[CONFIG_FIELD_SIZE];
    char text[CONFIG_PROBLEM_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(field, sizeof(field), "%s%.64s", reader->prefix, name);
    config_report_add(reader->report, line, field, "%s", text);
}

unsigned config_line_of(const struct config_reader *reader, const char *name)
{
    const config_setting_t *given = config_setting_get_member(reader->group, name);

    return given != NULL ? config_setting_source_line(given) : reader->line;
}

const char *config_type_name(const config_setting_t *given)
{
    switch (config_setting_type(given)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "a boolean";
    case CONFIG_TYPE_ARRAY:
        return "an array";
    case CONFIG_TYPE_LIST:
        return "a list";
    default:
        return "nothing";
    }
}

static bool has_kind(enum setting_kind kind, const config_setting_t *given)
{
    int type = config_setting_type(given);

    switch (kind) {
    case SETTING_BOOLEAN:
        return type == CONFIG_TYPE_BOOL;
    case SETTING_INTEGER:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    case SETTING_COUNT:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 || type == CONFIG_TYPE_STRING;
    case SETTING_GROUP:
        return type == CONFIG_TYPE_GROUP;
    case SETTING_SUB:
        return type == CONFIG_TYPE_GROUP || type == CONFIG_TYPE_STRING;
    case SETTING_CAMERAS:
        return type == CONFIG_TYPE_LIST;
    default:
        return type == CONFIG_TYPE_STRING;
    }
}

bool config_check_kind(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    static const char *const expected[] = {
        [SETTING_BOOLEAN] = "a boolean",
        [SETTING_INTEGER] = "an integer",
        [SETTING_COUNT] = "an integer or \"auto\"",
        [SETTING_GROUP] = "a group",
        [SETTING_SUB] = "a string or a group",
        [SETTING_CAMERAS] = "a list of groups",
    };
    static const char *const advice[] = {
        [SETTING_BOOLEAN] = "write true or false, without quotes",
        [SETTING_INTEGER] = "write a whole number, without quotes",
        [SETTING_COUNT] = "write a whole number, or \"auto\"",
        [SETTING_GROUP] = "write { … };",
        [SETTING_SUB] = "write sub = \"rtsp://…\"; or sub = { url = \"rtsp://…\"; … };",
        [SETTING_CAMERAS] = "write cameras = ( { … }, { … } );",
    };
    bool string = setting->kind >= sizeof(expected) / sizeof(expected[0]) || expected[setting->kind] == NULL;

    if (has_kind(setting->kind, given)) {
        return true;
    }
    config_report_at(reader, config_setting_source_line(given), setting->name, "expected %s, found %s; %s",
                     string ? "a string" : expected[setting->kind], config_type_name(given),
                     string ? "put it in double quotes" : advice[setting->kind]);
    return false;
}

/* What holds for every string, and for this setting's. */
static bool check_string(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    unsigned line = config_line_of(reader, setting->name);
    long long length = (long long)strlen(value);

    if (!text_is_utf8(value)) {
        config_report_at(reader, line, setting->name, "not valid UTF-8; save the file as UTF-8");
    } else if (length < setting->min) {
        config_report_at(reader, line, setting->name, "empty; give a value or remove the setting");
    } else if (length > setting->max) {
        config_report_at(reader, line, setting->name, "%lld bytes; use at most %lld", length, setting->max);
    } else if (setting->check != NULL && !setting->check(value, why)) {
        config_report_at(reader, line, setting->name, "%s", why);
    } else {
        return true;
    }
    return false;
}

void config_take_string(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    if (!check_string(reader, setting, value)) {
        return;
    }
    char *copy = config_need(strdup(value));
    memcpy((char *)reader->object + setting->offset, &copy, sizeof(copy));
    if ((setting->flags & SETTING_SECRET) != 0) {
        log_add_secret(value);
    }
}

/* A URL that is refused may hold a password, too. */
void config_take_url(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    camera_task_hide_url(value);
    config_take_string(reader, setting, value);
}

void config_take_listen(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    struct config_address address = {0};

    if (!check_string(reader, setting, value)) {
        return;
    }
    if (config_parse_listen(value, &address.host, &address.port, why)) {
        memcpy((char *)reader->object + setting->offset, &address, sizeof(address));
    } else {
        config_report_at(reader, config_line_of(reader, setting->name), setting->name, "%s", why);
    }
}

void config_take_choice(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    char names[CONFIG_FIELD_SIZE] = "";

    for (const struct setting_choice *choice = setting->choices; choice->name != NULL; choice++) {
        if (strcmp(value, choice->name) == 0) {
            memcpy((char *)reader->object + setting->offset, &choice->value, sizeof(choice->value));
            return;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", choice->name);
    }
    config_report_at(reader, config_line_of(reader, setting->name), setting->name,
                     "unknown value \"%.32s\"; use one of %s", value, names);
}

void config_take_integer(const struct config_reader *reader, const struct setting *setting, long long value)
{
    size_t size = (size_t)value;

    if (value < setting->min || value > setting->max) {
        config_report_at(reader, config_line_of(reader, setting->name), setting->name,
                         "%lld is out of range; use %lld to %lld", value, setting->min, setting->max);
    } else if (setting->step != 0 && value % setting->step != 0) {
        config_report_at(reader, config_line_of(reader, setting->name), setting->name,
                         "%lld is not a multiple of %lld; use one from %lld to %lld", value, setting->step,
                         setting->min, setting->max);
    } else {
        memcpy((char *)reader->object + setting->offset, &size, sizeof(size));
    }
}

void config_take_count(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    const char *text = config_setting_get_string(given);
    const size_t automatic = 0;

    if (text == NULL) {
        config_take_integer(reader, setting, config_setting_get_int64(given));
    } else if (strcmp(text, "auto") != 0) {
        config_report_at(reader, config_setting_source_line(given), setting->name,
                         "unknown value \"%.32s\"; use %lld to %lld, or \"auto\"", text, setting->min,
                         setting->max);
    } else {
        memcpy((char *)reader->object + setting->offset, &automatic, sizeof(automatic));
    }
}

void config_take_boolean(const struct config_reader *reader, const struct setting *setting, bool value)
{
    memcpy((char *)reader->object + setting->offset, &value, sizeof(value));
}
