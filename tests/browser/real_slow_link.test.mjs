// SPDX-License-Identifier: MIT
// A link that is slower than the camera: a proxy lets through so many bytes a second. The wall's large tile, and an element in a page of
// its own, change to the sub stream by themselves and say so, and back when the link is quick again.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Proxy } from './support/proxy.mjs';

const MAIN = 960;
const SUB = 480;
const CAMERA = ['--camera', `big:size=${MAIN}x540,bitrate=2000,noise=50,gop=50`, '--camera', `small:size=${SUB}x270,bitrate=200`];
const SLOW = 100_000; // bytes a second, for both pages: a fifth of their main streams, twice their sub streams
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;

const widths = (page) => page.evaluate(() => [...document.querySelectorAll('.tile ringcast-camera')].map(({ video }) => video.videoWidth));
const shows = (page, width, ms) => until(async () => JSON.stringify(await widths(page)) === `[${width}]`, `a picture ${width} wide alone`, ms);
const shown = (page) => page.evaluate(() => {
  const camera = document.querySelector('ringcast-camera');
  const { shownStream, videoWidth, condition, shadowRoot } = camera;
  return [shownStream, videoWidth, condition.name, camera.getAttribute('link'), shadowRoot.querySelector('[part=link]').textContent];
});
const element = (page, wanted, what, ms) => until(async () => JSON.stringify(await shown(page)) === JSON.stringify(wanted), what, ms);
const label = (page) => page.locator('.tile .open').getAttribute('aria-label');

scenario('the large tile of a slow link shows the sub stream, and the main one when that gets through', async (stage) => {
  const camera = await stage.camera(CAMERA);
  const sub = { url: camera.url(1), on_demand: false };
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: camera.url(0), sub }] }).start();
  await ringcast.streaming(['front', 'front/sub']);
  const proxy = await new Proxy(ringcast.address, {}, '').start();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const errors = watchErrors(page, CLOSED_EARLY);
    await page.goto(`${proxy.url}#front`, { timeout: 120_000 });
    await untilMoving(page, { count: 1, ms: 60_000 });
    await shows(page, MAIN, 60_000);
    assert.doesNotMatch(await label(page), /link/);
    const alone = await browser.newPage();
    const faults = watchErrors(alone, CLOSED_EARLY);
    await alone.goto(`${proxy.url}camera.html?camera=front`, { timeout: 120_000 });
    await element(alone, ['main', MAIN, 'live', 'good', ''], 'the main stream in an element', 60_000);
    proxy.rate = SLOW;
    await shows(page, SUB, 90_000);
    await page.locator('.tile[data-link=slow]').waitFor();
    assert.match(await label(page), /Small picture, because the link is slow/);
    await until(async () => (await page.locator('.tile[data-condition=live]').count()) === 1, 'live pictures of the sub stream', 60_000);
    await element(alone, ['sub', SUB, 'live', 'slow', 'Small picture, because the link is slow'], 'the sub stream in the element', 90_000);
    if (process.env.RINGCAST_SCREENSHOT) await page.screenshot({ path: process.env.RINGCAST_SCREENSHOT });
    proxy.rate = Infinity;
    await shows(page, MAIN, 150_000);
    await page.locator('.tile[data-link=good]').waitFor();
    assert.doesNotMatch(await label(page), /link/);
    await element(alone, ['main', MAIN, 'live', 'good', ''], 'the main stream again', 150_000);
    const videos = await alone.evaluate(() => document.querySelector('ringcast-camera').shadowRoot.querySelectorAll('video').length);
    assert.equal(videos, 1, 'nothing is left out of sight');
    assert.deepEqual([...errors, ...faults], []);
  } finally {
    await browser.close();
    await proxy.stop();
  }
}, { limit: 400_000 });
