/* SPDX-License-Identifier: MIT */
#include "exporter/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 64
#define STAT_SIZE 1024

/* Fields of /proc/PID/stat, counted from the state, which follows the name in parentheses. */
#define FIELD_USER_TIME 11
#define FIELD_SYSTEM_TIME 12
#define FIELD_RESIDENT 21

static FILE *open_file(pid_t pid, const char *name)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

static bool read_stat(pid_t pid, struct usage *usage)
{
    char text[STAT_SIZE];
    FILE *file = open_file(pid, "stat");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    unsigned long long ticks = 0, pages = 0;

    if (file) {
        fclose(file);
    }
    text[length] = '\0';
    char *field = strrchr(text, ')'); /* the name may hold anything */
    if (!field) {
        return false;
    }
    field = strtok(field + 1, " ");
    for (int i = 0; field && i <= FIELD_RESIDENT; i++, field = strtok(NULL, " ")) {
        unsigned long long value = 0;
        if (sscanf(field, "%llu", &value) != 1) {
            continue;
        }
        if (i == FIELD_USER_TIME || i == FIELD_SYSTEM_TIME) {
            ticks += value;
        } else if (i == FIELD_RESIDENT) {
            pages = value;
        }
    }
    usage->cpu_seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    usage->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

static bool read_share(pid_t pid, uint64_t *bytes)
{
    char line[256];
    unsigned long long kilobytes = 0;
    bool found = false;
    FILE *file = open_file(pid, "smaps_rollup");

    if (!file) {
        return false;
    }
    while (!found && fgets(line, sizeof(line), file)) {
        found = sscanf(line, "Pss: %llu kB", &kilobytes) == 1;
    }
    fclose(file);
    *bytes = kilobytes * 1024;
    return found;
}

static bool count_descriptors(pid_t pid, unsigned *count)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory) {
        return false;
    }
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        *count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return true;
}

bool usage_read(pid_t pid, struct usage *usage)
{
    *usage = (struct usage){0};
    if (!read_stat(pid, usage)) {
        return false;
    }
    usage->has_share = read_share(pid, &usage->share_bytes);
    usage->has_descriptors = count_descriptors(pid, &usage->descriptors);
    return true;
}
