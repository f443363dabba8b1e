// SPDX-License-Identifier: MIT
// A viewer on the other side of the world: how many times something goes there and back before the wall has its first picture.
import assert from 'node:assert/strict';
import { FarProxy } from '../support/far_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until } from './support/browser.mjs';

const WAY_MS = 5000; // there and back: long, so that what a busy machine takes does not count as one more
const TRIPS = 3; // the page, its files with the list of cameras, the WebSocket

scenario('the wall has its first picture after three round trips', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const far = new FarProxy(Number(new URL(ringcast.address).port), WAY_MS);
  const port = await far.listen();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const began = performance.now();
    await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'commit' });
    await until(() => page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].some(({ video }) => video.readyState >= 2 && video.videoWidth > 0)), 'a picture', 60_000);
    const trips = (performance.now() - began) / WAY_MS;
    console.log(`${trips.toFixed(2)} round trips`);
    assert.ok(trips >= TRIPS && trips < TRIPS + 0.9, `${trips.toFixed(2)} round trips`);
  } finally {
    await browser.close();
    await far.close();
  }
});
