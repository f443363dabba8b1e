/* SPDX-License-Identifier: MIT */
/*
 * A setting goes into the sealed part if it goes to the worker that fetches the camera (SETTING_TASK). So what is secret is not decided setting by setting:
 * a password may stand in any part of an address.
 */
#include "common/config/cluster_cameras.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/base64.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/config/config_settings.h"

/* Of the document. */
#define FORMAT_VERSION 1

/* As large as a double, and so any JSON, holds every whole number. */
#define DOCUMENT_VERSION_MAX (INT64_C(1) << 53)

#define NONCE_SIZE 12
#define TAG_SIZE 16

#define KEY_DIGITS ((size_t)CLUSTER_KEY_SIZE * 2)
#define BLANKS " \t\r\n"

int cluster_cameras_read_key(uint8_t key[CLUSTER_KEY_SIZE], const char *text)
{
    text += strspn(text, BLANKS);
    for (size_t i = 0; i < KEY_DIGITS; i++, text++) {
        int digit = text_hex_digit(*text);
        if (digit < 0) {
            return -EBADMSG;
        }
        key[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : key[i / 2] | digit);
    }
    return text[strspn(text, BLANKS)] == '\0' ? 0 : -EBADMSG;
}

/* --- What is sealed and what is not ---------------------------------------------------------------------- */

/* Of SETTINGS those that a worker gets, or the others. A sub stream's are apart, too. A new reference. */
static json_t *part_of(const json_t *settings, const struct setting_group *group, bool task)
{
    json_t *part = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)settings, name, value) {
        const struct setting *setting = setting_find(group, name);
        if (setting && setting->kind == SETTING_SUB) {
            json_object_set_new(part, name, part_of(value, &setting_group_sub, task));
        } else if (setting && ((setting->flags & SETTING_TASK) != 0) == task) {
            json_object_set(part, name, value);
        }
    }
    return part;
}

static json_t *parts_of(const json_t *cameras, bool task)
{
    json_t *parts = json_object(), *settings;
    const char *name;

    json_object_foreach((json_t *)cameras, name, settings) {
        json_object_set_new(parts, name, part_of(settings, &setting_group_camera, task));
    }
    return parts;
}

/* True if SETTINGS are what part_of makes: nothing of a worker's, or nothing else. */
static bool is_part(const json_t *settings, const struct setting_group *group, bool task)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)settings, name, value) {
        const struct setting *setting = setting_find(group, name);
        if (!setting || strcmp(name, "name") == 0) {
            return false;
        }
        if (setting->kind == SETTING_SUB ? !json_is_object(value) || !is_part(value, &setting_group_sub, task)
                                         : ((setting->flags & SETTING_TASK) != 0) != task) {
            return false;
        }
    }
    return json_is_object(settings);
}

/* The name of a camera is where the settings are, so the settings have none; a camera has nodes. */
static bool are_parts(const json_t *cameras, bool task)
{
    const char *name;
    json_t *settings;

    json_object_foreach((json_t *)cameras, name, settings) {
        const json_t *nodes = json_object_get(settings, "nodes");
        if (!is_part(settings, &setting_group_camera, task) || (!task && json_array_size(nodes) == 0)) {
            return false;
        }
    }
    return json_is_object(cameras);
}

/* Adds to each of CLEAR's cameras what SEALED has of it. False: they are not of the same cameras. */
static bool join(json_t *clear, const json_t *sealed)
{
    const char *name;
    json_t *settings;

    json_object_foreach(clear, name, settings) {
        const json_t *more = json_object_get(sealed, name);
        json_t *sub = json_object_get(settings, "sub"), *more_sub = json_object_get(more, "sub");
        if (!json_is_object(more) || !sub != !more_sub) {
            return false;
        }
        if (sub) {
            json_object_update(sub, more_sub);
        }
        json_object_update_missing(settings, (json_t *)more);
    }
    return json_object_size(clear) == json_object_size(sealed);
}

/* --- Sealing --------------------------------------------------------------------------------------------- */

static bool begin(EVP_CIPHER_CTX *context, bool seal, const uint8_t *key, const uint8_t *nonce)
{
    return EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1;
}

