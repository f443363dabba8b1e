/* SPDX-License-Identifier: MIT */
/*
 * Reading walks the table of settings (config_settings.h), not the file: a setting that the file does not have gets its
 * default in the same way as a given value. Names that the table does not know are reported first. Last come the checks
 * of settings against each other, for those that are right in themselves.
 */
#include "common/config/config_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/config/camera_remote.h"
#include "common/config/camera_url.h"
#include "common/config/config_access.h"
#include "common/config/config_check.h"
#include "common/config/config_memory.h"
#include "common/config/config_reader.h"
#include "common/config/config_settings.h"

/* --- Single values -------------------------------------------------------------------------------------- */

void config_reader_report(const struct config_reader *reader, unsigned line, const char *name,
                          const char *format, ...)
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

unsigned config_reader_line(const struct config_reader *reader, const char *name)
{
    const config_setting_t *given = reader->group ? config_setting_get_member(reader->group, name) : NULL;

    return given ? config_setting_source_line(given) : reader->line;
}

/* "a string", as errors call what was found. */
static const char *type_name(const config_setting_t *given)
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
    case SETTING_STRINGS:
        return type == CONFIG_TYPE_LIST || type == CONFIG_TYPE_ARRAY;
    case SETTING_GROUPS:
    case SETTING_CAMERAS:
        return type == CONFIG_TYPE_LIST;
    default:
        return type == CONFIG_TYPE_STRING;
    }
}

/* False, reported: GIVEN has another type than SETTING. */
static bool check_kind(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    static const char *const expected[] = {
        [SETTING_BOOLEAN] = "a boolean",
        [SETTING_INTEGER] = "an integer",
        [SETTING_COUNT] = "an integer or \"auto\"",
        [SETTING_GROUP] = "a group",
        [SETTING_SUB] = "a string or a group",
        [SETTING_STRINGS] = "a list of strings",
        [SETTING_GROUPS] = "a list of groups",
        [SETTING_CAMERAS] = "a list of groups",
    };
    static const char *const advice[] = {
        [SETTING_BOOLEAN] = "write true or false, without quotes",
        [SETTING_INTEGER] = "write a whole number, without quotes",
        [SETTING_COUNT] = "write a whole number, or \"auto\"",
        [SETTING_GROUP] = "write { … };",
        [SETTING_SUB] = "write sub = \"rtsp://…\"; or sub = { url = \"rtsp://…\"; … };",
        [SETTING_STRINGS] = "put parentheses around it",
        [SETTING_GROUPS] = "write ( { … }, { … } );",
        [SETTING_CAMERAS] = "write cameras = ( { … }, { … } );",
    };
    bool string = setting->kind >= sizeof(expected) / sizeof(expected[0]) || !expected[setting->kind];

    if (has_kind(setting->kind, given)) {
        return true;
    }
    config_reader_report(reader, config_setting_source_line(given), setting->name,
                         "expected %s, found %s; %s", string ? "a string" : expected[setting->kind],
                         type_name(given), string ? "put it in double quotes" : advice[setting->kind]);
    return false;
}

/* The checks for every string, and the setting's own. Reports against FIELD at LINE. */
static bool check_text(const struct config_reader *reader, const struct setting *setting, const char *field,
                       unsigned line, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    long long length = (long long)strlen(value);

    if (!text_is_utf8(value)) {
        config_reader_report(reader, line, field, "not valid UTF-8; save the file as UTF-8");
    } else if (length < setting->min) {
        config_reader_report(reader, line, field, "empty; give a value or remove the setting");
    } else if (length > setting->max) {
        config_reader_report(reader, line, field, "%lld bytes; use at most %lld", length, setting->max);
    } else if (setting->check && !setting->check(value, why)) {
        config_reader_report(reader, line, field, "%s", why);
    } else {
        return true;
    }
    return false;
}

static bool check_string(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    return check_text(reader, setting, setting->name, config_reader_line(reader, setting->name), value);
}

/* Each take_… stores VALUE where SETTING says if it is within SETTING's bounds, and reports it otherwise. */

/* A password stands where SETTING stands. */
static void note_password(const struct config_reader *reader, const struct setting *setting)
{
    const config_setting_t *given = config_setting_get_member(reader->group, setting->name);
    unsigned line = given ? config_setting_source_line(given) : 0;

    if (line == 0 || reader->config->exposed) {
        return; /* it was set at run time */
    }
    const char *file = config_places_find(reader->places, line).file;
    if (config_places_is_public(reader->places, file)) {
        reader->config->exposed = config_need(strdup(file));
    }
}

