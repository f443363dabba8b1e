// SPDX-License-Identifier: MIT
// Every fault of rtsp_catalogue.mjs happens to a camera of its own, a dozen at the same time: the state shows it under
// that camera's name, pictures come back, what comes back decodes, and a camera beside them loses no frame.
//   RINGCAST_FAULTS_LONG=1       stalls up to 60 s, 60 s of pictures decoded after each fault
//   RINGCAST_FAULTS_ONLY=TEXT    only groups and faults whose name has TEXT in it
//   RINGCAST_FAULTS_TABLE=FILE   appends a row of a Markdown table for each
//   RINGCAST_FAULTS_SEED=N       repeats the same losses; it is printed
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { decode } from '../support/media.mjs';
import { buildDirectory, quickReuse } from '../support/processes.mjs';
import { generator } from '../support/random.mjs';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';
import { answerFaults, clockFaults, connectionFaults, livenessFaults, packetFaults, parameterFaults } from './rtsp_catalogue.mjs';

const LONG = Boolean(process.env.RINGCAST_FAULTS_LONG);
const ONLY = process.env.RINGCAST_FAULTS_ONLY ?? '';
const TABLE = process.env.RINGCAST_FAULTS_TABLE;
const SEED = Number(process.env.RINGCAST_FAULTS_SEED ?? Math.floor(Math.random() * 2 ** 31));

const HOLD_MS = LONG ? 20000 : 3000;
const AFTER_MS = LONG ? 60000 : 2000; // watched after each fault
const STALLS_S = LONG ? [1, 2, 5, 10, 30, 60] : [3, 6];
const LOSSES_PERCENT = LONG ? [0.1, 1, 5, 20] : [1, 20];

const FPS = 15;
const GOP = 15;
const AT_ONCE = LONG ? 10 : 14; // workers that are hit together: more would measure the machine

// Two deadlines of 10 s, the longest wait before an attempt, and a machine that does other things.
const BACK_LIMIT_MS = 60000;
const LIMIT_MS = LONG ? 400000 : 180000;

// Besides its own 256 KiB, the first answer to a challenge loads OpenSSL's ciphers, and a sanitizer has its own beside all.
const MEMORY_GROWTH_KIB = /asan/.test(buildDirectory) ? 32768 : 4096;

const peakKiB = (pid) => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const shown = ({ video }) => (Number(video.decodeTime) + video.samples[0].offset) / video.timescale;
const ms = (value) => (value === undefined ? '–' : value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);

/** Fails unless frames are shown one interval after the other. Where several in a row come more than three intervals apart, the
 *  camera's own encoder is too slow on this machine, and media time follows their arrival for a while. */
function assertEveryFrame(fragments, camera) {
  const slow = fragments.map(({ at }, i) => i > 0 && at - fragments[i - 1].at > 3000 / FPS);
  for (let i = 1; i < fragments.length; i++) {
    const step = shown(fragments[i]) - shown(fragments[i - 1]);
    if (slow.slice(Math.max(0, i - 5 * FPS), i + 1).filter(Boolean).length >= 5) continue;
    assert.ok(Math.abs(step - 1 / FPS) < 0.5 / FPS, `${camera}: a step of ${step.toFixed(3)} s at fragment ${fragments[i].sequence}`);
  }
}

let files = 0;

/** Decodes what VIEWER has received from fragment FIRST on, a file for each init segment. Returns the number of frames. */
async function assertDecodes(stage, name, viewer, first) {
  const fragments = viewer.fragments.slice(first);
  for (const init of new Set(fragments.map((fragment) => fragment.init))) {
    const own = fragments.filter((fragment) => fragment.init === init);
    const file = stage.file(`${files++}.mp4`, Buffer.concat([viewer.inits[init - 1].data, ...own.map(({ data }) => data)]));
    assert.equal(await decode(file), own.length, `${name}: every frame is a picture`);
  }
  return fragments.length;
}

