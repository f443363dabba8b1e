// SPDX-License-Identifier: MIT
// A page that is too busy even for keyframes: the least important tiles show a still picture that the server makes, without a stream, say so,
// and have their stream again when the page is calm. What says that the page is busy is a stand-in for the browser's long tasks.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { until } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { LIMIT, live, open, serve, server, shoot } from './support/wall.mjs';

const COUNT = 10; // more than are left alone

function picture(colour) {
  const { stdout } = spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `color=${colour}:size=160x90`, '-frames:v', '1', '-f', 'gif', '-'], { maxBuffer: 1 << 20 });
  return stdout;
}

/** In the page: `busy` seconds of long tasks in each second. */
function beBusy() {
  globalThis.busy = 0;
  globalThis.PerformanceObserver = class {
    static supportedEntryTypes = ['longtask'];
    constructor(run) {
      setInterval(() => globalThis.busy && run({ getEntries: () => [{ duration: globalThis.busy * 500 }] }), 500);
    }
    observe() {}
    disconnect() {}
  };
}

const setBusy = (page, busy) => page.evaluate((seconds) => {
  globalThis.busy = seconds;
}, busy);

const tiles = (page) => page.evaluate(() => [...document.querySelectorAll('.tile')].map((tile) => ({
  rung: tile.dataset.rung, condition: tile.dataset.condition, badge: tile.querySelector('.badge').textContent,
  label: tile.querySelector('.open').getAttribute('aria-label'),
  players: [...tile.querySelectorAll('ringcast-camera')].filter(({ player }) => player).length,
  photo: tile.querySelector('.photo').width, hidden: tile.querySelector('.photo').hidden, reason: tile.querySelector('.reason').textContent,
})));

const stills = async (page) => (await tiles(page)).filter(({ condition }) => condition === 'still').length;

/** The page's listeners while nothing is being asked for: the fewest in two seconds. */
async function quiet(census) {
  const end = performance.now() + 2000;
  let fewest = Infinity;
  await until(async () => {
    fewest = Math.min(fewest, (await census.books()).listeners);
    return performance.now() > end;
  }, 'the end of the samples');
  return fewest;
}

test('below keyframes there is a still picture, below that there are words, and all of it goes when the page is calm', { ...LIMIT, timeout: 300_000 }, async () => {
  await serve(COUNT);
  const [red, blue] = ['red', 'blue'].map(picture);
  for (const camera of server.cameras.values()) {
    camera.picture = red;
    camera.extra = { poster: `/snapshot/${encodeURIComponent(camera.name)}.jpg` };
  }
  const page = await open({ prepare: async (context) => {
    await context.addInitScript(instrument);
    await context.addInitScript(beBusy);
  } });
  await live(page, COUNT);
  const census = await Census.of(page);
  const before = await census.objects();
  const listeners = await quiet(census);

  await setBusy(page, 1);
  await until(async () => (await stills(page)) >= 3, 'still pictures', 120_000);
  const low = await tiles(page);
  const last = low.at(-1);
  assert.deepEqual([last.rung, last.badge, last.players, last.photo], ['still', 'Still picture', 0, 160]);
  assert.match(last.label, /Still picture.*A picture every few seconds.*Fewer pictures, because this computer is busy/);
  assert.notEqual(low[0].rung, 'still');
  assert.match(await page.locator('#summary').textContent(), /\d+ keyframes only, \d still pictures/);
  await page.keyboard.press('i');
  await until(async () => /^still picture, 0\.\d s old$/.test(await page.locator('.tile .figures').last().textContent()), 'its age in the figures');
  await page.keyboard.press('i');
  await shoot(page, 'still');

  // It is renewed, and the server is asked whether there is another one.
  const names = [...server.cameras.keys()];
  const path = `/snapshot/${encodeURIComponent(names.at(-1))}.jpg`;
  const asked = server.asked.get(path);
  await until(() => server.asked.get(path) >= asked + 2, 'further questions', 20_000);
  const colour = () => page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.getContext('2d').drawImage([...document.querySelectorAll('.photo')].at(-1), 0, 0);
    return [...canvas.getContext('2d').getImageData(5, 5, 1, 1).data];
  });
  assert.ok((await colour())[0] > 200, 'red');
  server.cameras.get(names.at(-1)).picture = blue;
  await until(async () => (await colour())[2] > 200, 'the next picture', 20_000);

  // All but the current one. Nothing streams for them: at the server there is one viewer for each tile that has a stream.
  await until(async () => (await stills(page)) >= COUNT - 1, 'all but one', 120_000);
  await until(() => server.viewers === COUNT - (COUNT - 1) || server.viewers === 0, 'their subscriptions to end');
  const streaming = (await tiles(page)).filter(({ players }) => players > 0).length;
  await until(async () => (await census.objects()).MediaSource === streaming, 'as many MediaSources as streams');
  assert.equal(server.viewers, streaming);
  assert.equal((await census.books()).urls, 0);

  // No picture any more: words, over the last one.
  server.cameras.get(names.at(-1)).picture = null;
  await until(async () => (await tiles(page)).at(-1).condition === 'unseen', 'words', 40_000);
  assert.equal((await tiles(page)).at(-1).reason, 'This computer is too busy for the stream, and the server has no still picture');
  assert.match(await page.locator('#summary').textContent(), /1 without a picture/);
  await shoot(page, 'still-words');

  // Saved as it is, and large it has its stream at once, without a black moment.
  await page.locator('.tile .open').nth(5).focus();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
  assert.match(download.suggestedFilename(), /^Warehouse 2 .*\.png$/);
  await page.locator('.tile .open').nth(5).press('Enter');
  await page.evaluate(() => {
    globalThis.black = 0;
    const look = () => {
      const tile = document.querySelector('.tile.large');
      const videos = [...tile.querySelectorAll('ringcast-camera')].map(({ video }) => video.readyState >= 2 && video.videoWidth > 0);
      if (tile.querySelector('.photo').hidden && !videos.includes(true)) globalThis.black++;
      globalThis.looking = requestAnimationFrame(look);
    };
    look();
  });
  await until(async () => (await tiles(page))[5].condition === 'live', 'the large one to be live');
  await until(async () => (await tiles(page))[5].hidden, 'the still picture to go');
  assert.equal(await page.evaluate(() => globalThis.black), 0);
  await page.evaluate(() => cancelAnimationFrame(globalThis.looking));
  await page.keyboard.press('Escape');

  // So few tiles are left alone: all of them have their streams again, at once. And then those that were away.
  await setBusy(page, 0);
  const away = names.slice(0, 2).map((name) => server.cameras.get(name));
  for (const { name } of away) server.cameras.delete(name);
  await live(page, COUNT - 2);
  for (const camera of away) server.cameras.set(camera.name, camera);
  await live(page, COUNT);
  await until(async () => (await tiles(page)).every(({ rung, condition, hidden, photo }) => rung === 'full' && condition === 'live' && hidden && photo === 0), 'all as before', 60_000);
  await until(async () => JSON.stringify(await census.objects()) === JSON.stringify(before), 'the same objects').catch(async () => assert.deepEqual(await census.objects(), before));
  assert.equal(await quiet(census), listeners);
  assert.deepEqual(page.errors, []);
});