static void take_string(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    if (!check_string(reader, setting, value)) {
        return;
    }
    char *copy = config_need(strdup(value));
    memcpy((char *)reader->object + setting->offset, &copy, sizeof(copy));
    if ((setting->flags & SETTING_SECRET) != 0) {
        log_add_secret(value);
        if (value[0] != '\0') {
            note_password(reader, setting);
        }
    }
}

/* The URL stands where SETTING stands. */
static void hide_url(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    struct camera_url url;

    camera_task_hide_url(value);
    if (camera_url_parse(value, &url) == 0) {
        if (url.password && url.password[0] != '\0') {
            note_password(reader, setting);
        }
        camera_url_finish(&url);
    }
}

/* Hidden first: a URL that is refused may hold a password, too. */
static void take_url(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    hide_url(reader, setting, value);
    take_string(reader, setting, value);
}

static void take_listen(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    struct config_address address = {0};

    if (!check_string(reader, setting, value)) {
        return;
    }
    if (config_parse_listen(value, &address.host, &address.port, why)) {
        memcpy((char *)reader->object + setting->offset, &address, sizeof(address));
    } else {
        config_reader_report(reader, config_reader_line(reader, setting->name), setting->name, "%s", why);
    }
}

static void take_choice(const struct config_reader *reader, const struct setting *setting, const char *value)
{
    char names[CONFIG_FIELD_SIZE] = "";

    for (const struct setting_choice *choice = setting->choices; choice->name; choice++) {
        if (strcmp(value, choice->name) == 0) {
            memcpy((char *)reader->object + setting->offset, &choice->value, sizeof(choice->value));
            return;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", choice->name);
    }
    config_reader_report(reader, config_reader_line(reader, setting->name), setting->name,
                         "unknown value \"%.32s\"; use one of %s", value, names);
}

static void take_integer(const struct config_reader *reader, const struct setting *setting, long long value)
{
    size_t size = (size_t)value;

    if (value < setting->min || value > setting->max) {
        config_reader_report(reader, config_reader_line(reader, setting->name), setting->name,
                             "%lld is out of range; use %lld to %lld", value, setting->min, setting->max);
    } else if (setting->step != 0 && value % setting->step != 0) {
        config_reader_report(reader, config_reader_line(reader, setting->name), setting->name,
                             "%lld is not a multiple of %lld; use one from %lld to %lld", value,
                             setting->step, setting->min, setting->max);
    } else {
        memcpy((char *)reader->object + setting->offset, &size, sizeof(size));
    }
}

static void take_count(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    const char *text = config_setting_get_string(given);
    const size_t automatic = 0;

    if (!text) {
        take_integer(reader, setting, config_setting_get_int64(given));
    } else if (strcmp(text, "auto") != 0) {
        config_reader_report(reader, config_setting_source_line(given), setting->name,
                             "unknown value \"%.32s\"; use %lld to %lld, or \"auto\"", text, setting->min,
                             setting->max);
    } else {
        memcpy((char *)reader->object + setting->offset, &automatic, sizeof(automatic));
    }
}

static void take_boolean(const struct config_reader *reader, const struct setting *setting, bool value)
{
    memcpy((char *)reader->object + setting->offset, &value, sizeof(value));
}

static void read_item(const struct config_reader *reader, const struct setting_group *group,
                      const char *field, const config_setting_t *given, void *item);

/* --- Lists ---------------------------------------------------------------------------------------------- */

/* False, reported: the list GIVEN has more items than SETTING allows. */
static bool check_count(const struct config_reader *reader, const struct setting *setting,
                        const config_setting_t *given)
{
    int count = config_setting_length(given);

    if ((size_t)count > setting->most) {
        config_reader_report(reader, config_setting_source_line(given), setting->name,
                             "%d items; list at most %zu", count, setting->most);
        return false;
    }
    return true;
}

static void take_strings(const struct config_reader *reader, const struct setting *setting,
                         const config_setting_t *given)
{
    struct config_list list = {0};

    if (!check_count(reader, setting, given)) {
        return;
    }
    for (int i = 0; i < config_setting_length(given); i++) {
        char field[CONFIG_FIELD_SIZE];
        const config_setting_t *item = config_setting_get_elem(given, (unsigned)i);
        const char *text = config_setting_get_string(item);
        unsigned line = config_setting_source_line(item);

        snprintf(field, sizeof(field), "%s[%d]", setting->name, i);
        if (text && (setting->flags & SETTING_SECRET) != 0) {
            hide_url(reader, setting, text);
        }
        if (!text) {
            config_reader_report(reader, line, field, "expected a string, found %s; write ( \"%s\" )",
                                 type_name(item), setting->example);
        } else if (check_text(reader, setting, field, line, text)) {
            config_list_add(&list, text);
        }
    }
    memcpy((char *)reader->object + setting->offset, &list, sizeof(list));
}

/* An item that is no group, which is reported, keeps its place, so that indexes in messages are those of the file. */
static void take_groups(const struct config_reader *reader, const struct setting *setting,
                        const config_setting_t *given)
{
    size_t count = (size_t)config_setting_length(given);

    if (!check_count(reader, setting, given) || count == 0) {
        return;
    }
    char *items = config_need(calloc(count, setting->item_size));
    memcpy((char *)reader->object + setting->offset, &items, sizeof(items));
    memcpy((char *)reader->object + setting->count, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        char field[CONFIG_FIELD_SIZE];
        const config_setting_t *item = config_setting_get_elem(given, (unsigned)i);

        snprintf(field, sizeof(field), "%s[%zu]", setting->name, i);
        if (config_setting_is_group(item)) {
            read_item(reader, setting->members, field, item, items + i * setting->item_size);
        } else {
            config_reader_report(reader, config_setting_source_line(item), field,
                                 "expected a group, found %s; write { %s = …; }", type_name(item),
                                 setting->members->settings[0].name);
        }
    }
}

/* --- Groups --------------------------------------------------------------------------------------------- */

static void read_cameras(const struct config_reader *reader, const struct setting *setting,
                         const config_setting_t *given);
static void read_members(const struct config_reader *reader, const struct setting *setting,
                         const config_setting_t *given);

static void read_sub(const struct config_reader *reader, const config_setting_t *given);

static void take_given(const struct config_reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    switch (setting->kind) {
    case SETTING_STRING:
        take_string(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_URL:
        take_url(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_LISTEN:
        take_listen(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_CHOICE:
        take_choice(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_BOOLEAN:
        take_boolean(reader, setting, config_setting_get_bool(given) != CONFIG_FALSE);
        break;
    case SETTING_INTEGER:
        take_integer(reader, setting, config_setting_get_int64(given));
        break;
    case SETTING_COUNT:
        take_count(reader, setting, given);
        break;
    case SETTING_GROUP:
        read_members(reader, setting, given);
        break;
    case SETTING_SUB:
        read_sub(reader, given);
        break;
    case SETTING_STRINGS:
        take_strings(reader, setting, given);
        break;
    case SETTING_GROUPS:
        take_groups(reader, setting, given);
        break;
    case SETTING_CAMERAS:
        read_cameras(reader, setting, given);
        break;
    }
}

static void take_default(const struct config_reader *reader, const struct setting *setting)
{
    if ((setting->flags & SETTING_REQUIRED) != 0) {
        config_reader_report(reader, reader->line, setting->name, "missing; add it");
    } else if (reader->inherits) {
        return;
    } else if (setting->kind == SETTING_BOOLEAN) {
        take_boolean(reader, setting, setting->number != 0);
    } else if (setting->kind == SETTING_STRING && setting->text) {
        take_string(reader, setting, setting->text);
    } else if (setting->kind == SETTING_STRINGS && setting->text) {
        config_list_add((struct config_list *)((char *)reader->object + setting->offset), setting->text);
    } else if (setting->kind == SETTING_GROUP) {
        read_members(reader, setting, NULL);
    } else if ((setting->kind == SETTING_INTEGER || setting->kind == SETTING_COUNT) && setting->number != 0) {
        take_integer(reader, setting, setting->number);
    } else if (setting->kind == SETTING_LISTEN && setting->text) {
        take_listen(reader, setting, setting->text);
    } else if (setting->kind == SETTING_CHOICE) {
        take_choice(reader, setting, setting->text);
    }
}

/*
 * The name in GROUP that GIVEN is most likely meant to be, or NULL. Distance: characters added, left out, replaced or
 * swapped with their neighbour.
 */
static const char *nearest_name(const char *given, const struct setting_group *group)
{
    const char *nearest = NULL;
    size_t length = strlen(given);
    size_t best = length / 3 + 1; /* farther than a third of the name is another name */

    for (size_t i = 0; i < group->count; i++) {
        const char *name = group->settings[i].name;
        size_t distance = text_edit_distance(given, name);
        if (distance <= best && distance < strlen(name)) {
            if (!nearest || distance < best) {
                nearest = name;
            }
            best = distance;
        }
    }
    return nearest;
}

/* The group of the file that has the setting NAME, or NULL. */
static const char *group_with(const char *name)
{
    for (size_t i = 0; i < setting_group_file.count; i++) {
        const struct setting *setting = &setting_group_file.settings[i];
        if (setting->kind == SETTING_GROUP && setting_find(setting->members, name)) {
            return setting->name;
        }
    }
    return NULL;
}

static bool is_of_file(const struct setting_group *group)
{
    return group == &setting_group_file || group == &setting_group_cluster_file;
}

static bool is_of_camera(const struct setting_group *group)
{
    return group == &setting_group_camera || group == &setting_group_sub;
}

/* What other programs call a camera's settings; NULL: it is no such name, or GROUP is not a camera's. */
static const char *name_here(const struct setting_group *group, const char *name)
{
    static const struct {
        const char *other, *ours;
    } names[] = {
        {"user", "username"},      {"login", "username"},   {"pass", "password"},     {"pw", "password"},
        {"passwd", "password"},    {"uri", "url"},          {"source", "url"},        {"address", "url"},
        {"path", "url"},           {"host", "url"},         {"id", "name"},           {"title", "name"},
        {"protocol", "transport"}, {"sub_stream", "sub"},   {"substream", "sub"},     {"sound", "audio"},
        {"rotation", "rotate"},    {"disabled", "enabled"}, {"ondemand", "on_demand"}};

    for (size_t i = 0; is_of_camera(group) && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].other) == 0) {
            return names[i].ours;
        }
    }
    return NULL;
}

/* What is no setting of GROUP, but of another place; NULL: it is none anywhere. */
static const char *where_else(const struct setting_group *group, const char *name,
                              char text[CONFIG_PROBLEM_SIZE])
{
    const char *other = group_with(name);

    if (group == &setting_group_user && (strcmp(name, "password") == 0 || strcmp(name, "hash") == 0)) {
        return "passwords are kept in a file of their own; remove it, and set it with `ringcastctl user "
               "passwd NAME`";
    }
    if (group == &setting_group_user && strcmp(name, "user") == 0) {
        return "unknown setting; did you mean \"name\"?";
    }
    if (group == &setting_group_cluster_file && setting_find(&setting_group_file, name)) {
        return "not for the whole cluster, which has cameras alone; put it into each node's own "
               "configuration";
    }
    if (is_of_file(group) && setting_find(&setting_group_camera, name)) {
        return "a setting of a camera; put it into a group of cameras = ( { … } );";
    }
    if (group == &setting_group_camera && setting_find(&setting_group_file, name)) {
        return "not a setting of a camera; put it outside of cameras";
    }
    if (group == &setting_group_file && other) {
        snprintf(text, CONFIG_PROBLEM_SIZE, "a setting of %s; put it into %s = { … };", other, other);
        return text;
    }
    if (!is_of_camera(group) && setting_find(&setting_group_file, name)) {
        return "a setting of the whole file; put it outside of all groups";
    }
    return NULL;
}

static void report_unknown(const struct config_reader *reader, const struct setting_group *group,
                           const config_setting_t *given)
{
    char text[CONFIG_PROBLEM_SIZE];
    const char *name = config_setting_name(given);
    unsigned line = config_setting_source_line(given);
    const char *here = name_here(group, name);
    const char *nearest = here ? here : nearest_name(name, group);
    const char *elsewhere = here ? NULL : where_else(group, name, text);

    if (elsewhere) {
        config_reader_report(reader, line, name, "%s", elsewhere);
    } else if (nearest) {
        config_reader_report(reader, line, name, "unknown setting; did you mean \"%s\"?", nearest);
    } else {
        config_reader_report(reader, line, name,
                             "unknown setting; remove it, or see docs/reference/configuration.md");
    }
}

static void read_group(const struct config_reader *reader, const struct setting_group *group)
{
    int given_count = reader->group ? config_setting_length(reader->group) : 0;

    for (int i = 0; i < given_count; i++) {
        const config_setting_t *given = config_setting_get_elem(reader->group, (unsigned)i);
        if (!setting_find(group, config_setting_name(given))) {
            report_unknown(reader, group, given);
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *setting = &group->settings[i];
        const config_setting_t *given =
            reader->group ? config_setting_get_member(reader->group, setting->name) : NULL;
        if (!given) {
            take_default(reader, setting);
        } else if (check_kind(reader, setting, given)) {
            take_given(reader, setting, given);
        }
    }
}

/* The number of the file NAME, which is kept: 0 is the configuration file itself. */
static int number_of_file(const struct config_reader *reader, const char *name)
{
    struct config_list *files = &reader->config->files;
    size_t number = 0;

    if (name == config_places_find(reader->places, 0).file) {
        return 0;
    }
    while (number < files->count && strcmp(files->items[number], name) != 0) {
        number++;
    }
    if (number == files->count) {
        config_list_add(files, name);
    }
    return (int)number + 1;
}

/* Notes at PLACE, the members line and file of a structure, where GIVEN begins. */
static void note_place(const struct config_reader *reader, const config_setting_t *given, void *place)
{
    struct config_place found = config_places_find(reader->places, config_setting_source_line(given));
    const int both[] = {(int)found.line, number_of_file(reader, found.file)};

    memcpy(place, both, sizeof(both));
}

/*
 * A group whose members belong to the same structure as the group. GIVEN NULL: the file does not have it, so its members
 * get their defaults.
 */
static void read_members(const struct config_reader *outer, const struct setting *setting,
                         const config_setting_t *given)
{
    char prefix[CONFIG_FIELD_SIZE];
    struct config_reader reader = *outer;

    snprintf(prefix, sizeof(prefix), "%.64s%.48s.", outer->prefix, setting->name);
    reader.group = given;
    reader.prefix = prefix;
    reader.line = given ? config_setting_source_line(given) : outer->line;
    if (given && setting->line != 0) {
        note_place(&reader, given, (char *)reader.object + setting->line);
    }
    read_group(&reader, setting->members);
}

/* A group in a list, with a structure of its own. */
static void read_item(const struct config_reader *outer, const struct setting_group *group, const char *field,
                      const config_setting_t *given, void *item)
{
    char prefix[CONFIG_FIELD_SIZE];
    struct config_reader reader = *outer;

    snprintf(prefix, sizeof(prefix), "%.64s%.48s.", outer->prefix, field);
    note_place(outer, given, item);
    reader.group = given;
    reader.object = item;
    reader.prefix = prefix;
    reader.line = config_setting_source_line(given);
    read_group(&reader, group);
}

/* Credentials stand in the URL, or in the two fields, or nowhere. */
static void check_credentials(const struct config_reader *reader, const struct config_camera *camera)
{
    size_t length;
    bool in_url = camera->task.url && config_url_userinfo(camera->task.url, &length);
    bool username = config_setting_get_member(reader->group, "username");
    bool password = config_setting_get_member(reader->group, "password");

    if (in_url && (username || password)) {
        config_reader_report(
            reader, config_reader_line(reader, "url"), "url",
            "a user name here and in the camera's own fields; keep username and password, and take it out of "
            "the URL");
    } else if (username && !password) {
        config_reader_report(reader, config_reader_line(reader, "username"), "password",
                             "missing, but there is a username; add it, \"\" if the camera has none");
    } else if (password && !username) {
        config_reader_report(reader, config_reader_line(reader, "password"), "username",
                             "missing, but there is a password; add it");
    }
}

/* TLS protects the connection; packets over UDP would go beside it, in the clear. */
static void check_protection(const struct config_reader *reader, const struct config_camera *camera)
{
    if (camera->task.url && strncasecmp(camera->task.url, "rtsps:", 6) == 0 &&
        camera->task.transport == CAMERA_TRANSPORT_UDP) {
        config_reader_report(reader, config_reader_line(reader, "transport"), "transport",
                             "\"udp\" is not protected by the TLS of rtsps; use \"tcp\" or \"auto\"");
    }
}

/*
 * A camera of another node: there must be a cluster for it, and what is done with its pictures is its node's matter. FIELD: what the URL is
 * written as.
 */
static void check_remote(const struct config_reader *reader, const struct config_camera *camera,
                         const char *field)
{
    const struct config_cluster *cluster = &reader->config->cluster;
    unsigned line = config_reader_line(reader, field);
    struct camera_remote remote;
    char why[CONFIG_PROBLEM_SIZE];

    if (!camera_is_remote(camera->task.url) || !camera_remote_read(camera->task.url, &remote, why)) {
        return;
    }
    if (cluster->line == 0) {
        config_reader_report(
            reader, line, field,
            "a camera of another node, and there is no cluster; add cluster = { node = \"…\"; "
            "nats = ( \"nats://…\" ); };");
    } else if (cluster->node && strcmp(cluster->node, remote.node) == 0) {
        config_reader_report(
            reader, line, field,
            "\"%s\" is this node (cluster.node), so the camera would be its own source; name "
            "another node, or write the camera's own URL",
            remote.node);
    }
    bool own_group = strcmp(field, "url") == 0;
    for (size_t i = 0; i < setting_group_camera.count && own_group; i++) {
        const struct setting *setting = &setting_group_camera.settings[i];
        if ((setting->flags & SETTING_TASK) != 0 && setting->kind != SETTING_URL &&
            config_setting_get_member(reader->group, setting->name)) {
            config_reader_report(reader, config_reader_line(reader, setting->name), setting->name,
                                 "not for a camera of another node; remove it, and set it on node \"%s\"",
                                 remote.node);
        }
    }
}

/* A camera that one of several nodes fetches: there must be a cluster in which they agree. */
static void check_nodes(const struct config_reader *reader, const struct config_camera *camera)
{
    unsigned line = config_reader_line(reader, "nodes");

    if (camera->nodes.count == 0 && reader->of_cluster) {
        config_reader_report(reader, line, "nodes",
                             "missing; name the nodes of the cluster that may fetch it, such as ( \"a\" )");
    }
    if (camera->nodes.count == 0 && camera->site) {
        config_reader_report(
            reader, config_reader_line(reader, "site"), "site",
            "a site that is preferred, and no nodes of which one could be there; add nodes = "
            "( \"…\" ), or remove it");
    }
    if (camera->nodes.count == 0) {
        return;
    }
    if (reader->config->cluster.line == 0) {
        config_reader_report(
            reader, line, "nodes",
            "nodes that may fetch it, and there is no cluster; add cluster = { node = \"…\"; "
            "nats = ( \"nats://…\" ); };");
    } else if (camera_is_remote(camera->task.url)) {
        config_reader_report(reader, line, "nodes",
                             "not for a camera of another node; write the camera's own URL, or remove nodes");
    }
}

/* Nothing of a camera of another node crosses the link while nobody looks, unless it is to. */
static void default_on_demand(const struct config_reader *reader, struct config_camera *camera,
                              bool is_given_above)
{
    bool is_given = reader->group && config_setting_get_member(reader->group, "on_demand");

    if (camera_is_remote(camera->task.url) && !is_given && !is_given_above) {
        camera->on_demand = true;
    }
}

/* Everything that is not text is inherited first, so that the sub stream's own settings replace it. */
static void inherit_values(struct config_camera *sub, const struct config_camera *camera)
{
    for (size_t i = 0; i < setting_group_sub.count; i++) {
        const struct setting *setting = &setting_group_sub.settings[i];
        if (!setting_is_text(setting)) {
            setting_copy(setting, sub, camera);
        }
    }
}

/* Texts are inherited after the sub stream's own have been read; username and password only together. */
static void inherit_texts(struct config_camera *sub, const struct config_camera *camera)
{
    size_t length;
    bool own_login = sub->task.username || sub->task.password ||
                     (sub->task.url && config_url_userinfo(sub->task.url, &length));

    for (size_t i = 0; i < setting_group_sub.count; i++) {
        const struct setting *setting = &setting_group_sub.settings[i];
        bool own = (setting->flags & SETTING_LOGIN) != 0 ? own_login : setting_is_set(setting, sub);
        if (setting_is_text(setting) && (setting->flags & SETTING_REQUIRED) == 0 && !own) {
            setting_copy(setting, sub, camera);
        }
    }
    sub->enabled = sub->enabled && camera->enabled;
    if (camera->name && asprintf(&sub->name, "%s" CONFIG_SUB_SUFFIX, camera->name) < 0) {
        abort();
    }
}

/* A URL alone, or a group. Settings that are not given are the camera's, which have been read by now. */
static void read_sub(const struct config_reader *camera_reader, const config_setting_t *given)
{
    char prefix[CONFIG_FIELD_SIZE];
    const bool on_demand_given = config_setting_get_member(camera_reader->group, "on_demand");
    const bool group = config_setting_is_group(given);
    struct config_camera *camera = camera_reader->object;
    struct config_reader reader = *camera_reader;
    struct config_camera *sub = reader.sub;

    if (!sub) { /* only a camera's reader has a place for it */
        return;
    }
    default_on_demand(camera_reader, camera, false);
    inherit_values(sub, camera);
    reader.object = sub;
    reader.inherits = true;
    reader.line = config_setting_source_line(given);
    sub->line = (int)reader.line;
    sub->sub = true;
    if (group) {
        snprintf(prefix, sizeof(prefix), "%ssub.", camera_reader->prefix);
        reader.prefix = prefix;
        reader.group = given;
        read_group(&reader, &setting_group_sub);
        check_credentials(&reader, sub);
    } else {
        struct setting url = *setting_find(&setting_group_camera, "url");
        url.name = "sub";
        take_url(&reader, &url, config_setting_get_string(given));
    }
    default_on_demand(group ? &reader : camera_reader, sub, on_demand_given);
    check_protection(&reader, sub);
    check_remote(&reader, sub, group ? "url" : "sub");
    inherit_texts(sub, camera);
}

/* Bytes that a ring with `look_back` may grow to unless the file sets a bound: 120 s of 16 Mbit/s. */
#define PAST_SIZE_MAX 268435456u

static void make_room_for_past(const struct config_reader *top, const config_setting_t *given,
                               struct config_camera *camera, struct config_camera *sub)
{
    if (config_setting_get_member(top->group, "ring_size_max") ||
        config_setting_get_member(given, "ring_size_max")) {
        return;
    }
    if (camera->look_back > 0) {
        camera->ring_size_max = PAST_SIZE_MAX;
    }
    const config_setting_t *own = config_setting_get_member(given, "sub");
    bool is_set = own && config_setting_is_group(own) && config_setting_get_member(own, "ring_size_max");
    if (sub && sub->look_back > 0 && !is_set) {
        sub->ring_size_max = PAST_SIZE_MAX;
    }
}

static void read_camera(const struct config_reader *top, size_t index, const config_setting_t *given,
                        struct config_camera *camera, struct config_camera *sub)
{
    char prefix[CONFIG_FIELD_SIZE];
    struct config_reader reader = *top;

    snprintf(prefix, sizeof(prefix), "cameras[%zu].", index);
    reader.group = given;
    reader.object = camera;
    reader.sub = sub;
    reader.prefix = prefix;
    reader.line = config_setting_source_line(given);
    camera->line = (int)reader.line;
    camera->ring_size = top->config->ring_size;
    camera->ring_size_max = top->config->ring_size_max;
    read_group(&reader, &setting_group_camera);
    default_on_demand(&reader, camera, false);
    make_room_for_past(top, given, camera, sub);
    check_credentials(&reader, camera);
    check_protection(&reader, camera);
    check_remote(&reader, camera, "url");
    check_nodes(&reader, camera);
}

/* Where the name of camera INDEX stands. */
static unsigned name_line(const config_setting_t *cameras, size_t index)
{
    const config_setting_t *camera = config_setting_get_elem(cameras, (unsigned)index);

    return config_setting_source_line(config_setting_get_member(camera, "name"));
}

/* Reports a camera whose name an earlier one has. */
static void check_unique(const struct config_reader *reader, const config_setting_t *cameras, size_t index)
{
    const struct config_camera *all = reader->config->cameras;
    char field[CONFIG_FIELD_SIZE];
    size_t first = 0;

    while (all[index].name && (!all[first].name || strcmp(all[first].name, all[index].name) != 0)) {
        first++;
    }
    if (first == index || !all[index].name) {
        return;
    }
    struct config_place place = config_places_find(reader->places, name_line(cameras, first));
    snprintf(field, sizeof(field), "cameras[%zu].name", index);
    config_reader_report(reader, name_line(cameras, index), field,
                         "\"%s\" is already the name of cameras[%zu] (%s:%u); give each camera its own",
                         all[index].name, first, place.file, place.line);
}

/*
 * Behind the COUNT cameras stand as many places for sub streams: each that is there goes behind its camera.
 */
static void place_subs(struct config *config, size_t count)
{
    struct config_camera *streams = config_need(calloc(2 * count + 1, sizeof(*streams)));
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        streams[used++] = config->cameras[i];
        if (config->cameras[count + i].sub) {
            streams[used++] = config->cameras[count + i];
        }
    }
    free(config->cameras);
    config->cameras = streams;
    config->camera_count = used;
}

static void read_cameras(const struct config_reader *reader, const struct setting *setting,
                         const config_setting_t *given)
{
    struct config *config = reader->config;
    int count = config_setting_length(given);
    unsigned line = config_setting_source_line(given);

    if (count < setting->min || count > setting->max) {
        config_reader_report(reader, line, setting->name, "%d cameras; list %lld to %lld", count,
                             setting->min, setting->max);
        return;
    }
    config->cameras = config_need(calloc(2 * (size_t)count + 1, sizeof(*config->cameras)));
    config->camera_count = (size_t)count;
    for (size_t i = 0; i < config->camera_count; i++) {
        const config_setting_t *camera = config_setting_get_elem(given, (unsigned)i);
        if (config_setting_is_group(camera)) {
            read_camera(reader, i, camera, &config->cameras[i], &config->cameras[(size_t)count + i]);
            continue;
        }
        char field[CONFIG_FIELD_SIZE];
        snprintf(field, sizeof(field), "%s[%zu]", setting->name, i);
        config_reader_report(reader, config_setting_source_line(camera), field,
                             "expected a group, found %s; write { name = \"…\"; url = \"…\"; }",
                             type_name(camera));
    }
    for (size_t i = 0; i < config->camera_count; i++) {
        check_unique(reader, given, i);
    }
    place_subs(config, (size_t)count);
    if (config->camera_count > SETTING_CAMERAS_MAX) {
        config_reader_report(reader, line, setting->name,
                             "%zu cameras and sub streams together; configure at most %d",
                             config->camera_count, SETTING_CAMERAS_MAX);
    }
}

static void report_missing(const struct config_reader *reader, unsigned line, const char *group,
                           const char *name)
{
    char field[CONFIG_FIELD_SIZE];

    snprintf(field, sizeof(field), "%s.%s", group, name);
    config_reader_report(reader, line, field, "missing; add it, or leave out %s", group);
}

/* Its node has a name, and is reached somewhere; the two files of a certificate belong together. */
static void check_cluster(const struct config_reader *reader)
{
    const config_setting_t *given = config_setting_get_member(reader->group, "cluster");

    if (!given || !config_setting_is_group(given)) {
        return;
    }
    unsigned line = config_setting_source_line(given);
    const config_setting_t *nats = config_setting_get_member(given, "nats");
    const config_setting_t *certificate = config_setting_get_member(given, "certificate");
    const config_setting_t *key = config_setting_get_member(given, "key");
    if (!config_setting_get_member(given, "node")) {
        report_missing(reader, line, "cluster", "node");
    }
    if (!nats) {
        report_missing(reader, line, "cluster", "nats");
    } else if (config_setting_is_aggregate(nats) && config_setting_length(nats) == 0) {
        config_reader_report(reader, config_setting_source_line(nats), "cluster.nats",
                             "no servers; list at least one, such as ( \"nats://127.0.0.1:4222\" )");
    }
    if (certificate && !key) {
        config_reader_report(reader, line, "cluster.key", "missing; add it, or leave out certificate");
    } else if (key && !certificate) {
        config_reader_report(reader, line, "cluster.certificate", "missing; add it, or leave out key");
    }
}

/* The two files belong together. */
static void check_tls(const struct config_reader *reader)
{
    const config_setting_t *given = config_setting_get_member(reader->group, "tls");

    if (!given || !config_setting_is_group(given)) {
        return;
    }
    unsigned line = config_setting_source_line(given);
    if (!config_setting_get_member(given, "certificate")) {
        report_missing(reader, line, "tls", "certificate");
    }
    if (!config_setting_get_member(given, "key")) {
        report_missing(reader, line, "tls", "key");
    }
}

void config_read_tree(const config_setting_t *root, struct config *config, struct config_report *report,
                      const struct config_places *places)
{
    const struct config_reader reader = {.config = config,
                                         .report = report,
                                         .places = places,
                                         .group = root,
                                         .object = config,
                                         .prefix = "",
                                         .line = 1};

    read_group(&reader, &setting_group_file);
    check_tls(&reader);
    check_cluster(&reader);
    config_access_check(&reader);
}

void config_read_cluster_tree(const config_setting_t *root, struct config *config,
                              struct config_report *report, const struct config_places *places)
{
    const struct config_reader reader = {.config = config,
                                         .report = report,
                                         .places = places,
                                         .group = root,
                                         .object = config,
                                         .of_cluster = true,
                                         .prefix = "",
                                         .line = 1};

    config->cluster.line = 1; /* cameras with nodes need one */
    read_group(&reader, &setting_group_cluster_file);
}
