/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/brand.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/log/log.h"
#include "supervisor/helpers/key_file.h"

/* Bytes: what every page loads should be small. */
#define LOGO_MAX 65536u
#define STYLE_MAX 65536u

/* Others may read these files, and nobody but their owner may change them. */
#define FORBIDDEN 022

static bool begins(const struct key_file *file, const char *bytes, size_t length)
{
    return file->length >= length && memcmp(file->text, bytes, length) == 0;
}

/* NULL: none that browsers show in an <img>. */
static const char *picture_type(const struct key_file *file)
{
    if (begins(file, "\x89PNG", 4)) {
        return "image/png";
    }
    if (begins(file, "\xff\xd8\xff", 3)) {
        return "image/jpeg";
    }
    if (begins(file, "RIFF", 4) && file->length > 12 && memcmp(file->text + 8, "WEBP", 4) == 0) {
        return "image/webp";
    }
    return strlen(file->text) == file->length && strstr(file->text, "<svg") ? "image/svg+xml" : NULL;
}

static json_t *data_url(const struct key_file *file, const char *type)
{
    size_t room = 4 * ((file->length + 2) / 3) + 1;
    char *encoded = malloc(room);

    if (!encoded) {
        return NULL;
    }
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)file->text, (int)file->length);
    json_t *url = json_sprintf("data:%s;base64,%s", type, encoded);
    free(encoded);
    return url;
}

/* PATH: may be NULL. False: it cannot be used, or there is none. */
static bool read_file(const char *path, const char *setting, size_t most, struct key_file *file)
{
    char problem[KEY_FILE_PROBLEM_SIZE];

    *file = (struct key_file){0};
    if (!path) {
        return false;
    }
    if (key_file_read(path, FORBIDDEN, file, problem) < 0) {
        log_warning("wall.%s: %s: %s", setting, path, problem);
        return false;
    }
    if (file->length > most) {
        log_warning("wall.%s: %s: %zu bytes; at most %zu", setting, path, file->length, most);
        key_file_finish(file);
        return false;
    }
    return true;
}

static json_t *read_logo(const char *path)
{
    struct key_file file;
    json_t *logo = json_null();

    if (read_file(path, "logo", LOGO_MAX, &file)) {
        const char *type = picture_type(&file);
        if (type) {
            logo = data_url(&file, type);
        } else {
            log_warning("wall.logo: %s: neither SVG nor PNG, JPEG or WebP", path);
        }
    }
    key_file_finish(&file);
    return logo;
}

static json_t *read_style(const char *path)
{
    struct key_file file;
    json_t *style = json_null();

    if (read_file(path, "style", STYLE_MAX, &file)) {
        if (strlen(file.text) == file.length && text_is_utf8(file.text)) {
            style = json_string(file.text);
        } else {
            log_warning("wall.style: %s: not UTF-8", path);
        }
    }
    key_file_finish(&file);
    return style;
}

json_t *brand_read(const struct config *config)
{
    return json_pack("{s:s?, s:o, s:o}", "title", config->wall.title, "logo", read_logo(config->wall.logo),
                     "style", read_style(config->wall.style));
}
