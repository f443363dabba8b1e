// SPDX-License-Identifier: MIT
// How soon the first picture comes and how near to the newest one playback stays, in Chromium with the real processes.
// RINGCAST_JOINS=60 gives figures that are worth recording; they are printed, and docs/design/player.md has them.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, watchErrors } from './support/browser.mjs';

const JOINS = Number(process.env.RINGCAST_JOINS ?? 4);
const SIZE = process.env.RINGCAST_JOIN_SIZE ?? '1280x720';
const WATCHED_S = 3;
// A test runs beside others on a small machine, with sanitizers, so these are limits and not figures. Jitter moves
// the target, so playback only has to be near that.
const FIRST_PICTURE_MOST_S = 2;
const CALM_S = 0.15; // behind the newest picture on loopback when nothing else goes on
const BESIDE_TARGET_S = 0.3;

/** Runs in the page: one join after the other, each at another moment of the camera's group of pictures. */
async function join({ joins, camera, watchedS, muted }) {
  const { RingcastPlayer } = await import('/ringcast-player.js');
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const results = [];
  for (let i = 0; i < joins; i++) {
    const video = document.createElement('video');
    video.muted = muted;
    document.body.append(video);
    const player = new RingcastPlayer(video, { camera });
    const began = performance.now();
    const first = new Promise((resolve) => player.addEventListener('firstpicture', ({ detail }) => resolve(detail.seconds)));
    player.start();
    const result = { first: await first, delays: [], stats: null };
    while (performance.now() - began < watchedS * 1000) {
      await wait(100);
      const { buffered, currentTime } = video;
      result.delays.push([(performance.now() - began) / 1000, buffered.end(buffered.length - 1) - currentTime]);
    }
    // On a busy machine sound may begin later than pictures.
    for (const end = performance.now() + 10_000; !muted && !player.stats.sound && performance.now() < end; ) await wait(100);
    result.stats = player.stats;
    result.duration = String(video.duration);
    player.stop();
    video.remove();
    results.push(result);
    await wait(((i * 617) % 1000) + 100); // another moment of the group of pictures
  }
  return results;
}

const at = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
const ms = (seconds) => Math.round(seconds * 1000);
const spread = (values) => `p50 ${ms(at(values, 0.5))} ms, p95 ${ms(at(values, 0.95))} ms`;

// Sound that is heard costs time: Chromium gathers 200 ms of it before it begins.
const VARIANTS = [
  { sound: 'none', muted: true, more: 0 },
  { sound: 'muted', muted: true, more: 0 },
  { sound: 'heard', muted: false, more: 0.3 },
];

for (const { sound, muted, more } of VARIANTS) {
  scenario(`the first picture comes at once, and playback stays near the newest one (sound: ${sound})`, async (stage) => {
    const camera = await stage.camera(['--size', SIZE, '--fps', '25', '--gop', '50', ...(sound === 'none' ? [] : ['--audio', 'aac'])]);
    const ringcast = await stage.ringcast(camera);
    const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
    try {
      const page = await browser.newPage();
      const errors = watchErrors(page);
      await page.goto(`${ringcast.address}camera.html?camera=none`);
      const results = await page.evaluate(join, { joins: JOINS, camera: camera.cameras[0].name, watchedS: WATCHED_S, muted });
      const firsts = results.map(({ first }) => first);
      const during = (from, to) => results.flatMap(({ delays }) => delays.filter(([time]) => time >= from && time < to).map(([, delay]) => delay));
      const early = during(0.5, 1);
      const steady = during(2, WATCHED_S);
      const targets = results.map(({ stats }) => stats.target);
      const delayMost = Math.max(CALM_S, at(targets, 0.5)) + BESIDE_TARGET_S + more;
      const latencies = results.map(({ stats }) => stats.latency);
      console.log(`${JOINS} joins, ${SIZE}, 25 frames/s, a keyframe every 2 s, sound: ${sound}`);
      console.log(`  first picture: ${spread(firsts)}`);
      console.log(`  behind the newest: half a second after connecting ${spread(early)}; after 2 s ${spread(steady)}`);
      console.log(`  camera to screen: ${spread(latencies)}; target ${spread(targets)}`);
      assert.ok(at(firsts, 0.5) <= FIRST_PICTURE_MOST_S, `first picture: ${firsts}`);
      assert.ok(at(early, 0.5) <= delayMost, `behind the newest right after the join: ${early}`);
      assert.ok(at(steady, 0.5) <= delayMost, `behind the newest: ${steady}`);
      assert.ok(results.every(({ stats }) => stats.sound === (sound === 'none' ? null : !muted)), 'sound only where it is heard');
      assert.ok(latencies.every((latency) => latency > 0), `${latencies}`);
      if (process.env.RINGCAST_JOINS_DUMP) console.log(JSON.stringify(results, (_, v) => (typeof v === 'number' ? Math.round(v * 1000) / 1000 : v)));
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
    }
  }, { limit: 60_000 + JOINS * 10_000 });
}
