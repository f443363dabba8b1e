/*
 * Reading walks the table of settings (config_settings.h), not the file: a setting that is not there gets its
 * default the same way as a given value. Then what the tables do not know is looked for, and at last what
 * settings mean for each other is checked, for settings that are right in themselves.
 */
#include "common/config/config.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/config_check.h"
#include "common/config/config_memory.h"
#include "common/config/config_read.h"
#include "common/config/config_settings.h"
#include "common/config/config_source.h"
#include "common/config/config_value.h"

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
        config_take_string(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_URL:
        config_take_url(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_LISTEN:
        config_take_listen(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_CHOICE:
        config_take_choice(reader, setting, config_setting_get_string(given));
        break;
    case SETTING_BOOLEAN:
        config_take_boolean(reader, setting, config_setting_get_bool(given) != CONFIG_FALSE);
        break;
    case SETTING_INTEGER:
        config_take_integer(reader, setting, config_setting_get_int64(given));
        break;
    case SETTING_COUNT:
        config_take_count(reader, setting, given);
        break;
    case SETTING_GROUP:
        read_members(reader, setting, given);
        break;
    case SETTING_SUB:
        read_sub(reader, given);
        break;
    case SETTING_CAMERAS:
        read_cameras(reader, setting, given);
        break;
    }
}

static void take_default(const struct config_reader *reader, const struct setting *setting)
{
    if ((setting->flags & SETTING_REQUIRED) != 0) {
        config_report_at(reader, reader->line, setting->name, "missing; add it");
    } else if (reader->inherits) {
        return;
    } else if (setting->kind == SETTING_BOOLEAN) {
        config_take_boolean(reader, setting, setting->number != 0);
    } else if (setting->kind == SETTING_GROUP) {
        read_members(reader, setting, NULL);
    } else if ((setting->kind == SETTING_INTEGER || setting->kind == SETTING_COUNT) && setting->number != 0) {
        config_take_integer(reader, setting, setting->number);
    } else if (setting->kind == SETTING_LISTEN && setting->text != NULL) {
        config_take_listen(reader, setting, setting->text);
    } else if (setting->kind == SETTING_CHOICE) {
        config_take_choice(reader, setting, setting->text);
    }
}

static void report_unknown(const struct config_reader *reader, const struct setting_group *group,
                           const config_setting_t *given)
{
    const char *name = config_setting_name(given);
    unsigned line = config_setting_source_line(given);
    const char *nearest =
        config_nearest_name(name, &group->settings[0].name, group->count, sizeof(group->settings[0]));

    if (group == &setting_group_file && setting_find(&setting_group_camera, name) != NULL) {
        config_report_at(reader, line, name,
                         "a setting of a camera; put it into a group of cameras = ( { … } );");
    } else if (group == &setting_group_camera && setting_find(&setting_group_file, name) != NULL) {
        config_report_at(reader, line, name, "not a setting of a camera; put it outside of cameras");
    } else if (nearest != NULL) {
        config_report_at(reader, line, name, "unknown setting; did you mean \"%s\"?", nearest);
    } else {
        config_report_at(reader, line, name,
                         "unknown setting; remove it, or see docs/reference/configuration.md");
    }
}

static void read_group(const struct config_reader *reader, const struct setting_group *group)
{
    int given_count = reader->group != NULL ? config_setting_length(reader->group) : 0;

    for (int i = 0; i < given_count; i++) {
        const config_setting_t *given = config_setting_get_elem(reader->group, (unsigned)i);
        if (setting_find(group, config_setting_name(given)) == NULL) {
            report_unknown(reader, group, given);
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *setting = &group->settings[i];
        const config_setting_t *given =
            reader->group != NULL ? config_setting_get_member(reader->group, setting->name) : NULL;
        if (given == NULL) {
            take_default(reader, setting);
        } else if (config_check_kind(reader, setting, given)) {
            take_given(reader, setting, given);
        }
    }
}

/* A group of the file's own settings; GIVEN NULL: not there, so that its members have their defaults. */
static void read_members(const struct config_reader *top, const struct setting *setting,
                         const config_setting_t *given)
{
    char prefix[CONFIG_FIELD_SIZE];
    struct config_reader reader = *top;

    snprintf(prefix, sizeof(prefix), "%s.", setting->name);
    reader.group = given;
    reader.prefix = prefix;
    reader.line = given != NULL ? config_setting_source_line(given) : top->line;
    read_group(&reader, setting->members);
}

/* User information in the URL, or the two fields, or none. */
static void check_credentials(const struct config_reader *reader, const struct config_camera *camera)
{
    size_t length;
    bool in_url = camera->task.url != NULL && config_url_userinfo(camera->task.url, &length) != NULL;
    bool username = config_setting_get_member(reader->group, "username") != NULL;
    bool password = config_setting_get_member(reader->group, "password") != NULL;

    if (in_url && (username || password)) {
        config_report_at(
            reader, config_line_of(reader, "url"), "url",
            "a user name here and in the camera's own fields; keep username and password, and take it out of "
            "the URL");
    } else if (username && !password) {
        config_report_at(reader, config_line_of(reader, "username"), "password",
                         "missing, but there is a username; add it, \"\" if the camera has none");
    } else if (password && !username) {
        config_report_at(reader, config_line_of(reader, "password"), "username",
                         "missing, but there is a password; add it");
    }
}

/* TLS protects the connection; packets over UDP would be beside it, for everybody to read. */
static void check_protection(const struct config_reader *reader, const struct config_camera *camera)
{
    if (camera->task.url != NULL && strncasecmp(camera->task.url, "rtsps:", 6) == 0 &&
        camera->task.transport == CAMERA_TRANSPORT_UDP) {
        config_report_at(reader, config_line_of(reader, "transport"), "transport",
                         "\"udp\" is not protected by the TLS of rtsps; use \"tcp\" or \"auto\"");
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

/* The URL alone, or a group; what is not said is as for the camera, whose other settings have been read. */
static void read_sub(const struct config_reader *camera_reader, const config_setting_t *given)
{
    char prefix[CONFIG_FIELD_SIZE];
    const struct config_camera *camera = camera_reader->object;
    struct config_reader reader = *camera_reader;
    struct config_camera *sub = reader.sub;

    if (sub == NULL) { /* only a camera's reader has a place for it */
        return;
    }
    inherit_values(sub, camera);
    reader.object = sub;
    reader.inherits = true;
    reader.line = config_setting_source_line(given);
    sub->line = (int)reader.line;
    sub->sub = true;
    if (config_setting_is_group(given)) {
        snprintf(prefix, sizeof(prefix), "%ssub.", camera_reader->prefix);
        reader.prefix = prefix;
        reader.group = given;
        read_group(&reader, &setting_group_sub);
        check_credentials(&reader, sub);
    } else {
        struct setting url = *setting_find(&setting_group_camera, "url");
        url.name = "sub";
        config_take_url(&reader, &url, config_setting_get_string(given));
    }
    check_protection(&reader, sub);
    inherit_texts(sub, camera);
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
    check_credentials(&reader, camera);
    check_protection(&reader, camera);
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

    while (all[index].name != NULL &&
           (all[first].name == NULL || strcmp(all[first].name, all[index].name) != 0)) {
        first++;
    }
    if (first == index || all[index].name == NULL) {
        return;
    }
    struct config_place place = config_source_place(reader->source, name_line(cameras, first));
    snprintf(field, sizeof(field), "cameras[%zu].name", index);
    config_report_at(reader, name_line(cameras, index), field,
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
        config_report_at(reader, line, setting->name, "%d cameras; list %lld to %lld", count, setting->min,
                         setting->max);
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
        config_report_at(reader, config_setting_source_line(camera), field,
                         "expected a group, found %s; write { name = \"…\"; url = \"…\"; }",
                         config_type_name(camera));
    }
    for (size_t i = 0; i < config->camera_count; i++) {
        check_unique(reader, given, i);
    }
    place_subs(config, (size_t)count);
    if (config->camera_count > SETTING_CAMERAS_MAX) {
        config_report_at(reader, line, setting->name,
                         "%zu cameras and sub streams together; configure at most %d", config->camera_count,
                         SETTING_CAMERAS_MAX);
    }
}

/* Nobody is authenticated: whoever reaches an address gets all that is there. */
static void check_address(const struct config_reader *reader, const char *name,
                          const struct config_address *address, const char *who, const char *what)
{
    if (address->host == NULL || reader->config->insecure || config_host_is_loopback(address->host)) {
        return;
    }
    config_report_at(
        reader, config_line_of(reader, name), name,
        "%s is not a loopback address, and %s are not authenticated; write \"127.0.0.1:%d\", or add "
        "insecure = true; to let everyone who can reach it %s",
        address->host, who, address->port, what);
}

static void check_exposure(const struct config_reader *reader)
{
    check_address(reader, "listen", &reader->config->listen, "viewers", "watch");
    check_address(reader, "admin", &reader->config->admin, "its readers", "read metrics");
}

void config_read_tree(const config_setting_t *root, struct config *config, struct config_report *report,
                      const struct config_source *source)
{
    const struct config_reader reader = {.config = config,
                                         .report = report,
                                         .source = source,
                                         .group = root,
                                         .object = config,
                                         .prefix = "",
                                         .line = 1};

    read_group(&reader, &setting_group_file);
    check_exposure(&reader);
}
