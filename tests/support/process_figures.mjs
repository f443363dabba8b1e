// SPDX-License-Identifier: MIT
// What the kernel says of a process: memory, descriptors, threads, CPU time.
import { readFileSync, readdirSync } from 'node:fs';

const TICKS = 100; // a second: USER_HZ, which is the same everywhere

const read = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/**
 * Of process PID, in KiB and seconds: { started, pss, shared, anonymous, descriptors, threads, cpu }; null if it has ended. `started` is when it began, in the
 * kernel's ticks. `shared` is the part of PSS that is shared memory, rings above all. `anonymous` is its own memory, each page counted whole: PSS
 * of a process that was forked, or that forks, changes with those with which it still has pages in common.
 */
export function processFigures(pid) {
  try {
    const memory = read(pid, 'smaps_rollup');
    const kib = (name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(memory)?.[1]);
    const stat = read(pid, 'stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    if (memory === '') return null; // a zombie
    return {
      started: Number(fields[19]),
      pss: kib('Pss'),
      shared: kib('Pss_Shmem'),
      anonymous: kib('Anonymous'),
      descriptors,
      threads: Number(fields[17]),
      cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(error.code)) return null;
    throw error;
  }
}
