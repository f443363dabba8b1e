/* SPDX-License-Identifier: MIT */
#include "ctl/library_findings.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "ctl/finding.h"

#define LINE_SIZE 4096

/* Words of a command; more libraries than this no program of ringcast has. */
#define WORDS_MAX 1024

extern char **environ;

/* Runs WORDS with standard output to a stream, which the caller reads and closes, and then waits for *pid. NULL: it cannot be run. */
static FILE *run(char *const words[], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return NULL;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    setenv("LC_ALL", "C", 1);
    int result = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *stream = result == 0 ? fdopen(ends[0], "r") : NULL;
    if (!stream) {
        close(ends[0]);
    }
    return stream;
}

static void finish(FILE *stream, pid_t pid)
{
    fclose(stream);
    waitpid(pid, NULL, 0);
}

/* Adds the libraries that process PID (0: this one) has mapped to PATHS, an object; true if one of them has been replaced since. */
static bool add_mapped(json_t *paths, pid_t pid)
{
    char name[64], line[LINE_SIZE];
    bool replaced = false;

    snprintf(name, sizeof(name), pid > 0 ? "/proc/%d/maps" : "/proc/self/maps", (int)pid);
    FILE *maps = fopen(name, "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        char *path = strchr(line, '/');
        line[strcspn(line, "\n")] = '\0';
        if (!path || !strstr(path, ".so")) {
            continue;
        }
        char *deleted = strstr(path, " (deleted)");
        if (deleted) {
            replaced |= strncmp(path, "/usr/", 5) == 0 || strncmp(path, "/lib", 4) == 0;
            *deleted = '\0';
        }
        json_object_set_new(paths, path, json_null());
    }
    if (maps) {
        fclose(maps);
    }
    return replaced;
}

/* The packages of PATHS, names of an object: an object with their names. dpkg may know /usr/lib/x as /lib/x. */
static json_t *packages_of(const json_t *paths)
{
    char *words[WORDS_MAX] = {(char *)(uintptr_t) "dpkg-query", (char *)(uintptr_t) "-S"};
    size_t count = 2;
    json_t *packages = json_object(), *value;
    const char *path;
    char line[LINE_SIZE];
    pid_t pid;

    json_object_foreach((json_t *)(uintptr_t)paths, path, value) {
        bool merged = strncmp(path, "/usr/lib/", strlen("/usr/lib/")) == 0;
        if (count + 3 < WORDS_MAX) {
            words[count++] = (char *)(uintptr_t)path;
            if (merged) {
                words[count++] = (char *)(uintptr_t)path + strlen("/usr");
            }
        }
    }
    FILE *stream = count > 2 ? run(words, &pid) : NULL;
    while (stream && fgets(line, sizeof(line), stream)) {
        line[strcspn(line, ":,\n")] = '\0';
        if (line[0] != '\0' && line[0] != '/' && !strchr(line, ' ')) {
            json_object_set_new(packages, line, json_null());
        }
    }
    if (stream) {
        finish(stream, pid);
    }
    return packages;
}

/* Names of those of PACKAGES of which apt knows a newer version, with a comma between two. The caller frees it. */
static char *outdated(const json_t *packages, size_t *known, size_t *old)
{
    char *words[WORDS_MAX] = {(char *)(uintptr_t) "apt-cache", (char *)(uintptr_t) "policy"};
    char line[LINE_SIZE], package[256] = "", installed[256] = "", candidate[256], *text = NULL;
    size_t count = 2, size = 0;
    json_t *value;
    const char *name;
    pid_t pid;

    json_object_foreach((json_t *)(uintptr_t)packages, name, value) {
        if (count + 1 < WORDS_MAX) {
            words[count++] = (char *)(uintptr_t)name;
        }
    }
    FILE *stream = count > 2 ? run(words, &pid) : NULL, *out = stream ? open_memstream(&text, &size) : NULL;
    while (out && fgets(line, sizeof(line), stream)) {
        if (line[0] != ' ') {
            snprintf(package, sizeof(package), "%.*s", (int)strcspn(line, ":\n"), line);
        } else if (sscanf(line, " Installed: %255s", installed) == 1) {
            (*known)++;
        } else if (sscanf(line, " Candidate: %255s", candidate) == 1 && strcmp(candidate, installed) != 0 &&
                   candidate[0] != '(') {
            fprintf(out, "%s%s %s -> %s", (*old)++ > 0 ? ", " : "", package, installed, candidate);
        }
    }
    if (out) {
        fclose(out);
    }
    if (stream) {
        finish(stream, pid);
    }
    return text;
}

void library_findings(json_t *findings, const json_t *status)
{
    json_t *paths = json_object();
    size_t known = 0, old = 0;
    bool replaced;
    pid_t template = (pid_t)message_integer(json_object_get(status, "template"), "pid", 0);
    pid_t daemon = (pid_t)message_integer(status, "pid", 0);

    add_mapped(paths, 0);
    replaced = daemon > 0 && add_mapped(paths, daemon);
    replaced |= template > 0 && add_mapped(paths, template);
    json_t *packages = packages_of(paths);
    char *text = outdated(packages, &known, &old);
    if (old > 0) {
        finding_add(findings, FINDING_WARNING, "libraries",
                    "apt upgrade, and then systemctl restart ringcast, at a time that suits. Updates close "
                    "holes that are known.",
                    "newer versions are ready: %s", text);
    } else if (known > 0) {
        finding_add(findings, FINDING_GOOD, "libraries", NULL,
                    "%zu packages are as new as apt knows (apt update asks for news)", known);
    }
    if (replaced) {
        finding_add(findings, FINDING_WARNING, "libraries",
                    "systemctl restart ringcast, at a time that suits.",
                    "processes still use libraries from before an update");
    }
    free(text);
    json_decref(packages);
    json_decref(paths);
}
