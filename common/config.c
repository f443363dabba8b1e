/*
 * The tables below describe every setting. Reading walks a table, not the file: a setting that is not there
 * gets its default the same way as a given value. Then what the tables do not know is looked for, and at last
 * what settings mean for each other is checked, for settings that are right in themselves.
 */
#include "config.h"

#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_camera.h"
#include "config_check.h"
#include "config_read.h"
#include "config_report.h"
#include "config_source.h"
#include "text.h"

/* More cameras than one machine carries; bounds the number of processes. */
#define CAMERAS_MAX 1000

/* More than the cores that one machine's viewers keep busy. */
#define FANOUTS_MAX 64

/* Bytes: ring_create.h. */
#define RING_SIZE_MIN 65536
#define RING_SIZE_MAX 1073741824
#define RING_SIZE_MAX_MIN 262144
#define RING_SIZE_MAX_DEFAULT 16777216

/* Bytes: longer than any camera takes; keeps a worker's messages far below MESSAGE_CHANNEL_MAX. */
#define URL_MAX 2048
#define CREDENTIAL_MAX 256

/* Bytes of a certificate's fingerprint with a colon between each two. */
#define FINGERPRINT_MAX 95

/* Bytes of a user's name: useradd(8) allows as many. */
#define USER_NAME_MAX 32

/* Seconds. A viewer that reconnects at once must not find the camera asleep. */
#define ON_DEMAND_IDLE_MIN 1
#define ON_DEMAND_IDLE_MAX 86400
#define ON_DEMAND_IDLE_DEFAULT 10

/* Bytes of a field's name, such as "cameras[999].transport". */
#define FIELD_SIZE 128

enum kind {
    KIND_STRING,
    KIND_URL,
    KIND_BOOLEAN,
    KIND_INTEGER,
    KIND_COUNT, /* an integer, or "auto", which is 0 */
    KIND_CHOICE,
    KIND_LISTEN,
    KIND_GROUP,
    KIND_SUB, /* a URL, or a group of a camera's settings */
    KIND_CAMERAS
};

/* Of a setting. */
enum setting_flags {
    REQUIRED = 1u << 0, /* it has no default */
    SECRET = 1u << 1,   /* made known to the log; of a URL, its password is */
};

struct choice {
    const char *name; /* NULL: the end */
    int value;
};

struct setting {
    const char *name;
    enum kind kind;
    unsigned flags;                /* enum setting_flags */
    size_t offset;                 /* of the member in struct config or struct config_camera */
    long long min, max;            /* the integer's value, or the string's length in bytes */
    const char *text;              /* the default, in the file's own terms; NULL: none */
    long long number;              /* the default of booleans and integers; 0: none */
    const struct choice *choices;  /* of KIND_CHOICE */
    const struct setting *members; /* of KIND_GROUP */
    size_t member_count;
    bool (*check)(const char *value, char *why); /* of strings: what else must hold; config_check.h */
};

static const struct choice transports[] = {
    {"tcp", CONFIG_TRANSPORT_TCP}, {"udp", CONFIG_TRANSPORT_UDP}, {"auto", CONFIG_TRANSPORT_AUTO}, {NULL, 0}};

static const struct choice audio_codecs[] = {{"flac", CONFIG_AUDIO_CODEC_FLAC},
                                             {"opus", CONFIG_AUDIO_CODEC_OPUS},
                                             {"aac", CONFIG_AUDIO_CODEC_AAC},
                                             {NULL, 0}};

static const struct choice log_levels[] = {{"error", LOG_LEVEL_ERROR},
                                           {"warning", LOG_LEVEL_WARNING},
                                           {"info", LOG_LEVEL_INFO},
                                           {"debug", LOG_LEVEL_DEBUG},
                                           {NULL, 0}};

static const struct choice log_formats[] = {{"auto", LOG_FORMAT_AUTO},
                                            {"plain", LOG_FORMAT_PLAIN},
                                            {"json", LOG_FORMAT_JSON},
                                            {"journal", LOG_FORMAT_JOURNAL},
                                            {NULL, 0}};

