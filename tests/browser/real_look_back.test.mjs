// SPDX-License-Identifier: MIT
// Looking back in Chromium, with the real processes: on the wall by keys and by pointer, and how long it takes. RINGCAST_LOOKS=60 measures more of it.

import assert from 'node:assert/strict';
import { percentile } from '../support/figures.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';

const RING = 16 << 20; // a ring that grows begins anew, and with it its past
const LOOKS = Number(process.env.RINGCAST_LOOKS ?? 6);

/** Runs in the page: COUNT looks AGO seconds back; ms from the call to the first picture of the past on the screen. */
async function measureLooks({ count, ago }) {
  const camera = document.querySelector('ringcast-camera');
  const { video } = camera;
  const times = [];
  for (let i = 0; i < count; i++) {
    const before = video.currentTime;
    const asked = performance.now();
    camera.seek(-ago);
    times.push(await new Promise((resolve) => {
      const look = (now, { mediaTime }) => (mediaTime > 0 && mediaTime < before - 1 ? resolve(performance.now() - asked) : video.requestVideoFrameCallback(look));
      video.requestVideoFrameCallback(look);
    }));
    camera.live();
    await new Promise((resolve) => {
      const look = (now, { mediaTime }) => (camera.behind === 0 && mediaTime > before ? resolve() : video.requestVideoFrameCallback(look));
      video.requestVideoFrameCallback(look);
    });
  }
  return times;
}

scenario('a camera looks back on the wall, and by its element', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const cameras = camera.cameras.map(({ name, url }, i) => ({ name, url, ...(i === 0 ? { look_back: 40, ring_size: RING } : {}) }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const [kept, other] = cameras.map(({ name }) => name);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const errors = watchErrors(page);
    await page.goto(ringcast.address);
    await untilMoving(page, { count: 2 });
    const tile = (name) => page.locator('.tile', { hasText: name });
    const behind = (name) => tile(name).locator('ringcast-camera').evaluate((element) => element.behind);
    await ringcast.until('some seconds', ({ cameras: [one] }) => one.fragments > 120);

    await tile(kept).locator('.open').focus();
    await page.keyboard.press('b');
    await until(async () => (await behind(kept)) > 3, 'the past'); // as far back as there is something
    await tile(kept).locator('.past').waitFor();
    await until(async () => /^\d\d:\d\d:\d\d$/.test(await tile(kept).locator('.past-time').textContent()), 'its time');
    assert.equal(await behind(other), 0, 'the other camera is live');
    const moving = await tile(kept).locator('ringcast-camera').evaluate((element) => element.currentTime);
    await until(async () => (await tile(kept).locator('ringcast-camera').evaluate((element) => element.currentTime)) > moving + 0.3, 'moving pictures');
    assert.match(await tile(kept).locator('.badge').textContent(), /s ago$/);

    await page.keyboard.press(',');
    await until(() => tile(kept).locator('ringcast-camera').evaluate((element) => element.paused), 'a picture that stands still');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('c')]);
    assert.match(download.suggestedFilename(), /_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.mp4$/);

    await page.keyboard.press('n');
    await until(async () => (await behind(kept)) === 0, 'the present');
    await until(() => tile(kept).evaluate((node) => node.dataset.condition === 'live'), 'live');
    await tile(kept).locator('.past').waitFor({ state: 'hidden' });

    await tile(other).locator('.open').focus();
    await page.keyboard.press('b');
    await until(async () => /nothing is kept/.test(await page.locator('#note').textContent()), 'a word that there is nothing');
    assert.equal(await behind(other), 0);
    assert.deepEqual(errors, []);
    await page.close();

    const single = await browser.newPage();
    await single.goto(`${ringcast.address}camera.html?camera=${kept}`);
    await untilMoving(single);
    const times = await single.evaluate(measureLooks, { count: LOOKS, ago: 5 });
    console.log(`  first picture of the past: p50 ${Math.round(percentile(times, 50))} ms, p95 ${Math.round(percentile(times, 95))} ms, max ${Math.round(Math.max(...times))} ms, of ${times.length}`);
    // Players' controls set the time.
    await single.evaluate(() => {
      const element = document.querySelector('ringcast-camera');
      element.currentTime -= 5;
    });
    await until(() => single.evaluate(() => document.querySelector('ringcast-camera').behind > 3), 'the past, by currentTime');
  } finally {
    await browser.close();
  }
});
