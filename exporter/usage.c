/* SPDX-License-Identifier: MIT */
#include "exporter/usage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"

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

bool usage_read(pid_t pid, struct usage *usage)
{
    *usage = (struct usage){0};
    return read_stat(pid, usage);
}

void usage_take(struct usage *usage, const json_t *told)
{
    json_int_t share = message_integer(told, "pss", 0);
    json_int_t descriptors = message_integer(told, "descriptors", 0);

    usage->has_share = share > 0;
    usage->share_bytes = share > 0 ? (uint64_t)share : 0;
    usage->has_descriptors = descriptors > 0 && descriptors <= INT32_MAX;
    usage->descriptors = usage->has_descriptors ? (unsigned)descriptors : 0;
}
