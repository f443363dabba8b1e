/* SPDX-License-Identifier: MIT */
/*
 * ringcast-test-camera: RTSP cameras for tests and demonstrations, made with gst-rtsp-server, which shares no
 * code with the programs under test. One process, one port on the loopback interface, any number of cameras.
 */
#include <errno.h>
#include <glib-unix.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/camera/camera.h"
#include "tests/camera/clients.h"
#include "tests/camera/commands.h"
#include "tests/camera/options.h"

/* How often sessions whose client went away without a word are looked for, in seconds. */
#define SESSION_SWEEP_S 2

/* At the end: how long pipelines may take to stop, in milliseconds. */
#define STOP_LIMIT_MS 3000

struct program {
    struct options options;
    GMainLoop *loop;
    GstRTSPServer *server;
    struct camera **cameras;
    size_t camera_count;
    struct commands *commands;
    guint listening; /* source ids; 0: none */
    guint sweeping;
    guint on_term, on_int;
};

static gboolean on_signal(gpointer data)
{
    struct program *program = data;

    g_main_loop_quit(program->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_sweep(gpointer data)
{
    struct program *program = data;
    GstRTSPSessionPool *pool = gst_rtsp_server_get_session_pool(program->server);

    gst_rtsp_session_pool_cleanup(pool);
    g_object_unref(pool);
    return G_SOURCE_CONTINUE;
}

static void require_password(const struct options *options, GstRTSPAuth *auth, GstRTSPToken *token)
{
    int methods = 0;

    if (options->auth & CAMERA_AUTH_BASIC) {
        char *basic = gst_rtsp_auth_make_basic(options->user, options->password);
        gst_rtsp_auth_add_basic(auth, basic, token);
        g_free(basic);
        methods |= GST_RTSP_AUTH_BASIC;
    }
    if (options->auth & CAMERA_AUTH_DIGEST) {
        gst_rtsp_auth_add_digest(auth, options->user, options->password, token);
        methods |= GST_RTSP_AUTH_DIGEST;
    }
    gst_rtsp_auth_set_supported_methods(auth, (GstRTSPAuthMethod)methods);
}

/* Otherwise each connection reads the machine's authorities, which takes seconds under sanitizers. Clients
 * have no certificates here, so that nobody asks them. */
static int forget_authorities(const char *file)
{
    char *path = g_canonicalize_filename(file, NULL);
    GTlsDatabase *database = g_tls_file_database_new(path, NULL);

    g_free(path);
    if (database == NULL) {
        return -EINVAL;
    }
    g_tls_backend_set_default_database(g_tls_backend_get_default(), database);
    g_object_unref(database);
    return 0;
}

static int require_tls(const struct options *options, GstRTSPAuth *auth)
{
    GError *error = NULL;
    GTlsCertificate *certificate = g_tls_certificate_new_from_file(options->tls, &error);

    if (certificate == NULL) {
        fprintf(stderr, "ringcast-test-camera: %s: %s\n", options->tls, error->message);
        g_error_free(error);
        return -EINVAL;
    }
    gst_rtsp_auth_set_tls_certificate(auth, certificate);
    g_object_unref(certificate);
    return forget_authorities(options->tls);
}

/* Who may come in, and how. */
static int set_doors(struct program *program)
{
    const struct options *options = &program->options;
    GstRTSPAuth *auth;
    GstRTSPToken *token;
    int result = 0;

    if (!options_have_doors(options)) {
        return 0;
    }
    auth = gst_rtsp_auth_new();
    token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, CAMERA_ROLE, NULL);
    if (options->user != NULL) {
        require_password(options, auth, token);
    } else {
        gst_rtsp_auth_set_default_token(auth, token);
    }
    if (options->tls != NULL) {
        result = require_tls(options, auth);
    }
    gst_rtsp_server_set_auth(program->server, auth);
    gst_rtsp_token_unref(token);
    g_object_unref(auth);
    return result;
}

static int add_cameras(struct program *program)
{
    const struct options *options = &program->options;

    program->cameras = calloc(options->camera_count, sizeof(struct camera *));
    if (program->cameras == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < options->camera_count; i++) {
        program->cameras[i] = camera_create(program->server, &options->cameras[i], (unsigned int)i,
                                            options_have_doors(options));
        if (program->cameras[i] == NULL) {
            return -ENOMEM;
        }
        camera_set_protocols(program->cameras[i], options->protocols);
        program->camera_count++;
    }
    return 0;
}

static int announce(const struct program *program)
{
    const struct options *options = &program->options;
    int port = gst_rtsp_server_get_bound_port(program->server);
    json_t *list = json_array();
    json_t *line = json_pack("{s:i, s:o}", "port", port, "cameras", list);
    char *text;

    for (size_t i = 0; i < program->camera_count; i++) {
        const struct camera *camera = program->cameras[i];
        bool brackets = strchr(options->address, ':') != NULL;
        char *url =
            g_strdup_printf("%s://%s%s%s:%d%s", options->tls != NULL ? "rtsps" : "rtsp", brackets ? "[" : "",
                            options->address, brackets ? "]" : "", port, camera_path(camera));
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", camera_name(camera), "url", url));
        g_free(url);
    }
    text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text == NULL) {
        return -EINVAL; /* a name that is not UTF-8 */
    }
    puts(text);
    free(text);
    return fflush(stdout) == 0 ? 0 : -errno;
}