/** FAULT happens to its camera. Returns what was measured. */
async function happen(fault, viewer, proxy, logged) {
  const before = proxy.count;
  const had = viewer.fragments.length;
  const began = performance.now();
  await fault.begin(proxy);
  const told = ({ state, error, at }) => at > began && state === fault.shows.state && fault.shows.error.test(error);
  if (fault.shows) {
    await viewer.until(`"${fault.shows.error.source}" (${JSON.stringify(viewer.states.slice(-3))})`, ({ states }) => states.some(told), LIMIT_MS).catch((error) => {
      throw new Error(`${fault.name}: ${error.message}; told: ${JSON.stringify(viewer.states)}`);
    });
  }
  if (fault.hold) await waitUntil(`${fault.hold} ms to pass`, () => performance.now() - began >= fault.hold, fault.hold + 5000);
  if (fault.log) await waitUntil(`the log of ${fault.name} to say ${fault.log}`, logged, LIMIT_MS);
  const words = fault.shows && viewer.states.find(told);
  const share = (viewer.fragments.length - had) / (((performance.now() - began) / 1000) * FPS);
  const ended = fault.instant ? began : performance.now();
  if (fault.end) await fault.end(proxy);
  // After a cut, the first picture of the next connection.
  const since = () => (fault.instant ? (proxy.count > before && proxy.connection?.played) || Infinity : ended);
  const back = await viewer.until('pictures', ({ fragments }) => fragments.at(-1).at > since() && fragments.find(({ at }) => at > since()), BACK_LIMIT_MS);
  return { began, ended, words, share, back, connections: proxy.count - before };
}

const told = ({ state, error }) => `\`${state}\`: ${error.replace(/127\.0\.0\.1(:\d+)?/, '*host*')}`;

function row(fault, { began, ended, words, share, back, connections }, left, counters, frames) {
  const grown = Object.entries(counters).filter(([name, value]) => value > 0 && !(connections > 0 && name === 'discontinuities')).map(([name, value]) => `${name} ${value}`);
  const state = words ? `after ${ms(words.at - began)} ${told(words)}` : ['`streaming`', ...new Set(left.map(told))].join('; at times ');
  const stops = Boolean(words) || fault.instant;
  return `| ${[
    fault.name,
    state,
    stops || share < 0.9 ? ms(back.at - ended) : '–',
    stops ? '–' : `${Math.round(share * 100)} %`,
    grown.join(', ') || '–',
    connections,
    frames,
  ].join(' | ')} |`;
}

const COUNTERS = ['lost', 'reordered', 'duplicates', 'malformed', 'discontinuities', 'withheld'];

/** The counters of its present worker that have grown since BEFORE. */
const grown = (before, after) => Object.fromEntries(COUNTERS.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));

async function check(stage, ringcast, fault, viewer, proxy, before) {
  const logged = () => ringcast.log.split('\n').some((line) => line.includes(`[${fault.name}]`) && fault.log.test(line));
  const result = await happen(fault, viewer, proxy, logged);
  const keyframe = () => viewer.fragments.findIndex((fragment) => fragment.at >= result.back.at && fragment.keyframe);
  const watched = (from) => from >= 0 && viewer.fragments.at(-1).at - viewer.fragments[from].at >= AFTER_MS;
  await viewer.until(`${AFTER_MS} ms of ${fault.name}`, () => watched(keyframe()), AFTER_MS + BACK_LIMIT_MS);
  viewer.assertOpen();
  viewer.assertConsecutive();
  const frames = await assertDecodes(stage, fault.name, viewer, keyframe());
  if (!fault.damaged) await assertDecodes(stage, `${fault.name} all`, viewer, 0);
  const after = await ringcast.camera(fault.name);
  const counters = grown(before.status, after);
  if (fault.lossless) {
    assertEveryFrame(viewer.fragments, fault.name);
    assert.equal(counters.withheld, 0, `${fault.name}: nothing is withheld`);
  }
  const [least, most] = [fault.generations ?? 0].flat();
  const inits = viewer.inits.length - 1;
  assert.ok(inits >= least && inits <= (most ?? least), `${fault.name}: ${inits} new init segments`);
  assert.equal(after.pid, before.status.pid, `${fault.name}: the worker is the same`);
  const left = viewer.states.filter(({ at, state }) => at > result.began && at < result.ended && state !== 'streaming');
  if (!fault.shows && !fault.instant && !fault.heavy) {
    assert.deepEqual(left, [], `${fault.name}: the state stays`);
    assert.equal(result.connections, 0, `${fault.name}: the connection stays`);
  }
  if (result.connections > 0) assert.ok(counters.discontinuities > 0, `${fault.name}: a new connection is counted`);
  for (const name of fault.counts ?? []) assert.ok(counters[name] > 0, `${fault.name}: ${name} is counted (${JSON.stringify(counters)})`);
  if (fault.complete) assert.equal(counters.withheld, 0, `${fault.name}: no frame is withheld`);
  const growth = peakKiB(after.pid) - before.peak;
  assert.ok(growth <= MEMORY_GROWTH_KIB, `${fault.name}: the worker's memory grew by ${growth} KiB`);
  const text = row(fault, result, left, counters, frames);
  console.log(`${text} memory +${growth} KiB`);
  if (TABLE) appendFileSync(TABLE, `${text}\n`);
}

