#include "common/config/config_settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/secret.h"
#include "common/config/config.h"
#include "common/config/config_check.h"
#include "common/config/config_memory.h"

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

/* Seconds: the groups of pictures of "smart" codecs are up to 250 s long. */
#define DEADLINE_MAX 600

/* Bytes of "65535:65535". */
#define ASPECT_MAX 11

static const struct setting_choice transports[] = {{"auto-tcp", CAMERA_TRANSPORT_AUTO_TCP},
                                                   {"tcp", CAMERA_TRANSPORT_TCP},
                                                   {"udp", CAMERA_TRANSPORT_UDP},
                                                   {"auto", CAMERA_TRANSPORT_AUTO},
                                                   {NULL, 0}};

static const struct setting_choice audio_codecs[] = {
    {"flac", AUDIO_CODEC_FLAC}, {"opus", AUDIO_CODEC_OPUS}, {"aac", AUDIO_CODEC_AAC}, {NULL, 0}};

static const struct setting_choice log_levels[] = {{"error", LOG_LEVEL_ERROR},
                                                   {"warning", LOG_LEVEL_WARNING},
                                                   {"info", LOG_LEVEL_INFO},
                                                   {"debug", LOG_LEVEL_DEBUG},
                                                   {NULL, 0}};

static const struct setting_choice log_formats[] = {{"auto", LOG_FORMAT_AUTO},
                                                    {"plain", LOG_FORMAT_PLAIN},
                                                    {"json", LOG_FORMAT_JSON},
                                                    {"journal", LOG_FORMAT_JOURNAL},
                                                    {NULL, 0}};

static const struct setting_choice sandboxes[] = {
    {"on", CONFIG_SANDBOX_ON}, {"required", CONFIG_SANDBOX_REQUIRED}, {"off", CONFIG_SANDBOX_OFF}, {NULL, 0}};

#define TOP(member) offsetof(struct config, member)
#define CAMERA(member) offsetof(struct config_camera, member)
#define TASK(member) offsetof(struct camera_task, member)

static_assert(CAMERA(task) == 0, "a task's offsets serve for the camera that it is in, too");

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct setting fanout_settings[] = {
    {"processes", SETTING_COUNT, 0, TOP(fanout_processes), 1, FANOUTS_MAX, .number = 1},
    {"viewer_bytes", SETTING_INTEGER, 0, TOP(viewers.bytes), 65536, 1073741824, .number = 4194304},
    {"viewer_age_ms", SETTING_INTEGER, 0, TOP(viewers.age_ms), 100, 600000, .number = 3000},
    {"viewer_timeout", SETTING_INTEGER, 0, TOP(viewers.timeout), 1, 3600, .number = 30},
    {"ping_interval", SETTING_INTEGER, 0, TOP(viewers.ping), 1, 3600, .number = 25},
    {"send_memory", SETTING_INTEGER, 0, TOP(viewers.send_memory), 0, 65536, .number = 0},
    {"idle_per_client", SETTING_INTEGER, 0, TOP(viewers.idle_per_client), 1, 65536, .number = 1024},
    {"idle_max", SETTING_INTEGER, 0, TOP(viewers.idle_max), 1, 65536, .number = 8192},
};

static const struct setting_group fanout_group = {fanout_settings, COUNT(fanout_settings)};

static const struct setting tls_settings[] = {
    {"certificate", SETTING_STRING, 0, TOP(tls.certificate), 1, 4096, .check = config_check_path},
    {"key", SETTING_STRING, 0, TOP(tls.key), 1, 4096, .check = config_check_path},
};

static const struct setting_group tls_group = {tls_settings, COUNT(tls_settings)};

