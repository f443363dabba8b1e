/* SPDX-License-Identifier: MIT */
/*
 * A configuration file of any content: it is either accepted, and then holds what config.h promises, or
 * refused with at least one error, in printable lines.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/config/config.h"
#include "common/config/config_camera.h"
#include "common/config/config_check.h"
#include "common/config/config_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_power_of_two(size_t size)
{
    return size > 0 && (size & (size - 1)) == 0;
}

static void check_camera(const struct config *config, size_t index)
{
    const struct config_camera *camera = &config->cameras[index];

    require(camera->name != NULL && camera->task.url != NULL);
    size_t length = strlen(camera->name);
    bool sub = length > strlen(CONFIG_SUB_SUFFIX) && config_is_sub(camera->name);

    require(length >= 1 && length <= (size_t)(sub ? CONFIG_STREAM_NAME_MAX : CONFIG_CAMERA_NAME_MAX));
    require(text_is_utf8(camera->name) && !text_has_control(camera->name));
    /* Only a sub stream has a slash, before its last part, and follows its camera. */
    require(strchr(camera->name, '/') == (sub ? camera->name + length - strlen(CONFIG_SUB_SUFFIX) : NULL));
    require(!sub ||
            (index > 0 && strlen(config->cameras[index - 1].name) == length - strlen(CONFIG_SUB_SUFFIX)));
    require(strstr(camera->task.url, "://") != NULL && !text_has_control(camera->task.url));
    require((camera->task.username == NULL) == (camera->task.password == NULL));
    require(camera->ring_size == 0 || is_power_of_two(camera->ring_size));
    require(is_power_of_two(camera->ring_size_max) && camera->line > 0);
    for (size_t i = 0; i < index; i++) {
        require(strcmp(config->cameras[i].name, camera->name) != 0);
    }
}

static void check_list(const struct config_list *list, bool (*check)(const char *value, char *why))
{
    char why[CONFIG_PROBLEM_SIZE];

    require(list->count <= 256 && (list->count == 0) == (list->items == NULL));
    for (size_t i = 0; i < list->count; i++) {
        require(check(list->items[i], why));
    }
}

static void check_users(const struct config *config, const struct config_user *users, size_t count)
{
    char why[CONFIG_PROBLEM_SIZE];

    for (size_t i = 0; i < count; i++) {
        require(users[i].line > 0 && access_check_user(users[i].name, why));
        require(users[i].role == ACCESS_VIEWER || users[i].role == ACCESS_OPERATOR);
        check_list(&users[i].cameras, access_check_pattern);
        for (size_t other = 0; other < i; other++) {
            require(strcmp(users[other].name, users[i].name) != 0);
        }
        struct config_list patterns = config_camera_patterns(config, &users[i].cameras, &users[i].groups);
        require(patterns.count >= (users[i].cameras.count > 0));
        config_list_finish(&patterns);
    }
}

/* What a copy has is all that there is. */
static void check_copy(const struct config *config)
{
    struct config *copy = calloc(1, sizeof(*copy));

    require(copy != NULL);
    setting_group_copy(&setting_group_file, copy, config);
    require(setting_group_equal(&setting_group_file, copy, config));
    config_free(copy);
}

static void check_access(const struct config *config)
{
    const struct config_auth *auth = &config->auth;

    check_users(config, auth->users, auth->user_count);
    check_users(config, auth->user_groups, auth->user_group_count);
    require(auth->session_hours >= 1 && auth->session_hours <= 8760);
    require(auth->line > 0 || auth->user_count + auth->user_group_count + auth->jwt_count == 0);
    for (size_t i = 0; i < auth->jwt_count; i++) {
        require(auth->jwt[i].key[0] == '/' && auth->jwt[i].user_claim != NULL);
    }
    for (size_t i = 0; i < config->group_count; i++) {
        require(config->groups[i].name != NULL);
        check_list(&config->groups[i].cameras, access_check_pattern);
    }
    require(auth->proxy.line == 0 || (auth->proxy.user != NULL && config->trusted_proxies.count > 0));
    check_list(&config->trusted_proxies, config_check_network);
    check_list(&config->origins, config_check_origin);
    check_list(&config->cors_origins, config_check_origin);
    check_list(&config->frame_ancestors, config_check_frame_ancestor);
    require(config->frame_ancestors.count > 0);
    require(config->base_path[0] == '\0' || config->base_path[0] == '/');
    check_copy(config);
}

static void check_config(const struct config *config)
{
    char *url = config_control_url(config);

    require(strlen(url) < strlen("ipc://") + 108);
    require(config->runtime_dir[0] == '/' && config->runtime_dir[1] != '\0');
    require(strlen(config->instance) >= 1 && strlen(config->instance) <= 32);
    require(config->listen.host != NULL && config->listen.port >= 0 && config->listen.port <= 65535);
    check_access(config);
    require(config->insecure || config->auth.line > 0 || strncmp(config->listen.host, "127.", 4) == 0 ||
            config->listen.host[0] == ':');
    require(config->ring_size == 0 || is_power_of_two(config->ring_size));
    require(is_power_of_two(config->ring_size_max) && config->fanout_processes <= 64);
    require(config->camera_count <= 1000);
    for (size_t i = 0; i < config->camera_count; i++) {
        check_camera(config, i);
    }
    free(url);
}

static void check_errors(char *errors)
{
    size_t length = strlen(errors);

    require(length > 0 && errors[length - 1] == '\n');
    for (char *line = strtok(errors, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        require(text_is_utf8(line) && !text_has_control(line));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    char *errors = NULL;
    size_t errors_size = 0;
    int fd = memfd_create("config", MFD_CLOEXEC);
    FILE *stream = open_memstream(&errors, &errors_size);

    require(fd >= 0 && stream != NULL && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config *config = config_load(path, stream);
    fclose(stream);
    if (config != NULL) {
        check_config(config);
    } else {
        check_errors(errors);
    }
    config_free(config);
    log_close(); /* forgets the secrets of this input */
    free(errors);
    close(fd);
    return 0;
}
