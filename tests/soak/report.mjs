// SPDX-License-Identifier: MIT
// Judges the samples of a soak, and draws them: node tests/soak/report.mjs DIRECTORY prints the verdict and writes soak.svg there.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { plot } from '../support/plot.mjs';
import { judge, median } from './judge.mjs';
import { FIGURES, PROCESSES, rowsOf } from './samples.mjs';

const WARM_UP = { part: 0.1, most: 900 }; // seconds of each life: this part of the run, at most so much
const MIB = 1024; // in KiB

// What may grow in a day without failing, in the unit of each measure. A leak that matters in a year is above it; what an allocator
// does in its first hours is not.
const LIMITS = {
  anonymous_kib: (role) => (role.startsWith('worker') || ['keeper', 'fork server'].includes(role) ? 2 * MIB : 16 * MIB),
  descriptors: () => 5,
  threads: () => 2,
  rings: () => 2,
  shared_kib: () => 16 * MIB,
  latency_ms: () => 50,
  heap_bytes: () => 50 * MIB * MIB,
  nodes: () => 500,
  listeners: () => 200,
  renderer_kib: () => 512 * MIB,
  page_behind_s: () => 1,
  page_requests: () => 20, // in the time of a sample
};
const OF_PROCESSES = ['anonymous_kib', 'descriptors', 'threads'];
const OF_ALL = ['rings', 'shared_kib', 'latency_ms', 'heap_bytes', 'nodes', 'listeners', 'renderer_kib', 'page_behind_s', 'page_requests'];
const OURS = /^(ringcastd|fan-out|fork server|keeper|worker|snapshot|hls|rtsp)/; // not the test's own camera and viewers

/** By name, the lives of each series of ROWS: `role measure` → { role, measure, lives }. */
function seriesOf(rows, figures) {
  const series = new Map();
  const add = (role, measure, life, point) => {
    const name = `${role}: ${measure}`;
    if (!series.has(name)) series.set(name, { name, role, measure, lives: new Map() });
    const { lives } = series.get(name);
    if (!lives.has(life)) lives.set(life, []);
    lives.get(life).push(point);
  };
  for (const row of rows) {
    if (!OURS.test(row.role)) continue;
    for (const measure of OF_PROCESSES) add(row.role, measure, row.life, [row.seconds, row[measure]]);
  }
  for (const row of figures) for (const measure of OF_ALL) if ((row[measure] ?? null) !== null) add('all', measure, 'run', [row.seconds, row[measure]]);
  return [...series.values()];
}

const signed = (value) => (Number.isFinite(value) ? `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}` : value < 0 ? '−∞' : '+∞');

function line({ name, lives, limit, verdict }) {
  const last = median([...lives.values()].at(-1).slice(-10).map(([, value]) => value));
  const what = verdict ? `${signed(verdict.perDay)} a day (99 %: ${signed(verdict.low)} … ${signed(verdict.high)}), limit ${limit}` : 'too short to judge';
  return `${verdict?.grows ? 'GROWS ' : ''}${name}: ${last.toFixed(1)} at last, ${lives.size} lives, ${what}`;
}

/** The sum over the processes whose role matches ROLES of MEASURE, at each time of TIMES. */
function sumOf(rows, times, roles, measure) {
  const sums = new Map(times.map((time) => [time, 0]));
  for (const row of rows) if (roles.test(row.role) && sums.has(row.seconds)) sums.set(row.seconds, sums.get(row.seconds) + row[measure]);
  return times.map((time) => sums.get(time));
}

/** The values of a figure; one that a sample lacks is the one before. */
function filled(figures, name, scale = 1) {
  let last = figures.find((row) => row[name] !== null)?.[name] ?? 0;
  return figures.map((row) => (last = row[name] ?? last) * scale);
}

function draw(rows, figures) {
  const times = figures.map(({ seconds }) => seconds);
  const mb = (roles) => sumOf(rows, times, roles, 'anonymous_kib').map((kib) => kib / MIB);
  const panels = [
    { title: 'own memory of all workers, MiB', lines: [mb(/^worker/)] },
    { title: 'own memory of ringcastd (blue), the fan-outs (red), and the programs on demand (green), MiB', lines: [mb(/^ringcastd/), mb(/^fan-out/), mb(/^(snapshot|hls|rtsp)$/)] },
    { title: 'shared memory, MiB', lines: [filled(figures, 'shared_kib', 1 / MIB)] },
    { title: 'descriptors of ringcastd (blue), the fan-outs (red), and all workers (green)', lines: [/^ringcastd/, /^fan-out/, /^worker/].map((roles) => sumOf(rows, times, roles, 'descriptors')) },
    { title: 'threads of all ringcast processes', lines: [sumOf(rows, times, OURS, 'threads')] },
    { title: 'camera to viewer, ms: median (blue) and 95th percentile (red) of each sample', lines: [filled(figures, 'latency_ms'), filled(figures, 'latency_p95_ms')] },
  ];
  if (figures.some(({ heap_bytes: heap }) => heap !== null)) {
    panels.push(
      { title: 'JavaScript heap of the wall after a collection, MiB', lines: [filled(figures, 'heap_bytes', 1 / (MIB * MIB))] },
      { title: 'DOM nodes (blue) and listeners (red) of the wall', lines: [filled(figures, 'nodes'), filled(figures, 'listeners')] },
      { title: 'own memory of the wall’s process, MiB', lines: [filled(figures, 'renderer_kib', 1 / MIB)] },
    );
  }
  return plot({ across: times.map((seconds) => seconds / 60), unit: 'minutes', panels });
}

/** CPU seconds a second of all processes whose role matches ROLES. */
function load(rows, roles) {
  const lives = new Map();
  for (const { role, life, cpu_s: cpu, seconds } of rows) {
    if (!roles.test(role)) continue;
    const one = lives.get(`${role} ${life}`) ?? { first: cpu, began: seconds };
    lives.set(`${role} ${life}`, { ...one, last: cpu, ended: seconds });
  }
  const used = [...lives.values()].reduce((sum, { first, last }) => sum + last - first, 0);
  return used / (rows.at(-1).seconds - rows[0].seconds);
}

/** Judges and draws what is in DIRECTORY: { text, growing }, the names of what grows. */
export function report(directory) {
  const rows = rowsOf(directory, PROCESSES);
  const figures = rowsOf(directory, FIGURES);
  const length = figures.at(-1).seconds - figures[0].seconds;
  const warmUp = Math.min(WARM_UP.most, WARM_UP.part * length);
  const verdicts = seriesOf(rows, figures).map((one) => {
    const limit = LIMITS[one.measure](one.role);
    return { ...one, limit, verdict: judge({ lives: [...one.lives.values()], limit, warmUp, length }) };
  });
  writeFileSync(path.join(directory, 'soak.svg'), draw(rows, figures));
  const busy = [['ringcast', OURS], ['test camera', /^test camera$/], ['test', /^test$/], ['browser', /^browser$/]].map(([name, roles]) => `${name} ${load(rows, roles).toFixed(3)}`);
  const text = [
    `${(length / 60).toFixed(1)} minutes, of which each process's first ${warmUp.toFixed(0)} s are not judged; cores in use: ${busy.join(', ')}`,
    ...verdicts.map(line),
  ].join('\n');
  return { text, growing: verdicts.filter(({ verdict }) => verdict?.grows).map(({ name }) => name) };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { text, growing } = report(process.argv[2]);
  console.log(text);
  process.exitCode = growing.length > 0 ? 1 : 0;
}
