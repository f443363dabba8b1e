// SPDX-License-Identifier: MIT
// A page that is too busy for its pictures, with the real processes: the least important tiles show keyframes only, say so, and show
// everything again when the page can bear it. Nothing is connected again on the way, and no tile is without a picture. Below keyframes there is a
// still picture.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';

const COUNT = 10;
const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;

const tiles = (page) => page.evaluate(() => [...document.querySelectorAll('.tile')].map((tile) => {
  const elements = [...tile.querySelectorAll('ringcast-camera')];
  return {
    rung: tile.dataset.rung, condition: tile.dataset.condition, frames: elements[0].frames, count: elements.length,
    players: elements.filter(({ player }) => player).length, photo: tile.querySelector('.photo').width,
    pictured: elements.some(({ video }) => video.readyState >= 2 && video.videoWidth > 0),
    badge: tile.querySelector('.badge').textContent, label: tile.querySelector('.open').getAttribute('aria-label'),
  };
}));

scenario('tiles go down the ladder when the page is too busy, and up again', async (stage) => {
  const camera = await stage.camera(['--cameras', `${COUNT}`, '--fps', '5', '--gop', '5', '--size', '320x180']);
  const ringcast = await stage.ringcast(camera);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const errors = watchErrors(page, CLOSED_EARLY);
    await page.goto(ringcast.address);
    await untilMoving(page, { count: COUNT, ms: 60_000 });

    // Two of three moments of the page's thread are taken.
    await page.evaluate(() => {
      globalThis.busy = setInterval(() => {
        const end = performance.now() + 600;
        while (performance.now() < end);
      }, 900);
    });
    await until(async () => (await tiles(page)).filter(({ frames, condition }) => frames === 'key' && condition === 'keyframes').length >= 2, 'keyframes in some tiles', 60_000);
    const low = await tiles(page);
    const lowered = low.map(({ rung }) => rung === 'key');
    assert.deepEqual(lowered, [...lowered].sort(), `the last tiles first: ${low.map(({ rung }) => rung)}`);
    assert.equal(lowered[0], false, 'the current tile shows all of its pictures for longest');
    assert.ok(low.every(({ pictured }) => pictured), 'each tile has a picture');
    const last = low.at(-1);
    assert.equal(last.badge, 'Keyframes');
    assert.match(last.label, /Fewer pictures, because this computer is busy/);
    assert.match(await page.locator('#summary').textContent(), /\d+ keyframes only/);

    // The large one shows everything, whatever its place was.
    await page.locator('.tile .open').last().press('Enter');
    await until(async () => (await tiles(page)).at(-1).frames === 'all', 'all pictures of the large tile', 60_000);
    await page.keyboard.press('Escape');

    // When all show keyframes only, the last ones have a picture that the server makes, and no stream.
    await until(async () => (await tiles(page)).filter(({ condition }) => condition === 'still').length >= 2, 'still pictures', 120_000);
    const now = await tiles(page);
    const index = now.findIndex(({ condition }) => condition === 'still');
    const still = now[index];
    assert.deepEqual([still.rung, still.badge, still.players], ['still', 'Still picture', 0]);
    assert.ok(still.photo > 100, `the picture is ${still.photo} pixels wide`);
    await ringcast.until('no viewer of a still picture', ({ cameras }) => cameras[index].viewers === 0);
    if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'wall-still.png') });

    await page.evaluate(() => clearInterval(globalThis.busy));
    await until(async () => (await tiles(page)).every(({ rung, frames, count }) => rung === 'full' && frames === 'all' && count === 1), 'all pictures again', 240_000);
    await untilMoving(page, { count: COUNT, ms: 60_000 });
    await ringcast.until('a viewer for each tile', ({ cameras }) => cameras.every(({ viewers }) => viewers === 1));
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
}, { limit: 480_000 });
