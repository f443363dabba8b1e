#include "supervisor/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/url.h"
#include "common/config/config_settings.h"
#include "common/log/log.h"

/* SECRET may be changed. */
static void hide(char *secret)
{
    log_add_secret(secret);
    if (url_decode(secret) > 0) {
        log_add_secret(secret);
    }
}

/* "user:password" of a URL's authority (RFC 3986, section 3.2.1), malloc'ed; NULL if there is none. */
static char *user_info(const char *url)
{
    const char *begin = strstr(url, "://");

    if (!begin) {
        return NULL;
    }
    begin += strlen("://");
    const char *end = memrchr(begin, '@', strcspn(begin, "/?#"));
    return !end ? NULL : strndup(begin, (size_t)(end - begin));
}

static void hide_url(const char *url)
{
    char *credentials = user_info(url);

    if (!credentials) {
        return;
    }
    const char *colon = strchr(credentials, ':');
    char *password = colon ? strdup(colon + 1) : NULL;
    hide(credentials);
    if (password) {
        hide(password);
    }
    secret_free(password);
    secret_free(credentials);
}

static void hide_setting(const struct setting *setting, const struct config_camera *camera)
{
    const char *value = *(char *const *)((const char *)camera + setting->offset);

    if (setting->kind == SETTING_URL && value) {
        hide_url(value);
    } else if (setting->flags & SETTING_SECRET) {
        log_add_secret(value);
    }
}

void secrets_hide(const struct config *config)
{
    const struct setting_group *group = &setting_group_camera;

    for (size_t i = 0; i < group->count; i++) {
        const struct setting *setting = &group->settings[i];
        bool text = setting->kind == SETTING_STRING || setting->kind == SETTING_URL;
        for (size_t j = 0; j < config->camera_count && text; j++) {
            hide_setting(setting, &config->cameras[j]);
        }
    }
}
