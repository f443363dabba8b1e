/* SPDX-License-Identifier: MIT */
#include "common/config/config_settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/secret.h"
#include "common/cluster/subject.h"
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

/* Seconds. */
#define LOOK_BACK_MAX 3600

/* Bytes: longer than any camera takes; keeps a worker's messages far below MESSAGE_CHANNEL_MAX. */
#define URL_MAX 2048
#define CREDENTIAL_MAX 256

/* Bytes of a certificate's fingerprint with a colon between each two. */
#define ONVIF_MAX 1024
#define FINGERPRINT_MAX 95

/* Bytes of a user's name: useradd(8) allows as many. */
#define USER_NAME_MAX 32

/* Seconds. A viewer that reconnects at once must not find the camera asleep. */
#define ON_DEMAND_IDLE_MIN 1
#define ON_DEMAND_IDLE_MAX 86400
#define ON_DEMAND_IDLE_DEFAULT 10

/* Seconds: the groups of pictures of "smart" codecs are up to 250 s long. */
#define DEADLINE_MAX 600

/* Bytes of a JWT claim's name, and of what an audience or issuer is called, often a URL. */
#define CLAIM_MAX 256

/* Issuers of JWTs, and keys while one replaces another. */
#define JWT_MAX 16

/* Bytes of a scheme, a host's name and a port; and of a path, which stands in every cookie. */
#define ORIGIN_MAX 268
#define BASE_PATH_MAX 128

/* Seconds: two years, which is what lists of HSTS hosts ask for. */
#define HSTS_MAX 63072000

/* Bytes of "65535:65535". */
#define ASPECT_MAX 11

/* Bytes of "95, 95, 95, 95", and some blanks more. */
#define CROP_MAX 32

/* Servers of NATS that are named: it tells of the others itself. And bytes of a URL: MESSAGE_CHANNEL_MAX has room for all of them. */
#define NATS_SERVERS_MAX 16
#define NATS_URL_MAX 256

/* Copies that JetStream makes of a bucket at most. */
#define REPLICAS_MAX 5

/* Of a node's machine: relay/owner/placement.h. */
#define WEIGHT_DEFAULT 1000
#define WEIGHT_MAX 100000

/* Nodes that may fetch one camera. */
#define CAMERA_NODES_MAX 64

/* Bytes of the longest title of the pages. */
#define TITLE_MAX 64

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

#define USER(member) offsetof(struct config_user, member)
#define GROUP(member) offsetof(struct config_group, member)
#define JWT(member) offsetof(struct config_jwt, member)

/* Bytes of the members line and file. */
#define PLACE_SIZE (2 * sizeof(int))

static_assert(USER(line) == 0 && GROUP(line) == 0 && JWT(line) == 0, "an item begins with its line");
static_assert(USER(file) == sizeof(int) && GROUP(file) == sizeof(int) && JWT(file) == sizeof(int),
              "and its file");
static_assert(TOP(tls.file) == TOP(tls.line) + sizeof(int) &&
                  TOP(auth.file) == TOP(auth.line) + sizeof(int) &&
                  TOP(auth.proxy.file) == TOP(auth.proxy.line) + sizeof(int) &&
                  TOP(rtsp.file) == TOP(rtsp.line) + sizeof(int) &&
                  TOP(cluster.file) == TOP(cluster.line) + sizeof(int),
              "the file follows the line");
static_assert(ACCESS_WHY_SIZE <= CONFIG_PROBLEM_SIZE, "what access_check_… says fits");

static const struct setting_choice roles[] = {
    {"viewer", ACCESS_VIEWER}, {"operator", ACCESS_OPERATOR}, {NULL, 0}};

static const struct setting_choice jwt_algorithms[] = {
    {"HS256", CONFIG_JWT_HS256}, {"RS256", CONFIG_JWT_RS256}, {"ES256", CONFIG_JWT_ES256}, {NULL, 0}};

static const struct setting group_settings[] = {
    {"name", SETTING_STRING, SETTING_REQUIRED, GROUP(name), 1, ACCESS_GROUP_MAX, .check = access_check_group},
    {"cameras", SETTING_STRINGS, SETTING_REQUIRED, GROUP(cameras), 1, ACCESS_PATTERN_MAX,
     .check = access_check_pattern, .most = ACCESS_PATTERNS_MAX, .example = "front*"},
};

static const struct setting_group group_group = {group_settings, COUNT(group_settings)};

