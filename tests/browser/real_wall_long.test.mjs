// SPDX-License-Identifier: MIT
// Sixteen real cameras on one wall for a while: memory stays flat, every tile is close behind its camera, and there are no errors.
// It takes a minute and a half; RINGCAST_WALL_SECONDS=1800 makes it half an hour.
// RINGCAST_WALL_CSV=FILE keeps the samples; support/plot_wall.mjs draws them (docs/images/wall-30-minutes.svg).

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { program, sanitizerEnvironment } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, processesOf, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census } from './support/census.mjs';
import { lineThrough } from './support/slope.mjs';

const CSV = process.env.RINGCAST_WALL_CSV;
const SECONDS = Number(process.env.RINGCAST_WALL_SECONDS ?? 90);
const WARM_UP_S = Math.min(60, SECONDS / 3); // until everything that is made once has been made
const SAMPLE_S = Math.max(2, SECONDS / 60);
const COUNT = 16;
const FPS = 8;
// How much may come and go by itself: samples are taken at any moment between two collections of the browser's own.
const HEAP_GROWTH = 500_000;
const RENDERER_GROWTH = 24_000_000;
const BROWSER_GROWTH = 32_000_000; // all of its processes
const SERVER_GROWTH = 4_000_000;
const SANITIZED_GROWTH = 24_000_000; // AddressSanitizer's allocator reuses memory late
const WORDS_A_TILE = 2; // over one that is late
const TOLD = 1; // the text of the last news, once there was some
const LATENESS_S = 0.15; // behind the target, in the middle of all seconds
const ENOUGH_SHOWN = 0.95; // of all seconds: live, or late, which is what a busy machine makes of live now and then
const ENOUGH_LIVE = 0.95; // of all seconds of a long run, for which a machine is left alone
const LONG_S = 600;
const CONNECTIONS = 2; // of a tile in a short run, at most: other tests may take the machine from a server for seconds

/**
 * Proportional set size of processes, in bytes, by kinds: `Anon`, and `Shmem` where it is not rings that are being filled. Never
 * that of files: another browser beside this one shares them, and changes it with its end.
 */
const pss = (pids, ...kinds) => pids.reduce((sum, pid) => {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return sum + kinds.reduce((all, kind) => all + Number(new RegExp(`^Pss_${kind}:\\s+(\\d+) kB`, 'm').exec(memory)[1]) * 1024, 0);
}, 0);

