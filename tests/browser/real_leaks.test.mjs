// SPDX-License-Identifier: MIT
// Stop undoes all that start made, on both sides: a page and the real processes, many times over, counted from outside.
// RINGCAST_LEAK_CYCLES=300 is the long form; RINGCAST_SEED=… repeats a run's moments. The figures are in docs/design/player.md.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { program, sanitizerEnvironment } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { lineThrough } from './support/slope.mjs';

const CYCLES = Number(process.env.RINGCAST_LEAK_CYCLES ?? 40);
const RING = 8 << 20; // a ring that grows begins anew, and with it its past
const SEED = Number(process.env.RINGCAST_SEED ?? Date.now() % 1_000_000);
const LONG = CYCLES >= 300;
const WARM_UP = LONG ? 60 : 20; // for objects that are made once, and the browser's caches
const BATCH = Math.max(4, Math.round(CYCLES / 25));
const HEAP_SLOPE = LONG ? 256 : 2048; // bytes a cycle; a forgotten player with its session is over 10 kB
const SERVER_GROWTH = 1 << 20;
const SANITIZED_GROWTH = 24 << 20; // AddressSanitizer's allocator reuses memory late
// Compiled code is heap, too, and V8 compiles a little more for minutes: with the interpreter alone the heap is the page's own.
const INTERPRETER = ['--js-flags=--jitless --no-lazy-feedback-allocation --no-flush-bytecode'];
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;
const env = { ASAN_OPTIONS: `${sanitizerEnvironment().ASAN_OPTIONS}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` };

const viewersOf = ({ cameras }) => cameras.reduce((sum, { viewers }) => sum + viewers, 0);
const pssOf = (pid) => Number(/^Pss_Anon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;

/** What the server's processes hold, with the present viewers. */
async function held(ringcast) {
  const status = await ringcast.status();
  const pids = [...status.fanouts, ...status.cameras].map(({ pid }) => pid);
  return {
    descriptors: pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length),
    viewers: viewersOf(status),
    rings: ringcast.rings().length,
    memory: pids.reduce((sum, pid) => sum + pssOf(pid), 0),
  };
}

/** Four cameras with sound, an instance that shows them, and a browser; ended in any case. */
function counted(name, body, extra = {}) {
  scenario(name, async (stage) => {
    const camera = await stage.camera(['--cameras', '4', '--audio', 'aac']);
    const cameras = camera.cameras.map((each) => ({ name: each.name, url: each.url, ...extra }));
    const ringcast = stage.instance({ cameras });
    ringcast.start({ env });
    await ringcast.streaming();
    await ringcast.until('no viewers', (status) => viewersOf(status) === 0);
    const browser = await launchBrowser(INTERPRETER);
    try {
      const before = await held(ringcast);
      const warm = await body({ ringcast, browser, names: cameras.map((each) => each.name) });
      await browser.close(); // this closes the connections that it keeps for its next request, too
      await assertAsBefore(ringcast, before, warm);
    } finally {
      await browser.close();
    }
  }, { limit: 120_000 + CYCLES * 4000 });
}

/** WARM: the same as BEFORE, after the first few viewers. */
async function assertAsBefore(ringcast, before, warm) {
  const { memory: _, ...expected } = before;
  let after;
  await until(async () => {
    const { memory, ...rest } = await held(ringcast);
    after = rest;
    after.grown = memory - warm.memory;
    return JSON.stringify(rest) === JSON.stringify({ ...expected, grown: after.grown });
  }, 'the server holds what it held').catch(() => assert.deepEqual(after, expected));
  console.log(`  server: descriptors ${after.descriptors}, viewers ${after.viewers}, memory grown by ${Math.round(after.grown / 1024)} kB`);
  const sanitized = readFileSync(program('ringcast-fanout')).includes('__asan_init');
  assert.ok(after.grown < (sanitized ? SANITIZED_GROWTH : SERVER_GROWTH), `memory grew by ${after.grown} bytes`);
}

async function open(browser, address) {
  const page = await browser.newPage();
  const errors = watchErrors(page, CLOSED_EARLY);
  await page.addInitScript(instrument);
  await page.goto(address);
  return { page, errors, census: await Census.of(page) };
}

/**
 * Waits until the page holds EXPECTED, or no more where ATMOST says so; a browser needs a moment, and more than one collection,
 * to free everything.
 */