static const struct choice sandboxes[] = {
    {"on", CONFIG_SANDBOX_ON}, {"required", CONFIG_SANDBOX_REQUIRED}, {"off", CONFIG_SANDBOX_OFF}, {NULL, 0}};

#define TOP(member) offsetof(struct config, member)
#define CAMERA(member) offsetof(struct config_camera, member)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct setting fanout_settings[] = {
    {"processes", KIND_COUNT, 0, TOP(fanout_processes), 1, FANOUTS_MAX, .number = 1},
    {"viewer_bytes", KIND_INTEGER, 0, TOP(viewers.bytes), 65536, 1073741824, .number = 4194304},
    {"viewer_age_ms", KIND_INTEGER, 0, TOP(viewers.age_ms), 100, 600000, .number = 3000},
    {"viewer_timeout", KIND_INTEGER, 0, TOP(viewers.timeout), 1, 3600, .number = 30},
    {"ping_interval", KIND_INTEGER, 0, TOP(viewers.ping), 1, 3600, .number = 25},
};

/* The cameras come last: their ring_size and ring_size_max follow those above. */
static const struct setting top_settings[] = {
    {"listen", KIND_LISTEN, 0, TOP(listen), 1, 64, .text = "127.0.0.1:8080"},
    {"admin", KIND_LISTEN, 0, TOP(admin), 1, 64, .text = NULL},
    {"insecure", KIND_BOOLEAN, 0, TOP(insecure), .number = false},
    {"runtime_dir", KIND_STRING, 0, TOP(runtime_dir), 1, 4096, .check = config_check_runtime_dir},
    {"state_dir", KIND_STRING, 0, TOP(state_dir), 1, 4096, .check = config_check_state_dir},
    {"instance", KIND_STRING, 0, TOP(instance), 1, 32, .check = config_check_instance},
    {"ring_size", KIND_INTEGER, 0, TOP(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", KIND_INTEGER, 0, TOP(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = RING_SIZE_MAX_DEFAULT},
    {"log_level", KIND_CHOICE, 0, TOP(log_level), .text = "info", .choices = log_levels},
    {"log_format", KIND_CHOICE, 0, TOP(log_format), .text = "auto", .choices = log_formats},
    {"sandbox", KIND_CHOICE, 0, TOP(sandbox), .text = "on", .choices = sandboxes},
    {"user", KIND_STRING, 0, TOP(user), 1, USER_NAME_MAX, .check = config_check_user},
    {"fanout", KIND_GROUP, 0, 0, .members = fanout_settings, .member_count = COUNT(fanout_settings)},
    {"cameras", KIND_CAMERAS, REQUIRED, TOP(cameras), 0, CAMERAS_MAX, .number = 0},
};

/* Between the name and the sub stream stand the settings that a sub stream has, too. */
static const struct setting camera_settings[] = {
    {"name", KIND_STRING, REQUIRED, CAMERA(name), 1, CONFIG_CAMERA_NAME_MAX, .check = config_check_name},
    {"url", KIND_URL, REQUIRED, CAMERA(url), 1, URL_MAX, .check = config_check_url},
    {"username", KIND_STRING, 0, CAMERA(username), 1, CREDENTIAL_MAX, .check = config_check_credential},
    {"password", KIND_STRING, SECRET, CAMERA(password), 0, CREDENTIAL_MAX, .check = config_check_credential},
    {"transport", KIND_CHOICE, 0, CAMERA(transport), .text = "tcp", .choices = transports},
    {"audio", KIND_BOOLEAN, 0, CAMERA(audio), .number = true},
    {"audio_codec", KIND_CHOICE, 0, CAMERA(audio_codec), .text = "flac", .choices = audio_codecs},
    {"show_damaged", KIND_BOOLEAN, 0, CAMERA(show_damaged), .number = false},
    {"tls_verify", KIND_BOOLEAN, 0, CAMERA(tls_verify), .number = true},
    {"tls_fingerprint", KIND_STRING, 0, CAMERA(tls_fingerprint), 1, FINGERPRINT_MAX,
     .check = config_check_fingerprint},
    {"allow_redirect", KIND_BOOLEAN, 0, CAMERA(allow_redirect), .number = false},
    {"ring_size", KIND_INTEGER, 0, CAMERA(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", KIND_INTEGER, 0, CAMERA(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX, .number = 0},
    {"enabled", KIND_BOOLEAN, 0, CAMERA(enabled), .number = true},
    {"on_demand", KIND_BOOLEAN, 0, CAMERA(on_demand), .number = false},
    {"on_demand_idle", KIND_INTEGER, 0, CAMERA(on_demand_idle), ON_DEMAND_IDLE_MIN, ON_DEMAND_IDLE_MAX,
     .number = ON_DEMAND_IDLE_DEFAULT},
    {"sub", KIND_SUB, 0, 0, 1, URL_MAX, .text = NULL},
};

#define SUB_SETTINGS (&camera_settings[1])
#define SUB_SETTING_COUNT (COUNT(camera_settings) - 2)

/* One group of settings while it is read: the file's, or a camera's. */
struct reader {
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

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* Reports against setting NAME of the group, at LINE. */
static void report_at(const struct reader *reader, unsigned line, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report_at(const struct reader *reader, unsigned line, const char *name, const char *format, ...)
{
    char field[FIELD_SIZE];
    char text[CONFIG_PROBLEM_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(field, sizeof(field), "%s%.64s", reader->prefix, name);
    config_report_add(reader->report, line, field, "%s", text);
}

static unsigned line_of(const struct reader *reader, const char *name)
{
    const config_setting_t *given = config_setting_get_member(reader->group, name);

    return given != NULL ? config_setting_source_line(given) : reader->line;
}

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

static bool has_kind(enum kind kind, const config_setting_t *given)
{
    int type = config_setting_type(given);

    switch (kind) {
    case KIND_BOOLEAN:
        return type == CONFIG_TYPE_BOOL;
    case KIND_INTEGER:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    case KIND_COUNT:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 || type == CONFIG_TYPE_STRING;
    case KIND_GROUP:
        return type == CONFIG_TYPE_GROUP;
    case KIND_SUB:
        return type == CONFIG_TYPE_GROUP || type == CONFIG_TYPE_STRING;
    case KIND_CAMERAS:
        return type == CONFIG_TYPE_LIST;
    default:
        return type == CONFIG_TYPE_STRING;
    }
}

static bool check_kind(const struct reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    static const char *const expected[] = {
        [KIND_BOOLEAN] = "a boolean",
        [KIND_INTEGER] = "an integer",
        [KIND_COUNT] = "an integer or \"auto\"",
        [KIND_GROUP] = "a group",
        [KIND_SUB] = "a string or a group",
        [KIND_CAMERAS] = "a list of groups",
    };
    static const char *const advice[] = {
        [KIND_BOOLEAN] = "write true or false, without quotes",
        [KIND_INTEGER] = "write a whole number, without quotes",
        [KIND_COUNT] = "write a whole number, or \"auto\"",
        [KIND_GROUP] = "write { … };",
        [KIND_SUB] = "write sub = \"rtsp://…\"; or sub = { url = \"rtsp://…\"; … };",
        [KIND_CAMERAS] = "write cameras = ( { … }, { … } );",
    };
    bool string = setting->kind >= sizeof(expected) / sizeof(expected[0]) || expected[setting->kind] == NULL;

    if (has_kind(setting->kind, given))
        return true;
    report_at(reader, config_setting_source_line(given), setting->name, "expected %s, found %s; %s",
              string ? "a string" : expected[setting->kind], type_name(given),
              string ? "put it in double quotes" : advice[setting->kind]);
    return false;
}

/* What holds for every string, and for this setting's. */
static bool check_string(const struct reader *reader, const struct setting *setting, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    unsigned line = line_of(reader, setting->name);
    long long length = (long long)strlen(value);

    if (!text_is_utf8(value))
        report_at(reader, line, setting->name, "not valid UTF-8; save the file as UTF-8");
    else if (length < setting->min)
        report_at(reader, line, setting->name, "empty; give a value or remove the setting");
    else if (length > setting->max)
        report_at(reader, line, setting->name, "%lld bytes; use at most %lld", length, setting->max);
    else if (setting->check != NULL && !setting->check(value, why))
        report_at(reader, line, setting->name, "%s", why);
    else
        return true;
    return false;
}

static void take_string(const struct reader *reader, const struct setting *setting, const char *value)
{
    if (!check_string(reader, setting, value))
        return;
    char *copy = need(strdup(value));
    memcpy((char *)reader->object + setting->offset, &copy, sizeof(copy));
    if ((setting->flags & SECRET) != 0)
        log_add_secret(value);
}

/* The log hides the user information of every URL, but the password may be repeated without its URL. */
static void take_url(const struct reader *reader, const struct setting *setting, const char *value)
{
    size_t length = 0;

    take_string(reader, setting, value);
    const char *userinfo = config_url_userinfo(value, &length);
    const char *colon = userinfo != NULL ? memchr(userinfo, ':', length) : NULL;
    if (colon == NULL)
        return;
    char *password = need(strndup(colon + 1, length - (size_t)(colon + 1 - userinfo)));
    log_add_secret(password);
    explicit_bzero(password, strlen(password));
    free(password);
}

static void take_listen(const struct reader *reader, const struct setting *setting, const char *value)
{
    char why[CONFIG_PROBLEM_SIZE];
    struct config_address address = {0};

    if (!check_string(reader, setting, value))
        return;
    if (config_parse_listen(value, &address.host, &address.port, why))
        memcpy((char *)reader->object + setting->offset, &address, sizeof(address));
    else
        report_at(reader, line_of(reader, setting->name), setting->name, "%s", why);
}

static void take_choice(const struct reader *reader, const struct setting *setting, const char *value)
{
    char names[FIELD_SIZE] = "";

    for (const struct choice *choice = setting->choices; choice->name != NULL; choice++) {
        if (strcmp(value, choice->name) == 0) {
            memcpy((char *)reader->object + setting->offset, &choice->value, sizeof(choice->value));
            return;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", choice->name);
    }
    report_at(reader, line_of(reader, setting->name), setting->name, "unknown value \"%.32s\"; use one of %s",
              value, names);
}

static void take_integer(const struct reader *reader, const struct setting *setting, long long value)
{
    size_t size = (size_t)value;

    if (value < setting->min || value > setting->max)
        report_at(reader, line_of(reader, setting->name), setting->name,
                  "%lld is out of range; use %lld to %lld", value, setting->min, setting->max);
    else
        memcpy((char *)reader->object + setting->offset, &size, sizeof(size));
}

static void take_count(const struct reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    const char *text = config_setting_get_string(given);
    const size_t automatic = 0;

    if (text == NULL)
        take_integer(reader, setting, config_setting_get_int64(given));
    else if (strcmp(text, "auto") != 0)
        report_at(reader, config_setting_source_line(given), setting->name,
                  "unknown value \"%.32s\"; use %lld to %lld, or \"auto\"", text, setting->min, setting->max);
    else
        memcpy((char *)reader->object + setting->offset, &automatic, sizeof(automatic));
}

static void take_boolean(const struct reader *reader, const struct setting *setting, bool value)
{
    memcpy((char *)reader->object + setting->offset, &value, sizeof(value));
}

static void read_cameras(const struct reader *reader, const struct setting *setting,
                         const config_setting_t *given);
static void read_members(const struct reader *reader, const struct setting *setting,
                         const config_setting_t *given);

static void read_sub(const struct reader *reader, const config_setting_t *given);

static void take_given(const struct reader *reader, const struct setting *setting,
                       const config_setting_t *given)
{
    switch (setting->kind) {
    case KIND_STRING:
        take_string(reader, setting, config_setting_get_string(given));
        break;
    case KIND_URL:
        take_url(reader, setting, config_setting_get_string(given));
        break;
    case KIND_LISTEN:
        take_listen(reader, setting, config_setting_get_string(given));
        break;
    case KIND_CHOICE:
        take_choice(reader, setting, config_setting_get_string(given));
        break;
    case KIND_BOOLEAN:
        take_boolean(reader, setting, config_setting_get_bool(given) != CONFIG_FALSE);
        break;
    case KIND_INTEGER:
        take_integer(reader, setting, config_setting_get_int64(given));
        break;
    case KIND_COUNT:
        take_count(reader, setting, given);
        break;
    case KIND_GROUP:
        read_members(reader, setting, given);
        break;
    case KIND_SUB:
        read_sub(reader, given);
        break;
    case KIND_CAMERAS:
        read_cameras(reader, setting, given);
        break;
    }
}

static void take_default(const struct reader *reader, const struct setting *setting)
{
    if ((setting->flags & REQUIRED) != 0)
        report_at(reader, reader->line, setting->name, "missing; add it");
    else if (reader->inherits)
        return;
    else if (setting->kind == KIND_BOOLEAN)
        take_boolean(reader, setting, setting->number != 0);
    else if (setting->kind == KIND_GROUP)
        read_members(reader, setting, NULL);
    else if ((setting->kind == KIND_INTEGER || setting->kind == KIND_COUNT) && setting->number != 0)
        take_integer(reader, setting, setting->number);
    else if (setting->kind == KIND_LISTEN && setting->text != NULL)
        take_listen(reader, setting, setting->text);
    else if (setting->kind == KIND_CHOICE)
        take_choice(reader, setting, setting->text);
}

static const struct setting *find_setting(const struct setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static void report_unknown(const struct reader *reader, const struct setting *settings, size_t count,
                           const config_setting_t *given)
{
    const char *name = config_setting_name(given);
    unsigned line = config_setting_source_line(given);
    bool top = settings == top_settings;
    const char *nearest = config_nearest_name(name, &settings[0].name, count, sizeof(settings[0]));

    if (top && find_setting(camera_settings, COUNT(camera_settings), name) != NULL)
        report_at(reader, line, name, "a setting of a camera; put it into a group of cameras = ( { … } );");
    else if (settings == camera_settings && find_setting(top_settings, COUNT(top_settings), name) != NULL)
        report_at(reader, line, name, "not a setting of a camera; put it outside of cameras");
    else if (nearest != NULL)
        report_at(reader, line, name, "unknown setting; did you mean \"%s\"?", nearest);
    else
        report_at(reader, line, name, "unknown setting; remove it, or see docs/reference/configuration.md");
}

static void read_group(const struct reader *reader, const struct setting *settings, size_t count)
{
    int given_count = reader->group != NULL ? config_setting_length(reader->group) : 0;

    for (int i = 0; i < given_count; i++) {
        const config_setting_t *given = config_setting_get_elem(reader->group, (unsigned)i);
        if (find_setting(settings, count, config_setting_name(given)) == NULL)
            report_unknown(reader, settings, count, given);
    }
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *given =
            reader->group != NULL ? config_setting_get_member(reader->group, settings[i].name) : NULL;
        if (given == NULL)
            take_default(reader, &settings[i]);
        else if (check_kind(reader, &settings[i], given))
            take_given(reader, &settings[i], given);
    }
}

/* A group of the file's own settings; GIVEN NULL: not there, so that its members have their defaults. */
static void read_members(const struct reader *top, const struct setting *setting,
                         const config_setting_t *given)
{
    char prefix[FIELD_SIZE];
    struct reader reader = *top;

    snprintf(prefix, sizeof(prefix), "%s.", setting->name);
    reader.group = given;
    reader.prefix = prefix;
    reader.line = given != NULL ? config_setting_source_line(given) : top->line;
    read_group(&reader, setting->members, setting->member_count);
}

/* User information in the URL, or the two fields, or none. */
static void check_credentials(const struct reader *reader, const struct config_camera *camera)
{
    size_t length;
    bool in_url = camera->url != NULL && config_url_userinfo(camera->url, &length) != NULL;
    bool username = config_setting_get_member(reader->group, "username") != NULL;
    bool password = config_setting_get_member(reader->group, "password") != NULL;

    if (in_url && (username || password))
        report_at(
            reader, line_of(reader, "url"), "url",
            "a user name here and in the camera's own fields; keep username and password, and take it out of "
            "the URL");
    else if (username && !password)
        report_at(reader, line_of(reader, "username"), "password",
                  "missing, but there is a username; add it, \"\" if the camera has none");
    else if (password && !username)
        report_at(reader, line_of(reader, "password"), "username",
                  "missing, but there is a password; add it");
}

/* TLS protects the connection; packets over UDP would be beside it, for everybody to read. */
static void check_protection(const struct reader *reader, const struct config_camera *camera)
{
    if (camera->url != NULL && strncasecmp(camera->url, "rtsps:", 6) == 0 &&
        camera->transport == CONFIG_TRANSPORT_UDP)
        report_at(reader, line_of(reader, "transport"), "transport",
                  "\"udp\" is not protected by the TLS of rtsps; use \"tcp\" or \"auto\"");
}

/* All that is neither the URL nor the name; of two pairs of credentials, its own. */
static void inherit(struct config_camera *sub, const struct config_camera *camera)
{
    *sub = *camera;
    sub->name = sub->url = sub->username = sub->password = sub->tls_fingerprint = NULL;
}

static char *copy_of(const char *text)
{
    return text == NULL ? NULL : need(strdup(text));
}

/* What of the camera's settings is text, after its own have been read. */
static void inherit_texts(struct config_camera *sub, const struct config_camera *camera)
{
    size_t length;
    bool own = sub->username != NULL || sub->password != NULL ||
               (sub->url != NULL && config_url_userinfo(sub->url, &length) != NULL);

    if (!own) {
        sub->username = copy_of(camera->username);
        sub->password = copy_of(camera->password);
    }
    if (sub->tls_fingerprint == NULL)
        sub->tls_fingerprint = copy_of(camera->tls_fingerprint);
    sub->enabled = sub->enabled && camera->enabled;
    if (camera->name != NULL && asprintf(&sub->name, "%s" CONFIG_SUB_SUFFIX, camera->name) < 0)
        abort();
}

/* The URL alone, or a group; what is not said is as for the camera, whose other settings have been read. */
static void read_sub(const struct reader *camera_reader, const config_setting_t *given)
{
    char prefix[FIELD_SIZE];
    const struct config_camera *camera = camera_reader->object;
    struct reader reader = *camera_reader;
    struct config_camera *sub = reader.sub;

    if (sub == NULL) /* only a camera's reader has a place for it */
        return;
    inherit(sub, camera);
    reader.object = sub;
    reader.inherits = true;
    reader.line = config_setting_source_line(given);
    sub->line = (int)reader.line;
    sub->sub = true;
    if (config_setting_is_group(given)) {
        snprintf(prefix, sizeof(prefix), "%ssub.", camera_reader->prefix);
        reader.prefix = prefix;
        reader.group = given;
        read_group(&reader, SUB_SETTINGS, SUB_SETTING_COUNT);
        check_credentials(&reader, sub);
    } else {
        struct setting url = *find_setting(camera_settings, COUNT(camera_settings), "url");
        url.name = "sub";
        take_url(&reader, &url, config_setting_get_string(given));
    }
    check_protection(&reader, sub);
    inherit_texts(sub, camera);
}

static void read_camera(const struct reader *top, size_t index, const config_setting_t *given,
                        struct config_camera *camera, struct config_camera *sub)
{
    char prefix[FIELD_SIZE];
    struct reader reader = *top;

    snprintf(prefix, sizeof(prefix), "cameras[%zu].", index);
    reader.group = given;
    reader.object = camera;
    reader.sub = sub;
    reader.prefix = prefix;
    reader.line = config_setting_source_line(given);
    camera->line = (int)reader.line;
    camera->ring_size = top->config->ring_size;
    camera->ring_size_max = top->config->ring_size_max;
    read_group(&reader, camera_settings, COUNT(camera_settings));
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
static void check_unique(const struct reader *reader, const config_setting_t *cameras, size_t index)
{
    const struct config_camera *all = reader->config->cameras;
    char field[FIELD_SIZE];
    size_t first = 0;

    while (all[index].name != NULL &&
           (all[first].name == NULL || strcmp(all[first].name, all[index].name) != 0))
        first++;
    if (first == index || all[index].name == NULL)
        return;
    struct config_place place = config_source_place(reader->source, name_line(cameras, first));
    snprintf(field, sizeof(field), "cameras[%zu].name", index);
    report_at(reader, name_line(cameras, index), field,
              "\"%s\" is already the name of cameras[%zu] (%s:%u); give each camera its own", all[index].name,
              first, place.file, place.line);
}

/* Behind the COUNT cameras stand as many places for sub streams: each that is there goes behind its camera.
 */
static void place_subs(struct config *config, size_t count)
{
    struct config_camera *streams = need(calloc(2 * count + 1, sizeof(*streams)));
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        streams[used++] = config->cameras[i];
        if (config->cameras[count + i].sub)
            streams[used++] = config->cameras[count + i];
    }
    free(config->cameras);
    config->cameras = streams;
    config->camera_count = used;
}

static void read_cameras(const struct reader *reader, const struct setting *setting,
                         const config_setting_t *given)
{
    struct config *config = reader->config;
    int count = config_setting_length(given);
    unsigned line = config_setting_source_line(given);

    if (count < setting->min || count > setting->max) {
        report_at(reader, line, setting->name, "%d cameras; list %lld to %lld", count, setting->min,
                  setting->max);
        return;
    }
    config->cameras = need(calloc(2 * (size_t)count + 1, sizeof(*config->cameras)));
    config->camera_count = (size_t)count;
    for (size_t i = 0; i < config->camera_count; i++) {
        const config_setting_t *camera = config_setting_get_elem(given, (unsigned)i);
        if (config_setting_is_group(camera)) {
            read_camera(reader, i, camera, &config->cameras[i], &config->cameras[(size_t)count + i]);
            continue;
        }
        char field[FIELD_SIZE];
        snprintf(field, sizeof(field), "%s[%zu]", setting->name, i);
        report_at(reader, config_setting_source_line(camera), field,
                  "expected a group, found %s; write { name = \"…\"; url = \"…\"; }", type_name(camera));
    }
    for (size_t i = 0; i < config->camera_count; i++)
        check_unique(reader, given, i);
    place_subs(config, (size_t)count);
    if (config->camera_count > CAMERAS_MAX)
        report_at(reader, line, setting->name, "%zu cameras and sub streams together; configure at most %d",
                  config->camera_count, CAMERAS_MAX);
}

/* Nobody is authenticated: whoever reaches an address gets all that is there. */
static void check_address(const struct reader *reader, const char *name, const struct config_address *address,
                          const char *who, const char *what)
{
    if (address->host == NULL || reader->config->insecure || config_host_is_loopback(address->host))
        return;
    report_at(reader, line_of(reader, name), name,
              "%s is not a loopback address, and %s are not authenticated; write \"127.0.0.1:%d\", or add "
              "insecure = true; to let everyone who can reach it %s",
              address->host, who, address->port, what);
}

static void check_exposure(const struct reader *reader)
{
    check_address(reader, "listen", &reader->config->listen, "viewers", "watch");
    check_address(reader, "admin", &reader->config->admin, "its readers", "read metrics");
}

void config_read_tree(const config_setting_t *root, struct config *config, struct config_report *report,
                      const struct config_source *source)
{
    const struct reader reader = {.config = config,
                                  .report = report,
                                  .source = source,
                                  .group = root,
                                  .object = config,
                                  .prefix = "",
                                  .line = 1};

    read_group(&reader, top_settings, COUNT(top_settings));
    check_exposure(&reader);
}
