#include "common/config/config_settings.h"

#include <string.h>

#include "common/config/config.h"
#include "common/config/config_check.h"

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

static const struct setting_choice transports[] = {
    {"tcp", CONFIG_TRANSPORT_TCP}, {"udp", CONFIG_TRANSPORT_UDP}, {"auto", CONFIG_TRANSPORT_AUTO}, {NULL, 0}};

static const struct setting_choice audio_codecs[] = {{"flac", CONFIG_AUDIO_CODEC_FLAC},
                                                     {"opus", CONFIG_AUDIO_CODEC_OPUS},
                                                     {"aac", CONFIG_AUDIO_CODEC_AAC},
                                                     {NULL, 0}};

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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct setting fanout_settings[] = {
    {"processes", SETTING_COUNT, 0, TOP(fanout_processes), 1, FANOUTS_MAX, .number = 1},
    {"viewer_bytes", SETTING_INTEGER, 0, TOP(viewers.bytes), 65536, 1073741824, .number = 4194304},
    {"viewer_age_ms", SETTING_INTEGER, 0, TOP(viewers.age_ms), 100, 600000, .number = 3000},
    {"viewer_timeout", SETTING_INTEGER, 0, TOP(viewers.timeout), 1, 3600, .number = 30},
    {"ping_interval", SETTING_INTEGER, 0, TOP(viewers.ping), 1, 3600, .number = 25},
};

static const struct setting_group fanout_group = {fanout_settings, COUNT(fanout_settings)};

/* The cameras come last: their ring_size and ring_size_max follow those above. */
static const struct setting top_settings[] = {
    {"listen", SETTING_LISTEN, 0, TOP(listen), 1, 64, .text = "127.0.0.1:8080"},
    {"admin", SETTING_LISTEN, 0, TOP(admin), 1, 64, .text = NULL},
    {"insecure", SETTING_BOOLEAN, 0, TOP(insecure), .number = false},
    {"runtime_dir", SETTING_STRING, 0, TOP(runtime_dir), 1, 4096, .check = config_check_runtime_dir},
    {"state_dir", SETTING_STRING, 0, TOP(state_dir), 1, 4096, .check = config_check_state_dir},
    {"instance", SETTING_STRING, 0, TOP(instance), 1, 32, .check = config_check_instance},
    {"ring_size", SETTING_INTEGER, 0, TOP(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", SETTING_INTEGER, 0, TOP(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = RING_SIZE_MAX_DEFAULT},
    {"log_level", SETTING_CHOICE, 0, TOP(log_level), .text = "info", .choices = log_levels},
    {"log_format", SETTING_CHOICE, 0, TOP(log_format), .text = "auto", .choices = log_formats},
    {"sandbox", SETTING_CHOICE, 0, TOP(sandbox), .text = "on", .choices = sandboxes},
    {"user", SETTING_STRING, 0, TOP(user), 1, USER_NAME_MAX, .check = config_check_user},
    {"fanout", SETTING_GROUP, 0, 0, .members = &fanout_group},
    {"cameras", SETTING_CAMERAS, SETTING_REQUIRED, TOP(cameras), 0, SETTING_CAMERAS_MAX, .number = 0},
};

/* Between the name and the sub stream stand the settings that a sub stream has, too. */
static const struct setting camera_settings[] = {
    {"name", SETTING_STRING, SETTING_REQUIRED, CAMERA(name), 1, CONFIG_CAMERA_NAME_MAX,
     .check = config_check_name},
    {"url", SETTING_URL, SETTING_REQUIRED, CAMERA(url), 1, URL_MAX, .check = config_check_url},
    {"username", SETTING_STRING, 0, CAMERA(username), 1, CREDENTIAL_MAX, .check = config_check_credential},
    {"password", SETTING_STRING, SETTING_SECRET, CAMERA(password), 0, CREDENTIAL_MAX,
     .check = config_check_credential},
    {"transport", SETTING_CHOICE, 0, CAMERA(transport), .text = "tcp", .choices = transports},
    {"audio", SETTING_BOOLEAN, 0, CAMERA(audio), .number = true},
    {"audio_codec", SETTING_CHOICE, 0, CAMERA(audio_codec), .text = "flac", .choices = audio_codecs},
    {"show_damaged", SETTING_BOOLEAN, 0, CAMERA(show_damaged), .number = false},
    {"tls_verify", SETTING_BOOLEAN, 0, CAMERA(tls_verify), .number = true},
    {"tls_fingerprint", SETTING_STRING, 0, CAMERA(tls_fingerprint), 1, FINGERPRINT_MAX,
     .check = config_check_fingerprint},
    {"allow_redirect", SETTING_BOOLEAN, 0, CAMERA(allow_redirect), .number = false},
    {"ring_size", SETTING_INTEGER, 0, CAMERA(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", SETTING_INTEGER, 0, CAMERA(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = 0},
    {"enabled", SETTING_BOOLEAN, 0, CAMERA(enabled), .number = true},
    {"on_demand", SETTING_BOOLEAN, 0, CAMERA(on_demand), .number = false},
    {"on_demand_idle", SETTING_INTEGER, 0, CAMERA(on_demand_idle), ON_DEMAND_IDLE_MIN, ON_DEMAND_IDLE_MAX,
     .number = ON_DEMAND_IDLE_DEFAULT},
    {"sub", SETTING_SUB, 0, 0, 1, URL_MAX, .text = NULL},
};

const struct setting_group setting_group_file = {top_settings, COUNT(top_settings)};
const struct setting_group setting_group_camera = {camera_settings, COUNT(camera_settings)};
const struct setting_group setting_group_sub = {&camera_settings[1], COUNT(camera_settings) - 2};

const struct setting *setting_find(const struct setting_group *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(group->settings[i].name, name) == 0) {
            return &group->settings[i];
        }
    }
    return NULL;
}
