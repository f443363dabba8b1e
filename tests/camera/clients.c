/* SPDX-License-Identifier: MIT */
#include "tests/camera/clients.h"

#include <stdbool.h>
#include <string.h>

/* Object data of a client: the path that it described or set up last. */
#define CLIENT_PATH "ringcast-path"

struct selection {
    const char *path; /* NULL: every client */
    bool close;
    int count;
};

/* A SETUP's path goes on after the camera's ("/cam1/stream=0"). */
static bool asked_for(const char *asked, const char *path)
{
    size_t length = strlen(path);

    return asked != NULL && strncmp(asked, path, length) == 0 &&
           (asked[length] == '\0' || asked[length] == '/');
}

static void on_request(GstRTSPClient *client, GstRTSPContext *context, gpointer data)
{
    (void)data;
    if (context->uri != NULL) {
        g_object_set_data_full(G_OBJECT(client), CLIENT_PATH, g_strdup(context->uri->abspath), g_free);
    }
}

static void on_client(GstRTSPServer *server, GstRTSPClient *client, gpointer data)
{
    (void)server;
    (void)data;
    g_signal_connect(client, "describe-request", G_CALLBACK(on_request), NULL);
    g_signal_connect(client, "setup-request", G_CALLBACK(on_request), NULL);
}

void clients_watch(GstRTSPServer *server)
{
    g_signal_connect(server, "client-connected", G_CALLBACK(on_client), NULL);
}

static GstRTSPFilterResult select_client(GstRTSPServer *server, GstRTSPClient *client, gpointer data)
{
    struct selection *selection = data;

    (void)server;
    if (selection->path != NULL &&
        !asked_for(g_object_get_data(G_OBJECT(client), CLIENT_PATH), selection->path)) {
        return GST_RTSP_FILTER_KEEP;
    }
    selection->count++;
    return selection->close ? GST_RTSP_FILTER_REMOVE : GST_RTSP_FILTER_KEEP;
}

static int filter(GstRTSPServer *server, const char *path, bool close)
{
    struct selection selection = {.path = path, .close = close};

    gst_rtsp_server_client_filter(server, select_client, &selection);
    return selection.count;
}

int clients_count(GstRTSPServer *server, const char *path)
{
    return filter(server, path, false);
}

int clients_close(GstRTSPServer *server, const char *path)
{
    return filter(server, path, true);
}