/** AddressSanitizer keeps what is freed, up to 256 MB: that would look like a leak. */
const env = { ASAN_OPTIONS: `${sanitizerEnvironment().ASAN_OPTIONS}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Growth from the first third of the samples to the last one, by their medians. */
function growth(samples, key) {
  const values = samples.map((sample) => sample[key]);
  const third = Math.floor(values.length / 3);
  return median(values.slice(-third)) - median(values.slice(0, third));
}

/** Records the reports of every tile, in arrays that have their full length from the start, so that they do not look like a leak. */
async function watchPage(page) {
  await page.evaluate((most) => {
    globalThis.notes = new Map();
    const follow = (tile, element) => {
      const note = globalThis.notes.get(element.camera);
      element.addEventListener('stats', ({ detail: { delay, target, connections, missed, dropped } }) => {
        const shown = [...tile.querySelectorAll('ringcast-camera:not(.leaving)')].at(-1);
        if (element !== shown) return;
        note.late[note.count++] = delay - target;
        note.conditions[element.condition.name]++;
        note.connections = Math.max(note.connections, connections);
        note.missed = Math.max(note.missed, missed);
        note.dropped = Math.max(note.dropped, dropped);
      });
    };
    for (const tile of document.querySelectorAll('.tile')) {
      const element = tile.querySelector('ringcast-camera');
      const conditions = { live: 0, late: 0, keyframes: 0, past: 0, connecting: 0, reconnecting: 0, unauthorized: 0, offline: 0, failed: 0, idle: 0 };
      globalThis.notes.set(element.camera, { late: new Float32Array(most), count: 0, conditions, connections: 0, missed: 0, dropped: 0 });
      follow(tile, element);
      // On a busy machine the wall's ladder puts another player in its place.
      new MutationObserver((records) => {
        for (const { addedNodes } of records) for (const node of addedNodes) if (node.localName === 'ringcast-camera') follow(tile, node);
      }).observe(tile, { childList: true });
    }
  }, 2 * SECONDS);
}

/** How the tiles are at this moment: the worst, so that none hides behind the others. */
const readTiles = (page) => page.evaluate(() => {
  const players = [...document.querySelectorAll('ringcast-camera')].map(({ player }) => player.stats);
  const worst = (key) => Math.max(...players.map((stats) => stats?.[key] ?? 0));
  return { delay: worst('delay'), target: worst('target'), latency: worst('latency') };
});

const readNotes = (page) => page.evaluate(() => [...globalThis.notes].map(([name, { late, ...note }]) => (
  { name, late: [...late.subarray(0, note.count)], ...note })));

scenario(`${COUNT} cameras for ${SECONDS} s: memory flat, every tile near its target, no error`, async (stage) => {
  const camera = await stage.camera(['--cameras', `${COUNT}`, '--fps', `${FPS}`, '--gop', `${2 * FPS}`]);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })) }).start({ env });
  await ringcast.streaming();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const errors = watchErrors(page);
    await page.goto(ringcast.address);
    await untilMoving(page, { count: COUNT, ms: 60_000 });
    await until(async () => (await page.locator('.tile[data-condition=live]').count()) === COUNT, 'all live', 60_000);
    const census = await Census.of(page);
    const { fanouts, cameras } = await ringcast.status();
    const server = [...fanouts.map(({ pid }) => pid), ...cameras.map(({ pid }) => pid)];
    const renderers = await processesOf(browser, 'renderer');
    const all = await processesOf(browser);
    await sleep(WARM_UP_S * 1000);
    await watchPage(page);

    const samples = [];
    const end = performance.now() + (SECONDS - WARM_UP_S) * 1000;
    while (performance.now() < end) {
      const { heap, nodes } = await census.memory();
      const seconds = SECONDS - (end - performance.now()) / 1000;
      const processes = { renderer: pss(renderers, 'Anon', 'Shmem'), browser: pss(all, 'Anon', 'Shmem'), server: pss(server, 'Anon') };
      samples.push({ seconds: Math.round(seconds), heap, nodes, ...processes, ...await readTiles(page) });
      await sleep(SAMPLE_S * 1000);
    }
    if (CSV) writeFileSync(CSV, [Object.keys(samples[0]), ...samples.map((sample) => Object.values(sample))].join('\n') + '\n');
    const grown = Object.fromEntries(['heap', 'nodes', 'renderer', 'browser', 'server'].map((key) => [key, growth(samples, key)]));
    const { slope, error } = lineThrough(samples.slice(samples.length / 2).map(({ seconds, heap }) => [seconds, heap]));
    console.log(`heap: ${slope.toFixed(0)} ± ${error.toFixed(0)} bytes a second in the second half`);
    console.log(`${samples.length} samples, grown by ${JSON.stringify(grown)}, last ${JSON.stringify(samples.at(-1))}`);
    const notes = await readNotes(page);
    const lateness = notes.map(({ late }) => median(late));
    const alive = notes.map(({ conditions, count }) => conditions.live / count);
    console.log(`behind the target: ${Math.max(...lateness).toFixed(3)} s at most; live: ${Math.min(...alive).toFixed(3)} at least`);
    for (const { name, conditions } of notes) console.log(name, JSON.stringify(conditions));

    assert.equal(notes.length, COUNT);
    for (const [i, { name, count, conditions, connections, missed, dropped }] of notes.entries()) {
      assert.ok(count > (SECONDS - WARM_UP_S) / 2, `${name} reported ${count} times`);
      assert.ok(lateness[i] < LATENESS_S, `${name} is ${lateness[i]} s behind its target`);
      const { live, late, keyframes } = conditions;
      assert.ok((live + late + keyframes) / count >= ENOUGH_SHOWN, `${name} was live in ${live}, late in ${late}, showed keyframes in ${keyframes} of ${count} seconds`);
      assert.ok(connections > 1 || missed <= dropped, `${name} missed ${missed} pictures, and was told of ${dropped}`);
      assert.ok(connections <= CONNECTIONS, `${name} was connected ${connections} times`);
      if (SECONDS < LONG_S) continue;
      assert.ok(live / count >= ENOUGH_LIVE, `${name} was live in ${live} of ${count} seconds`);
      assert.equal(connections, 1, `${name} stayed connected`);
      assert.equal(missed, 0, `${name} missed nothing`);
    }
    const words = SECONDS < LONG_S ? WORDS_A_TILE * COUNT : 0;
    assert.ok(grown.nodes <= TOLD + words, `${grown.nodes} nodes more`);
    assert.ok(grown.heap < HEAP_GROWTH, `heap: ${grown.heap}`);
    assert.ok(grown.renderer < RENDERER_GROWTH, `renderer: ${grown.renderer}`);
    const sanitized = readFileSync(program('ringcast-fanout')).includes('__asan_init');
    assert.ok(grown.browser < BROWSER_GROWTH, `browser: ${grown.browser}`);
    assert.ok(grown.server < (sanitized ? SANITIZED_GROWTH : SERVER_GROWTH), `fan-out and workers: ${grown.server}`);
    const summary = await page.locator('#summary').textContent();
    assert.match(summary, new RegExp(`^${COUNT} cameras, (all live|((\\d+ live|\\d+ keyframes only|\\d+ late[^,]*|1 too slow)(, )?)+)$`));
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
}, { limit: 180_000 + SECONDS * 1000 });