async function untilHeld(count, expected, what, atMost = false) {
  let counts;
  const holds = (name) => (atMost ? counts[name] <= expected[name] : counts[name] === expected[name]);
  await until(async () => {
    counts = await count();
    return Object.keys(expected).every(holds);
  }, what).catch(() => assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, counts[name]])), expected));
}

async function assertPageAsBefore(census, { objects, books, nodes, listeners }) {
  await untilHeld(() => census.objects(), objects, 'objects');
  await untilHeld(() => census.books(), books, 'listeners, timers, object URLs and observers');
  /* The count at the start may hold nodes that were on their way out. */
  await untilHeld(() => census.memory(), { nodes, listeners }, 'nodes and listeners as the browser counts them', true);
}

/**
 * Nodes and listeners as the browser counts them, once another TURN leaves them as they were: leftovers of the first viewers
 * that it still has to free do not count.
 */
async function settled(census, turn) {
  let last = {};
  let count;
  await until(async () => {
    await turn();
    const { nodes, listeners } = await census.memory();
    const steady = nodes === last.nodes && listeners === last.listeners;
    count = last = { nodes, listeners };
    return steady;
  }, 'as many nodes and listeners after another turn', 60_000);
  return count;
}

/** Bytes after a collection: the least of three, because the browser itself works in between. */
async function heapOf(census) {
  const sizes = [];
  for (let i = 0; i < 3; i++) sizes.push((await census.memory()).heap);
  return Math.min(...sizes);
}

function assertFlat(heaps) {
  const { slope, error } = lineThrough(heaps);
  console.log(`  heap: ${slope.toFixed(0)} ± ${error.toFixed(0)} bytes a cycle over ${heaps.length} samples: ${heaps.map(([, heap]) => Math.round(heap / 1024)).join(' ')} kB`);
  assert.ok(slope - 3 * error < HEAP_SLOPE, `the heap grows by ${slope} bytes a cycle`);
}

counted(`${CYCLES} switches between cameras leave one of each in the page and nothing at the server`, async ({ ringcast, browser, names }) => {
  const { page, errors, census } = await open(browser, `${ringcast.address}camera.html?camera=${names.at(-1)}`);
  await untilMoving(page, { ms: 60_000 });
  const objects = { MediaSource: 1, SourceBuffer: 1, WebSocket: 2, RingcastPlayer: 1, Video: 1 };
  const show = async (i) => {
    await page.selectOption('#choice', names[i % names.length]);
    if (i % 5 === 0) await untilMoving(page, { frames: 3 });
  };
  const rest = async () => {
    await page.selectOption('#choice', names.at(-1));
    await untilMoving(page, { frames: 3 });
  };
  for (let i = 0; i < WARM_UP; i++) await show(i);
  await rest();
  await untilHeld(() => census.objects(), objects, 'one of each');
  const { nodes, listeners } = await settled(census, async () => {
    await show(0);
    await rest();
  });
  await untilHeld(() => census.objects(), objects, 'one of each again');
  const start = { objects, books: await census.books(), nodes, listeners };
  assert.equal(start.books.urls, 0);
  await ringcast.until('one viewer', (status) => viewersOf(status) === 1);
  const warm = await held(ringcast);

  const heaps = [];
  for (let i = 0; i < CYCLES; i++) {
    await show(i);
    if (i % BATCH !== BATCH - 1) continue;
    await rest();
    heaps.push([i + 1, await heapOf(census)]);
  }
  await rest();
  await assertPageAsBefore(census, start);
  await ringcast.until('one viewer again', (status) => viewersOf(status) === 1);
  assertFlat(heaps);
  assert.deepEqual(errors, []);
  return warm;
});