/* BOX: nonce, tag, and as many bytes as PLAIN has. */
static bool seal(uint8_t *box, const uint8_t *key, const char *head, const char *plain)
{
    uint8_t *nonce = box, *tag = box + NONCE_SIZE, *out = tag + TAG_SIZE;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0;

    bool sealed = context && getrandom(nonce, NONCE_SIZE, 0) == NONCE_SIZE &&
                  begin(context, true, key, nonce) &&
                  EVP_EncryptUpdate(context, NULL, &length, (const uint8_t *)head, (int)strlen(head)) == 1 &&
                  EVP_EncryptUpdate(context, out, &length, (const uint8_t *)plain, (int)strlen(plain)) == 1 &&
                  EVP_EncryptFinal_ex(context, out + length, &length) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(context);
    return sealed;
}

/* PLAIN has room for what is in the SIZE bytes of BOX. */
static bool unseal(uint8_t *plain, const uint8_t *key, const char *head, size_t head_length,
                   const uint8_t *box, size_t size)
{
    const uint8_t *nonce = box, *tag = box + NONCE_SIZE, *in = tag + TAG_SIZE;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0;

    bool opened = context && begin(context, false, key, nonce) &&
                  EVP_DecryptUpdate(context, NULL, &length, (const uint8_t *)head, (int)head_length) == 1 &&
                  EVP_DecryptUpdate(context, plain, &length, in, (int)(size - NONCE_SIZE - TAG_SIZE)) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)tag) == 1 &&
                  EVP_DecryptFinal_ex(context, plain + length, &length) == 1;
    EVP_CIPHER_CTX_free(context);
    return opened;
}

/* HEAD, a line end, and PLAIN sealed. */
static int write_text(const char *head, const char *plain, const uint8_t *key, char **text)
{
    const size_t head_length = strlen(head), size = strlen(plain) + NONCE_SIZE + TAG_SIZE,
                 length = head_length + 1 + BASE64_URL_LENGTH(size);

    if (length > CLUSTER_CAMERAS_MAX) {
        return -EMSGSIZE;
    }
    uint8_t *box = malloc(size);
    *text = malloc(length + 1);
    int result = box && *text ? 0 : -ENOMEM;
    if (result == 0 && !seal(box, key, head, plain)) {
        result = -EIO;
    }
    if (result == 0) {
        memcpy(*text, head, head_length);
        (*text)[head_length] = '\n';
        base64_url_encode(*text + head_length + 1, box, size);
    } else {
        free(*text);
        *text = NULL;
    }
    free(box);
    return result;
}

int cluster_cameras_seal(const struct cluster_cameras *document, const char *cluster,
                         const uint8_t key[CLUSTER_KEY_SIZE], char **text)
{
    json_t *sealed = parts_of(document->cameras, true);
    json_t *head = json_pack("{s:i, s:s, s:I, s:I, s:s, s:s, s:o}", "v", FORMAT_VERSION, "cluster", cluster,
                             "version", document->version, "time", document->time, "by", document->by, "node",
                             document->node, "cameras", parts_of(document->cameras, false));
    char *clear = head ? json_dumps(head, JSON_COMPACT) : NULL,
         *plain = sealed ? json_dumps(sealed, JSON_COMPACT) : NULL;

    *text = NULL;
    int result = clear && plain ? write_text(clear, plain, key, text) : -ENOMEM;
    free(clear);
    secret_free(plain);
    json_decref(head);
    json_decref(sealed);
    return result;
}

/* --- Opening --------------------------------------------------------------------------------------------- */

/* What is sealed in the LENGTH characters of LINE, as an object. 0; -EBADMSG; -EKEYREJECTED; -ENOMEM. */
static int open_line(const char *line, size_t length, const uint8_t *key, const char *head,
                     size_t head_length, json_t **sealed)
{
    uint8_t *box = malloc(length + 1), *plain = malloc(length + 1);
    int size = box && plain ? base64_url_decode(box, length, line, length) : -ENOMEM;
    int result = size < 0 ? size : size <= NONCE_SIZE + TAG_SIZE ? -EBADMSG : 0;

    if (result == 0 && !unseal(plain, key, head, head_length, box, (size_t)size)) {
        result = -EKEYREJECTED;
    }
    if (result == 0) {
        *sealed =
            json_loadb((char *)plain, (size_t)size - NONCE_SIZE - TAG_SIZE, JSON_REJECT_DUPLICATES, NULL);
        result = are_parts(*sealed, true) ? 0 : -EBADMSG;
    }
    if (plain) {
        secret_wipe(plain, length + 1);
    }
    free(plain);
    free(box);
    return result;
}

