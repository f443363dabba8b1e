/* SPDX-License-Identifier: MIT */
/* How much of this machine's CPUs is in use, from /proc/stat (proc(5)): of the machine, not of ringcast. No state of its own; any thread. */
#ifndef SUPERVISOR_PROCESS_MACHINE_CPU_H
#define SUPERVISOR_PROCESS_MACHINE_CPU_H

#include <stdint.h>

/* In the kernel's ticks, of all CPUs, since the machine began. */
struct machine_cpu {
    uint64_t busy, all;
};

/* From TEXT, the beginning of /proc/stat. 0; -EBADMSG: it is not that; then both are 0. */
int machine_cpu_parse(const char *text, struct machine_cpu *cpu);

/* 0 or negative errno; then both are 0. */
int machine_cpu_read(struct machine_cpu *cpu);

/* What was in use between LAST and NOW, in thousandths of all CPUs; 0: not known, or no time has passed. */
unsigned machine_cpu_share(const struct machine_cpu *last, const struct machine_cpu *now);

#endif