static const struct setting user_settings[] = {
    {"name", SETTING_STRING, SETTING_REQUIRED, USER(name), 1, ACCESS_USER_MAX, .check = access_check_user},
    {"role", SETTING_CHOICE, 0, USER(role), .text = "viewer", .choices = roles},
    {"cameras", SETTING_STRINGS, 0, USER(cameras), 1, ACCESS_PATTERN_MAX, .check = access_check_pattern,
     .most = ACCESS_PATTERNS_MAX, .example = "front*"},
    {"groups", SETTING_STRINGS, 0, USER(groups), 1, ACCESS_GROUP_MAX, .check = access_check_group,
     .most = ACCESS_PATTERNS_MAX, .example = "yard"},
};

const struct setting_group setting_group_user = {user_settings, COUNT(user_settings)};

static const struct setting jwt_settings[] = {
    {"algorithm", SETTING_CHOICE, SETTING_REQUIRED, JWT(algorithm), .choices = jwt_algorithms},
    {"key", SETTING_STRING, SETTING_REQUIRED, JWT(key), 1, 4096, .check = config_check_path},
    {"audience", SETTING_STRING, 0, JWT(audience), 1, CLAIM_MAX, .check = config_check_claim},
    {"issuer", SETTING_STRING, 0, JWT(issuer), 1, CLAIM_MAX, .check = config_check_claim},
    {"user_claim", SETTING_STRING, 0, JWT(user_claim), 1, CLAIM_MAX, .text = "sub",
     .check = config_check_claim},
    {"cameras_claim", SETTING_STRING, 0, JWT(cameras_claim), 1, CLAIM_MAX, .text = "cameras",
     .check = config_check_claim},
    {"groups_claim", SETTING_STRING, 0, JWT(groups_claim), 1, CLAIM_MAX, .text = "groups",
     .check = config_check_claim},
};

static const struct setting_group jwt_group = {jwt_settings, COUNT(jwt_settings)};

static const struct setting proxy_settings[] = {
    {"user", SETTING_STRING, 0, TOP(auth.proxy.user), 1, 64, .check = config_check_header},
    {"groups", SETTING_STRING, 0, TOP(auth.proxy.groups), 1, 64, .check = config_check_header},
};

static const struct setting_group proxy_group = {proxy_settings, COUNT(proxy_settings)};

static const struct setting auth_settings[] = {
    {"passwords", SETTING_STRING, 0, TOP(auth.passwords), 1, 4096, .check = config_check_path},
    {"session_hours", SETTING_INTEGER, 0, TOP(auth.session_hours), 1, 8760, .number = 720},
    {"token_in_query", SETTING_BOOLEAN, 0, TOP(auth.token_in_query), .number = true},
    {"users", SETTING_GROUPS, 0, TOP(auth.users), .members = &setting_group_user, .most = SETTING_USERS_MAX,
     .count = TOP(auth.user_count), .item_size = sizeof(struct config_user)},
    {"user_groups", SETTING_GROUPS, 0, TOP(auth.user_groups), .members = &setting_group_user,
     .most = SETTING_ITEMS_MAX, .count = TOP(auth.user_group_count), .item_size = sizeof(struct config_user)},
    {"jwt", SETTING_GROUPS, 0, TOP(auth.jwt), .members = &jwt_group, .most = JWT_MAX,
     .count = TOP(auth.jwt_count), .item_size = sizeof(struct config_jwt)},
    {"proxy", SETTING_GROUP, 0, 0, .members = &proxy_group, .line = TOP(auth.proxy.line)},
};

static const struct setting_group auth_group = {auth_settings, COUNT(auth_settings)};

static const struct setting limits_settings[] = {
    {"connections", SETTING_INTEGER, 0, TOP(limits.connections), 0, 1048576, .number = 0},
    {"connections_per_address", SETTING_INTEGER, 0, TOP(limits.connections_per_address), 0, 1048576,
     .number = 2048},
    {"handshakes", SETTING_INTEGER, 0, TOP(limits.handshakes), 0, 100000, .number = 1000},
    {"handshakes_per_address", SETTING_INTEGER, 0, TOP(limits.handshakes_per_address), 0, 100000,
     .number = 500},
    {"requests_per_address", SETTING_INTEGER, 0, TOP(limits.requests_per_address), 0, 100000, .number = 1000},
    {"header_bytes", SETTING_INTEGER, 0, TOP(limits.header_bytes), 2048, 32768, .number = 16384},
    {"handshake_timeout", SETTING_INTEGER, 0, TOP(limits.handshake_timeout), 1, 600, .number = 10},
    {"viewers_per_user", SETTING_INTEGER, 0, TOP(limits.viewers_per_user), 0, 100000, .number = 0},
};

static const struct setting_group limits_group = {limits_settings, COUNT(limits_settings)};

