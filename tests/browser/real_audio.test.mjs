// SPDX-License-Identifier: MIT
// Sound on its way into Chromium: re-encoded if a browser cannot play it as the camera sends it, else passed through, and
// only where it is heard.

import assert from 'node:assert/strict';
import { patience } from '../support/patience.mjs';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, videos, watchErrors } from './support/browser.mjs';

/** Bytes of sound that each video of the wall has decoded. */
const decoded = (page) =>
  page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ video }) => video.webkitAudioDecodedByteCount));

scenario('FLAC, Opus and AAC from G.711, Opus and L16 play in Chromium', async (stage) => {
  const camera = await stage.camera([
    '--camera', 'flac:audio=pcmu',
    '--camera', 'opus:audio=opus',
    '--camera', 'aac:audio=pcma',
    '--camera', 'ahead:audio=l16,b-frames=2',
  ]);
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url, audio_codec: name === 'aac' ? 'aac' : 'flac' }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const errors = watchErrors(page);
    await page.goto(ringcast.address);
    await untilMoving(page, { count: 4, ms: 60_000 });
    assert.deepEqual(await decoded(page), [0, 0, 0, 0], 'a muted video is spared its sound');
    await page.evaluate(() => {
      for (const element of document.querySelectorAll('ringcast-camera')) element.muted = false;
    });
    await until(async () => (await decoded(page)).every((bytes) => bytes > 0), 'sound at every camera', 60_000);
    const connections = () => page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ player }) => player.stats?.connections ?? 0));
    assert.deepEqual(await until(async () => (await connections()).every(Boolean) && connections(), 'figures'), [1, 1, 1, 1]);
    const before = await decoded(page);
    const at = (await videos(page)).map(({ time }) => time);
    await until(async () => (await videos(page)).every(({ time }, i) => time > at[i] + 2), 'two seconds of playback', 60_000);
    const after = await decoded(page);
    assert.ok(after.every((bytes, i) => bytes > before[i]), `sound goes on: ${before} ${after}`);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
}, { limit: 150_000 });

scenario('sound that the camera stops sending does not take the pictures along, and is back when it sends it again', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac']);
  const proxy = await new RtspProxy(camera.url()).listen();
  const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
  try {
    const ringcast = stage.instance({ cameras: [{ name: 'front', url: proxy.url }] }).start();
    await ringcast.streaming();
    const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
    const errors = watchErrors(page);
    await page.goto(`${ringcast.address}camera.html?camera=front`);
    await untilMoving(page);
    const sound = () => page.evaluate(() => document.querySelector('ringcast-camera').sound.state);
    await page.evaluate(() => {
      const { video } = document.querySelector('ringcast-camera');
      globalThis.shown = [];
      const watch = () => video.requestVideoFrameCallback((now) => shown.push(now) && watch());
      watch();
      video.muted = false;
    });
    await until(async () => (await sound()) === 'playing' && (await decoded(page))[0] > 0, 'sound', 60_000);
    proxy.fault = { packet: (packet) => (packet.video ? [packet] : []) };
    await until(async () => (await sound()) === 'away', 'no sound', 60_000);
    await untilMoving(page, { frames: 60 });
    proxy.fault = {};
    await until(async () => (await sound()) === 'playing' && (await decoded(page))[0] > 0, 'sound again', 60_000);
    await untilMoving(page, { frames: 30 });
    const longest = await page.evaluate(() => Math.max(...shown.slice(1).map((at, i) => at - shown[i])));
    assert.ok(longest < 1500 * patience(), `${longest} ms without a picture`);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    proxy.close();
  }
}, { limit: 200_000 });
