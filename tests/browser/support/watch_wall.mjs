// SPDX-License-Identifier: MIT
// What walls of many real cameras show, one wall after the other: every few seconds how many tiles are in each condition, on each rung of the
// ladder, connected again, without a picture or more than four seconds old, how long the page takes for an answer, and what processor time
// and memory the browser has. The camera and the server are on the same machine.
//   RINGCAST_BUILD=build/release node tests/browser/support/watch_wall.mjs [--size 320x180] [--fps 2] [--gop FRAMES] [--seconds 90] [--out DIRECTORY] CAMERAS…
// With --out, each wall leaves its samples (wall-CAMERAS.csv), what it looked like (wall-CAMERAS.png), and a plot (wall-CAMERAS.svg).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { plot } from '../../support/plot.mjs';
import { processFigures } from '../../support/process_figures.mjs';
import { scenario } from '../../support/scenario.mjs';
import { launchBrowser, processesOf } from './browser.mjs';
import { Census } from './census.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '320x180' }, fps: { type: 'string', default: '2' }, gop: { type: 'string' }, seconds: { type: 'string', default: '90' }, out: { type: 'string' } },
});
const EVERY_MS = 5000;
const OLD_S = 4;
const MIB = 1024; // in KiB
const RUNGS = ['full', 'small', 'key', 'still'];

function look(oldSeconds) {
  const tally = (values) => values.reduce((all, value) => ({ ...all, [value]: (all[value] ?? 0) + 1 }), {});
  const tiles = [...document.querySelectorAll('.tile')];
  const shown = tiles.map((tile) => ({ tile, element: [...tile.querySelectorAll('ringcast-camera:not(.leaving)')].at(-1) }));
  const streams = shown.filter(({ tile }) => tile.dataset.rung !== 'still').map(({ element }) => element);
  return {
    conditions: tally(tiles.map(({ dataset }) => dataset.condition)),
    rungs: tally(tiles.map(({ dataset }) => dataset.rung)),
    reconnections: streams.reduce((sum, { player }) => sum + Math.max(0, (player?.stats?.connections ?? 1) - 1), 0),
    withoutPicture: shown.filter(({ tile, element }) => element.video.readyState < 2 && !(tile.querySelector('.photo')?.width > 0)).length,
    old: streams.filter(({ player }) => (player?.stats?.age ?? 0) > oldSeconds).length,
    summary: document.querySelector('#summary').textContent,
    reasons: globalThis.reasons,
  };
}

/** In the page, before its scripts: counts why its players lose their connections. */
function countReasons() {
  globalThis.reasons = {};
  const { dispatchEvent } = EventTarget.prototype;
  EventTarget.prototype.dispatchEvent = function (event) {
    const { state, reason } = event.detail ?? {};
    if (event.type === 'statechange' && reason && this.localName === 'ringcast-camera') {
      globalThis.reasons[`${state}: ${reason}`] = (globalThis.reasons[`${state}: ${reason}`] ?? 0) + 1;
    }
    return dispatchEvent.call(this, event);
  };
}

/** CPU seconds and KiB (PSS) of the processes with PIDS. */
function usage(pids) {
  const samples = pids.map((pid) => processFigures(pid)).filter(Boolean);
  const sum = (name) => samples.reduce((all, each) => all + each[name], 0);
  return { cpu: sum('cpu'), kib: sum('pss') };
}

async function watch(page, browser, seconds) {
  const census = await Census.of(page);
  const began = performance.now();
  const samples = [];
  let before = { at: began, ...usage(await processesOf(browser)) };
  while (performance.now() - began < seconds * 1000) {
    await sleep(EVERY_MS);
    const asked = performance.now();
    const seen = await page.evaluate(look, OLD_S);
    const answer = performance.now() - asked;
    const now = { at: performance.now(), ...usage(await processesOf(browser)) };
    const { heap } = await census.memory();
    samples.push({ seconds: (asked - began) / 1000, ...seen, answer, cores: (now.cpu - before.cpu) / ((now.at - before.at) / 1000), mib: now.kib / MIB, heap: heap / MIB / MIB });
    before = now;
    const { cores, mib, ...last } = samples.at(-1);
    console.log(JSON.stringify({ ...last, cores: Number(cores.toFixed(2)), mib: Math.round(mib) }));
  }
  return samples;
}

const row = ({ seconds, conditions, rungs, reconnections, withoutPicture, old, answer, cores, mib, heap }) => ({
  seconds: seconds.toFixed(1), live: conditions.live ?? 0, keyframes: conditions.keyframes ?? 0, still: conditions.still ?? 0,
  ...Object.fromEntries(RUNGS.map((name) => [`rung_${name}`, rungs[name] ?? 0])), reconnections, without_picture: withoutPicture, old,
  answer_ms: answer.toFixed(0), cores: cores.toFixed(2), mib: mib.toFixed(0), heap_mib: heap.toFixed(1),
});

function keep(directory, count, samples) {
  mkdirSync(directory, { recursive: true });
  const rows = samples.map(row);
  const lines = [Object.keys(rows[0]), ...rows.map((each) => Object.values(each))].map((each) => each.join(','));
  writeFileSync(join(directory, `wall-${count}.csv`), `${lines.join('\n')}\n`);
  const column = (name) => rows.map((each) => Number(each[name]));
  writeFileSync(join(directory, `wall-${count}.svg`), plot({
    across: column('seconds'),
    unit: 'seconds',
    panels: [
      { title: `${count} tiles: live (blue), keyframes (red), still pictures (green)`, lines: ['live', 'keyframes', 'still'].map(column) },
      { title: 'connected again (blue), without a picture (red), older than 4 s (green)', lines: ['reconnections', 'without_picture', 'old'].map(column) },
      { title: 'an answer of the page, ms', lines: [column('answer_ms')] },
      { title: 'cores that the browser takes', lines: [column('cores')] },
      { title: 'memory of the browser (PSS), MiB', lines: [column('mib')] },
      { title: 'JavaScript heap after a collection, MiB', lines: [column('heap_mib')] },
    ],
  }));
}

for (const count of positionals.length > 0 ? positionals : ['200']) {
  const { size, fps, seconds, out, gop = `${2 * fps}` } = options;
  scenario(`a wall of ${count} cameras`, async (stage) => {
    const camera = await stage.camera(['--cameras', count, '--fps', fps, '--gop', gop, '--size', size]);
    const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })) }).start();
    await ringcast.streaming(undefined, 180_000);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
      await page.addInitScript(countReasons);
      await page.goto(ringcast.address);
      const samples = await watch(page, browser, Number(seconds));
      if (!out) return;
      keep(out, count, samples);
      await page.screenshot({ path: join(out, `wall-${count}.png`) });
    } finally {
      await browser.close();
    }
  }, { limit: 300_000 + seconds * 1000 });
}