/* The cameras come last: their ring_size and ring_size_max follow those above. */
static const struct setting top_settings[] = {
    {"listen", SETTING_LISTEN, 0, TOP(listen), 1, 64, .text = "127.0.0.1:8080"},
    {"admin", SETTING_LISTEN, 0, TOP(admin), 1, 64, .text = NULL},
    {"insecure", SETTING_BOOLEAN, 0, TOP(insecure), .number = false},
    {"runtime_dir", SETTING_STRING, 0, TOP(runtime_dir), 1, 4096, .check = config_check_runtime_dir},
    {"state_dir", SETTING_STRING, 0, TOP(state_dir), 1, 4096, .check = config_check_path},
    {"instance", SETTING_STRING, 0, TOP(instance), 1, 32, .check = config_check_instance},
    {"ring_size", SETTING_INTEGER, 0, TOP(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", SETTING_INTEGER, 0, TOP(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = RING_SIZE_MAX_DEFAULT},
    {"log_level", SETTING_CHOICE, 0, TOP(log_level), .text = "info", .choices = log_levels},
    {"log_format", SETTING_CHOICE, 0, TOP(log_format), .text = "auto", .choices = log_formats},
    {"sandbox", SETTING_CHOICE, 0, TOP(sandbox), .text = "on", .choices = sandboxes},
    {"user", SETTING_STRING, 0, TOP(user), 1, USER_NAME_MAX, .check = config_check_user},
    {"fanout", SETTING_GROUP, 0, 0, .members = &fanout_group},
    {"tls", SETTING_GROUP, 0, 0, .members = &tls_group},
    {"cameras", SETTING_CAMERAS, SETTING_REQUIRED, TOP(cameras), 0, SETTING_CAMERAS_MAX, .number = 0},
};

/* Between the name and the sub stream stand the settings that a sub stream has, too. */
static const struct setting camera_settings[] = {
    {"name", SETTING_STRING, SETTING_REQUIRED, CAMERA(name), 1, CONFIG_CAMERA_NAME_MAX,
     .check = config_check_name},
    {"url", SETTING_URL, SETTING_TASK | SETTING_REQUIRED, TASK(url), 1, URL_MAX, .check = config_check_url},
    {"username", SETTING_STRING, SETTING_TASK | SETTING_LOGIN, TASK(username), 1, CREDENTIAL_MAX,
     .check = config_check_credential},
    {"password", SETTING_STRING, SETTING_TASK | SETTING_LOGIN | SETTING_SECRET, TASK(password), 0,
     CREDENTIAL_MAX, .check = config_check_credential},
    {"allow_basic", SETTING_BOOLEAN, SETTING_TASK, TASK(allow_basic), .number = true},
    {"transport", SETTING_CHOICE, SETTING_TASK, TASK(transport), .text = "auto-tcp", .choices = transports},
    {"audio", SETTING_BOOLEAN, SETTING_TASK, TASK(audio), .number = true},
    {"audio_codec", SETTING_CHOICE, SETTING_TASK, TASK(audio_codec), .text = "flac", .choices = audio_codecs},
    {"show_damaged", SETTING_BOOLEAN, SETTING_TASK, TASK(show_damaged), .number = false},
    {"keyframe_deadline", SETTING_INTEGER, SETTING_TASK, TASK(keyframe_deadline), 0, DEADLINE_MAX,
     .number = 0},
    {"video_deadline", SETTING_INTEGER, SETTING_TASK, TASK(video_deadline), 0, DEADLINE_MAX, .number = 0},
    {"aspect", SETTING_STRING, SETTING_TASK, TASK(aspect), 1, ASPECT_MAX, .check = config_check_aspect},
    {"rotate", SETTING_INTEGER, SETTING_TASK, TASK(rotate), 0, 270, .step = 90},
    {"tls_verify", SETTING_BOOLEAN, SETTING_TASK, TASK(tls_verify), .number = true},
    {"tls_fingerprint", SETTING_STRING, SETTING_TASK, TASK(tls_fingerprint), 1, FINGERPRINT_MAX,
     .check = config_check_fingerprint},
    {"allow_redirect", SETTING_BOOLEAN, SETTING_TASK, TASK(allow_redirect), .number = false},
    {"ring_size", SETTING_INTEGER, 0, CAMERA(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", SETTING_INTEGER, 0, CAMERA(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = 0},
    {"enabled", SETTING_BOOLEAN, 0, CAMERA(enabled), .number = true},
    {"on_demand", SETTING_BOOLEAN, 0, CAMERA(on_demand), .number = false},
    {"on_demand_idle", SETTING_INTEGER, 0, CAMERA(on_demand_idle), ON_DEMAND_IDLE_MIN, ON_DEMAND_IDLE_MAX,
     .number = ON_DEMAND_IDLE_DEFAULT},
    {"sub", SETTING_SUB, 0, 0, 1, URL_MAX, .text = NULL},
};

static const struct setting task_settings[] = {
    {"name", SETTING_STRING, SETTING_TASK | SETTING_REQUIRED, TASK(name), 1, CONFIG_STREAM_NAME_MAX,
     .text = NULL},
    {"log_level", SETTING_CHOICE, SETTING_TASK, TASK(log_level), .text = "info", .choices = log_levels},
    {"ring_size_max", SETTING_INTEGER, SETTING_TASK, TASK(ring_size_max), 0, RING_SIZE_MAX, .number = 0},
};

const struct setting_group setting_group_file = {top_settings, COUNT(top_settings)};
const struct setting_group setting_group_camera = {camera_settings, COUNT(camera_settings)};
const struct setting_group setting_group_sub = {&camera_settings[1], COUNT(camera_settings) - 2};
const struct setting_group setting_group_task = {task_settings, COUNT(task_settings)};

const struct setting *setting_find(const struct setting_group *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(group->settings[i].name, name) == 0) {
            return &group->settings[i];
        }
    }
    return NULL;
}

bool setting_is_text(const struct setting *setting)
{
    return setting->kind == SETTING_STRING || setting->kind == SETTING_URL;
}

static const void *member_of(const struct setting *setting, const void *object)
{
    return (const char *)object + setting->offset;
}

static char *text_of(const struct setting *setting, const void *object)
{
    char *text = NULL;

    memcpy(&text, member_of(setting, object), sizeof(text));
    return text;
}

bool setting_is_set(const struct setting *setting, const void *object)
{
    return setting_is_text(setting) && text_of(setting, object);
}

/* Bytes of a member that is a plain value; 0: the member is not a plain value. */
static size_t size_of(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_BOOLEAN:
        return sizeof(bool);
    case SETTING_INTEGER:
    case SETTING_COUNT:
        return sizeof(size_t);
    case SETTING_CHOICE:
        return sizeof(int);
    default:
        return 0;
    }
}

static void set_member(const struct setting *setting, void *object, const void *value, size_t size)
{
    memcpy((char *)object + setting->offset, value, size);
}

void setting_copy(const struct setting *setting, void *to, const void *from)
{
    if (setting_is_text(setting)) {
        char *copy = config_copy_text(text_of(setting, from));
        set_member(setting, to, &copy, sizeof(copy));
    } else {
        set_member(setting, to, member_of(setting, from), size_of(setting));
    }
}

bool setting_equal(const struct setting *setting, const void *a, const void *b)
{
    if (!setting_is_text(setting)) {
        return memcmp(member_of(setting, a), member_of(setting, b), size_of(setting)) == 0;
    }
    const char *first = text_of(setting, a), *second = text_of(setting, b);
    return !first || !second ? first == second : strcmp(first, second) == 0;
}

uint64_t setting_hash(const struct setting *setting, uint64_t hash, const void *object)
{
    if (!setting_is_text(setting)) {
        return hash_add(hash, member_of(setting, object), size_of(setting));
    }
    const char *text = text_of(setting, object);
    hash = hash_add(hash, text ? "t" : "n", 1); /* keeps "" and no text apart */
    return text ? hash_add(hash, text, strlen(text) + 1) : hash;
}

void setting_finish(const struct setting *setting, void *object)
{
    char *none = NULL;

    if (setting_is_text(setting)) {
        secret_free(text_of(setting, object));
        set_member(setting, object, &none, sizeof(none));
    }
}

static json_t *choice_to_json(const struct setting *setting, const void *object)
{
    int value = 0;

    memcpy(&value, member_of(setting, object), sizeof(value));
    for (const struct setting_choice *choice = setting->choices; choice->name; choice++) {
        if (choice->value == value) {
            return json_string(choice->name);
        }
    }
    return NULL;
}

json_t *setting_to_json(const struct setting *setting, const void *object)
{
    size_t number = 0;
    bool on = false;
    const char *text = NULL;

    switch (setting->kind) {
    case SETTING_STRING:
    case SETTING_URL:
        text = text_of(setting, object);
        return text ? json_string(text) : json_null();
    case SETTING_BOOLEAN:
        memcpy(&on, member_of(setting, object), sizeof(on));
        return json_boolean(on);
    case SETTING_INTEGER:
    case SETTING_COUNT:
        memcpy(&number, member_of(setting, object), sizeof(number));
        return json_integer((json_int_t)number);
    case SETTING_CHOICE:
        return choice_to_json(setting, object);
    default:
        return NULL;
    }
}

static int take_text(const struct setting *setting, void *object, const json_t *value)
{
    bool there = value && !json_is_null(value);

    if (!there) {
        return (setting->flags & SETTING_REQUIRED) != 0 ? -EBADMSG : 0;
    }
    if (!json_is_string(value)) {
        return -EBADMSG;
    }
    char *copy = strdup(json_string_value(value));
    set_member(setting, object, &copy, sizeof(copy));
    return copy ? 0 : -ENOMEM;
}

static int take_choice(const struct setting *setting, void *object, const json_t *value)
{
    const char *name = value ? json_string_value(value) : setting->text;

    for (const struct setting_choice *choice = setting->choices; name && choice->name; choice++) {
        if (strcmp(choice->name, name) == 0) {
            set_member(setting, object, &choice->value, sizeof(choice->value));
            return 0;
        }
    }
    return -EBADMSG;
}

int setting_from_json(const struct setting *setting, void *object, const json_t *value)
{
    json_int_t integer = value ? json_integer_value(value) : setting->number;
    size_t number = integer > 0 ? (size_t)integer : 0;
    bool on = value ? json_is_true(value) : setting->number != 0;

    switch (setting->kind) {
    case SETTING_STRING:
    case SETTING_URL:
        return take_text(setting, object, value);
    case SETTING_BOOLEAN:
        set_member(setting, object, &on, sizeof(on));
        return value && !json_is_boolean(value) ? -EBADMSG : 0;
    case SETTING_INTEGER:
    case SETTING_COUNT:
        set_member(setting, object, &number, sizeof(number));
        return value && (!json_is_integer(value) || integer < 0) ? -EBADMSG : 0;
    case SETTING_CHOICE:
        return take_choice(setting, object, value);
    default:
        return -EBADMSG;
    }
}
