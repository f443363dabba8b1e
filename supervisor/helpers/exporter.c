/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/exporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "supervisor/process/listen.h"

struct exporter {
    struct supervisor *supervisor;
    struct service *service;
    char *argv[2];
    int listener;
    char url[LISTEN_URL_SIZE];
    enum log_level level;
};

static void on_begun(void *owner)
{
    struct exporter *exporter = owner;
    json_t *message = message_pack("listen", "{s:s}", "log_level", log_level_name(exporter->level));

    if (message) {
        service_send(exporter->service, message, &exporter->listener, 1);
    }
    json_decref(message);
}

static void on_ready(void *owner)
{
    (void)owner;
}

/* A status is larger than a packet may be. The memory file or negative errno. */
static int write_status(const json_t *status)
{
    size_t length = 0;
    char *text = message_encode(status, &length);
    int fd = text ? memfd_create("ringcast-status", MFD_CLOEXEC) : -1;
    int result = text ? errno : ENOMEM;

    if (fd >= 0 && write(fd, text, length) != (ssize_t)length) {
        result = ENOSPC;
        close(fd);
        fd = -1;
    }
    free(text);
    return fd >= 0 ? fd : -result;
}

static void send_status(struct exporter *exporter, json_int_t number)
{
    json_t *status = status_for_exporter(exporter->supervisor);
    json_t *message = message_new("status");
    int fd = status && message ? write_status(status) : -ENOMEM;

    if (fd >= 0) {
        json_object_set_new(message, "number", json_integer(number));
        service_send(exporter->service, message, &fd, 1);
        close(fd);
    } else {
        log_warning("cannot send the status to the exporter: %s", strerror(-fd));
    }
    json_decref(message);
    json_decref(status);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct exporter *exporter = owner;

    if (message_is(message->body, "status")) {
        send_status(exporter, message_integer(message->body, "number", 0));
    } else {
        log_warning("exporter: unexpected message \"%s\"", message_type(message->body));
    }
}

static void on_gone(void *owner, const char *reason)
{
    const struct exporter *exporter = owner;

    (void)reason;
    supervisor_exporter_gone(exporter->supervisor);
}

static void keep_listener(struct exporter *exporter, struct fd_store *store,
                          const struct config_address *address)
{
    fd_store_put(
        store, FD_STORE_LISTENER, "admin",
        json_pack("{s:s, s:i, s:s}", "host", address->host, "port", address->port, "address", exporter->url),
        &exporter->listener, 1);
}

static bool take_listener(struct exporter *exporter, struct fd_store *store,
                          const struct config_address *address)
{
    struct fd_record record;

    if (!fd_store_take(store, FD_STORE_LISTENER, "admin", &record)) {
        return false;
    }
    bool same = strcmp(message_string(record.body, "host", ""), address->host) == 0 &&
                message_integer(record.body, "port", -1) == address->port && record.fds[0] >= 0;
    if (same) {
        exporter->listener = fd_record_take_fd(&record, 0);
        snprintf(exporter->url, sizeof(exporter->url), "%s", message_string(record.body, "address", ""));
    }
    fd_record_finish(&record);
    return same;
}

static int open_listener(struct exporter *exporter, struct fd_store *store,
                         const struct config_address *address)
{
    int result = 0;

    if (!take_listener(exporter, store, address)) {
        result = listen_open(address->host, address->port, &exporter->listener, exporter->url);
    }
    if (result < 0) {
        listen_explain(result, address->host, address->port);
    } else {
        keep_listener(exporter, store, address);
    }
    return result;
}

int exporter_create(struct children *children, struct fd_store *store, const struct exporter_config *config,
                    struct supervisor *supervisor, struct exporter **exporter)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .gone = on_gone};
    struct exporter *created = calloc(1, sizeof(*created));

    if (!created) {
        return -ENOMEM;
    }
    created->supervisor = supervisor;
    created->level = config->log_level;
    created->listener = -1;
    int result = open_listener(created, store, config->address);
    if (result == 0) {
        created->argv[0] = strdup(config->program);
        if (created->argv[0]) {
            created->service = service_create(children, "exporter", created->argv, &handlers, created);
        }
        result = created->service ? 0 : -ENOMEM;
    }
    if (result < 0) {
        exporter_destroy(created);
    } else {
        *exporter = created;
    }
    return result;
}

void exporter_destroy(struct exporter *exporter)
{
    if (!exporter) {
        return;
    }
    service_destroy(exporter->service);
    if (exporter->listener >= 0) {
        close(exporter->listener);
    }
    free(exporter->argv[0]);
    free(exporter);
}

const char *exporter_url(const struct exporter *exporter)
{
    return exporter->url;
}

struct service *exporter_service(struct exporter *exporter)
{
    return exporter->service;
}