/** Runs in the page: COUNT starts of the players of NAMES in turn, each stopped at a moment of its own. */
async function cycle({ count, names, seed }) {
  const { RingcastPlayer } = await import('/ringcast-player.js');
  let state = seed;
  const random = () => { // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const reached = {};
  for (let i = 0; i < count; i++) {
    const video = document.createElement('video');
    video.muted = random() < 0.5;
    document.body.append(video);
    const player = new RingcastPlayer(video, { camera: names[i % names.length] });
    player.start();
    // Mostly within the steps of a start, sometimes at once, sometimes well into playing.
    const kind = random();
    const moment = kind < 0.1 ? 0 : kind < 0.85 ? random() * 200 : 200 + random() * 700;
    if (moment > 0) await new Promise((resolve) => setTimeout(resolve, moment));
    reached[player.state] = (reached[player.state] ?? 0) + 1;
    player.stop();
    if (random() < 0.3) player.stop();
    video.remove();
  }
  return reached;
}

counted(`${CYCLES} starts, each stopped at a random moment (RINGCAST_SEED=${SEED}), leave nothing in the page and at the server`, async ({ ringcast, browser, names }) => {
  console.log(`  RINGCAST_SEED=${SEED}`);
  const { page, errors, census } = await open(browser, `${ringcast.address}camera.html?camera=none`);
  await page.evaluate(cycle, { count: WARM_UP, names, seed: SEED + 1 });
  const objects = { MediaSource: 0, SourceBuffer: 0, WebSocket: 1, RingcastPlayer: 0 };
  await untilHeld(() => census.objects(), objects, 'nothing');
  const { nodes, listeners } = await settled(census, () => page.evaluate(cycle, { count: 2, names, seed: SEED + 2 }));
  const start = { objects, books: await census.books(), nodes, listeners };
  assert.equal(start.books.urls, 0);
  await ringcast.until('no viewer', (status) => viewersOf(status) === 0);
  const warm = await held(ringcast);

  const heaps = [];
  const reached = {};
  for (let done = 0; done < CYCLES; done += BATCH) {
    const count = Math.min(BATCH, CYCLES - done);
    for (const [state, times] of Object.entries(await page.evaluate(cycle, { count, names, seed: SEED + 1000 * done }))) {
      reached[state] = (reached[state] ?? 0) + times;
    }
    heaps.push([done + count, await heapOf(census)]);
  }
  console.log(`  stopped in ${JSON.stringify(reached)}`);
  await assertPageAsBefore(census, start);
  await ringcast.until('no viewer again', (status) => viewersOf(status) === 0);
  assertFlat(heaps);
  assert.ok(reached.connecting > 0 && Object.keys(reached).length > 1, 'at several steps of a start');
  assert.deepEqual(errors, []);
  return warm;
});

/** Runs in the page: COUNT looks at the past, each of which ends in the present again. */
async function lookBack(count) {
  const camera = document.querySelector('ringcast-camera');
  const next = (type, holds) => new Promise((resolve) => {
    const heard = ({ detail }) => {
      if (!holds(detail)) return;
      camera.removeEventListener(type, heard);
      resolve();
    };
    camera.addEventListener(type, heard);
  });
  for (let i = 0; i < count; i++) {
    const begun = next('lookback', ({ looking }) => looking);
    camera.seek(-2.5);
    await begun;
    const ended = next('lookback', ({ looking }) => !looking);
    if (i % 2) camera.seek(-0.5); // before the pictures are there
    camera.live();
    await ended;
  }
}

counted(`${CYCLES} looks at the past leave one of each in the page and nothing at the server`, async ({ ringcast, browser, names }) => {
  const { page, errors, census } = await open(browser, `${ringcast.address}camera.html?camera=${names[0]}`);
  await untilMoving(page, { ms: 60_000 });
  await ringcast.until('a past', ({ cameras: [one] }) => one.fragments > 100);
  const objects = { MediaSource: 1, SourceBuffer: 1, WebSocket: 2, RingcastPlayer: 1, Video: 1 };
  await page.evaluate(lookBack, WARM_UP);
  await untilMoving(page, { frames: 3 });
  await untilHeld(() => census.objects(), objects, 'one of each');
  const { nodes, listeners } = await settled(census, () => page.evaluate(lookBack, 2));
  const start = { objects, books: await census.books(), nodes, listeners };
  const warm = await held(ringcast);

  const heaps = [];
  for (let done = 0; done < CYCLES; done += BATCH) {
    await page.evaluate(lookBack, Math.min(BATCH, CYCLES - done));
    heaps.push([done + BATCH, await heapOf(census)]);
  }
  await untilMoving(page, { frames: 3 });
  await assertPageAsBefore(census, start);
  await ringcast.until('one viewer', (status) => viewersOf(status) === 1);
  assertFlat(heaps);
  assert.deepEqual(errors, []);
  return warm;
}, { look_back: 20, ring_size: RING });