static int start(struct program *program)
{
    char port[8];
    int result;

    snprintf(port, sizeof port, "%d", program->options.port);
    program->loop = g_main_loop_new(NULL, FALSE);
    program->server = gst_rtsp_server_new();
    gst_rtsp_server_set_address(program->server, program->options.address);
    gst_rtsp_server_set_service(program->server, port);
    clients_watch(program->server);
    result = set_doors(program);
    if (result == 0) {
        result = add_cameras(program);
    }
    if (result < 0) {
        return result;
    }
    program->listening = gst_rtsp_server_attach(program->server, NULL);
    if (program->listening == 0) {
        return -EADDRINUSE;
    }
    program->commands = commands_create(program->server, program->cameras, program->camera_count);
    if (program->commands == NULL) {
        return -ENOMEM;
    }
    program->sweeping = g_timeout_add_seconds(SESSION_SWEEP_S, on_sweep, program);
    program->on_term = g_unix_signal_add(SIGTERM, on_signal, program);
    program->on_int = g_unix_signal_add(SIGINT, on_signal, program);
    return announce(program);
}

static GstRTSPFilterResult every_session(GstRTSPSessionPool *pool, GstRTSPSession *session, gpointer data)
{
    (void)pool;
    (void)session;
    (void)data;
    return GST_RTSP_FILTER_REMOVE;
}

static void remove_source(guint *source)
{
    if (*source != 0) {
        g_source_remove(*source);
    }
    *source = 0;
}

/* Closing a client and stopping its pipeline take turns of the main loop and of the server's threads. */
static void close_clients(struct program *program)
{
    GstRTSPSessionPool *pool = gst_rtsp_server_get_session_pool(program->server);
    gint64 deadline = g_get_monotonic_time() + STOP_LIMIT_MS * G_TIME_SPAN_MILLISECOND;

    clients_close(program->server, NULL);
    g_list_free_full(gst_rtsp_session_pool_filter(pool, every_session, NULL), g_object_unref);
    g_object_unref(pool);
    while (clients_count(program->server, NULL) > 0 && g_get_monotonic_time() < deadline) {
        g_main_context_iteration(NULL, FALSE);
    }
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void stop(struct program *program)
{
    remove_source(&program->listening);
    remove_source(&program->sweeping);
    remove_source(&program->on_term);
    remove_source(&program->on_int);
    commands_destroy(program->commands);
    close_clients(program);
    for (size_t i = 0; i < program->camera_count; i++) {
        camera_destroy(program->cameras[i]);
    }
    free(program->cameras);
    g_object_unref(program->server);
    gst_rtsp_thread_pool_cleanup();
    g_main_loop_unref(program->loop);
}

int main(int argc, char **argv)
{
    struct program program = {0};
    int result = options_parse(&program.options, argc, argv);

    if (result != 0) {
        return result > 0 ? EXIT_SUCCESS : 2;
    }
    signal(SIGPIPE, SIG_IGN);
    gst_init(NULL, NULL);
    result = start(&program);
    if (result < 0) {
        fprintf(stderr, "ringcast-test-camera: port %d: %s\n", program.options.port, g_strerror(-result));
    } else {
        g_main_loop_run(program.loop);
    }
    stop(&program);
    options_free(&program.options);
    gst_deinit();
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