static const struct setting rtsp_settings[] = {
    {"listen", SETTING_LISTEN, 0, TOP(rtsp.listen), 1, 64, .text = "127.0.0.1:8554"},
    {"basic", SETTING_BOOLEAN, 0, TOP(rtsp.basic), .number = false},
    {"udp_ports", SETTING_STRING, 0, TOP(rtsp.udp_ports), 3, 11, .check = config_check_ports},
};

static const struct setting_group rtsp_group = {rtsp_settings, COUNT(rtsp_settings)};

static const struct setting cluster_settings[] = {
    {"name", SETTING_STRING, 0, TOP(cluster.name), 1, SUBJECT_NODE_MAX, .text = "ringcast",
     .check = config_check_node},
    {"node", SETTING_STRING, 0, TOP(cluster.node), 1, SUBJECT_NODE_MAX, .check = config_check_node},
    {"nats", SETTING_STRINGS, SETTING_SECRET, TOP(cluster.nats), 1, NATS_URL_MAX, .check = config_check_nats,
     .most = NATS_SERVERS_MAX, .example = "nats://127.0.0.1:4222"},
    {"credentials", SETTING_STRING, 0, TOP(cluster.credentials), 1, 4096, .check = config_check_path},
    {"ca", SETTING_STRING, 0, TOP(cluster.ca), 1, 4096, .check = config_check_path},
    {"certificate", SETTING_STRING, 0, TOP(cluster.certificate), 1, 4096, .check = config_check_path},
    {"key", SETTING_STRING, 0, TOP(cluster.key), 1, 4096, .check = config_check_path},
    {"replicas", SETTING_INTEGER, 0, TOP(cluster.replicas), 1, REPLICAS_MAX, .number = 1},
    {"config_key", SETTING_STRING, 0, TOP(cluster.config_key), 1, 4096, .check = config_check_path},
    {"central_cameras", SETTING_BOOLEAN, 0, TOP(cluster.central_cameras), .number = false},
    {"site", SETTING_STRING, 0, TOP(cluster.site), 1, SUBJECT_NODE_MAX, .check = config_check_site},
    {"weight", SETTING_INTEGER, 0, TOP(cluster.weight), 1, WEIGHT_MAX, .number = WEIGHT_DEFAULT},
    {"limit", SETTING_INTEGER, 0, TOP(cluster.limit), 0, SETTING_CAMERAS_MAX, .number = 0},
};

static const struct setting_group cluster_group = {cluster_settings, COUNT(cluster_settings)};

static const struct setting wall_settings[] = {
    {"title", SETTING_STRING, 0, TOP(wall.title), 1, TITLE_MAX, .check = config_check_title},
    {"logo", SETTING_STRING, 0, TOP(wall.logo), 1, 4096, .check = config_check_path},
    {"style", SETTING_STRING, 0, TOP(wall.style), 1, 4096, .check = config_check_path},
};

static const struct setting_group wall_group = {wall_settings, COUNT(wall_settings)};

/* The cameras come last: their ring_size and ring_size_max follow those above, and those of other nodes need a cluster. */
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
    {"tls", SETTING_GROUP, 0, 0, .members = &tls_group, .line = TOP(tls.line)},
    {"groups", SETTING_GROUPS, 0, TOP(groups), .members = &group_group, .most = SETTING_ITEMS_MAX,
     .count = TOP(group_count), .item_size = sizeof(struct config_group)},
    {"auth", SETTING_GROUP, 0, 0, .members = &auth_group, .line = TOP(auth.line)},
    {"trusted_proxies", SETTING_STRINGS, 0, TOP(trusted_proxies), 1, 64, .check = config_check_network,
     .most = SETTING_ITEMS_MAX, .example = "127.0.0.1"},
    {"origins", SETTING_STRINGS, 0, TOP(origins), 1, ORIGIN_MAX, .check = config_check_origin,
     .most = SETTING_ITEMS_MAX, .example = "https://nvr.example"},
    {"cors_origins", SETTING_STRINGS, 0, TOP(cors_origins), 1, ORIGIN_MAX, .check = config_check_origin,
     .most = SETTING_ITEMS_MAX, .example = "https://app.example"},
    {"frame_ancestors", SETTING_STRINGS, 0, TOP(frame_ancestors), 1, ORIGIN_MAX, .text = "'self'",
     .check = config_check_frame_ancestor, .most = 32, .example = "'self'"},
    {"base_path", SETTING_STRING, 0, TOP(base_path), 0, BASE_PATH_MAX, .text = "",
     .check = config_check_base_path},
    {"hsts", SETTING_INTEGER, 0, TOP(hsts), 0, HSTS_MAX, .number = 0},
    {"go2rtc", SETTING_BOOLEAN, 0, TOP(go2rtc), .number = false},
    {"limits", SETTING_GROUP, 0, 0, .members = &limits_group},
    {"wall", SETTING_GROUP, 0, 0, .members = &wall_group},
    {"rtsp", SETTING_GROUP, 0, 0, .members = &rtsp_group, .line = TOP(rtsp.line)},
    {"cluster", SETTING_GROUP, 0, 0, .members = &cluster_group, .line = TOP(cluster.line)},
    {"cameras", SETTING_CAMERAS, SETTING_REQUIRED, TOP(cameras), 0, SETTING_CAMERAS_MAX, .number = 0},
};

