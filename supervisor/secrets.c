/* SPDX-License-Identifier: MIT */
#include "supervisor/secrets.h"

#include "common/config/camera_task.h"

void secrets_hide(const struct config *config)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        camera_task_hide_secrets(&config->cameras[i].task);
    }
}
