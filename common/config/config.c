/* SPDX-License-Identifier: MIT */
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/config_camera.h"
#include "common/config/config_check.h"
#include "common/config/config_memory.h"
#include "common/config/config_overlay.h"
#include "common/config/config_paths.h"
#include "common/config/config_read.h"
#include "common/config/config_report.h"
#include "common/config/config_settings.h"
#include "common/config/config_source.h"
#include "common/config/config_syntax.h"

static void report_syntax(const config_t *tree, const char *text, struct config_report *report)
{
    char advice[CONFIG_SYNTAX_SIZE];
    unsigned line = (unsigned)config_error_line(tree);
    unsigned about = config_syntax_advise(text, line, advice);

    if (strcmp(config_error_text(tree), "duplicate setting name") == 0) {
        config_report_add(report, line, NULL, "a setting is given twice in the same group; remove one");
    } else if (about > 0) {
        config_report_add(report, about, NULL, "%s", advice);
    } else {
        config_report_add(report, line, NULL,
                          "%s; look here and just before for a missing \", ;, =, bracket or comma",
                          config_error_text(tree));
    }
}

static size_t power_of_two(size_t size)
{
    size_t power = 1;

    while (power < size) {
        power *= 2;
    }
    return power;
}

static void round_sizes(size_t *ring_size, size_t *ring_size_max)
{
    if (*ring_size != 0) {
        *ring_size = power_of_two(*ring_size);
    }
    *ring_size_max = power_of_two(*ring_size_max);
}

/* Fills in what the file leaves to the machine, and brings its values into the form in which others use them. */
static void settle(struct config *config, const json_t *cluster, const json_t *changes,
                   struct config_report *report, const struct config_places *places)
{
    char why[CONFIG_PROBLEM_SIZE];
    char *given = config->runtime_dir ? config->runtime_dir : config_default_runtime_dir();

    config->runtime_dir = config_tidy_path(given);
    free(given);
    if (!config_check_runtime_dir(config->runtime_dir, why)) {
        config_report_add(report, 1, "runtime_dir", "%s", why);
    }
    if (!config->state_dir) {
        config->state_dir = config_default_state_dir(config->runtime_dir);
    }
    if (!config->instance) {
        config->instance = config_derive_instance(config->runtime_dir);
    }
    round_sizes(&config->ring_size, &config->ring_size_max);
    for (size_t i = 0; i < config->camera_count; i++) {
        struct config_camera *camera = &config->cameras[i];
        round_sizes(&camera->ring_size, &camera->ring_size_max);
        camera->line = camera->line > 0 ? (int)config_places_find(places, (unsigned)camera->line).line : 0;
        if (camera->sub) {
            camera->origin = config->cameras[i - 1].origin;
        } else {
            camera->origin = config_overlay_origin(cluster, changes, camera->name);
        }
    }
}

static void parse(const struct config_source *source, const json_t *cluster, const json_t *changes,
                  struct config *config, struct config_report *report)
{
    config_t tree;

    config_init(&tree);
    if (config_read_string(&tree, config_source_text(source)) == CONFIG_TRUE) {
        config_overlay_add(config_root_setting(&tree), cluster, report);
        config_overlay_apply(config_root_setting(&tree), changes, &config->removed, report);
        config_read_tree(config_root_setting(&tree), config, report, config_source_places(source));
    } else {
        report_syntax(&tree, config_source_text(source), report);
    }
    config_destroy(&tree);
    if (report->count == 0) {
        settle(config, cluster, changes, report, config_source_places(source));
    }
}

struct config_source *config_read_source(const char *path, FILE *errors)
{
    struct config_report report = {0};
    struct config_source *source = config_source_create(path, &report);

    if (!config_source_text(source)) {
        config_report_print(&report, config_source_places(source), errors);
        config_source_destroy(source);
        source = NULL;
    }
    config_report_finish(&report);
    return source;
}