static const char *text_of(const json_t *head, const char *name, size_t most)
{
    const char *text = json_string_value(json_object_get(head, name));

    return text && strlen(text) <= most ? text : NULL;
}

/* Of a node without the key. */
static void take_out(json_t *nodes, const char *node)
{
    for (size_t i = json_array_size(nodes); i > 0; i--) {
        const char *name = json_string_value(json_array_get(nodes, i - 1));
        if (name && strcmp(name, node) == 0) {
            json_array_remove(nodes, i - 1);
        }
    }
}

/* Makes CLEAR's cameras such as a node without the key can have. Returns how many it cannot have. */
static size_t do_without(json_t *clear, const char *node)
{
    size_t left_out = 0;
    const char *name;
    json_t *settings;
    void *next;

    json_object_foreach_safe(clear, next, name, settings) {
        json_t *nodes = json_object_get(settings, "nodes"), *sub = json_object_get(settings, "sub");
        take_out(nodes, node);
        json_object_set_new(settings, "url", json_string(CLUSTER_CAMERAS_NO_URL));
        if (sub) {
            json_object_set_new(sub, "url", json_string(CLUSTER_CAMERAS_NO_URL));
        }
        if (json_array_size(nodes) == 0) {
            json_object_del(clear, name);
            left_out++;
        }
    }
    return left_out;
}

static int read_head(struct cluster_cameras *document, const json_t *head, const char *cluster)
{
    const char *by = text_of(head, "by", CLUSTER_BY_MAX), *node = text_of(head, "node", CLUSTER_BY_MAX),
               *of = text_of(head, "cluster", CLUSTER_BY_MAX);
    const json_t *time = json_object_get(head, "time");
    json_t *cameras = json_object_get(head, "cameras");

    document->version = json_integer_value(json_object_get(head, "version"));
    document->time = json_integer_value(time);
    if (json_integer_value(json_object_get(head, "v")) != FORMAT_VERSION || !by || !node || !of ||
        strcmp(of, cluster) != 0 || document->version < 1 || document->version > DOCUMENT_VERSION_MAX ||
        !json_is_integer(time) || !are_parts(cameras, false)) {
        return -EBADMSG;
    }
    document->by = strdup(by);
    document->node = strdup(node);
    document->cameras = json_incref(cameras); /* nobody else will have it */
    return document->by && document->node ? 0 : -ENOMEM;
}

int cluster_cameras_open(struct cluster_cameras *document, const char *text, size_t length,
                         const char *cluster, const char *node, const uint8_t *key)
{
    const char *end = length <= CLUSTER_CAMERAS_MAX ? memchr(text, '\n', length) : NULL;
    const size_t head_length = end ? (size_t)(end - text) : 0;
    json_t *head = end ? json_loadb(text, head_length, JSON_REJECT_DUPLICATES, NULL) : NULL, *sealed = NULL;

    *document = (struct cluster_cameras){0};
    int result = read_head(document, head, cluster);
    if (result == 0 && key) {
        result = open_line(end + 1, length - head_length - 1, key, text, head_length, &sealed);
    }
    if (result == 0 && key && !join(document->cameras, sealed)) {
        result = -EBADMSG;
    }
    if (result == 0 && !key) {
        document->left_out = do_without(document->cameras, node);
    }
    json_decref(sealed);
    json_decref(head);
    if (result < 0) {
        cluster_cameras_finish(document);
    }
    return result;
}

void cluster_cameras_finish(struct cluster_cameras *document)
{
    json_decref(document->cameras);
    free(document->by);
    free(document->node);
    *document = (struct cluster_cameras){0};
}

/* --- Comparing ------------------------------------------------------------------------------------------- */

json_t *cluster_cameras_difference(const json_t *before, const json_t *after)
{
    json_t *added = json_array(), *removed = json_array(), *changed = json_array(), *settings;
    json_int_t unchanged = 0;
    const char *name;

    json_object_foreach((json_t *)before, name, settings) {
        if (!json_object_get(after, name)) {
            json_array_append_new(removed, json_string(name));
        }
    }
    json_object_foreach((json_t *)after, name, settings) {
        const json_t *old = json_object_get(before, name);
        if (!old) {
            json_array_append_new(added, json_string(name));
        } else if (!json_equal(old, settings)) {
            json_array_append_new(changed, json_string(name));
        } else {
            unchanged++;
        }
    }
    return json_pack("{s:o, s:o, s:o, s:I}", "added", added, "removed", removed, "changed", changed,
                     "unchanged", unchanged);
}
