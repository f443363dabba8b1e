/* SPDX-License-Identifier: MIT */
#include "supervisor/process/machine_cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* user, nice, system, idle, iowait, irq, softirq, steal; the guests' are part of the first two. */
#define FIELDS 8
#define IDLE 3
#define IOWAIT 4

/* Four fields are as old as the file. */
#define FIELDS_MIN 4

#define SHARE_ALL 1000
#define LINE_SIZE 512

int machine_cpu_parse(const char *text, struct machine_cpu *cpu)
{
    uint64_t fields[FIELDS] = {0};
    int count = sscanf(
        text,
        "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
        &fields[0], &fields[1], &fields[2], &fields[3], &fields[4], &fields[5], &fields[6], &fields[7]);

    *cpu = (struct machine_cpu){0};
    if (count < FIELDS_MIN || strncmp(text, "cpu ", strlen("cpu ")) != 0) { /* the others are of one CPU */
        return -EBADMSG;
    }
    for (int i = 0; i < FIELDS; i++) {
        cpu->all += fields[i];
        cpu->busy += i == IDLE || i == IOWAIT ? 0 : fields[i];
    }
    return 0;
}

int machine_cpu_read(struct machine_cpu *cpu)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[LINE_SIZE] = "";

    *cpu = (struct machine_cpu){0};
    if (!file) {
        return -errno;
    }
    int result = fgets(line, sizeof(line), file) ? machine_cpu_parse(line, cpu) : -EIO;
    fclose(file);
    return result;
}

unsigned machine_cpu_share(const struct machine_cpu *last, const struct machine_cpu *now)
{
    /* iowait may go back (proc(5)), and so may what was not read. */
    if (last->all == 0 || now->all <= last->all || now->busy < last->busy) {
        return 0;
    }
    const uint64_t share = (now->busy - last->busy) * SHARE_ALL / (now->all - last->all);

    return share < SHARE_ALL ? (unsigned)share : SHARE_ALL;
}