struct config *config_interpret(const struct config_source *source, const char *path, const json_t *cluster,
                                const json_t *changes, FILE *errors)
{
    struct config_report report = {0};
    struct config *config = config_need(calloc(1, sizeof(*config)));

    config->path = config_need(strdup(path));
    parse(source, cluster, changes, config, &report);
    if (report.count > 0) {
        config_report_print(&report, config_source_places(source), errors);
        config_free(config);
        config = NULL;
    }
    config_report_finish(&report);
    return config;
}

struct config *config_load(const char *path, FILE *errors)
{
    struct config_source *source = config_read_source(path, errors);
    struct config *config = !source ? NULL : config_interpret(source, path, NULL, NULL, errors);

    config_source_destroy(source);
    return config;
}

/* The cameras in SOURCE. NULL: see REPORT. */
static json_t *export_cameras(const struct config_source *source, struct config *config,
                              struct config_report *report)
{
    json_t *cameras = NULL;
    config_t tree;

    config_init(&tree);
    if (config_read_string(&tree, config_source_text(source)) == CONFIG_TRUE) {
        config_read_cluster_tree(config_root_setting(&tree), config, report, config_source_places(source));
        cameras = report->count == 0 ? config_overlay_export(config_root_setting(&tree)) : NULL;
    } else {
        report_syntax(&tree, config_source_text(source), report);
    }
    config_destroy(&tree);
    return cameras;
}

json_t *config_load_cluster(const char *path, FILE *errors)
{
    struct config_source *source = config_read_source(path, errors);
    struct config_report report = {0};
    struct config *config = config_need(calloc(1, sizeof(*config)));
    json_t *cameras = source ? export_cameras(source, config, &report) : NULL;

    if (report.count > 0) {
        config_report_print(&report, config_source_places(source), errors);
    }
    config_report_finish(&report);
    config_free(config);
    config_source_destroy(source);
    return cameras;
}

bool config_has_central(const struct config *config)
{
    return config->cluster.line > 0 && (config->cluster.config_key || config->cluster.central_cameras);
}

void config_free(struct config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->camera_count; i++) {
        config_camera_finish(&config->cameras[i]);
    }
    free(config->cameras);
    setting_group_finish(&setting_group_file, config);
    config_list_finish(&config->files);
    config_list_finish(&config->removed);
    free(config->path);
    free(config->exposed);
    free(config);
}

const char *config_file_name(const struct config *config, int file)
{
    return file <= 0 || (size_t)file > config->files.count ? config->path : config->files.items[file - 1];
}

char *config_users_path(const struct config *config)
{
    char *path = NULL;

    if (config->auth.passwords) {
        return config_need(strdup(config->auth.passwords));
    }
    if (asprintf(&path, "%s/users.json", config->state_dir) < 0) {
        abort();
    }
    return path;
}

char *config_default_users_path(void)
{
    struct config config = {0};
    char *given = config_default_runtime_dir();
    char *runtime_dir = config_tidy_path(given);

    config.state_dir = config_default_state_dir(runtime_dir);
    char *path = config_users_path(&config);
    free(config.state_dir);
    free(runtime_dir);
    free(given);
    return path;
}

static void add_patterns(struct config_list *patterns, const struct config_list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        if (!config_list_has(patterns, more->items[i])) {
            config_list_add(patterns, more->items[i]);
        }
    }
}

struct config_list config_camera_patterns(const struct config *config, const struct config_list *cameras,
                                          const struct config_list *groups)
{
    struct config_list patterns = {0};

    add_patterns(&patterns, cameras);
    for (size_t i = 0; i < config->group_count; i++) {
        if (config_list_has(groups, config->groups[i].name)) {
            add_patterns(&patterns, &config->groups[i].cameras);
        }
    }
    return patterns;
}

static char *control_url(const char *runtime_dir)
{
    char *url = NULL;

    if (asprintf(&url, "ipc://%s/control.sock", runtime_dir) < 0) {
        abort();
    }
    return url;
}

char *config_control_url(const struct config *config)
{
    return control_url(config->runtime_dir);
}

char *config_default_control_url(void)
{
    char *given = config_default_runtime_dir();
    char *tidy = config_tidy_path(given);
    char *url = control_url(tidy);

    free(given);
    free(tidy);
    return url;
}
