// SPDX-License-Identifier: MIT
// What a soak measures, and the two files that it leaves: `processes.csv` has a line for each process of each sample, `figures.csv` one for
// each sample.
import { appendFileSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { percentile } from '../support/figures.mjs';
import { processFigures } from '../support/process_figures.mjs';

export const PROCESSES = 'processes.csv';
export const FIGURES = 'figures.csv';
const BLOCK = 512; // of st_blocks

const PROCESS_COLUMNS = ['seconds', 'role', 'life', 'pss_kib', 'anonymous_kib', 'descriptors', 'threads', 'cpu_s'];
const FIGURE_COLUMNS = ['seconds', 'rings', 'shared_kib', 'viewers', 'latency_ms', 'latency_p95_ms', 'latency_max_ms', 'heap_bytes', 'nodes', 'listeners', 'renderer_kib', 'page_behind_s', 'page_requests'];

/** Of process PID in ROLE; null if it has ended. */
export function processSample(role, pid) {
  const figures = processFigures(pid);
  if (!figures) return null;
  const { started, pss, anonymous, descriptors, threads, cpu } = figures;
  // A life is a process id with when it began: the kernel gives a number again.
  return { role, life: `${pid}.${started}`, pss_kib: pss, anonymous_kib: anonymous, descriptors, threads, cpu_s: cpu };
}

/** The processes that STATUS names: [[role, pid]]. */
function rolesOf(pid, { cameras, fanouts, template, keeper, programs }) {
  return [
    ['ringcastd', pid],
    ...fanouts.map((fanout, i) => [`fan-out ${i + 1}`, fanout.pid]),
    ['fork server', template.pid],
    ['keeper', keeper.pid],
    ...Object.entries(programs).map(([name, program]) => [name, program?.pid]),
    ...cameras.map((camera) => [`worker ${camera.name}`, camera.pid]),
  ].filter(([, id]) => id);
}

/** Shared memory of INSTANCE: how many rings, and their size in KiB. */
function sharedMemory(instance) {
  const files = readdirSync('/dev/shm').filter((name) => name.startsWith(`ringcast.${instance}.`));
  const sizes = files.map((name) => {
    try {
      return (statSync(`/dev/shm/${name}`).blocks * BLOCK) / 1024;
    } catch {
      return 0; // removed meanwhile
    }
  });
  return { rings: files.length, shared_kib: sizes.reduce((sum, size) => sum + size, 0) };
}

export class Samples {
  constructor(directory) {
    this.files = { [PROCESSES]: PROCESS_COLUMNS, [FIGURES]: FIGURE_COLUMNS };
    this.directory = directory;
    this.began = performance.now();
    this.count = 0;
    for (const [file, columns] of Object.entries(this.files)) writeFileSync(path.join(directory, file), `${columns}\n`);
  }

  #append(file, rows) {
    const lines = rows.map((row) => this.files[file].map((column) => row[column] ?? '').join());
    if (lines.length > 0) appendFileSync(path.join(this.directory, file), `${lines.join('\n')}\n`);
  }

  /** One sample; EXTRAS: [[role, pid]] beside ringcast's own; WALL: what the browser says, or nothing. */
  async take({ ringcast, crowd, extras = [], wall }) {
    const status = await ringcast.status();
    const seconds = ((performance.now() - this.began) / 1000).toFixed(1);
    const processes = [...rolesOf(ringcast.pid, status), ...extras].map(([role, pid]) => processSample(role, pid)).filter(Boolean);
    this.#append(PROCESSES, processes.map((one) => ({ seconds, ...one })));
    const ages = crowd.takeAges();
    const latency = (p) => (ages.length > 0 ? percentile(ages, p).toFixed(1) : '');
    const page = await wall?.sample();
    this.#append(FIGURES, [{
      seconds, ...sharedMemory(ringcast.instance), viewers: crowd.present,
      latency_ms: latency(50), latency_p95_ms: latency(95), latency_max_ms: latency(100), ...page,
    }]);
    this.count++;
  }
}

/** The rows of FILE: objects of numbers, but for `role` and `life`; what is empty is null. */
export function rowsOf(directory, file) {
  const [head, ...lines] = readFileSync(path.join(directory, file), 'utf8').trim().split('\n').map((line) => line.split(','));
  const value = (name, text) => (name === 'role' || name === 'life' ? text : text === '' ? null : Number(text));
  return lines.map((line) => Object.fromEntries(head.map((name, i) => [name, value(name, line[i])])));
}