async function group(stage, faults) {
  const common = ['--fps', String(FPS), '--gop', String(GOP)];
  const camera = await stage.camera(['--camera', 'faulty:audio=aac,noise=20,bitrate=400', ...common]);
  const other = await stage.camera(['--camera', 'other:audio=aac', ...common]);
  // The camera runs, so that a connection to it costs the same whether another is there or not.
  await stage.ringcast(camera);
  const proxies = await Promise.all(faults.map(async ({ own }) => {
    const target = own ? await stage.camera(['--camera', own, ...common]) : camera;
    return Object.assign(await new RtspProxy(target.url()).listen(), { camera: target });
  }));
  try {
    faults.forEach(({ usual = {} }, i) => (proxies[i].fault = usual));
    const cameras = faults.map(({ name, settings }, i) => ({ name, url: proxies[i].url, transport: 'tcp', ...settings }));
    const ringcast = stage.instance({ cameras: [...cameras, { name: 'other', url: other.url() }] }).start({ env: quickReuse });
    const status = await ringcast.streaming(undefined, LIMIT_MS / 2);
    // Sound begins a generation of its own where it comes after the first picture.
    await ringcast.until('the sound', (all) => all.cameras.every(({ audio }) => audio !== 'waiting'), LIMIT_MS / 2);
    const untouched = stage.viewer(ringcast, 'other', { keep: false });
    const viewers = faults.map(({ name }) => stage.viewer(ringcast, name));
    for (const viewer of [untouched, ...viewers]) await viewer.more(5);
    const before = await ringcast.status();
    const one = (fault, i) =>
      check(stage, ringcast, fault, viewers[i], proxies[i], { status: before.cameras[i], peak: peakKiB(before.cameras[i].pid) });
    const results = await Promise.allSettled(faults.map(one));
    const failed = results.filter(({ reason }) => reason).map(({ reason }) => reason);
    assert.deepEqual(failed.map(({ message }) => message), []);

    // No other camera noticed.
    untouched.assertOpen();
    untouched.assertConsecutive();
    assertEveryFrame(untouched.fragments, 'other');
    const last = (await ringcast.status()).cameras.at(-1);
    assert.equal(last.pid, status.cameras.at(-1).pid);
    const { discontinuities, ...missing } = grown(before.cameras.at(-1), last); // of its sound, on a machine that is too slow
    assert.deepEqual(Object.values(missing).filter(Boolean), [], `other: ${JSON.stringify(missing)}, ${discontinuities}`);
    assert.deepEqual(untouched.states.map(({ state }) => state), ['streaming']);
    await ringcast.stop();
  } finally {
    for (const proxy of proxies) proxy.close();
  }
}

console.log(`RINGCAST_FAULTS_SEED=${SEED}`);
const random = generator(SEED);
const groups = {
  connection: connectionFaults({ stalls: STALLS_S }),
  answers: answerFaults(random),
  packets: packetFaults(random, { hold: HOLD_MS, losses: LOSSES_PERCENT }),
  clocks: clockFaults({ hold: HOLD_MS }),
  parameters: parameterFaults({ hold: HOLD_MS }),
  liveness: livenessFaults(),
};
const chosen = Object.entries(groups).flatMap(([name, faults]) => faults.filter((fault) => `${name}, ${fault.name}`.includes(ONLY)));
// The slow ones together.
chosen.sort((a, b) => Boolean(b.slow) - Boolean(a.slow));
for (let i = 0; i < chosen.length; i += AT_ONCE) {
  const faults = chosen.slice(i, i + AT_ONCE);
  scenario(faults.map((fault) => fault.name).join('; '), (stage) => group(stage, faults), { limit: LIMIT_MS });
}
