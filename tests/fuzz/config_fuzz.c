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

static void check_config(const struct config *config)
{
    char *url = config_control_url(config);

    require(strlen(url) < strlen("ipc://") + 108);
    require(config->runtime_dir[0] == '/' && config->runtime_dir[1] != '\0');
    require(strlen(config->instance) >= 1 && strlen(config->instance) <= 32);
    require(config->listen.host != NULL && config->listen.port >= 0 && config->listen.port <= 65535);
    require(config->insecure || strncmp(config->listen.host, "127.", 4) == 0 ||
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