/* Between one_session and the sub stream stand the settings that a sub stream has, too. */
static const struct setting camera_settings[] = {
    {"name", SETTING_STRING, SETTING_REQUIRED, CAMERA(name), 1, CONFIG_CAMERA_NAME_MAX,
     .check = config_check_name},
    {"nodes", SETTING_STRINGS, 0, CAMERA(nodes), 1, SUBJECT_NODE_MAX, .check = config_check_node,
     .most = CAMERA_NODES_MAX, .example = "a"},
    {"site", SETTING_STRING, 0, CAMERA(site), 1, SUBJECT_NODE_MAX, .check = config_check_site},
    {"one_session", SETTING_BOOLEAN, 0, CAMERA(one_session), .number = false},
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
    {"onvif", SETTING_STRING, SETTING_TASK, TASK(onvif), 1, ONVIF_MAX, .check = config_check_onvif},
    {"ring_size", SETTING_INTEGER, 0, CAMERA(ring_size), RING_SIZE_MIN, RING_SIZE_MAX, .number = 0},
    {"ring_size_max", SETTING_INTEGER, 0, CAMERA(ring_size_max), RING_SIZE_MAX_MIN, RING_SIZE_MAX,
     .number = 0},
    {"look_back", SETTING_INTEGER, 0, CAMERA(look_back), 0, LOOK_BACK_MAX, .number = 0},
    {"mirror", SETTING_BOOLEAN, 0, CAMERA(mirror), .number = false},
    {"crop", SETTING_STRING, 0, CAMERA(crop), 1, CROP_MAX, .check = config_check_crop},
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
const struct setting_group setting_group_cluster_file = {&top_settings[COUNT(top_settings) - 1], 1};
const struct setting_group setting_group_camera = {camera_settings, COUNT(camera_settings)};
const struct setting_group setting_group_sub = {&camera_settings[4], COUNT(camera_settings) - 5};
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

void config_list_add(struct config_list *list, const char *text)
{
    list->items = config_need(reallocarray(list->items, list->count + 1, sizeof(*list->items)));
    list->items[list->count++] = config_need(strdup(text));
}

bool config_list_has(const struct config_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void config_list_finish(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct config_list){0};
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

static struct config_list list_of(const struct setting *setting, const void *object)
{
    struct config_list list;

    memcpy(&list, member_of(setting, object), sizeof(list));
    return list;
}

/* The items of a SETTING_GROUPS, and their number. */
static void *items_of(const struct setting *setting, const void *object, size_t *count)
{
    void *items;

    memcpy(&items, member_of(setting, object), sizeof(items));
    memcpy(count, (const char *)object + setting->count, sizeof(*count));
    return items;
}

static void copy_list(const struct setting *setting, void *to, const void *from)
{
    struct config_list source = list_of(setting, from), copy = {0};

    for (size_t i = 0; i < source.count; i++) {
        config_list_add(&copy, source.items[i]);
    }
    set_member(setting, to, &copy, sizeof(copy));
}

static void copy_items(const struct setting *setting, void *to, const void *from)
{
    size_t count;
    const char *source = items_of(setting, from, &count);
    char *copy = count == 0 ? NULL : config_need(calloc(count, setting->item_size));

    for (size_t i = 0; i < count; i++) {
        memcpy(copy + i * setting->item_size, source + i * setting->item_size, PLACE_SIZE);
        setting_group_copy(setting->members, copy + i * setting->item_size, source + i * setting->item_size);
    }
    set_member(setting, to, &copy, sizeof(copy));
    memcpy((char *)to + setting->count, &count, sizeof(count));
}

void setting_copy(const struct setting *setting, void *to, const void *from)
{
    if (setting_is_text(setting)) {
        char *copy = config_copy_text(text_of(setting, from));
        set_member(setting, to, &copy, sizeof(copy));
    } else if (setting->kind == SETTING_STRINGS) {
        copy_list(setting, to, from);
    } else if (setting->kind == SETTING_GROUPS) {
        copy_items(setting, to, from);
    } else if (setting->kind == SETTING_GROUP) {
        setting_group_copy(setting->members, to, from);
    } else if (setting->kind == SETTING_LISTEN) {
        struct config_address address;
        memcpy(&address, member_of(setting, from), sizeof(address));
        address.host = config_copy_text(address.host);
        set_member(setting, to, &address, sizeof(address));
    } else {
        set_member(setting, to, member_of(setting, from), size_of(setting));
    }
}

static bool equal_text(const char *first, const char *second)
{
    return !first || !second ? first == second : strcmp(first, second) == 0;
}

static bool equal_list(const struct setting *setting, const void *a, const void *b)
{
    struct config_list first = list_of(setting, a), second = list_of(setting, b);
    bool equal = first.count == second.count;

    for (size_t i = 0; equal && i < first.count; i++) {
        equal = strcmp(first.items[i], second.items[i]) == 0;
    }
    return equal;
}

static bool equal_items(const struct setting *setting, const void *a, const void *b)
{
    size_t count, other;
    const char *first = items_of(setting, a, &count), *second = items_of(setting, b, &other);
    bool equal = count == other;

    for (size_t i = 0; equal && i < count; i++) {
        equal = setting_group_equal(setting->members, first + i * setting->item_size,
                                    second + i * setting->item_size);
    }
    return equal;
}

static bool equal_address(const struct setting *setting, const void *a, const void *b)
{
    struct config_address first, second;

    memcpy(&first, member_of(setting, a), sizeof(first));
    memcpy(&second, member_of(setting, b), sizeof(second));
    return first.port == second.port && equal_text(first.host, second.host);
}

bool setting_equal(const struct setting *setting, const void *a, const void *b)
{
    switch (setting->kind) {
    case SETTING_STRING:
    case SETTING_URL:
        return equal_text(text_of(setting, a), text_of(setting, b));
    case SETTING_STRINGS:
        return equal_list(setting, a, b);
    case SETTING_GROUPS:
        return equal_items(setting, a, b);
    case SETTING_GROUP:
        return setting_group_equal(setting->members, a, b);
    case SETTING_LISTEN:
        return equal_address(setting, a, b);
    default:
        return memcmp(member_of(setting, a), member_of(setting, b), size_of(setting)) == 0;
    }
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

static void finish_items(const struct setting *setting, void *object)
{
    size_t count, none = 0;
    char *items = items_of(setting, object, &count);

    for (size_t i = 0; i < count; i++) {
        setting_group_finish(setting->members, items + i * setting->item_size);
    }
    free(items);
    items = NULL;
    set_member(setting, object, &items, sizeof(items));
    memcpy((char *)object + setting->count, &none, sizeof(none));
}

void setting_finish(const struct setting *setting, void *object)
{
    const struct config_address nowhere = {0};
    const struct config_list no_list = {0};
    char *none = NULL;

    if (setting_is_text(setting)) {
        secret_free(text_of(setting, object));
        set_member(setting, object, &none, sizeof(none));
    } else if (setting->kind == SETTING_STRINGS) {
        struct config_list list = list_of(setting, object);
        config_list_finish(&list);
        set_member(setting, object, &no_list, sizeof(no_list));
    } else if (setting->kind == SETTING_GROUPS) {
        finish_items(setting, object);
    } else if (setting->kind == SETTING_GROUP) {
        setting_group_finish(setting->members, object);
    } else if (setting->kind == SETTING_LISTEN) {
        struct config_address address;
        memcpy(&address, member_of(setting, object), sizeof(address));
        free(address.host);
        set_member(setting, object, &nowhere, sizeof(nowhere));
    }
}

static bool is_value(const struct setting *setting)
{
    return setting->kind != SETTING_CAMERAS && setting->kind != SETTING_SUB;
}

void setting_group_copy(const struct setting_group *group, void *to, const void *from)
{
    for (size_t i = 0; i < group->count; i++) {
        if (is_value(&group->settings[i])) {
            setting_copy(&group->settings[i], to, from);
        }
    }
}

bool setting_group_equal(const struct setting_group *group, const void *a, const void *b)
{
    for (size_t i = 0; i < group->count; i++) {
        if (is_value(&group->settings[i]) && !setting_equal(&group->settings[i], a, b)) {
            return false;
        }
    }
    return true;
}

void setting_group_finish(const struct setting_group *group, void *object)
{
    for (size_t i = 0; i < group->count; i++) {
        setting_finish(&group->settings[i], object);
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
