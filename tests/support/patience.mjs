// How many times slower than an optimised build on an idle machine this run may be. For bounds that tell a product that
// comes back from one that hangs; figures are for the benchmarks.
import { cpus, loadavg } from 'node:os';
import { buildDirectory } from './processes.mjs';

const SANITIZED = /asan|tsan|dev/.test(buildDirectory) ? 4 : 1;

/** Of this moment: sanitizers, times the processes that wait for each core, on average over the last one or five minutes. */
export function patience() {
  const [one, five] = loadavg();
  return SANITIZED * Math.max(1, one / cpus().length, five / cpus().length);
}
