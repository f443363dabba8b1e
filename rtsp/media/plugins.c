/* SPDX-License-Identifier: MIT */
#include "rtsp/media/plugins.h"

#include <gst/gst.h>
#include <stdlib.h>

#include "common/log/log.h"

/* Where CMake found GStreamer's plugins; GST_PLUGIN_SYSTEM_PATH_1_0 names another directory, as for GStreamer itself. */
#define DIRECTORY_VARIABLE "GST_PLUGIN_SYSTEM_PATH_1_0"

static const struct {
    const char *file, *package;
} plugins[] = {
    {"libgstcoreelements.so", "libgstreamer1.0-0"},       /* tee, queue, funnel */
    {"libgstapp.so", "gstreamer1.0-plugins-base"},        /* appsrc, appsink */
    {"libgstrtp.so", "gstreamer1.0-plugins-good"},        /* payloaders */
    {"libgstrtpmanager.so", "gstreamer1.0-plugins-good"}, /* rtpbin */
    {"libgstudp.so", "gstreamer1.0-plugins-good"},        /* multiudpsink, udpsrc */
};

static bool load(const char *file, const char *package)
{
    const char *directory = getenv(DIRECTORY_VARIABLE);
    char *path = g_build_filename(directory ? directory : RINGCAST_GST_PLUGINS, file, NULL);
    GError *error = NULL;
    GstPlugin *plugin = gst_plugin_load_file(path, &error);

    if (!plugin) {
        log_error("%s: %s; install %s", path, error ? error->message : "cannot be loaded", package);
    }
    bool loaded = plugin != NULL;
    g_clear_error(&error);
    g_clear_object(&plugin);
    g_free(path);
    return loaded;
}

bool plugins_load(void)
{
    bool all = true;

    setenv("GST_REGISTRY_DISABLE", "yes", 1);
    gst_registry_fork_set_enabled(FALSE);
    gst_init(NULL, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(plugins); i++) {
        all = load(plugins[i].file, plugins[i].package) && all;
    }
    return all;
}
