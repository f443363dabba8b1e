#include "ingest/camera_task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "ingest/source/source_url.h"

/* Cameras that take their credentials in the path of the url name them with words like these. */
static const char *const secret_words[] = {"pass", "pwd", "token", "auth", "key="};

static int read_transport(const json_t *body, enum source_transport *transport)
{
    static const char *const names[] = {
        [SOURCE_TRANSPORT_AUTO] = "auto",
        [SOURCE_TRANSPORT_TCP] = "tcp",
        [SOURCE_TRANSPORT_UDP] = "udp",
    };
    const char *name = message_string(body, "transport", "");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *transport = (enum source_transport)i;
            return 0;
        }
    }
    return -EBADMSG;
}

static int read_audio_codec(const json_t *body, enum audio_codec *codec)
{
    static const char *const names[] = {
        [AUDIO_CODEC_AAC] = "aac",
        [AUDIO_CODEC_OPUS] = "opus",
        [AUDIO_CODEC_FLAC] = "flac",
    };
    const char *name = message_string(body, "audio_codec", "flac");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *codec = (enum audio_codec)i;
            return 0;
        }
    }
    return -EBADMSG;
}

/* Copies member NAME to *out, which stays NULL if the member is null or missing. */
static int copy_string(const json_t *body, const char *name, char **out)
{
    const char *value = message_string(body, name, NULL);

    *out = value != NULL ? strdup(value) : NULL;
    return value != NULL && *out == NULL ? -ENOMEM : 0;
}

static int read_body(const json_t *body, struct camera *camera)
{
    if (copy_string(body, "name", &camera->name) < 0 || copy_string(body, "url", &camera->url) < 0 ||
        copy_string(body, "username", &camera->username) < 0 ||
        copy_string(body, "password", &camera->password) < 0 ||
        copy_string(body, "tls_fingerprint", &camera->tls_fingerprint) < 0) {
        return -ENOMEM;
    }
    if (camera->name == NULL || camera->url == NULL || read_transport(body, &camera->transport) < 0 ||
        read_audio_codec(body, &camera->audio_codec) < 0) {
        return -EBADMSG;
    }
    camera->audio = message_boolean(body, "audio", true);
    camera->show_damaged = message_boolean(body, "show_damaged", false);
    camera->tls_verify = message_boolean(body, "tls_verify", true);
    camera->allow_redirect = message_boolean(body, "allow_redirect", false);
    json_int_t ring_size_max = message_integer(body, "ring_size_max", 0);
    camera->ring_size_max = ring_size_max > 0 ? (size_t)ring_size_max : 0;
    return log_level_from_name(message_string(body, "log_level", "info"), &camera->log_level) < 0 ? -EBADMSG
                                                                                                  : 0;
}

int camera_read(struct channel_message *message, struct camera *camera)
{
    *camera = (struct camera){.ring = -1, .wake = -1};
    if (!message_is(message->body, "camera")) {
        return -EBADMSG;
    }
    camera->ring = channel_message_take_fd(message, 0);
    camera->wake = channel_message_take_fd(message, 1);
    int result = camera->ring < 0 || camera->wake < 0 ? -EBADMSG : read_body(message->body, camera);
    if (result < 0) {
        camera_finish(camera);
    }
    return result;
}

static bool names_secret(const char *path)
{
    for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
        if (strcasestr(path, secret_words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

void camera_hide_secrets(const struct camera *camera)
{
    struct source_url url;

    log_add_secret(camera->password);
    if (source_url_parse(camera->url, &url) < 0) {
        return;
    }
    log_add_secret(url.userinfo);
    log_add_secret(url.password);
    if (names_secret(url.path)) {
        log_add_secret(url.path);
    }
    source_url_finish(&url);
}

static void free_secret(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

void camera_finish(struct camera *camera)
{
    free(camera->name);
    free_secret(camera->url);
    free_secret(camera->username);
    free_secret(camera->password);
    free(camera->tls_fingerprint);
    if (camera->ring >= 0) {
        close(camera->ring);
    }
    if (camera->wake >= 0) {
        close(camera->wake);
    }
    *camera = (struct camera){.ring = -1, .wake = -1};
}
