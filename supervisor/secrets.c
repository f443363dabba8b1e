#include "supervisor/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes percent escapes (RFC 3986, section 2.1) in place. */
static void percent_decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        int high = in[0] == '%' ? hex_digit(in[1]) : -1;
        int low = high >= 0 ? hex_digit(in[2]) : -1;
        if (low >= 0) {
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

static void hide(char *secret)
{
    log_add_secret(secret);
    percent_decode(secret);
    log_add_secret(secret);
}

/* "user:password" of a URL's authority (RFC 3986, section 3.2.1), malloc'ed; NULL if there is none. */
static char *user_info(const char *url)
{
    const char *begin = strstr(url, "://");

    if (begin == NULL) {
        return NULL;
    }
    begin += strlen("://");
    const char *end = memrchr(begin, '@', strcspn(begin, "/?#"));
    return end == NULL ? NULL : strndup(begin, (size_t)(end - begin));
}

static void hide_url(const char *url)
{
    char *credentials = user_info(url);

    if (credentials == NULL) {
        return;
    }
    const char *colon = strchr(credentials, ':');
    char *password = colon == NULL ? NULL : strdup(colon + 1);
    hide(credentials);
    if (password != NULL) {
        hide(password);
    }
    free(password);
    free(credentials);
}

void secrets_hide(const struct config *config)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        log_add_secret(config->cameras[i].password);
        hide_url(config->cameras[i].url);
    }
}
