// SPDX-License-Identifier: MIT
// How many times slower than an optimised build on an idle machine this run may be. For limits that tell a slow program from
// one that hangs; how long something takes is measured by the benchmarks.
import { cpus, loadavg } from 'node:os';
import { buildDirectory } from './processes.mjs';

const SANITIZED = /asan|tsan|dev/.test(buildDirectory) ? 4 : 1;

/** The factor at this moment: for sanitizers, times the processes that wait for each core, on average over one or five minutes. */
export function patience() {
  const [one, five] = loadavg();
  return SANITIZED * Math.max(1, one / cpus().length, five / cpus().length);
}
