// SPDX-License-Identifier: MIT
// Do the pictures move? In Chromium, against the fake server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { difference, isNear, launchBrowser, pixels, until, untilMoving, untilNear, videos, watchErrors } from './support/browser.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const EVIL = '<img src=x onerror="document.title=\'owned\'">';
const SOON_MS = 1500;
const HOURS = 100 * 3600; // decode times of a camera that has been on for four days

let server;
let browser;
before(async () => {
  const clip = makeClip({ gop: 50 });
  server = new FakeServer([
    new FakeCamera('front', clip),
    new FakeCamera('yard', clip, { offset: HOURS }),
    new FakeCamera('Straße 7 & Tür', clip, { offset: 7 }),
    new FakeCamera(EVIL, clip),
  ]);
  await server.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the wall shows every camera, moving, live and under its own name', { timeout: 180_000 }, async () => {
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.goto(server.url);
  await untilMoving(page, { count: 4, frames: 25 });
  const earlier = await pixels(page, 1);
  const at = (await videos(page))[1].time;
  await until(async () => (await videos(page))[1].time > at + 1, 'a second of playback');
  assert.ok(difference(earlier, await pixels(page, 1)) > 20, 'the picture is another one a second later');

  await untilNear(page, { count: 4, calm: 0.6 });
  assert.ok((await videos(page))[1].time > HOURS, 'on the camera’s own timeline');

  const names = await page.locator('.name').allTextContents();
  assert.deepEqual(names, ['front', 'yard', 'Straße 7 & Tür', EVIL]);
  assert.equal(await page.locator('.wall img:not(.poster)').count(), 0);
  assert.equal(await page.title(), 'ringcast');
  await until(async () => (await page.locator('#summary').textContent()) === '4 cameras, all live', 'the summary');
  assert.deepEqual(errors, []);
  await page.close();
});

test('pictures come at once, and stay close to the newest frame', { timeout: 180_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}test/blank.html`);
  const watch = () => page.evaluate(async () => {
    const { RingcastPlayer } = await import('/ringcast-player.js');
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const player = new RingcastPlayer(video, { camera: 'front' });
    const began = performance.now();
    const presented = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    player.start();
    await presented;
    const firstPicture = performance.now() - began;
    const stats = [];
    await new Promise((resolve) => {
      player.addEventListener('stats', ({ detail }) => stats.push(detail) === 6 && resolve());
    });
    player.stop();
    video.remove();
    return { firstPicture, stats: stats.slice(2) };
  });
  let result = await watch();
  for (let i = 0; i < 2 && result.firstPicture >= SOON_MS; i++) result = await watch(); // the machine was busy with other work
  assert.ok(result.firstPicture < SOON_MS, `first picture after ${result.firstPicture} ms`);
  const delays = result.stats.map(({ delay }) => delay);
  assert.ok(result.stats.filter((stats) => isNear(stats, 0.5)).length >= 2, `behind the newest frame by ${delays}`);
  const last = result.stats.at(-1);
  assert.equal(last.missed, 0);
  assert.equal(last.connections, 1);
  assert.ok(last.framesDecoded > 50);
  console.log(`first picture ${result.firstPicture.toFixed(0)} ms, behind by ${delays.map((s) => (s * 1000).toFixed(0))} ms`);
  await page.close();
});
